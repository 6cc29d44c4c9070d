//! payments: takes about 10 ms for a charge while it is well, and is the one that falls ill.

use super::{
    phases::Fault,
    serve::{Routes, about},
};
use axum::{Router, http::StatusCode, routing::post};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

const CHARGES: Duration = Duration::from_millis(10);

pub(super) fn routes(fault: watch::Receiver<Option<Fault>>, seed: u64) -> Routes {
    let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let charge = move || {
        let takes = about(&mut random.lock().expect("nobody panics with it"), CHARGES);
        charge(fault.clone(), takes)
    };
    Router::new().route("/charge", post(charge))
}

async fn charge(mut fault: watch::Receiver<Option<Fault>>, takes: Duration) -> StatusCode {
    loop {
        let now = *fault.borrow_and_update();
        let (wait, status) = match now {
            None => (takes, StatusCode::OK),
            Some(Fault::Slow) => (Duration::from_secs(2), StatusCode::OK),
            Some(Fault::Errs) => (Duration::from_millis(200), StatusCode::SERVICE_UNAVAILABLE),
            Some(Fault::Hang) => match fault.changed().await {
                Ok(()) => continue,
                Err(_) => return StatusCode::SERVICE_UNAVAILABLE,
            },
        };
        sleep(wait).await; // real: the work of a real service
        return status;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    async fn charged(fault: watch::Receiver<Option<Fault>>) -> (StatusCode, u128) {
        let begin = Instant::now();
        let status = charge(fault, CHARGES).await;
        (status, begin.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn each_state_answers_in_its_way() {
        for (fault, status, ms) in [
            (None, StatusCode::OK, 10),
            (Some(Fault::Slow), StatusCode::OK, 2000),
            (Some(Fault::Errs), StatusCode::SERVICE_UNAVAILABLE, 200),
        ] {
            assert_eq!(charged(watch::channel(fault).1).await, (status, ms));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_ends_as_the_next_state_would_have_it() {
        let (turns, fault) = watch::channel(Some(Fault::Hang));
        let hangs = tokio::spawn(charged(fault));
        sleep(Duration::from_secs(60)).await;
        assert!(!hangs.is_finished());
        turns.send_replace(Some(Fault::Errs));
        assert_eq!(hangs.await.expect("ends"), (StatusCode::SERVICE_UNAVAILABLE, 60_200));
    }
}
