//! Taking a deadline over a spawn.

use super::{Deadline, Scope};

/// A future that takes the deadline of the present task along; what [`carry`] gives.
pub type Carry<F> = Scope<F>;

/// Gives `future` the deadline in force here, wherever it will run: `tokio::spawn(deadline::carry(future))`.
///
/// A spawned task has no deadline of its own; without this, work that is moved to one goes on for a caller who has gone.
pub fn carry<F: Future>(future: F) -> Carry<F> {
    Scope::new(Deadline::current(), future)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_carried_deadline_only_ever_shortens_where_it_arrives() {
        let now = clock::now();
        let (soon, late) =
            (Deadline::after(now, Duration::from_secs(1)), Deadline::after(now, Duration::from_secs(9)));
        let carried = late.sync_scope(|| carry(async { Deadline::current() }));
        assert_eq!(tokio::spawn(soon.scope(carried)).await.expect("runs"), Some(soon));
        let carried = soon.sync_scope(|| carry(async { Deadline::current() }));
        assert_eq!(tokio::spawn(late.scope(carried)).await.expect("runs"), Some(soon));
    }

    #[tokio::test]
    async fn a_guard_reads_the_deadline_in_its_drop() {
        struct Guard(std::sync::Arc<std::sync::Mutex<Option<Deadline>>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                *self.0.lock().expect("not poisoned") = Deadline::current();
            }
        }
        let seen = std::sync::Arc::default();
        let end = Deadline::at(clock::now());
        let guard = Guard(std::sync::Arc::clone(&seen));
        drop(end.scope(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }));
        assert_eq!(*seen.lock().expect("not poisoned"), Some(end));
    }

    #[tokio::test]
    async fn without_a_deadline_nothing_is_carried() {
        assert_eq!(carry(async { Deadline::current() }).await, None);
    }
}
