//! Why a call was dropped: said by whoever cuts it, read by the guards inside.
//!
//! A future that is dropped cannot be told why. A timeout that cuts a call and a client that hangs up look the same from
//! inside, yet the first is the callee's failure and the second is nobody's. So a layer that cuts says so in a
//! thread-local around the drop, and the guards of the layers inside read it there: only there, so the admitted path
//! pays nothing.
//!
//! ```
//! use buttress::cause::{self, Cause};
//!
//! struct Witness;
//! impl Drop for Witness {
//!     fn drop(&mut self) {
//!         assert_eq!(cause::current(), Cause::Cut);
//!     }
//! }
//! let call = Witness;
//! cause::during(Cause::Cut, || drop(call));
//! assert_eq!(cause::current(), Cause::Gone);
//! ```
//!
//! # What it reaches
//!
//! Everything dropped synchronously by the cut: futures in the same task, also through tower's `Buffer` (whose worker
//! hands the response future back), `FuturesUnordered`, `select!` and `join!`. It does not reach work that was moved to
//! another task and is aborted from here (`JoinSet`, abort-on-drop), nor calls cut by a foreign timeout
//! (`tokio::time::timeout`, tower-http's) unless that wraps its drop in [`during`]. There the other rules of
//! [`Dropped`](crate::outcome::Dropped) decide: the deadline, the age of the call, what it was expected to be.

use std::cell::Cell;

/// Why the call that is being dropped right now ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Nobody said: the caller has gone.
    Gone,
    /// A limit has passed (a timeout): for the callee this is a failure.
    Cut,
    /// Another attempt has won (a hedge): for the callee this is nothing.
    Lost,
}

thread_local! {
    static NOW: Cell<Cause> = const { Cell::new(Cause::Gone) };
}

/// Puts the former cause back, also when what is dropped panics.
struct Restore(Cause);

impl Drop for Restore {
    fn drop(&mut self) {
        // A thread that is ending has no thread-local any more, and nobody left to tell.
        let _ = NOW.try_with(|now| now.set(self.0));
    }
}

/// Runs `end`, usually `|| drop(future)`, and lets every guard that is dropped by it know `cause`.
///
/// Nested causes restore: the inner one holds for the inner drop only.
pub fn during<T>(cause: Cause, end: impl FnOnce() -> T) -> T {
    let before = NOW.try_with(|now| now.replace(cause)).unwrap_or(Cause::Gone);
    let _restore = Restore(before);
    end()
}

/// The cause in force, [`Cause::Gone`] where nobody said one. For the drop of guards, not for the admitted path.
#[must_use]
pub fn current() -> Cause {
    NOW.try_with(Cell::get).unwrap_or(Cause::Gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn an_inner_cause_gives_way_to_the_outer_one_again() {
        during(Cause::Cut, || {
            during(Cause::Lost, || assert_eq!(current(), Cause::Lost));
            assert_eq!(current(), Cause::Cut);
        });
        assert_eq!(current(), Cause::Gone);
    }

    #[test]
    fn a_panic_in_the_drop_leaves_no_cause_behind() {
        let result = catch_unwind(AssertUnwindSafe(|| during(Cause::Cut, || panic!("in a destructor"))));
        assert!(result.is_err());
        assert_eq!(current(), Cause::Gone);
    }

    #[test]
    fn a_thread_that_is_ending_reads_gone() {
        struct Late(std::sync::mpsc::Sender<Cause>);
        impl Drop for Late {
            fn drop(&mut self) {
                let said = during(Cause::Cut, current);
                // Whether the cell outlives us is the platform's affair; it is one of the two, and no panic.
                assert!(matches!(said, Cause::Cut | Cause::Gone));
                let _ = self.0.send(current());
            }
        }
        thread_local! { static LATE: Cell<Option<Late>> = const { Cell::new(None) }; }
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || LATE.with(|late| late.set(Some(Late(tell))))).join().expect("no panic");
        assert_eq!(told.recv().expect("the destructor ran"), Cause::Gone);
    }
}
