//! The last good answer.

use crate::{DAY, MS};
use buttress::{
    fallback::{Bounds, FallbackLayer},
    outcome::Class,
    testing::{Answer, Fault, Handle, Probe},
};
use proptest::prelude::*;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};

/// An echo that can be told to fail, under a last-good fallback; with the number of clones of its answers.
fn echo(
    bounds: Bounds,
) -> (impl Service<u64, Response = Page, Error = Fault> + Clone, Handle, Arc<AtomicU32>) {
    let clones = Arc::new(AtomicU32::new(0));
    let (probe, count) = (Probe::new(), Arc::clone(&clones));
    let handle = probe.handle();
    let pages = probe.map_response(move |n| Page { n, clones: Arc::clone(&count) });
    let layer = FallbackLayer::last_good(bounds, |n: &u64| (*n != 0).then_some(*n));
    (layer.also_on([Class::Failed]).layer(pages), handle, clones)
}

#[derive(Debug)]
struct Page {
    n: u64,
    clones: Arc<AtomicU32>,
}

impl Clone for Page {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Relaxed);
        Self { n: self.n, clones: Arc::clone(&self.clones) }
    }
}

async fn ask(svc: &(impl Service<u64, Response = Page, Error = Fault> + Clone), n: u64) -> Option<u64> {
    svc.clone().oneshot(n).await.ok().map(|page| page.n)
}

