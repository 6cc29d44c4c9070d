//! `not_ready_while_open`: under a balancer an open endpoint is not chosen, and is woken in time.

use crate::{
    counting,
    rig::{FAILURES, OPEN_FOR, Rig, SECOND, fail, policy},
};
use buttress::{
    Rejectable,
    breaker::{Breaker, BreakerLayer, Circuit, State},
    rejected::BoxError,
    testing::{Answer, Handle, Probe},
};
use futures_util::{FutureExt, future::poll_fn, task::noop_waker};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tower::{
    Layer, Service, ServiceExt,
    balance::p2c::Balance,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequestsDiscover},
};

type Endpoint = Breaker<Probe>;

/// An endpoint that is not ready while its circuit is open.
fn endpoint(circuit: &Circuit) -> (Endpoint, Handle) {
    let probe = Probe::new();
    let inside = probe.handle();
    (BreakerLayer::new(circuit).not_ready_while_open().layer(probe), inside)
}

fn circuits<const N: usize>() -> [Circuit; N] {
    std::array::from_fn(|n| Circuit::new(format!("endpoint {n}"), &policy()))
}

fn polls(svc: &mut Endpoint, waker: &Waker) -> Poll<()> {
    svc.poll_ready(&mut Context::from_waker(waker)).map(|ready| ready.expect("no error inside"))
}

/// Counts its wakes.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn under_p2c_the_open_endpoint_is_not_chosen_and_comes_back_by_itself() {
    let circuits = circuits::<3>();
    let (endpoints, insides): (Vec<_>, Vec<_>) = circuits.iter().map(endpoint).unzip();
    let endpoints = ServiceList::new(endpoints.into_iter().map(|svc| svc.map_err(BoxError::from).boxed()));
    let mut balance = Balance::new(PendingRequestsDiscover::new(endpoints, CompleteOnResponse::default()));
    insides[0].always(Answer::fail());
    let mut failed = 0;
    for _ in 0..300 {
        failed += u32::from(balance.ready().await.expect("two are well").call(7).await.is_err());
    }
    assert_eq!(
        (failed, circuits[0].state()),
        (FAILURES, State::Open),
        "each failure reached the caller once"
    );
    assert_eq!(circuits[0].snapshot().rejected, 0, "and nobody was refused");
    // At the end of the open time it is chosen again, and its first call is the probe.
    insides[0].always(Answer::ok());
    tokio::time::sleep(OPEN_FOR).await;
    for _ in 0..300 {
        balance.ready().await.expect("all are well").call(7).await.expect("answers");
    }
    assert_eq!(circuits[0].state(), State::Closed);
    assert!(insides[0].counts().calls > u64::from(FAILURES) + 10, "{:?}", insides[0].counts());
}

