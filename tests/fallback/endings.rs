//! What comes back, and when what is dropped.

use crate::{Does, ask, obedient, open};
use buttress::{
    Lifted, Rejected,
    fallback::{FallbackLayer, Why},
    outcome::Class,
    rejected::Reason,
    testing::{Answer, Fault, PANIC, Probe},
};
use futures_util::{FutureExt, task::noop_waker};
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};
use tower::{Layer, Service, ServiceExt};

#[tokio::test]
async fn the_original_error_wins_where_the_fallback_has_no_answer() {
    let declines = FallbackLayer::function(|_| None).also_on([Class::Failed]);
    assert_eq!(ask(&declines, Does::Fails(9)).await, Err(Lifted::Inner(Fault::new(9))));
    let late = FallbackLayer::async_function(|_| async { None::<u64> });
    let Err(Lifted::Rejected(why)) = ask(&late, open()).await else { panic!("rejected") };
    assert_eq!((why.reason(), why.name()), (Reason::Open, "inside"));
}

#[tokio::test]
async fn the_original_response_wins_where_the_fallback_has_no_answer() {
    let layer = FallbackLayer::function(|_| None)
        .on([Class::Failed])
        .classify_by(|_: Result<&u64, &Lifted<Fault>>| buttress::outcome::Outcome::FAILED);
    assert_eq!(ask(&layer, Does::Answers(500)).await, Ok(500));
}

#[tokio::test]
async fn functions_read_why_the_request_and_the_result() {
    let why = FallbackLayer::function(|why: &Why| {
        assert_eq!((why.class(), why.reason()), (Class::Rejected, Some(Reason::Open)));
        assert_eq!(why.rejected().map(Rejected::name), Some("inside"));
        1_u64
    });
    assert_eq!(ask(&why, open()).await, Ok(1));
    let kept = FallbackLayer::of_request(
        |does: &Does| if *does == open() { 40_u64 } else { 0 },
        |kept, why| kept + u64::from(why.reason() == Some(Reason::Open)),
    );
    assert_eq!(ask(&kept, open()).await, Ok(41));
    let kept = FallbackLayer::async_of_request(|_: &Does| 5_u64, |kept, _| async move { Some(kept) });
    assert_eq!(ask(&kept, open()).await, Ok(5));
    let result = FallbackLayer::of_result(|result: Result<&u64, &Lifted<Fault>>, _| match result {
        Err(Lifted::Inner(fault)) => fault.id(),
        _ => None,
    })
    .on([Class::Failed, Class::Rejected]);
    assert_eq!(ask(&result, Does::Fails(6)).await, Ok(6));
    assert!(ask(&result, open()).await.is_err());
}

#[tokio::test]
async fn fallbacks_stand_one_in_another_and_the_inner_one_is_first() {
    let stack = |inner: Option<u64>| {
        let last = FallbackLayer::value(99);
        last.layer(FallbackLayer::function(move |_| inner).layer(obedient()))
    };
    assert_eq!(stack(Some(1)).oneshot(open()).await, Ok(1));
    assert_eq!(stack(None).oneshot(open()).await, Ok(99));
}

#[tokio::test]
async fn a_panicking_fallback_passes_the_panic_on_and_the_next_call_works() {
    let fine = Arc::new(AtomicU32::new(0));
    let flag = Arc::clone(&fine);
    let layer = FallbackLayer::function(move |_| match flag.fetch_add(1, Relaxed) {
        0 => resume_unwind(Box::new(PANIC)),
        _ => 7_u64,
    });
    let caught = AssertUnwindSafe(ask(&layer, open())).catch_unwind().await.expect_err("a panic");
    assert!(crate::is_scripted(&*caught));
    assert_eq!(ask(&layer, open()).await, Ok(7));

    let later = FallbackLayer::async_function(|_| async {
        tokio::task::yield_now().await;
        resume_unwind(Box::new(PANIC)) as Option<u64>
    });
    let caught = AssertUnwindSafe(ask(&later, open())).catch_unwind().await.expect_err("a panic");
    assert!(crate::is_scripted(&*caught));
    let kept = FallbackLayer::of_request(|_: &Does| resume_unwind(Box::new(PANIC)), |(), _| 7_u64);
    assert!(AssertUnwindSafe(ask(&kept, open())).catch_unwind().await.is_err());
}

