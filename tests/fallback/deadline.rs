//! What a fallback may take of the time that is left.

use crate::{DAY, Does, MS, ask, open};
use buttress::{
    Deadline, Lifted,
    cause::Cause,
    clock,
    fallback::{Bounds, FallbackLayer},
    rejected::Reason,
    telemetry::Event,
    testing::{Answer, Probe},
    timeout::TimeoutLayer,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt};

#[tokio::test(start_paused = true)]
async fn a_service_gets_the_time_that_is_left_and_is_cut_then() {
    let second = Probe::new();
    second.handle().always(Answer::never());
    let layer = FallbackLayer::service_with(second.clone(), |_: &Does| 1);
    let start = clock::now();
    let answer = Deadline::after(start, 250 * MS).scope(ask(&layer, open())).await;
    let Err(Lifted::Rejected(why)) = answer else { panic!("the first error") };
    assert_eq!((why.reason(), clock::now() - start), (Reason::Open, 250 * MS));
    assert_eq!(second.handle().last_cause(), Some(Cause::Cut));
    // without a deadline it has all the time there is
    second.handle().always(Answer::ok().after(DAY));
    assert_eq!(ask(&layer, open()).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_function_sees_the_deadline_and_so_does_what_it_calls() {
    let layer = FallbackLayer::async_function(|why| {
        let (told, at_begin) = (why.deadline(), Deadline::current());
        async move {
            sleep(MS).await;
            assert!(told.is_some());
            assert_eq!((at_begin, Deadline::current()), (told, told));
            7
        }
    });
    // The scope is around the call alone: it is carried to the polls.
    let mut svc = layer.layer(crate::obedient());
    let call = Deadline::after(clock::now(), 250 * MS).sync_scope(|| svc.call(open()));
    assert_eq!(call.await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn once_the_deadline_has_passed_only_who_answers_at_once_is_asked() {
    let passed = Deadline::at(clock::now());
    let asked = Arc::new(AtomicU32::new(0));
    let (count, heard) = (Arc::clone(&asked), Arc::new(AtomicU32::new(0)));
    let ears = Arc::clone(&heard);
    let waits = FallbackLayer::async_function(move |_| {
        count.fetch_add(1, Relaxed);
        async { 7 }
    })
    .observe(move |event: &Event<'_>| {
        let Event::Fallback { answered: false, .. } = event else { panic!("{event:?}") };
        ears.fetch_add(1, Relaxed);
    });
    let second = Probe::new();
    let service = FallbackLayer::service_with(second.clone(), |_: &Does| 1);
    for does in [open(), Does::Rejects(Reason::DeadlinePassed, false)] {
        passed.scope(ask(&waits, does.clone())).await.expect_err("too late");
        passed.scope(ask(&service, does.clone())).await.expect_err("too late");
        assert_eq!(passed.scope(ask(&FallbackLayer::value(7), does.clone())).await, Ok(7));
        assert_eq!(passed.scope(ask(&FallbackLayer::function(|_| 8), does)).await, Ok(8));
    }
    assert_eq!((asked.load(Relaxed), heard.load(Relaxed)), (0, 2));
    assert_eq!(second.handle().counts().ready_polls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_at_its_deadline_still_gets_the_last_good_answer() {
    let probe = Probe::new();
    let layer = FallbackLayer::last_good(Bounds::age(DAY), |n: &u64| Some(*n));
    let svc = layer.layer(TimeoutLayer::new(Duration::MAX).layer(probe.clone()));
    assert_eq!(svc.clone().oneshot(4).await, Ok(4));
    probe.handle().always(Answer::never());
    let soon = Deadline::after(clock::now(), 50 * MS);
    assert_eq!(soon.scope(svc.clone().oneshot(4)).await, Ok(4));
    assert_eq!(soon.scope(svc.oneshot(4)).await, Ok(4), "refused, by now");
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_uses_up_the_tasks_budget_is_cut_all_the_same() {
    let layer = FallbackLayer::async_function(|_| async {
        loop {
            tokio::task::coop::consume_budget().await;
        }
        #[expect(unreachable_code, reason = "the type of the answer")]
        7
    });
    let mut call = std::pin::pin!(Deadline::after(clock::now(), MS).scope(ask(&layer, open())));
    assert!(futures_util::poll!(call.as_mut()).is_pending());
    tokio::time::advance(2 * MS).await;
    let mut polls = 0;
    let answer = std::future::poll_fn(|cx| {
        polls += 1;
        assert!(polls < 10, "starved");
        call.as_mut().poll(cx)
    });
    answer.await.expect_err("cut");
}
