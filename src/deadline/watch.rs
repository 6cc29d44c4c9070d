//! Who wakes a call in time: those inside that have a timer, so that whoever is outside of them needs none.

use crate::clock::Instant;
use std::cell::Cell;

/// A poll of something that has to end by an instant, and what those inside have promised so far.
#[derive(Clone, Copy)]
struct Round {
    /// By when somebody has to wake the task; `None`: nobody outside asks.
    end: Option<Instant>,
    /// How many will.
    promised: u32,
    /// Which round of this thread it is.
    number: u32,
}

thread_local! {
    // Of the poll that is going on, as with the deadline in force: a plain cell, which can be read in any drop.
    static ROUND: Cell<Round> = const { Cell::new(Round { end: None, promised: 0, number: 0 }) };
    static LAST: Cell<u32> = const { Cell::new(0) };
}

/// Puts back the round outside, also when the inside panics.
struct Outside(Round);

impl Drop for Outside {
    #[inline]
    fn drop(&mut self) {
        ROUND.set(self.0);
    }
}

/// Polls the inside by `poll`, and says whether somebody in there will wake the task by `end`.
///
/// Only a promise of this very poll counts, made and not taken back in it. One of an earlier poll may be gone by now: what
/// made it may have been dropped anywhere.
#[inline]
pub(crate) fn round<T>(end: Instant, poll: impl FnOnce() -> T) -> (T, bool) {
    let _outside = begin(Some(end));
    let answer = poll();
    (answer, ROUND.get().promised > 0)
}

/// Polls something that may wait elsewhere from then on: whoever is outside here gets no promises from it.
#[cfg(all(feature = "http", feature = "idempotency"))]
pub(crate) fn apart<T>(poll: impl FnOnce() -> T) -> T {
    let _outside = begin(None);
    poll()
}

fn begin(end: Option<Instant>) -> Outside {
    let number = LAST.get().wrapping_add(1);
    LAST.set(number);
    Outside(ROUND.replace(Round { end, promised: 0, number }))
}

/// A promise to wake the task, kept as long as this is there: made by an [`Alarm`](super::Alarm), and by whoever relies on
/// one inside.
///
/// Dropped in the round in which it was made, it is taken back. Where two threads have a round of the same number, one may
/// be taken back that still holds; then a timer is armed that was not needed. The other mistake, to rely on a promise that
/// is gone, is not possible.
#[derive(Debug, Default)]
pub(crate) struct Promise {
    /// The round that counts it.
    round: Option<u32>,
}

impl Promise {
    /// The task will be woken by `end`.
    pub(crate) fn make(&mut self, end: Instant) {
        let now = ROUND.get();
        if now.end.is_some_and(|needed| end <= needed) && self.round != Some(now.number) {
            self.round = Some(now.number);
            ROUND.set(Round { promised: now.promised.saturating_add(1), ..now });
        }
    }

    /// It will not.
    #[inline]
    pub(crate) fn take_back(&mut self) {
        if let Some(made_in) = self.round.take() {
            let now = ROUND.get();
            if made_in == now.number {
                ROUND.set(Round { promised: now.promised.saturating_sub(1), ..now });
            }
        }
    }
}

impl Drop for Promise {
    #[inline]
    fn drop(&mut self) {
        self.take_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::time::Duration;

    fn soon() -> Instant {
        clock::after(clock::now(), Duration::from_secs(1))
    }

    fn promised(end: Instant, poll: impl FnOnce()) -> bool {
        round(end, poll).1
    }

    #[test]
    fn only_who_wakes_by_then_promises_anything() {
        let end = soon();
        let mut promise = Promise::default();
        assert!(!promised(end, || promise.make(end + Duration::from_nanos(1))));
        assert!(promised(end, || promise.make(end)));
        assert!(promised(end, || promise.make(end - Duration::from_nanos(1))));
        assert!(!promised(end, || {}), "only of this very poll");
        promise.make(end); // nobody asks
        assert!(!promised(end, || {}));
    }

    #[test]
    fn a_promise_that_is_dropped_in_the_same_poll_is_none_and_another_stays() {
        let end = soon();
        let mut stays = Promise::default();
        assert!(promised(end, || {
            let mut goes = Promise::default();
            goes.make(end);
            goes.make(end); // once is enough
            stays.make(end);
            drop(goes);
        }));
        assert!(!promised(end, || {
            let mut goes = Promise::default();
            stays.take_back(); // of the round before: takes nothing from this one
            goes.make(end);
            drop(goes);
        }));
    }

    #[test]
    fn what_is_promised_inside_is_the_insides_own_until_it_passes_it_on() {
        let end = soon();
        let (mut inner, mut outer) = (Promise::default(), Promise::default());
        assert!(!promised(end, || assert!(promised(end, || inner.make(end)))));
        assert!(promised(end, || {
            outer.make(end);
            assert!(!promised(end, || {}));
        }));
        // A round inside does not make the outer one forget which promises are its own.
        assert!(!promised(end, || {
            let mut goes = Promise::default();
            goes.make(end);
            promised(end, || {});
            drop(goes);
        }));
    }

    #[cfg(all(feature = "http", feature = "idempotency"))]
    #[test]
    fn what_goes_on_elsewhere_promises_nothing_to_those_outside() {
        let end = soon();
        let (mut before, mut promise) = (Promise::default(), Promise::default());
        assert!(promised(end, || {
            before.make(end);
            apart(|| promise.make(end));
        }));
        assert!(!promised(end, || apart(|| promise.make(end))));
    }

    #[test]
    fn a_panic_inside_leaves_the_round_outside_as_it_was() {
        let end = soon();
        let mut promise = Promise::default();
        assert!(promised(end, || {
            promise.make(end);
            let panics = || round(end, || std::panic::resume_unwind(Box::new("inside")));
            assert!(std::panic::catch_unwind(panics).is_err());
        }));
    }
}
