//! Wakes those who wait for the end of one attempt.

use std::{pin::pin, sync::Arc};
use tokio::{
    sync::Notify,
    time::{self, Instant},
};

/// Made by the first who waits, rung by the end of the attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<Notify>);

impl Bell {
    pub(super) fn ring(&self) {
        self.0.notify_waiters();
    }

    /// Returns when it rings, at `latest` at the latest. `is_over` is asked once this waiter would be heard: so an end
    /// between the look that found the attempt running and this call is not missed.
    pub(super) async fn wait(&self, latest: Instant, is_over: impl FnOnce() -> bool) {
        let mut rung = pin!(self.0.notified());
        rung.as_mut().enable();
        if !is_over() {
            // Which of the two it was makes no difference: whoever waits claims again.
            let _ = time::timeout_at(latest, rung).await;
        }
    }
}
