//! A call that is dropped gives back what it held, wherever it was; a response that failed is gone before the wait.

use crate::{MS, policy};
use buttress::{
    budget::{Budget, Extra, Share},
    outcome::{By, Outcome},
    over,
    retry::RetryLayer,
    testing::{Fault, Script, Step},
    window::Ratio,
};
use futures_util::poll;
use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::advance;
use tower::{ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_its_places_back_wherever_it_was() {
    let budget = Budget::of(Share::new(Ratio::ZERO).floor(1));
    let server = Script::<u32, (), _>::new([]).then(|| Step::fail().after(10 * MS));
    let client = over(RetryLayer::new(policy().budget(&budget)), server);
    // Not polled, in the first attempt, in the wait, in the second attempt.
    for stop in [None, Some(0), Some(60), Some(115)] {
        let mut call = Box::pin(client.clone().oneshot(1));
        if let Some(stop) = stop {
            for _ in 0..=stop {
                assert!(poll!(call.as_mut()).is_pending(), "at {stop} ms");
                advance(MS).await;
            }
        }
        drop(call);
        let mut other = budget.open();
        assert!(other.take(Extra::Retry), "its place was lost, stopped at {stop:?}");
        assert!(!other.take(Extra::Retry), "counted twice, stopped at {stop:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_has_ended_gives_its_place_back_before_the_next_is_asked_for() {
    let budget = Budget::of(Share::new(Ratio::ZERO).floor(1));
    let server = Script::<u32, (), _>::new([]).then(Step::fail);
    let seen = server.seen();
    let client = over(RetryLayer::new(policy().attempts(4).budget(&budget)), server);
    assert!(client.oneshot(1).await.is_err());
    assert_eq!(seen.counts().calls, 4);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_were_paid_stay_paid() {
    let budget = Budget::new();
    let server = Script::<u32, (), _>::new([]).then(|| Step::fail().after(10 * MS));
    let client = over(RetryLayer::new(policy().budget(&budget)), server);
    let mut call = Box::pin(client.oneshot(1));
    assert!(poll!(call.as_mut()).is_pending());
    advance(50 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(budget.tokens(), Some(9.0));
}

#[tokio::test(start_paused = true)]
async fn a_call_outlives_its_service_and_its_layer() {
    let server = Script::<u32, _>::new([Step::fail(), Step::fail(), Step::ok(7)]);
    let call = over(RetryLayer::new(policy()), server).oneshot(1);
    assert_eq!(call.await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_polled_after_its_end_stays_pending() {
    let mut call =
        pin!(over(RetryLayer::new(policy()), Script::<u32, _>::new([Step::ok(7)])).ready_oneshot_now());
    assert_eq!(call.as_mut().await, Ok(7));
    assert!(poll!(call).is_pending());
}

/// `oneshot` itself panics when it is polled after its end.
trait Now: Sized {
    fn ready_oneshot_now(self) -> Self::Call;
    type Call;
}

impl<S: tower::Service<u32>> Now for S {
    type Call = S::Future;

    fn ready_oneshot_now(mut self) -> S::Future {
        use futures_util::{FutureExt, future::poll_fn};
        poll_fn(|cx| self.poll_ready(cx)).now_or_never().expect("ready").ok().expect("well");
        self.call(1)
    }
}

/// A response that holds a connection.
#[tokio::test(start_paused = true)]
async fn a_response_that_failed_is_gone_before_the_wait() {
    let held: Arc<std::sync::Mutex<Weak<()>>> = Arc::default();
    let last = Arc::clone(&held);
    let server = service_fn(move |_: u32| {
        let connection = Arc::new(());
        *last.lock().expect("not poisoned") = Arc::downgrade(&connection);
        async move { Ok::<_, Infallible>(connection) }
    });
    let always_bad = By(|_: Result<&Arc<()>, &buttress::Lifted<Infallible>>| Outcome::FAILED);
    let policy =
        policy().classify(always_bad).backoff(buttress::backoff::Backoff::constant(Duration::from_secs(60)));
    let client = over(RetryLayer::new(policy), server);
    let mut call = pin!(client.oneshot(1));
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(held.lock().expect("not poisoned").strong_count(), 0, "held over the wait");
    let last = call.await.expect("the last one comes out");
    assert_eq!(Arc::strong_count(&last), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_in_an_attempt_the_inside_is_told_what_the_outside_says() {
    use buttress::cause::{self, Cause};
    let server = Script::<u32, (), Fault>::new([Step::fail(), Step::never()]);
    let seen = server.seen();
    let mut call = Box::pin(over(RetryLayer::new(policy()), server).oneshot(1));
    assert!(poll!(call.as_mut()).is_pending());
    advance(100 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    cause::during(Cause::Lost, || drop(call));
    assert_eq!((seen.counts().dropped, seen.last_cause()), (1, Some(Cause::Lost)));
}
