//! Orders that do harm, found before they do.

use super::{Describe, Description, Part};
use std::{fmt, time::Duration};

/// Looks for orders and numbers that do harm.
///
/// It sees what a [`Description`] holds: the order of the layers and the numbers that they were given. Ready-made stacks
/// and tuples of layers describe themselves; what is not ours is named by hand. It cannot see what stands
/// in another process, or in a service behind.
///
/// ```
/// use std::time::Duration;
/// use buttress::{retry::{Policy, RetryLayer}, stack::{self, Harm}, timeout::{TimeoutLayer, TotalLayer}};
///
/// let seconds = Duration::from_secs;
/// let stack = (
///     TotalLayer::new(seconds(3)),
///     RetryLayer::new(Policy::new().all_safe()),
///     TimeoutLayer::new(seconds(5)),
/// );
/// let found = stack::lint(&stack);
/// assert_eq!(found.iter().map(|finding| finding.harm).collect::<Vec<_>>(), [Harm::AttemptAsLongAsTotal]);
/// println!("{}", found[0]);
///
/// assert!(stack::lint(&stack::client()).is_empty());
/// ```
#[must_use = "it changes nothing, it tells"]
pub fn lint(stack: &impl Describe) -> Vec<Finding> {
    let mut description = Description::new();
    stack.describe_into(&mut description);
    let parts = description.parts();
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let inside = parts.get(at + 1..).unwrap_or_default();
        let mut add = |harm: Harm, other: &Part| {
            let inner = inside.iter().position(|part| std::ptr::eq(part, other)).map_or(at, |n| at + 1 + n);
            found.push(Finding { harm, outer: at, inner });
        };
        match part {
            Part::Total { limit: Some(total) } | Part::Timeout { limit: Some(total) } => {
                if let Some(attempt) = attempt_as_long_as(*total, inside) {
                    add(Harm::AttemptAsLongAsTotal, attempt);
                }
            }
            Part::Retry { attempts, payer } if *attempts > 1 => {
                for other in inside {
                    match other {
                        Part::Hedge { payer: hedge } if !payer.shares(*hedge) => {
                            add(Harm::RetryAndHedgePaidApart, other);
                        }
                        Part::Queue { len: None } => add(Harm::EndlessQueueUnderRetry, other),
                        Part::Bulkhead { queue: Some((_, wait)), .. } if *wait == Duration::MAX => {
                            add(Harm::EndlessQueueUnderRetry, other);
                        }
                        Part::Retry { attempts: 2.., .. } => add(Harm::RetryUnderRetry, other),
                        Part::ClientRetries => add(Harm::ClientRetriesToo, other),
                        _ => {}
                    }
                }
            }
            Part::Bulkhead { .. } => {
                retry_in(inside).into_iter().for_each(|other| add(Harm::SlotHeldThroughRetries, other));
            }
            Part::Breaker => {
                retry_in(inside).into_iter().for_each(|other| add(Harm::BreakerBlindToAttempts, other));
            }
            _ => {}
        }
    }
    found
}

fn retry_in(parts: &[Part]) -> Option<&Part> {
    parts.iter().find(|part| matches!(part, Part::Retry { attempts: 2.., .. }))
}

/// The limit of one attempt, inside of a retry that is inside of this limit, where it leaves no time for another.
fn attempt_as_long_as(total: Duration, inside: &[Part]) -> Option<&Part> {
    let retry = inside.iter().position(|part| matches!(part, Part::Retry { attempts: 2.., .. }))?;
    let inside = inside.get(retry + 1..)?;
    inside.iter().find(|part| match part {
        Part::Timeout { limit: Some(limit) } | Part::Total { limit: Some(limit) } => *limit >= total,
        _ => false,
    })
}

/// What a [`lint`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it does.
    pub harm: Harm,
    /// Which layer it is, counted from 0 at the outside.
    pub outer: usize,
    /// And which one inside of that.
    pub inner: usize,
}

/// What an order does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Harm {
    /// One attempt may take as long as the whole call, or longer: a first attempt that hangs is the only one.
    AttemptAsLongAsTotal,
    /// A retry around a hedge, each with a budget of its own: a slow service is asked by both at once.
    RetryAndHedgePaidApart,
    /// A queue without an end under a retry: what waits there is sent again, and waits twice.
    EndlessQueueUnderRetry,
    /// A retry under a retry: three attempts of three are nine.
    RetryUnderRetry,
    /// The client under a retry sends again by itself, out of sight of the budget.
    ClientRetriesToo,
    /// A bulkhead around a retry: a slot is held through every wait between attempts.
    SlotHeldThroughRetries,
    /// A breaker around a retry: it sees one failure for three, and lets retries through while it should be open.
    BreakerBlindToAttempts,
}

impl Harm {
    /// What to do about it.
    #[must_use]
    pub const fn cure(self) -> &'static str {
        match self {
            Self::AttemptAsLongAsTotal => "give an attempt a third of the whole, or less",
            Self::RetryAndHedgePaidApart => "give both a handle of one budget",
            Self::EndlessQueueUnderRetry => "bound the queue, and the wait in it",
            Self::RetryUnderRetry => "keep the outer one",
            Self::ClientRetriesToo => "build the client by `buttress::reqwest::builder()`",
            Self::SlotHeldThroughRetries | Self::BreakerBlindToAttempts => "put it inside of the retry",
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::AttemptAsLongAsTotal => "one attempt may take as long as the whole call",
            Self::RetryAndHedgePaidApart => "a retry and the hedge in it are paid from two budgets",
            Self::EndlessQueueUnderRetry => "a queue without an end stands under a retry",
            Self::RetryUnderRetry => "a retry stands under a retry, and their attempts multiply",
            Self::ClientRetriesToo => "the client under the retry sends again by itself",
            Self::SlotHeldThroughRetries => {
                "a slot of the bulkhead is held through the waits of the retry in it"
            }
            Self::BreakerBlindToAttempts => "the breaker does not see the attempts of the retry in it",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { harm, outer, inner } = self;
        write!(f, "layers {} and {}: {}; {}", outer + 1, inner + 1, harm.says(), harm.cure())
    }
}
