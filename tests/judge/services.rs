//! The probe and the script themselves.

use buttress::{
    cause::{self, Cause},
    testing::{Answer, Fault, PANIC, Probe, Script, Step},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::time::Instant;
use tower::{Service, ServiceExt};

fn poll_ready(probe: &mut Probe) -> Poll<Result<(), Fault>> {
    probe.poll_ready(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn readiness_belongs_to_the_instance_and_is_used_up_by_a_call() {
    let mut probe = Probe::new();
    let handle = probe.handle();
    assert!(poll_ready(&mut probe).is_ready());
    assert!(poll_ready(&mut probe).is_ready());
    assert_eq!((handle.counts().readied, handle.counts().held, handle.counts().ready_polls), (1, 1, 2));
    drop(probe.clone().call(1));
    assert_eq!(handle.counts().called_unreadied, 1);
    drop(probe.call(1));
    assert_eq!((handle.counts().called_unreadied, handle.counts().held), (1, 0));
    drop(probe.call(1));
    assert_eq!(handle.counts().called_unreadied, 2);
}

#[test]
fn a_readied_instance_that_is_dropped_holds_nothing_any_more() {
    let mut probe = Probe::new();
    let handle = probe.handle();
    assert!(poll_ready(&mut probe).is_ready());
    drop(probe);
    assert_eq!(handle.counts().held, 0);
}

#[test]
fn a_readiness_error_has_a_number_of_its_own_and_wakes_who_waits() {
    let probe = Probe::new();
    let handle = probe.handle();
    handle.pend();
    let mut ready = only_when_woken(probe.clone());
    assert!(ready().is_none());
    handle.fail_readiness();
    let first = ready().expect("woken").unwrap_err();
    assert_eq!(first.id(), handle.last_fault());
    assert_ne!(poll_ready(&mut probe.clone()), Poll::Ready(Err(first)));
}

/// Polls readiness, once at first and then only after a wake.
fn only_when_woken(mut probe: Probe) -> impl FnMut() -> Option<Result<(), Fault>> {
    struct Flag(std::sync::atomic::AtomicBool);
    impl std::task::Wake for Flag {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let flag = std::sync::Arc::new(Flag(true.into()));
    move || {
        if !flag.0.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return None;
        }
        let waker = Waker::from(std::sync::Arc::clone(&flag));
        match probe.poll_ready(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_come_after_the_wait_they_were_given() {
    let probe = Probe::new();
    let handle = probe.handle();
    handle.next(Answer::ok().after(Duration::from_secs(3)));
    let start = Instant::now();
    assert_eq!(probe.clone().oneshot(7).await, Ok(7));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    handle.next(Answer::fail().after_polls(2));
    let before = handle.counts().polls;
    assert_eq!(probe.clone().oneshot(7).await.unwrap_err().id(), handle.last_fault());
    assert_eq!(handle.counts().polls - before, 3);
    assert_eq!((handle.counts().answered, handle.counts().violations()), (2, 0));
}

#[test]
fn calls_in_flight_are_counted_now_and_at_the_highest_and_drops_keep_their_cause() {
    let probe = Probe::new();
    let handle = probe.handle();
    handle.always(Answer::never());
    let mut ready = probe.clone();
    let mut call = || {
        assert!(poll_ready(&mut ready).is_ready());
        ready.call(1)
    };
    let (first, second) = (call(), call());
    assert_eq!(handle.counts().in_flight, 2);
    assert_eq!(handle.last_cause(), None);
    drop(first);
    assert_eq!(handle.last_cause(), Some(Cause::Gone));
    cause::during(Cause::Lost, || drop(second));
    assert_eq!(handle.last_cause(), Some(Cause::Lost));
    let counts = handle.counts();
    assert_eq!((counts.in_flight, counts.most_in_flight, counts.dropped), (0, 2, 2));
}

#[test]
fn a_panic_is_counted_and_is_no_drop() {
    let probe = Probe::new();
    let handle = probe.handle();
    for answer in [Answer::panics_in_call(), Answer::panics()] {
        handle.next(answer);
        let mut one = probe.clone();
        assert!(poll_ready(&mut one).is_ready());
        let payload = catch_unwind(AssertUnwindSafe(|| {
            let mut call = Box::pin(one.call(1));
            let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }))
        .unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&PANIC));
    }
    let counts = handle.counts();
    assert_eq!((counts.panicked, counts.dropped, counts.in_flight), (2, 0, 0));
}

#[test]
fn a_future_that_is_polled_after_its_end_is_a_violation_and_stays_pending() {
    let mut probe = Probe::new();
    let handle = probe.handle();
    assert!(poll_ready(&mut probe).is_ready());
    let mut call = Box::pin(probe.call(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_ready());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert_eq!(handle.counts().polled_after_end, 1);
}

#[tokio::test]
async fn a_script_is_one_for_all_its_clones_and_ends_as_it_was_told() {
    let script = Script::new([Step::ok('a'), Step::err("b")]).then(|| Step::ok('z'));
    assert_eq!(script.clone().oneshot(()).await, Ok('a'));
    assert_eq!(script.clone().oneshot(()).await, Err("b"));
    assert_eq!(script.left(), 0);
    assert_eq!(script.clone().oneshot(()).await, Ok('z'));
    assert_eq!(script.clone().oneshot(()).await, Ok('z'));
    assert_eq!(script.seen().counts().calls, 4);
}

#[tokio::test]
#[should_panic(expected = "call number 2 of a script that has no step for it")]
async fn a_call_beyond_the_script_panics() {
    let script = Script::<(), _>::new([Step::ok(1)]);
    let _ = script.clone().oneshot(()).await;
    let _ = script.oneshot(()).await;
}