/// A future that has answered can still hold what it took: a place in a bulkhead, a connection.
#[tokio::test]
async fn the_inside_is_dropped_before_the_fallback_is_asked() {
    struct Holds(Arc<AtomicU32>);
    impl Future for Holds {
        type Output = Result<u64, Fault>;
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Err(Fault::new(1)))
        }
    }
    impl Drop for Holds {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Relaxed);
        }
    }
    let held = Arc::new(AtomicU32::new(0));
    let (inside, seen) = (Arc::clone(&held), Arc::clone(&held));
    let inner = tower::service_fn(move |_: u64| {
        inside.fetch_add(1, Relaxed);
        Holds(Arc::clone(&inside))
    });
    let layer = FallbackLayer::function(move |_| {
        assert_eq!(seen.load(Relaxed), 0, "the inside is still there");
        7
    });
    assert_eq!(layer.on([Class::Failed]).layer(inner).oneshot(1).await, Ok(7));
    assert_eq!(held.load(Relaxed), 0);
}

#[test]
fn dropped_at_any_point_it_leaves_nothing_behind() {
    let (first, second) = (Probe::new(), Probe::new());
    first.handle().always(Answer::fail().after_polls(1));
    second.handle().always(Answer::ok().after_polls(2));
    let mut svc = FallbackLayer::service(second.clone()).on([Class::Failed]).layer(first.clone());
    let waker = noop_waker();
    let mut cx = Context::from_waker(&waker);
    for polls in 0..=4 {
        assert!(svc.poll_ready(&mut cx).is_ready());
        let mut call = Box::pin(svc.call(5));
        let answers = (0..polls).filter(|_| call.as_mut().poll(&mut cx) == Poll::Ready(Ok(5))).count();
        assert_eq!(answers, usize::from(polls == 4));
        drop(call);
        for probe in [&first, &second] {
            let counts = probe.handle().counts();
            assert_eq!((counts.in_flight, counts.held, counts.violations()), (0, 0, 0), "{polls} polls");
        }
    }
    assert_eq!(second.handle().counts().calls, 3, "from the second poll on");
}

#[tokio::test]
async fn a_future_polled_after_its_end_stays_pending() {
    for does in [Does::Answers(1), Does::Fails(1), open()] {
        let mut svc = FallbackLayer::value(7).layer(obedient());
        let mut call = Box::pin(svc.call(does));
        let _ = call.as_mut().await;
        // What is inside would panic.
        assert!(futures_util::poll!(call.as_mut()).is_pending());
    }
}

#[tokio::test]
async fn a_readiness_error_of_the_inside_passes_through() {
    let probe = Probe::new();
    probe.handle().fail_readiness();
    let mut svc = FallbackLayer::value(7).on([Class::Failed]).layer(probe);
    let error = svc.ready().await.map(|_| ()).expect_err("not ready");
    assert_eq!(error, Fault::new(1));
}

/// Neither the request nor the response can be cloned.
#[tokio::test]
async fn kinds_that_need_no_request_ask_nothing_of_it() {
    struct Upload;
    #[derive(Debug, PartialEq)]
    struct Receipt(u8);
    let open = || {
        tower::service_fn(|_: Upload| async { Err::<Receipt, _>(Rejected::new(Reason::Open, "x", false)) })
    };
    assert_eq!(FallbackLayer::function(|_| Receipt(1)).layer(open()).oneshot(Upload).await, Ok(Receipt(1)));
    let later = FallbackLayer::async_function(|_| async { Receipt(2) });
    assert_eq!(later.layer(open()).oneshot(Upload).await, Ok(Receipt(2)));
    let with = FallbackLayer::of_request(|_: &Upload| 3, |n, _| Receipt(n));
    assert_eq!(with.layer(open()).oneshot(Upload).await, Ok(Receipt(3)));
    let other = tower::service_fn(|n: u8| async move { Ok::<_, Fault>(Receipt(n)) });
    let made = FallbackLayer::service_with(other, |_: &Upload| 4);
    assert_eq!(made.layer(open()).oneshot(Upload).await, Ok(Receipt(4)));
}