#[tokio::test(start_paused = true)]
async fn it_is_given_until_it_is_too_old() {
    let (svc, inside, _) = echo(Bounds::age(1000 * MS));
    assert_eq!(ask(&svc, 3).await, Some(3));
    inside.always(Answer::fail());
    advance(1000 * MS).await;
    assert_eq!(ask(&svc, 3).await, Some(3), "exactly as old as it may be");
    assert_eq!(ask(&svc, 4).await, None, "another key");
    advance(MS).await;
    assert_eq!(ask(&svc, 3).await, None);
    advance(300 * DAY).await;
    assert_eq!(ask(&svc, 3).await, None);
    inside.always(Answer::ok());
    assert_eq!(ask(&svc, 3).await, Some(3));
    inside.always(Answer::fail());
    assert_eq!(ask(&svc, 3).await, Some(3), "and it is kept anew after a jump of days");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_key_is_neither_kept_nor_answered() {
    let (svc, inside, clones) = echo(Bounds::age(DAY));
    assert_eq!(ask(&svc, 0).await, Some(0));
    inside.always(Answer::fail());
    assert_eq!((ask(&svc, 0).await, clones.load(Relaxed)), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn good_answers_are_cloned_once_a_refresh_and_not_each_time() {
    let (svc, _, clones) = echo(Bounds::age(DAY).refresh(1000 * MS));
    for _ in 0..1000 {
        ask(&svc, 1).await;
        ask(&svc, 2).await;
        advance(10 * MS).await;
    }
    let cloned = clones.load(Relaxed);
    assert!((18..=22).contains(&cloned), "{cloned} clones in ten seconds for two keys");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_of_zero_keeps_every_answer_and_one_of_max_half_the_age() {
    let (svc, _, clones) = echo(Bounds::age(DAY).refresh(Duration::ZERO));
    for _ in 0..50 {
        ask(&svc, 1).await;
    }
    assert_eq!(clones.load(Relaxed), 50);
    let (svc, inside, clones) = echo(Bounds::age(1000 * MS).refresh(Duration::MAX));
    for _ in 0..60 {
        ask(&svc, 1).await;
        inside.next(Answer::fail());
        assert_eq!(ask(&svc, 1).await, Some(1), "a key that goes well is never without");
        advance(50 * MS).await;
    }
    // one clone for each that was given, and the rest for the keeping
    let kept = clones.load(Relaxed) - 60;
    assert!((5..=7).contains(&kept), "{kept} kept in three seconds");
}

#[tokio::test(start_paused = true)]
async fn only_what_the_classifier_calls_good_is_kept() {
    let said = Arc::new(AtomicU64::new(1));
    let says = Arc::clone(&said);
    let svc = service_fn(move |()| {
        let n = says.load(Relaxed);
        async move { Ok::<_, Fault>(n) }
    });
    let layer = FallbackLayer::last_good(Bounds::age(DAY).refresh(Duration::ZERO), |(): &()| Some(()))
        .classify_by(|result: Result<&u64, &Fault>| match result {
            Ok(n) if *n < 500 => buttress::outcome::Outcome::OK,
            _ => buttress::outcome::Outcome::FAILED,
        })
        .on([Class::Failed]);
    let svc = layer.layer(svc);
    for (says, gets) in [(501, 501), (1, 1), (500, 1), (503, 1), (2, 2), (500, 2)] {
        said.store(says, Relaxed);
        assert_eq!(svc.clone().oneshot(()).await, Ok(gets), "said {says}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_layer_value_has_one_store_and_two_have_two() {
    let layer = FallbackLayer::last_good(Bounds::age(DAY), |n: &u64| Some(*n)).on([Class::Failed]);
    let probe = Probe::new();
    let (one, two) = (layer.layer(probe.clone()), layer.clone().layer(probe.clone()));
    let apart = FallbackLayer::last_good(Bounds::age(DAY), |n: &u64| Some(*n))
        .on([Class::Failed])
        .layer(probe.clone());
    assert_eq!(one.clone().oneshot(5).await, Ok(5));
    probe.handle().always(Answer::fail());
    assert_eq!(one.oneshot(5).await, Ok(5));
    assert_eq!(two.oneshot(5).await, Ok(5));
    assert!(apart.oneshot(5).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_passed_on_and_not_kept() {
    let probe = Probe::new();
    let layer =
        FallbackLayer::last_good(Bounds::age(DAY).each(10), |n: &u64| Some(*n)).weigh(|n| *n as usize);
    let svc = layer.on([Class::Failed]).layer(probe.clone());
    assert_eq!((svc.clone().oneshot(10).await, svc.clone().oneshot(11).await), (Ok(10), Ok(11)));
    probe.handle().always(Answer::fail());
    assert_eq!(svc.clone().oneshot(10).await, Ok(10));
    assert!(svc.oneshot(11).await.is_err());

    let (svc, _, clones) = echo(Bounds::age(DAY).each(size_of::<Page>() - 1));
    assert_eq!((ask(&svc, 1).await, clones.load(Relaxed)), (Some(1), 0), "nor cloned");
}

#[tokio::test(start_paused = true)]
async fn bounds_of_zero_work_and_bounds_of_max_do_too() {
    let zero = Bounds::age(Duration::ZERO).entries(0).size(0).each(0).refresh(Duration::ZERO);
    let probe = Probe::new();
    let layer = FallbackLayer::last_good(zero, |n: &u64| Some(*n)).weigh(|_| 1).on([Class::Failed]);
    let svc = layer.layer(probe.clone());
    for n in [1, 2] {
        assert_eq!(svc.clone().oneshot(n).await, Ok(n));
    }
    probe.handle().always(Answer::fail());
    assert!(svc.clone().oneshot(1).await.is_err(), "there is room for one");
    assert_eq!(svc.clone().oneshot(2).await, Ok(2));
    advance(2 * MS).await;
    assert!(svc.oneshot(2).await.is_err());

    let max =
        Bounds::age(Duration::MAX).entries(u32::MAX).size(usize::MAX).each(usize::MAX).refresh(Duration::MAX);
    let (svc, inside, _) = echo(max);
    assert_eq!(ask(&svc, 1).await, Some(1));
    advance(10_000 * DAY).await;
    inside.always(Answer::fail());
    assert_eq!(ask(&svc, 1).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_had_to_leave_is_kept_again_by_its_next_good_answer() {
    let (svc, inside, _) = echo(Bounds::age(DAY).entries(1).refresh(3600 * 1000 * MS));
    for n in [1, 2, 1, 2] {
        assert_eq!(ask(&svc, n).await, Some(n));
        inside.next(Answer::fail());
        assert_eq!(ask(&svc, n).await, Some(n), "kept, though its refresh is far away");
    }
}

/// What becomes of one step of the property below.
#[derive(Clone, Debug)]
enum Step {
    Good(u64),
    Bad(u64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u64..8).prop_map(Step::Good),
        4 => (1_u64..8).prop_map(Step::Bad),
        2 => (0_u64..700).prop_map(Step::Pass),
        1 => (0_u64..300).prop_map(|days| Step::Pass(days * 86_400_000)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    /// Through the layer: what is given was good for that key, is not too old, and not older than the last good answer by
    /// more than the refresh; and with room for all keys, it is there whenever it should be.
    #[test]
    fn what_is_given_was_good_lately(steps in proptest::collection::vec(step(), 1..150)) {
        let (age, refresh, grain) = (2000 * MS, 500 * MS, 3 * MS);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let checked: Result<(), TestCaseError> = runtime.block_on(async {
            let probe = Probe::new();
            let bounds = Bounds::age(age).refresh(refresh).entries(8);
            let layer = FallbackLayer::last_good(bounds, |request: &(u64, u64)| Some(request.0)).on([Class::Failed]);
            // The answer is the number of the step in which it was good.
            let svc = layer.layer(probe.clone().map_request(|(_, number): (u64, u64)| number));
            let mut good: HashMap<u64, Vec<(u64, tokio::time::Instant)>> = HashMap::new();
            for (number, step) in (1..).zip(steps) {
                let now = tokio::time::Instant::now();
                match step {
                    Step::Pass(millis) => advance(Duration::from_millis(millis)).await,
                    Step::Good(key) => {
                        prop_assert_eq!(svc.clone().oneshot((key, number)).await, Ok(number));
                        good.entry(key).or_default().push((number, now));
                    }
                    Step::Bad(key) => {
                        probe.handle().next(Answer::fail());
                        let given = svc.clone().oneshot((key, number)).await.ok();
                        let known = good.get(&key).map_or(&[][..], Vec::as_slice);
                        let last = known.last().map(|(_, at)| *at);
                        match given {
                            Some(given) => {
                                let at = known.iter().find(|(number, _)| *number == given).map(|(_, at)| *at);
                                let at = at.ok_or_else(|| TestCaseError::fail("was never good for that key"))?;
                                prop_assert!(now - at <= age);
                                prop_assert!(last.is_some_and(|last| last - at <= refresh + grain));
                            }
                            None => prop_assert!(last.is_none_or(|last| now - last > age - refresh - grain)),
                        }
                    }
                }
            }
            Ok(())
        });
        checked?;
    }
}

#[test]
fn many_threads_keep_within_the_bounds() {
    let layer = FallbackLayer::last_good(Bounds::age(DAY).entries(4).refresh(MS), |n: &u64| Some(*n % 16))
        .on([Class::Failed]);
    let echo =
        service_fn(|n: u64| async move { if n.is_multiple_of(5) { Err(Fault::new(n)) } else { Ok(n) } });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                let svc = layer.layer(echo);
                runtime.block_on(async {
                    for n in 0..2000 {
                        match svc.clone().oneshot(n).await {
                            Ok(given) => assert_eq!(given % 16, n % 16, "an answer of another key"),
                            Err(fault) => assert_eq!(fault.id(), Some(n)),
                        }
                    }
                });
            });
        }
    });
    let debug = format!("{layer:?}");
    assert!(debug.contains("entries: 4"), "{debug}");
}
