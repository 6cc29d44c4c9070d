//! The time that is left for the whole request, known to every layer that it crosses.
//!
//! The trouble: the browser gives up after two seconds, the gateway waits five for orders, orders waits ten for payments.
//! Everybody works on for a caller who has long gone. A deadline is one instant, set at the edge, and every layer that
//! waits takes the smaller of its own limit and the time left.
//!
//! At the edges it travels by a header: `http::DeadlineLayer` and `grpc::deadline` take it in, `http::SendDeadlineLayer` and
//! `grpc::send_deadline` tell the next hop what is left. [`timeout::TotalLayer`](crate::timeout) sets one for a call of one's own.
//!
//! It lives in the task: [`Deadline::scope`] sets it around a future, [`Deadline::current`] reads it, and it only ever
//! shortens. A spawned task starts without one; [`carry`] takes it along.
//!
//! ```
//! use std::time::Duration;
//! use buttress::{clock, deadline::{self, Deadline}};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let end = Deadline::after(clock::now(), Duration::from_secs(2));
//! end.scope(async {
//!     assert_eq!(Deadline::current(), Some(end));
//!     // a longer one inside changes nothing
//!     let longer = Deadline::after(clock::now(), Duration::from_secs(9));
//!     longer.scope(async { assert_eq!(Deadline::current(), Some(end)) }).await;
//!     // a spawn forgets it, unless it is carried
//!     let carried = deadline::carry(async { Deadline::current() });
//!     assert_eq!(tokio::spawn(carried).await.unwrap(), Some(end));
//! })
//! .await;
//! # }
//! ```

mod alarm;
mod carry;
mod scope;
mod watch;

pub(crate) use alarm::Alarm;
pub use carry::{Carry, carry};
pub use scope::Scope;
#[cfg(all(feature = "http", feature = "idempotency"))]
pub(crate) use watch::apart;
pub(crate) use watch::{Promise, round};

use crate::clock::{self, Instant};
use std::{cell::Cell, time::Duration};

thread_local! {
    // Of the task that is being polled: a scope sets it for each poll and puts back what was there before. A plain cell,
    // since every call of every layer reads it; it needs no destructor, so it can be read in any drop.
    static CURRENT: Cell<InForce> = const { Cell::new(InForce { deadline: None, fresh: false }) };
}

#[derive(Clone, Copy)]
struct InForce {
    deadline: Option<Deadline>,
    /// A call is being made, and the deadline was held against the clock a moment ago.
    fresh: bool,
}

/// Puts back what was in force before, also when the inside panics.
struct Restore(InForce);

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// The instant at which the caller stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// At that instant.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// So long after `now`; what a clock cannot hold is put thirty years ahead.
    #[inline]
    #[must_use]
    pub fn after(now: Instant, wait: Duration) -> Self {
        Self(clock::after(now, wait))
    }

    /// The deadline of the task that is running, if an edge has set one. It can also be read where a future is dropped:
    /// a scoped future is dropped inside its scope.
    #[inline]
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.get().deadline
    }

    /// The instant itself.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// What is left at `now`; zero once it has passed.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        clock::since(self.0, now)
    }

    /// Whether it has passed at `now`. At the very instant it has.
    #[inline]
    #[must_use]
    pub fn passed(self, now: Instant) -> bool {
        self.0 <= now
    }

    /// Makes a call under this deadline, which has just been found not to have passed: those that the call goes through at
    /// once need not look at the clock again, each for itself.
    #[inline]
    pub(crate) fn begin<T>(self, call: impl FnOnce() -> T) -> T {
        let _restore = self.enforce(true);
        call()
    }

    /// Whether it has passed by now.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        let now = CURRENT.get();
        !(now.fresh && now.deadline == Some(self)) && self.passed(clock::now())
    }

    /// The earlier of what is known.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use buttress::{clock, deadline::Deadline};
    /// let (soon, late) = (Deadline::at(clock::now()), Deadline::after(clock::now(), Duration::from_secs(1)));
    /// assert_eq!(Deadline::earlier(Some(late), Some(soon)), Some(soon));
    /// assert_eq!(Deadline::earlier(None, Some(late)), Some(late));
    /// ```
    #[must_use]
    pub fn earlier(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Runs `future` under this deadline, or under the one in force where that is earlier: it only ever shortens.
    pub const fn scope<F: Future>(self, future: F) -> Scope<F> {
        Scope::new(Some(self), future)
    }

    /// Runs a plain function under this deadline, with the same rule as [`scope`](Self::scope).
    #[inline]
    pub fn sync_scope<T>(self, run: impl FnOnce() -> T) -> T {
        let _restore = self.enforce(false);
        run()
    }

    /// In force until what this gives is dropped, or else the one that is, where that is earlier.
    #[inline]
    fn enforce(self, fresh: bool) -> Restore {
        let before = CURRENT.get();
        let now = match before.deadline {
            Some(current) if current < self => before,
            // The same one, within a call: it is as fresh as it was.
            Some(current) if current == self => InForce { fresh: fresh || before.fresh, ..before },
            _ => InForce { deadline: Some(self), fresh },
        };
        CURRENT.set(now);
        Restore(before)
    }
}
