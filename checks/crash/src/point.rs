//! Named points of an operation, at one of which a process ends itself: as the power goes, and always at the same place.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The claim is about to go to the store.
    ClaimSent,
    /// The store has answered the claim, and nothing has been done yet.
    ClaimAcked,
    /// A sign of life is about to go to the store.
    RenewSent,
    /// The store has answered a sign of life, and the handler is still at it.
    RenewAcked,
    /// The effect has happened; in a transaction, it is written and not committed.
    EffectDone,
    /// The end is about to go to the store; in a transaction, it is written and not committed.
    FinishSent,
    /// The store has answered the end, or the transaction is committed, and nobody was told.
    FinishAcked,
}

impl Point {
    /// In the order in which they are passed.
    pub const ALL: [Self; 7] = [
        Self::ClaimSent,
        Self::ClaimAcked,
        Self::RenewSent,
        Self::RenewAcked,
        Self::EffectDone,
        Self::FinishSent,
        Self::FinishAcked,
    ];

    /// As an argument.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaimSent => "claim-sent",
            Self::ClaimAcked => "claim-acked",
            Self::RenewSent => "renew-sent",
            Self::RenewAcked => "renew-acked",
            Self::EffectDone => "effect-done",
            Self::FinishSent => "finish-sent",
            Self::FinishAcked => "finish-acked",
        }
    }
}

/// The so many-th time that a point is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    /// Where.
    pub point: Point,
    /// 1 for the first time.
    pub time: u32,
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.point.name(), self.time)
    }
}

impl FromStr for Nth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no = || format!("{text} is no point");
        let (name, time) = text.split_once(':').ok_or_else(no)?;
        let point = Point::ALL.into_iter().find(|point| point.name() == name).ok_or_else(no)?;
        Ok(Self { point, time: time.parse().map_err(|_| no())? })
    }
}

/// Counts how often its point is passed, and ends the process when it is time. A clone counts with it.
#[derive(Clone, Debug, Default)]
pub struct Fuse {
    at: Option<Nth>,
    passed: Arc<AtomicU32>,
}

impl Fuse {
    /// For that time; `None` never ends anything.
    #[must_use]
    pub fn at(at: Option<Nth>) -> Self {
        Self { at, passed: Arc::default() }
    }

    /// The operation is here.
    pub fn pass(&self, here: Point) {
        if let Some(Nth { point, time }) = self.at
            && point == here
            && self.passed.fetch_add(1, Relaxed) + 1 == time
        {
            std::process::abort();
        }
    }
}
