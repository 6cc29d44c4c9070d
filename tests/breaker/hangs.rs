//! A service that takes calls and never answers them, and probes that are left: the circuit comes back all the same.

use crate::rig::{OPEN_FOR, Rig, SECOND, policy};
use axum::{Router, routing::get};
use buttress::{
    breaker::{BreakerLayer, Circuit, State},
    http::ByStatus,
    rejected::BoxError,
    testing::Answer,
    timeout::TimeoutLayer,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tower::{Layer, Service, ServiceExt};

const TICK: Duration = Duration::from_millis(100);

/// From when it is well again until the circuit is closed, with a call every [`TICK`] that nobody cuts.
async fn recovery(well_after: Duration) -> Duration {
    let mut rig = Rig::new();
    rig.circuit.trip();
    let start = Instant::now();
    let mut hanging = Vec::new();
    loop {
        let well = start.elapsed() >= well_after;
        let mut call = rig.start(if well { Answer::ok() } else { Answer::never() }).await;
        if futures_util::poll!(&mut call).is_pending() {
            hanging.push(call);
        }
        if rig.circuit.state() == State::Closed {
            return start.elapsed() - well_after;
        }
        tokio::time::advance(TICK).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_service_that_never_answered_it_recovers_within_twice_the_open_time() {
    let mut longest = Duration::ZERO;
    for well_after in (0..400).map(|ticks| ticks * TICK) {
        longest = longest.max(recovery(well_after).await);
    }
    // A probe that was sent just before hangs for its limit, and then the circuit is open once more.
    assert!(longest <= 2 * OPEN_FOR, "{longest:?}");
    assert!(longest > 2 * OPEN_FOR - 2 * TICK, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn where_a_timeout_cuts_the_probe_it_recovers_within_the_open_time() {
    let mut rig = Rig::new();
    let mut svc = TimeoutLayer::new(SECOND).layer(rig.svc.clone());
    rig.inside.always(Answer::never());
    for _ in 0..3 {
        svc.ready().await.expect("ready").call(7).await.expect_err("cut");
    }
    assert_eq!(rig.circuit.state(), State::Open, "calls that are cut open it");
    tokio::time::advance(OPEN_FOR).await;
    svc.ready().await.expect("ready").call(7).await.expect_err("the probe is cut");
    assert_eq!((rig.circuit.state(), rig.circuit.snapshot().openings_in_a_row), (State::Open, 2));
    tokio::time::advance(OPEN_FOR).await;
    assert_eq!(rig.call(Answer::ok()).await, Ok(7));
    assert_eq!(rig.circuit.state(), State::Closed);
}

/// Over a real listener, which takes two calls and never answers them.
#[tokio::test]
async fn a_listener_that_accepts_and_never_answers_is_left_alone_and_found_when_it_is_well() {
    const OPEN: Duration = Duration::from_millis(50);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let taken = Arc::new(AtomicU32::new(0));
    let takes = Arc::clone(&taken);
    let page =
        get(move || async move { if takes.fetch_add(1, SeqCst) < 2 { pending().await } else { "well" } });
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", page)).await });

    let circuit = Circuit::new("listener", &policy().open_for(OPEN));
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let svc = buttress::over(BreakerLayer::new(&circuit).classify(ByStatus), client);
    circuit.trip();
    let (start, mut calls) = (Instant::now(), JoinSet::new());
    while circuit.state() != State::Closed {
        let request = http::Request::get(&url).body(Empty::new()).expect("a request");
        let call = svc.clone().oneshot(request);
        calls.spawn(async move { call.await?.into_body().collect().await.map(drop).map_err(BoxError::from) });
        // real: the other end is a socket
        tokio::time::sleep(OPEN / 10).await;
    }
    assert!(taken.load(SeqCst) >= 3, "two hung, and the third was answered");
    // Open, two probes that hang, open after each, and far more than that for a slow machine.
    assert!(start.elapsed() < 200 * OPEN, "{:?}", start.elapsed());
    println!(
        "{:?}, {} calls sent, {} refused",
        start.elapsed(),
        taken.load(SeqCst),
        circuit.snapshot().rejected
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_probes_that_are_dropped_at_any_point_leave_nothing_behind() {
    let mut rig = Rig::new();
    rig.half_open().await;
    let mut live = Vec::with_capacity(10);
    for round in 0..1000 {
        let mut call = rig.start(Answer::never()).await;
        assert!(rig.circuit.admit().is_err(), "it is the probe");
        for _ in 0..round % 3 {
            assert!(futures_util::poll!(&mut call).is_pending());
        }
        drop(call);
        assert_eq!(rig.circuit.state(), State::HalfOpen);
        if round % 100 == 99 {
            rig.heard.take();
            live.push(crate::counting::live());
        }
    }
    assert!(live.windows(2).all(|pair| pair[0] == pair[1]), "bytes that are still held: {live:?}");
    assert_eq!(rig.call(Answer::ok()).await, Ok(7));
    assert_eq!(rig.circuit.state(), State::Closed);
}
