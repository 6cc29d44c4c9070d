//! Faults that other hedges have been seen with, one test each.

use crate::{Broken, HANGS, MS, Replicas, SECOND, answers, by_status, call};
use buttress::{Lifted, hedge::HedgeLayer, over};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};
use tokio::time::sleep;
use tower::{Service, ServiceExt, service_fn};

/// Seen: no budget. All replicas turn slow, every call is hedged twice, and the service carries three times the load.
#[tokio::test(start_paused = true)]
async fn in_a_slow_outage_hedges_add_a_tenth_and_no_more() {
    const CALLS: u32 = 1000;
    let sent = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&sent);
    let slow = service_fn(move |_: u32| {
        count.fetch_add(1, Relaxed);
        async {
            sleep(SECOND).await;
            Ok::<_, Infallible>(())
        }
    });
    let client = over(HedgeLayer::after(20 * MS).max(2).all_safe(), slow);
    let calls: FuturesUnordered<_> = (0..CALLS).map(|n| client.clone().oneshot(n)).collect();
    assert_eq!(calls.filter(|answer| ready(answer.is_ok())).count().await, CALLS as usize);
    let hedges = sent.load(Relaxed) - CALLS;
    assert!(hedges >= 5, "{hedges}: it hedges at all");
    assert!(hedges <= CALLS / 10 + 10, "{hedges} hedges");
}

/// Seen: any response that is no error wins, and a 500 that comes at once beats a page that is on its way.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_a_failure_wins_nothing() {
    let replicas = Replicas::new([answers(100 * MS, 200), answers(MS, 500)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Ok(200), 100));
    let replicas = Replicas::new([answers(MS, 500), answers(MS, 200)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Ok(200), 2));
}

/// Seen: both copies must be ready before the first attempt starts, so that a pool for one serves nobody.
#[tokio::test(start_paused = true)]
async fn a_call_that_needs_no_hedge_needs_one_instance() {
    /// Its only place is taken by whoever is ready, and given back with the call.
    struct Single {
        place: Arc<AtomicU32>,
        mine: bool,
    }
    impl Clone for Single {
        fn clone(&self) -> Self {
            Self { place: Arc::clone(&self.place), mine: false }
        }
    }
    impl Service<u32> for Single {
        type Response = u32;
        type Error = Infallible;
        type Future = Ready<Result<u32, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if !self.mine {
                assert_eq!(self.place.swap(0, Relaxed), 1, "a second instance was readied");
                self.mine = true;
            }
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: u32) -> Self::Future {
            assert!(std::mem::take(&mut self.mine), "called unreadied");
            self.place.store(1, Relaxed);
            ready(Ok(request))
        }
    }
    let single = Single { place: Arc::new(AtomicU32::new(1)), mine: false };
    let mut client = over(HedgeLayer::after(20 * MS).all_safe(), single);
    for n in 0..3 {
        assert_eq!(client.ready().await.expect("ready").call(n).await, Ok(n));
    }
}

/// Seen: errors have to be cloned. This one cannot, and comes back as it was.
#[tokio::test(start_paused = true)]
async fn an_error_need_not_be_clone() {
    #[derive(Debug)]
    struct Once(std::io::Error); // which is no `Clone` either
    let service = service_fn(|_: u32| async {
        sleep(30 * MS).await;
        Err::<(), _>(Once(std::io::Error::other("the disk is gone")))
    });
    let client = over(HedgeLayer::after(20 * MS).all_safe(), service);
    let Err(Lifted::Inner(error)) = client.oneshot(7).await else { panic!("it fails") };
    assert_eq!(error.0.to_string(), "the disk is gone");
}

/// Seen: what may be sent twice is anybody's guess, and by default everything is.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_twice_unless_somebody_said_that_it_may_be() {
    let replicas = Replicas::new([HANGS, answers(MS, 200)]);
    // Without `safe`, `all_safe`, `by` or `http` it is no service, and does not compile.
    let layer = HedgeLayer::after(20 * MS).classify_by(by_status).safe(|_: &u32| false);
    let client = over(layer, replicas.clone());
    let call = tokio::time::timeout(SECOND, client.oneshot(7));
    let cut: Result<Result<u16, Lifted<Broken>>, _> = call.await;
    assert!(cut.is_err());
    assert_eq!(replicas.starts(), [0]);
}
