//! The layer under judgement, and what has to be known of it.

use super::{
    Answer, Law, Report, Verdict,
    drive::LONG,
    erased::{Judgeable, Make, erase},
    verdict::not_run,
};
use std::{fmt, time::Duration};

/// A layer under judgement: how to make it, and what it claims to do.
///
/// The more is told, the more laws can be run; a law without material is reported as not run, never as kept.
///
/// ```
/// use std::time::Duration;
/// use buttress::testing::{Answer, Law, Refusal, Subject};
/// use tower::limit::GlobalConcurrencyLimitLayer;
///
/// let report = Subject::new(|| GlobalConcurrencyLimitLayer::new(4))
///     .named("tower's concurrency limit")
///     .waits([Answer::never()], || GlobalConcurrencyLimitLayer::new(1))
///     .judge();
/// // it takes its permit in poll_ready, and so it waits there
/// report.assert_breaks(&[Law::ReadinessTakesNoPermit, Law::WaitingIsInTheCall]);
/// ```
pub struct Subject {
    pub(super) name: String,
    pub(super) make: Make,
    pub(super) refusals: Vec<Refusal>,
    pub(super) waits: Option<(Vec<Answer>, Make)>,
    pub(super) cuts_after: Option<Duration>,
    pub(super) calls_again: bool,
    pub(super) allocations: Option<fn() -> u64>,
}

impl Subject {
    /// A layer that `make` makes, a fresh one each time, in a state in which it admits calls.
    ///
    /// It should have room for a few calls, and not for many: with room for 32 calls or fewer, every leak is seen. A rate
    /// limit is the exception: it gives nothing back, and so needs room for some hundred calls here.
    pub fn new<L: Judgeable>(make: impl Fn() -> L + 'static) -> Self {
        let name = std::any::type_name::<L>();
        // The path of the outermost type only, without its parameters.
        let name = name.split('<').next().unwrap_or(name);
        Self {
            name: name.rsplit("::").next().unwrap_or(name).to_owned(),
            make: erase(make),
            refusals: Vec::new(),
            waits: None,
            cuts_after: None,
            calls_again: false,
            allocations: None,
        }
    }

    /// The name over the report; without it, the name of the type.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// It can refuse calls, and this is how it comes to that. May be said several times.
    #[must_use]
    pub fn refuses(mut self, refusal: Refusal) -> Self {
        self.refusals.push(refusal);
        self
    }

    /// It can make calls wait for their turn: after `history`, the next call through what `make` makes has to wait until
    /// one of those calls ends.
    ///
    /// A bulkhead: `.waits([Answer::never()], || BulkheadLayer::new(&Slots::new("x", 1)).queue(1))`.
    #[must_use]
    pub fn waits<L: Judgeable>(
        mut self,
        history: impl IntoIterator<Item = Answer>,
        make: impl Fn() -> L + 'static,
    ) -> Self {
        self.waits = Some((history.into_iter().collect(), erase(make)));
        self
    }

    /// It cuts a call that has not answered after exactly this time, at most a month.
    #[must_use]
    pub fn cuts_after(mut self, limit: Duration) -> Self {
        self.cuts_after = Some(limit);
        self
    }

    /// It may call the inner service several times for one call: a retry, a hedge.
    #[must_use]
    pub fn calls_again(mut self) -> Self {
        self.calls_again = true;
        self
    }

    /// Reads how many allocations were made so far: by the counting global allocator of your test binary, best on this
    /// thread alone, for tests run side by side.
    #[must_use]
    pub fn allocations(mut self, count: fn() -> u64) -> Self {
        self.allocations = Some(count);
        self
    }

    /// Runs every law, each on a runtime of its own with a paused clock. Takes milliseconds.
    ///
    /// To be called from a plain `#[test]`: within a runtime no second one can be driven, and no law is run.
    pub fn judge(&self) -> Report {
        Report::new(self.name.clone(), Law::ALL.iter().map(|&law| (law, law.judge(self))).collect())
    }
}

/// A time that the judge can let pass.
pub(super) fn not_too_long(time: Duration) -> Result<Duration, Verdict> {
    if time <= LONG { Ok(time) } else { Err(not_run(format!("no law waits longer than {LONG:?}"))) }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .field("refusals", &self.refusals)
            .field("waits", &self.waits.as_ref().map(|(history, _)| history))
            .field("cuts_after", &self.cuts_after)
            .field("calls_again", &self.calls_again)
            .finish_non_exhaustive()
    }
}

/// A state in which a layer refuses calls: a layer that is made so, or one that comes to it by the calls it has lived
/// through.
///
/// ```
/// use buttress::testing::{Answer, Refusal};
/// use tower::load_shed::LoadShedLayer;
/// # let (fuse, full) = (LoadShedLayer::new, LoadShedLayer::new);
///
/// // a breaker that opens after five failures, and admits again after ten seconds
/// let open = Refusal::after([Answer::fail(); 5], fuse).recovers_after(std::time::Duration::from_secs(10));
/// // a bulkhead for one call, which is taken by a call that never answers
/// let full = Refusal::after([Answer::never()], full);
/// # drop((open, full));
/// ```
pub struct Refusal {
    pub(super) make: Make,
    pub(super) history: Vec<Answer>,
    pub(super) recovers_after: Option<Duration>,
    pub(super) decided_in_call: bool,
}

impl Refusal {
    /// What `make` makes refuses from the start: forced open, or under a deadline that has passed
    /// ([`deadline_in`](super::deadline_in)).
    pub fn new<L: Judgeable>(make: impl Fn() -> L + 'static) -> Self {
        Self::after([], make)
    }

    /// What `make` makes refuses once these calls were made through it, one after the other. Those that do not answer
    /// without time passing are kept in flight.
    pub fn after<L: Judgeable>(
        history: impl IntoIterator<Item = Answer>,
        make: impl Fn() -> L + 'static,
    ) -> Self {
        Self {
            make: erase(make),
            history: history.into_iter().collect(),
            recovers_after: None,
            decided_in_call: false,
        }
    }

    /// It admits a call again after exactly this time, by itself; at most a month.
    #[must_use]
    pub fn recovers_after(mut self, time: Duration) -> Self {
        self.recovers_after = Some(time);
        self
    }

    /// Only the call itself shows that it is refused, as by a deadline that came with it: `poll_ready` asks inside as
    /// ever.
    #[must_use]
    pub fn decided_in_call(mut self) -> Self {
        self.decided_in_call = true;
        self
    }

    /// When it admits again, if that was told.
    pub(super) fn recovery(&self) -> Result<Option<Duration>, Verdict> {
        self.recovers_after.map(not_too_long).transpose()
    }

    /// Whether the calls of the history have all answered, so that the refusal is a verdict and not want of room.
    pub(super) fn is_a_verdict(&self) -> bool {
        !self.history.is_empty() && self.history.iter().all(|answer| answer.ends_at_once())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("history", &self.history)
            .field("recovers_after", &self.recovers_after)
            .field("decided_in_call", &self.decided_in_call)
            .finish_non_exhaustive()
    }
}
