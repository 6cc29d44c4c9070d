//! The retry of the bare run, as it is written in an afternoon: three attempts, one right after the other.

use super::client::{Answer, Ask, Hop};
use buttress::rejected::BoxError;
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

pub(super) const ATTEMPTS: u32 = 3;

/// Each service that does this multiplies what the next one sees: two in a row ask payments nine times.
pub(super) fn three_attempts(client: Hop) -> Hop {
    BoxCloneSyncService::new(service_fn(move |request: Ask| retry(client.clone(), request)))
}

async fn retry(client: Hop, request: Ask) -> Result<Answer, BoxError> {
    let mut attempt = 1;
    loop {
        match client.clone().oneshot(request.clone()).await {
            Ok(answer) if !answer.status().is_server_error() || attempt == ATTEMPTS => return Ok(answer),
            Err(error) if attempt == ATTEMPTS => return Err(error),
            _ => attempt += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Response, StatusCode};
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    /// What comes back from a service that is well from this call on, and how often it was called.
    async fn well_from(call: u32) -> (StatusCode, u32) {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let service = service_fn(move |_: Ask| {
            let status = if counted.fetch_add(1, Relaxed) + 1 >= call { 200 } else { 503 };
            async move { Ok(Response::builder().status(status).body(Default::default())?) }
        });
        let hop = three_attempts(BoxCloneSyncService::new(service));
        (hop.oneshot(Ask::default()).await.expect("an answer").status(), calls.load(Relaxed))
    }

    #[tokio::test]
    async fn three_attempts_and_the_last_answer() {
        assert_eq!(well_from(1).await, (StatusCode::OK, 1));
        assert_eq!(well_from(3).await, (StatusCode::OK, 3));
        assert_eq!(well_from(4).await, (StatusCode::SERVICE_UNAVAILABLE, 3));
    }
}
