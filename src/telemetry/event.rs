//! Every decision that a layer can tell of.

use super::{Extra, HedgeResult, IdempotencyOutcome, RetryResult};
use crate::{outcome::Class, rejected::Reason};
use std::time::Duration;

/// A decision of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A call was refused before it reached the service.
    #[non_exhaustive]
    Rejected {
        /// The layer or host.
        name: &'a str,
        /// Why.
        reason: Reason,
    },
    /// A call, or the body of its response, was cut by a limit.
    #[non_exhaustive]
    TimedOut {
        /// The layer.
        name: &'a str,
        /// Which limit.
        limit: Limit,
    },
    /// A call through a circuit has ended.
    #[non_exhaustive]
    Call {
        /// The circuit.
        name: &'a str,
        /// How.
        class: Class,
    },
    /// A circuit has turned.
    #[non_exhaustive]
    Turned {
        /// The circuit.
        name: &'a str,
        /// What it is now.
        to: CircuitState,
        /// Why.
        why: Why,
    },
    /// There are as many of these as there may be, one for each key, and none of them may leave: from here on newcomers
    /// share one. Said once, until a newcomer finds a place again.
    #[non_exhaustive]
    Overflow {
        /// The one that they share.
        name: &'a str,
        /// How many there may be.
        bound: usize,
    },
    /// A fallback was asked for an answer.
    #[non_exhaustive]
    Fallback {
        /// The layer.
        name: &'a str,
        /// Where the answer was to come from.
        kind: FallbackKind,
        /// How the call had ended.
        class: Class,
        /// Whether there was an answer; without one the call ends as it did.
        answered: bool,
    },
    /// A call has entered or left a bulkhead: so many are inside now.
    #[non_exhaustive]
    InFlight {
        /// The bulkhead.
        name: &'a str,
        /// How many.
        calls: u32,
    },
    /// A call has waited in a queue, and its wait is over, however it ended.
    #[non_exhaustive]
    Waited {
        /// The layer.
        name: &'a str,
        /// How long.
        time: Duration,
    },
    /// The level of a budget has changed.
    #[non_exhaustive]
    Budget {
        /// The budget.
        name: &'a str,
        /// What is in it, in thousandths of a token.
        thousandths: u64,
    },
    /// An extra attempt was not sent, since the budget could not pay for it.
    #[non_exhaustive]
    Unpaid {
        /// The budget.
        name: &'a str,
        /// What it was asked for.
        extra: Extra,
    },
    /// An attempt has not succeeded, and another will be sent.
    #[non_exhaustive]
    Retry {
        /// The layer.
        name: &'a str,
        /// How the attempt ended.
        class: Class,
        /// Which one it was; the first is 1.
        attempt: u32,
        /// How long until the next.
        wait: Duration,
    },
    /// A call that may be retried has its answer.
    #[non_exhaustive]
    RetryEnded {
        /// The layer.
        name: &'a str,
        /// How it came to it.
        result: RetryResult,
        /// After so many attempts.
        attempts: u32,
    },
    /// An attempt beside another has ended, or was dropped.
    #[non_exhaustive]
    Hedge {
        /// The layer.
        name: &'a str,
        /// What became of it.
        result: HedgeResult,
    },
    /// A configuration was to be gone by from now on.
    #[non_exhaustive]
    Reload {
        /// What is configured by it.
        name: &'a str,
        /// The path of the field for which it was refused, empty where it is the whole; nothing where it holds.
        refused: Option<&'a str>,
        /// What is wrong with it, in words: for a log, never for a label. Empty where it holds.
        problem: &'a str,
    },
    /// Something has come of a request with an idempotency key, or of one that should have had one.
    #[non_exhaustive]
    Idempotency {
        /// The layer.
        name: &'a str,
        /// What.
        outcome: IdempotencyOutcome,
    },
}

/// Where the answer of a fallback comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FallbackKind {
    /// A fixed value.
    Value,
    /// A function.
    Function,
    /// Another service.
    Service,
    /// The last good answer.
    LastGood,
    /// A source of the user's own.
    Own,
}

impl FallbackKind {
    /// The kind as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Function => "function",
            Self::Service => "service",
            Self::LastGood => "last_good",
            Self::Own => "own",
        }
    }
}

/// The state of a circuit. Closed means that traffic flows; open means that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls pass, and their outcomes are watched.
    Closed,
    /// Calls are refused until the open time is over.
    Open,
    /// A few calls pass as probes.
    HalfOpen,
    /// Calls are refused until somebody gives the circuit back to itself.
    ForcedOpen,
    /// Calls pass whatever comes of them, until somebody gives the circuit back to itself.
    ForcedClosed,
    /// As though it were not there.
    Disabled,
}

impl CircuitState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::ForcedOpen, Self::ForcedClosed, Self::Disabled];

    /// The state as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }
}