#[tokio::test(start_paused = true)]
async fn where_all_endpoints_are_open_the_caller_waits_for_the_first_to_come_back() {
    let circuits = circuits::<2>();
    let (endpoints, _): (Vec<_>, Vec<_>) = circuits.iter().map(endpoint).unzip();
    let endpoints = ServiceList::new(endpoints.into_iter().map(|svc| svc.map_err(BoxError::from).boxed()));
    let mut balance = Balance::new(PendingRequestsDiscover::new(endpoints, CompleteOnResponse::default()));
    circuits[0].open_for(9 * SECOND);
    circuits[1].open_for(5 * SECOND);
    let start = tokio::time::Instant::now();
    balance.ready().await.expect("one is back").call(7).await.expect("answers");
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!(circuits.map(|circuit| circuit.state()), [State::Open, State::Closed]);
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_at_the_end_of_the_open_time_to_the_millisecond_and_turns_nothing_by_itself() {
    let [circuit] = circuits();
    let (mut svc, inside) = endpoint(&circuit);
    circuit.trip();
    let start = tokio::time::Instant::now();
    poll_fn(|cx| svc.poll_ready(cx)).await.expect("ready");
    assert_eq!(start.elapsed(), OPEN_FOR);
    assert_eq!(circuit.state(), State::Open, "the call turns it");
    tokio::time::advance(1000 * OPEN_FOR).await;
    assert_eq!(circuit.state(), State::Open);
    assert_eq!(inside.counts().calls, 0);
    svc.call(7).await.expect("the probe");
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn every_turn_by_hand_wakes_it() {
    type Turn = fn(&Circuit);
    let back: [(&str, Turn, Turn); 6] = [
        ("reset", Circuit::trip, Circuit::reset),
        ("disable", Circuit::trip, Circuit::disable),
        ("force_closed", Circuit::trip, Circuit::force_closed),
        ("auto", Circuit::force_open, Circuit::auto),
        ("disable", Circuit::force_open, Circuit::disable),
        ("force_closed", Circuit::force_open, Circuit::force_closed),
    ];
    for (name, open, back) in back {
        let [circuit] = circuits();
        let (mut svc, _) = endpoint(&circuit);
        let wakes = Arc::<Wakes>::default();
        open(&circuit);
        assert!(polls(&mut svc, &Arc::clone(&wakes).into()).is_pending());
        back(&circuit);
        assert_eq!(wakes.0.load(SeqCst), 1, "{name}");
        assert!(polls(&mut svc, &noop_waker()).is_ready(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_is_forced_open_is_waited_for_without_a_clock() {
    let [circuit] = circuits();
    let (mut svc, _) = endpoint(&circuit);
    circuit.force_open();
    let waits = tokio::spawn(async move { poll_fn(|cx| svc.poll_ready(cx)).await });
    tokio::time::sleep(1000 * OPEN_FOR).await;
    assert!(!waits.is_finished());
    circuit.auto();
    waits.await.expect("no panic").expect("ready");
}

#[tokio::test(start_paused = true)]
async fn a_longer_open_time_that_is_set_meanwhile_is_waited_for() {
    let [circuit] = circuits();
    let (mut svc, _) = endpoint(&circuit);
    circuit.trip();
    let start = tokio::time::Instant::now();
    let waits = tokio::spawn(async move { poll_fn(|cx| svc.poll_ready(cx)).await });
    tokio::time::sleep(SECOND).await;
    circuit.open_for(5 * OPEN_FOR);
    waits.await.expect("no panic").expect("ready");
    assert_eq!(start.elapsed(), SECOND + 5 * OPEN_FOR);
}

#[tokio::test(start_paused = true)]
async fn while_the_probe_is_out_the_others_wait_and_each_end_of_it_wakes_them() {
    for (end, wakes) in [("answered", Answer::ok()), ("dropped", Answer::never())] {
        let [circuit] = circuits();
        let (svc, inside) = endpoint(&circuit);
        circuit.trip();
        tokio::time::advance(OPEN_FOR).await;
        inside.always(wakes);
        let mut first = svc.clone();
        first.ready().await.expect("the time has come");
        let probe = first.call(7);
        let mut second = svc.clone();
        let waits = tokio::spawn(async move { poll_fn(|cx| second.poll_ready(cx)).await.map(|()| second) });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        let start = tokio::time::Instant::now();
        drop(Box::pin(probe).as_mut().now_or_never());
        let mut second = waits.await.expect("no panic").expect("ready");
        assert_eq!(start.elapsed(), Duration::ZERO, "{end}");
        inside.always(Answer::ok());
        assert_eq!(second.call(7).await, Ok(7), "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_answers_keeps_the_others_waiting_for_its_limit_and_the_open_time() {
    let [circuit] = circuits();
    let (mut svc, _) = endpoint(&circuit);
    circuit.trip();
    tokio::time::advance(OPEN_FOR).await;
    let probe = circuit.admit().expect("the time has come");
    let start = tokio::time::Instant::now();
    poll_fn(|cx| svc.poll_ready(cx)).await.expect("ready");
    assert_eq!(start.elapsed(), 2 * OPEN_FOR, "found to have failed, and open once more");
    drop(probe);
}

#[tokio::test(start_paused = true)]
async fn without_the_option_an_open_breaker_is_ready_and_refuses() {
    let mut rig = Rig::new();
    rig.open().await;
    let svc = rig.svc.ready().now_or_never().expect("at once").expect("ready");
    assert!(svc.call(7).await.expect_err("refused").as_rejected().is_some());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_openings_leave_no_timer_and_no_watcher() {
    let [circuit] = circuits();
    let (mut svc, _) = endpoint(&circuit);
    let (mut live, waker) = (Vec::with_capacity(10), noop_waker());
    for round in 0..10_000 {
        circuit.trip();
        // One service that lives on, a clone that leaves while it waits, and one that is not asked.
        let mut leaves = svc.clone();
        assert!(polls(&mut leaves, &waker).is_pending());
        let not_asked = svc.clone();
        assert!(polls(&mut svc, &waker).is_pending());
        drop((leaves, not_asked));
        if round % 2 == 0 {
            circuit.reset();
        } else {
            tokio::time::advance(OPEN_FOR).await;
        }
        assert!(polls(&mut svc, &waker).is_ready());
        svc.call(7).await.expect("closed, or the probe");
        assert_eq!(circuit.state(), State::Closed);
        if round % 1000 == 999 {
            live.push(counting::live());
        }
    }
    assert!(live.windows(2).all(|pair| pair[0] == pair[1]), "bytes that are still held: {live:?}");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_services_that_leave_while_they_wait_leave_nothing_behind() {
    let [circuit] = circuits();
    let (svc, _) = endpoint(&circuit);
    circuit.trip();
    let mut live = Vec::with_capacity(10);
    for round in 0..10_000 {
        let mut leaves = svc.clone();
        assert!(polls(&mut leaves, &noop_waker()).is_pending());
        drop(leaves);
        if round % 1000 == 999 {
            live.push(counting::live());
        }
    }
    assert!(live.windows(2).all(|pair| pair[0] == pair[1]), "bytes that are still held: {live:?}");
}

#[tokio::test(start_paused = true)]
async fn on_a_closed_circuit_the_option_costs_no_allocation_not_even_a_clone() {
    let [circuit] = circuits();
    let (svc, _) = endpoint(&circuit);
    let before = counting::made();
    let mut clone = svc.clone();
    assert!(polls(&mut clone, &noop_waker()).is_ready());
    drop(clone);
    assert_eq!(counting::made() - before, 0);
}

/// What turns between the look at the circuit and the ear on it must not be missed: one thread asks many services, another
/// resets the circuit meanwhile, and who was told to wait must have been woken.
#[test]
fn a_turn_by_another_thread_is_never_missed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _here = runtime.enter();
    let [circuit] = circuits();
    let (svc, _) = endpoint(&circuit);
    let (both, mut missed) = (Barrier::new(2), 0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for round in 0..2000 {
                both.wait();
                // Sooner or later, so that it falls into every gap there may be.
                (0..round % 100 * 50).for_each(|_| std::hint::spin_loop());
                circuit.reset();
                both.wait();
            }
        });
        for _ in 0..2000 {
            fail(&circuit);
            let mut asked: Vec<_> = (0..32).map(|_| (svc.clone(), Arc::<Wakes>::default())).collect();
            both.wait();
            asked.retain_mut(|(svc, wakes)| polls(svc, &Arc::clone(wakes).into()).is_pending());
            both.wait();
            missed += asked.iter().filter(|(_, wakes)| wakes.0.load(SeqCst) == 0).count();
        }
    });
    assert_eq!(missed, 0);
}
