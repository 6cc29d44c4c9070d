//! What a stack is made of, in words and numbers: for a log, for a reader, for the lint.

use crate::budget::{Budget, KeyedBudgets};
use std::{fmt, time::Duration};

/// The layers of a stack, from the outside in. Printed, it says what each is set to and why it stands where it stands.
///
/// It is made of the layers themselves, by [`Describe`](super::Describe), or by hand for what is not ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    parts: Vec<Part>,
}

/// One layer of a stack, as far as its order and its numbers matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The caller's deadline is read, and its header believed so far.
    DeadlineIn {
        /// At most so long; nothing where it is not believed.
        trusted: Option<Duration>,
    },
    /// The next hop is told what is left.
    DeadlineOut,
    /// A limit that those inside know.
    Total {
        /// Nothing where it is another for each request.
        limit: Option<Duration>,
    },
    /// A limit on what is inside.
    Timeout {
        /// Nothing where it is another for each request, or is learnt.
        limit: Option<Duration>,
    },
    /// Sends again what has failed.
    Retry {
        /// At most so many, the first included.
        attempts: u32,
        /// Who pays for them.
        payer: Payer,
    },
    /// Sends a second one where the first takes long.
    Hedge {
        /// Who pays for it.
        payer: Payer,
    },
    /// Leaves alone what fails.
    Breaker,
    /// So many calls at once.
    Bulkhead {
        /// So many.
        limit: u32,
        /// So many wait, each so long.
        queue: Option<(u32, Duration)>,
    },
    /// A queue that is not ours: tower's `Buffer` and `ConcurrencyLimit` are such.
    Queue {
        /// As long as that; nothing where it has no end.
        len: Option<u32>,
    },
    /// A client that sends again by itself: reqwest's does, unless it was told not to.
    ClientRetries,
    /// Anything else.
    Other {
        /// Its name.
        name: &'static str,
    },
}

/// Which budget pays for attempts beyond the first. Two are the same where they were made of the same handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    id: Option<usize>,
}

impl Payer {
    /// A budget that nobody else has.
    #[must_use]
    pub const fn own() -> Self {
        Self { id: None }
    }

    /// This budget, or one that shares it.
    #[must_use]
    pub fn of(budget: &Budget) -> Self {
        Self { id: Some(budget.id()) }
    }

    /// These budgets, one a key.
    #[must_use]
    pub fn by_key<K>(budgets: &KeyedBudgets<K>) -> Self {
        Self { id: Some(budgets.id()) }
    }

    /// Whether both are paid from the same one.
    pub(super) fn shares(self, other: Self) -> bool {
        self.id.is_some() && self.id == other.id
    }
}

impl Description {
    /// Of nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// With one more, inside of all that were named before.
    #[must_use]
    pub fn then(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    pub(super) fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// From the outside in.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retries = self.parts.iter().any(|part| matches!(part, Part::Retry { attempts: 2.., .. }));
        for (at, part) in self.parts.iter().enumerate() {
            let (name, says) = (part.name(), part.numbers());
            write!(f, "{:>2}. {name:<12} {says:<40} {}", at + 1, part.why(retries))?;
            f.write_str("\n")?;
        }
        Ok(())
    }
}

impl Part {
    const fn name(&self) -> &'static str {
        match self {
            Self::DeadlineIn { .. } => "deadline in",
            Self::DeadlineOut => "deadline out",
            Self::Total { .. } => "total",
            Self::Timeout { .. } => "timeout",
            Self::Retry { .. } => "retry",
            Self::Hedge { .. } => "hedge",
            Self::Breaker => "breaker",
            Self::Bulkhead { .. } => "bulkhead",
            Self::Queue { .. } => "queue",
            Self::ClientRetries => "client",
            Self::Other { name } => name,
        }
    }

    fn numbers(&self) -> String {
        let limit =
            |limit: &Option<Duration>| limit.map_or("by request".into(), |limit| format!("{limit:?}"));
        match self {
            Self::DeadlineIn { trusted: None } => "of our own, no header".into(),
            Self::DeadlineIn { trusted: Some(max) } => format!("of our own, a header up to {max:?}"),
            Self::Total { limit: time } | Self::Timeout { limit: time } => limit(time),
            Self::Retry { attempts, .. } => format!("{attempts} attempts"),
            Self::Bulkhead { limit: u32::MAX, .. } => "no limit".into(),
            Self::Bulkhead { limit, queue: None } => format!("{limit} calls, nobody waits"),
            Self::Bulkhead { limit, queue: Some((len, wait)) } => {
                format!("{limit} calls, {len} wait up to {wait:?}")
            }
            Self::Queue { len: None } => "without an end".into(),
            Self::Queue { len: Some(len) } => format!("{len} wait"),
            Self::ClientRetries => "sends again by itself".into(),
            Self::DeadlineOut | Self::Hedge { .. } | Self::Breaker | Self::Other { .. } => String::new(),
        }
    }

    /// Why it stands where it belongs, in a stack that retries or in one that does not.
    const fn why(&self, retries: bool) -> &'static str {
        match self {
            Self::DeadlineIn { .. } => "outside, so that all inside know how long the caller waits",
            Self::DeadlineOut => "inside, so that each attempt says what is left then",
            Self::Total { .. } if !retries => "around the wait for a slot, which is part of the call",
            Self::Total { .. } => "around all attempts and waits, which know what is left of it",
            Self::Timeout { .. } => "inside the breaker, which counts what it cuts",
            Self::Retry { .. } => "outside the breaker, so that each attempt asks it anew",
            Self::Hedge { .. } => "inside the retry, and paid from the same budget",
            Self::Breaker => "outside the bulkhead: what is refused here takes no slot",
            Self::Bulkhead { .. } if !retries => "next to what is scarce",
            Self::Bulkhead { .. } => "inside the retry: no slot is held through a wait between attempts",
            Self::Queue { .. } => "outside the retry, which would fill it",
            Self::ClientRetries => "nowhere: it should be turned off",
            Self::Other { .. } => "",
        }
    }
}