/// Why a circuit has turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The circuit was made, or is heard for the first time.
    Made,
    /// So many failures in a row.
    Consecutive,
    /// The share of failures.
    FailureRate,
    /// The share of slow calls.
    SlowRate,
    /// A rule of the user's own.
    OwnRule,
    /// The open time is over.
    TimeOver,
    /// The probes have answered.
    Probes,
    /// A probe has not answered in its time.
    ProbeLimit,
    /// By hand.
    ByHand,
}

impl Why {
    /// The reason as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Consecutive => "consecutive",
            Self::FailureRate => "failure_rate",
            Self::SlowRate => "slow_rate",
            Self::OwnRule => "own_rule",
            Self::TimeOver => "time_over",
            Self::Probes => "probes",
            Self::ProbeLimit => "probe_limit",
            Self::ByHand => "by_hand",
        }
    }
}

/// Which limit has cut a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// The layer's own, on the way to the response.
    Call,
    /// The deadline that the caller brought along.
    Deadline,
    /// The layer's own, on the way to the end of the body.
    Body,
    /// The longest silence between two frames of a body.
    Idle,
}

impl<'a> Event<'a> {
    /// A call was refused before it reached the service.
    #[must_use]
    pub const fn rejected(name: &'a str, reason: Reason) -> Self {
        Self::Rejected { name, reason }
    }

    /// A call was cut.
    #[must_use]
    pub const fn timed_out(name: &'a str, limit: Limit) -> Self {
        Self::TimedOut { name, limit }
    }

    /// A call through a circuit has ended.
    #[must_use]
    pub const fn call(name: &'a str, class: Class) -> Self {
        Self::Call { name, class }
    }

    /// A circuit has turned.
    #[must_use]
    pub const fn turned(name: &'a str, to: CircuitState, why: Why) -> Self {
        Self::Turned { name, to, why }
    }

    /// There are as many as there may be, and newcomers share `name`.
    #[must_use]
    pub const fn overflow(name: &'a str, bound: usize) -> Self {
        Self::Overflow { name, bound }
    }

    /// A fallback was asked for an answer.
    #[must_use]
    pub const fn fallback(name: &'a str, kind: FallbackKind, class: Class, answered: bool) -> Self {
        Self::Fallback { name, kind, class, answered }
    }

    /// So many calls are inside a bulkhead now.
    #[must_use]
    pub const fn in_flight(name: &'a str, calls: u32) -> Self {
        Self::InFlight { name, calls }
    }

    /// A wait in a queue is over.
    #[must_use]
    pub const fn waited(name: &'a str, time: Duration) -> Self {
        Self::Waited { name, time }
    }

    /// The level of a budget has changed.
    #[must_use]
    pub const fn budget(name: &'a str, thousandths: u64) -> Self {
        Self::Budget { name, thousandths }
    }

    /// A budget could not pay for an extra attempt.
    #[must_use]
    pub const fn unpaid(name: &'a str, extra: Extra) -> Self {
        Self::Unpaid { name, extra }
    }

    /// After that attempt, which ended like this, another will be sent.
    #[must_use]
    pub const fn retry(name: &'a str, class: Class, attempt: u32, wait: Duration) -> Self {
        Self::Retry { name, class, attempt, wait }
    }

    /// A call that may be retried has its answer.
    #[must_use]
    pub const fn retry_ended(name: &'a str, result: RetryResult, attempts: u32) -> Self {
        Self::RetryEnded { name, result, attempts }
    }

    /// An attempt beside another has ended, or was dropped.
    #[must_use]
    pub const fn hedge(name: &'a str, result: HedgeResult) -> Self {
        Self::Hedge { name, result }
    }

    /// A configuration holds from now on.
    #[must_use]
    pub const fn reload(name: &'a str) -> Self {
        Self::Reload { name, refused: None, problem: "" }
    }

    /// A configuration was refused for the field of that path, with what is wrong in it.
    #[must_use]
    pub const fn reload_refused(name: &'a str, field: &'a str, problem: &'a str) -> Self {
        Self::Reload { name, refused: Some(field), problem }
    }

    /// Something has come of a request with an idempotency key.
    #[must_use]
    pub const fn idempotency(name: &'a str, outcome: IdempotencyOutcome) -> Self {
        Self::Idempotency { name, outcome }
    }

    /// The layer or host that it speaks of.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        match self {
            Self::Rejected { name, .. }
            | Self::TimedOut { name, .. }
            | Self::Call { name, .. }
            | Self::Turned { name, .. }
            | Self::Overflow { name, .. }
            | Self::Fallback { name, .. }
            | Self::InFlight { name, .. }
            | Self::Idempotency { name, .. }
            | Self::Waited { name, .. }
            | Self::Budget { name, .. }
            | Self::Unpaid { name, .. }
            | Self::Retry { name, .. }
            | Self::RetryEnded { name, .. }
            | Self::Hedge { name, .. }
            | Self::Reload { name, .. } => name,
        }
    }
}

impl Limit {
    /// The limit as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Deadline => "deadline",
            Self::Body => "body",
            Self::Idle => "idle",
        }
    }
}
