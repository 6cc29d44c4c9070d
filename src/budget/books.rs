//! What each rule does at each step of a call: plain code over the cores, in thousandths of a token.

use super::{
    crowd::Crowd,
    level::{Level, TOKEN},
    rule::Kind,
    span::Span,
};
use crate::{outcome::Class, telemetry::Extra};

/// A token, as a window counts it.
const WINDOW_TOKEN: i64 = 1_000_000;

/// The state of one budget.
#[derive(Debug)]
pub(super) enum Books {
    Bucket { level: Level, deposit: u64 },
    Quota { level: Level, failure: u64, throttled: u64 },
    Throttle { level: Level, ratio: u64 },
    Window { span: Span, deposit: i64, reserve: i64 },
    Share { crowd: Crowd, billionths: u32, floor: u32 },
    Unlimited,
}

impl Books {
    pub(super) fn new(kind: Kind) -> Self {
        let tokens = |tokens: u32| u64::from(tokens) * TOKEN;
        match kind {
            Kind::Bucket(rule) => Self::Bucket {
                level: Level::full(tokens(rule.capacity)),
                deposit: u64::from(rule.deposit.billionths() / 1_000_000).max(1),
            },
            Kind::Quota(rule) => Self::Quota {
                level: Level::full(tokens(rule.capacity.max(rule.failure).max(rule.throttled))),
                failure: tokens(rule.failure),
                throttled: tokens(rule.throttled),
            },
            Kind::Throttle(rule) => {
                Self::Throttle { level: Level::full(tokens(rule.max)), ratio: rule.ratio.into() }
            }
            Kind::Window(rule) => {
                let nanos = rule.length.as_nanos();
                Self::Window {
                    span: Span::new(u64::try_from(nanos).unwrap_or(u64::MAX)),
                    deposit: rule.share.into(),
                    // A window's worth of tokens, of a million each: nanoseconds over a thousand.
                    reserve: i64::try_from(u128::from(rule.per_second) * nanos / 1000)
                        .unwrap_or(i64::MAX / 4),
                }
            }
            Kind::Share(rule) => {
                Self::Share { crowd: Crowd::new(), billionths: rule.share.billionths(), floor: rule.floor }
            }
            Kind::Unlimited => Self::Unlimited,
        }
    }

    /// Whether it reads the clock.
    #[inline]
    pub(super) const fn needs_clock(&self) -> bool {
        matches!(self, Self::Window { .. })
    }

    /// Whether it is a bucket that nothing can be put into, as the default is while nothing fails: then there is nothing to be
    /// done for a first attempt, nor for any answer.
    #[inline]
    pub(super) fn is_full_bucket(&self) -> bool {
        matches!(self, Self::Bucket { level, .. } if level.now() >= level.max())
    }

    /// Whether calls and attempts must say when they end.
    pub(super) const fn counts_ends(&self) -> bool {
        matches!(self, Self::Share { .. })
    }

    /// Whether it is moved by answers.
    pub(super) const fn minds_answers(&self) -> bool {
        matches!(self, Self::Quota { .. } | Self::Throttle { .. })
    }

    /// The first attempt of a call starts. Here and below: whether the level has changed.
    pub(super) fn open(&self, now: u64) -> bool {
        match self {
            Self::Bucket { level, deposit } => level.put(*deposit),
            Self::Quota { .. } | Self::Throttle { .. } | Self::Unlimited => false,
            Self::Window { span, deposit, .. } => {
                span.put(now, *deposit);
                *deposit != 0
            }
            Self::Share { crowd, .. } => {
                crowd.enter();
                false
            }
        }
    }

    /// An attempt has answered. `paid` is what the last extra attempt of this call has cost, `None` where there was none.
    pub(super) fn answered(&self, class: Class, told_not_to: bool, paid: Option<u64>) -> bool {
        match self {
            Self::Quota { level, .. } if class == Class::Ok => level.put(paid.unwrap_or(TOKEN)),
            Self::Throttle { level, .. } if told_not_to => level.drain(TOKEN),
            Self::Throttle { level, ratio } => match class {
                Class::Ok => level.put(*ratio),
                Class::Failed | Class::Throttled | Class::TimedOut => level.drain(TOKEN),
                Class::Rejected | Class::Panicked | Class::Cancelled => false,
            },
            _ => false,
        }
    }

    /// An extra attempt is asked for, after an answer of that class where there was one: what it has cost, `None` where it
    /// cannot be paid.
    pub(super) fn take(&self, extra: Extra, after: Option<Class>, now: u64) -> Option<u64> {
        let paid = |cost: u64, taken: bool| taken.then_some(cost);
        match self {
            Self::Bucket { level, .. } => {
                let above = matches!(extra, Extra::Hedge).then_some(level.max() / 2);
                paid(TOKEN, level.take(TOKEN, above))
            }
            Self::Quota { level, failure, throttled } => {
                let cost = if after == Some(Class::Throttled) { *throttled } else { *failure };
                paid(cost, level.take(cost, None))
            }
            Self::Throttle { level, .. } => paid(0, level.now() > level.max() / 2),
            Self::Window { span, reserve, .. } => {
                paid(TOKEN, span.take(now, WINDOW_TOKEN, reserve.saturating_neg()))
            }
            Self::Share { crowd, billionths, floor } => paid(0, crowd.take(*billionths, *floor)),
            Self::Unlimited => Some(0),
        }
    }

    /// An extra attempt has ended.
    pub(super) fn give_back(&self) {
        if let Self::Share { crowd, .. } = self {
            crowd.give_back();
        }
    }

    /// A call has ended, with so many extra attempts that have not; or only those of a call that goes on.
    pub(super) fn close(&self, whole: bool, extras: u32) {
        let Self::Share { crowd, .. } = self else { return };
        if whole {
            crowd.leave(extras);
        } else {
            (0..extras).for_each(|_| crowd.give_back());
        }
    }

    /// Thousandths of tokens, for those that count in tokens.
    pub(super) fn level(&self, now: u64) -> Option<u64> {
        match self {
            Self::Bucket { level, .. } | Self::Quota { level, .. } | Self::Throttle { level, .. } => {
                Some(level.now())
            }
            Self::Window { span, reserve, .. } => {
                Some(u64::try_from(span.sum(now).saturating_add(*reserve)).unwrap_or(0) / 1000)
            }
            Self::Share { .. } | Self::Unlimited => None,
        }
    }

    /// Whether it is as good as a new one.
    pub(super) fn is_fresh(&self, now: u64) -> bool {
        match self {
            Self::Bucket { level, .. } | Self::Quota { level, .. } | Self::Throttle { level, .. } => {
                level.now() == level.max()
            }
            Self::Window { span, .. } => span.sum(now) == 0,
            Self::Share { crowd, .. } => crowd.count() == (0, 0),
            Self::Unlimited => true,
        }
    }
}
