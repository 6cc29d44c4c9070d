//! One circuit a host, around one client of them all.

use super::{OPEN_FOR, circuits, policy};
use buttress::{
    Lifted, Rejected,
    breaker::{Circuits, KeyedBreakerLayer, Policy, State, Trip},
    outcome::Outcome,
    over,
    rejected::Reason,
    testing::{Fault, Handle, Probe},
};
use std::{
    borrow::Cow,
    convert::Infallible,
    future::ready,
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};

/// `host/what comes of it`.
type Request = &'static str;

fn host<'r>(request: &'r Request) -> Option<Cow<'r, str>> {
    request.split_once('/').map(|(host, _)| Cow::Borrowed(host))
}

async fn client(request: Request) -> Result<Request, &'static str> {
    match request.split_once('/') {
        Some((_, "bad")) => Err("bad"),
        _ => Ok(request),
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_host_is_refused_and_the_other_is_untouched() {
    let circuits = circuits(10);
    let client = over(KeyedBreakerLayer::new(&circuits, host), service_fn(client));
    let call = async |request| client.clone().oneshot(request).await;
    for _ in 0..2 {
        assert_eq!(call("a.test/bad").await, Err(Lifted::Inner("bad")));
        assert_eq!(call("b.test/good").await, Ok("b.test/good"));
    }
    advance(Duration::from_secs(4)).await;
    let Err(Lifted::Rejected(why)) = call("a.test/good").await else { panic!("it is open") };
    assert_eq!((why.reason(), why.name(), why.reached()), (Reason::Open, "a.test", false));
    assert_eq!(why.retry_after(), Some(Duration::from_secs(6)));
    assert_eq!(call("b.test/good").await, Ok("b.test/good"));
    assert_eq!(circuits.known("b.test").map(|circuit| circuit.state()), Some(State::Closed));

    advance(OPEN_FOR).await;
    assert_eq!(call("a.test/good").await, Ok("a.test/good"));
    assert_eq!(circuits.known("a.test").map(|circuit| circuit.state()), Some(State::Closed));
}

#[tokio::test]
async fn a_call_without_a_key_passes_and_counts_for_nobody() {
    let circuits = circuits(10);
    let client =
        over(KeyedBreakerLayer::new(&circuits, host), service_fn(async |_: Request| Err::<(), _>("bad")));
    for _ in 0..5 {
        assert_eq!(client.clone().oneshot("no host").await, Err(Lifted::Inner("bad")));
    }
    assert!(circuits.is_empty());
    assert_eq!(circuits.overflow().snapshot().failures_in_a_row, 0);
}

/// A breaker by one key over a probe.
fn over_a_probe(circuits: &Circuits) -> (impl Service<u64, Response = u64, Error = Fault>, Handle) {
    let probe = Probe::new();
    let handle = probe.handle();
    (KeyedBreakerLayer::new(circuits, |_: &u64| Some(Cow::from("host"))).layer(probe), handle)
}

/// Which host it would have been, nobody knows.
#[tokio::test]
async fn an_error_in_poll_ready_passes_and_counts_for_nobody() {
    let circuits = circuits(10);
    let (mut svc, inside) = over_a_probe(&circuits);
    svc.ready().await.expect("ready").call(1).await.expect("an answer");
    inside.fail_readiness();
    for _ in 0..5 {
        assert_eq!(svc.ready().await.err().and_then(|fault| fault.id()), inside.last_fault());
    }
    assert_eq!(circuits.get("host").snapshot().failures_in_a_row, 0);
}

#[tokio::test]
async fn poll_ready_asks_the_inside_and_no_circuit() {
    let circuits = circuits(1);
    circuits.get("host").trip();
    let (mut svc, inside) = over_a_probe(&circuits);
    inside.pend();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(svc.poll_ready(&mut cx).is_pending());
    inside.ready();
    assert!(svc.poll_ready(&mut cx).is_ready());
    assert_eq!(circuits.get("host").snapshot().rejected, 0);
}

#[tokio::test]
async fn a_refused_call_never_reaches_the_inside() {
    let circuits = circuits(1);
    circuits.get("host").trip();
    let (mut svc, inside) = over_a_probe(&circuits);
    let error = svc.ready().await.expect("ready").call(1).await.expect_err("open");
    assert_eq!(Rejected::find(&error).map(|why| why.reason()), Some(Reason::Open));
    assert_eq!(inside.counts().calls, 0);
}

#[tokio::test]
async fn layers_over_the_same_circuits_share_them_and_keys_need_not_be_text() {
    let circuits: Circuits<u16> = Circuits::new(10, &policy());
    let client = |answer: Result<u64, &'static str>| {
        let layer =
            KeyedBreakerLayer::new(&circuits, |user: &u64| Some(Cow::<u16>::Owned((user % 4) as u16)));
        over(layer, service_fn(move |_: u64| ready(answer)))
    };
    let (reads, writes) = (client(Ok(1)), client(Err("read only")));
    for user in [3, 7] {
        assert_eq!(writes.clone().oneshot(user).await, Err(Lifted::Inner("read only")));
    }
    let refused = reads.clone().oneshot(11).await;
    let Err(Lifted::Rejected(why)) = refused else { panic!("{refused:?}") };
    assert_eq!(why.name(), "3");
    assert_eq!(reads.clone().oneshot(12).await, Ok(1));
    let mut listed: Vec<_> =
        circuits.list().into_iter().map(|(key, circuit)| (key, circuit.state())).collect();
    listed.sort_by_key(|(key, _)| *key);
    assert_eq!(listed, [(0, State::Closed), (3, State::Open)]);
}

#[tokio::test]
async fn results_are_read_by_the_classifier_that_was_named() {
    let circuits = circuits(10);
    let layer = KeyedBreakerLayer::new(&circuits, |_: &u16| Some(Cow::from("host")));
    let layer = layer.classify_by(|result: Result<&u16, &Lifted<Infallible>>| match result {
        Ok(status) if *status >= 500 => Outcome::FAILED,
        _ => Outcome::OK,
    });
    let client = over(layer, service_fn(|status: u16| ready(Ok::<_, Infallible>(status))));
    for status in [503, 200, 503, 503] {
        client.clone().oneshot(status).await.expect("an answer");
    }
    assert_eq!(circuits.get("host").state(), State::Open);
}

#[tokio::test]
async fn the_settings_of_the_policy_hold_for_each_host() {
    let policy = Policy::new().trip(Trip::consecutive(2));
    let circuits = Circuits::new(2, &policy.abandoned_after(Duration::ZERO));
    let client = over(
        KeyedBreakerLayer::new(&circuits, host),
        service_fn(async |_: Request| std::future::pending::<Result<(), &'static str>>().await),
    );
    for _ in 0..2 {
        let mut call = pin!(client.clone().oneshot("slow.test/"));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(circuits.get("slow.test").state(), State::Open);
}

#[tokio::test]
async fn a_client_of_reqwest_is_keyed_by_its_host() {
    let circuits = circuits(10);
    let layer = KeyedBreakerLayer::new(&circuits, |request: &reqwest::Request| {
        request.url().host_str().map(Cow::from)
    });
    let client = over(layer, service_fn(|_: reqwest::Request| ready(Err::<(), _>("no route to host"))));
    for _ in 0..2 {
        let url = "https://Example.COM/a".parse().expect("a url");
        client.clone().oneshot(reqwest::Request::new(http::Method::GET, url)).await.expect_err("no route");
    }
    assert_eq!(circuits.known("example.com").map(|circuit| circuit.state()), Some(State::Open));
}

#[test]
fn threads_that_call_while_the_rules_change_find_each_key_and_the_last_rules() {
    let circuits = circuits(8);
    let others = Policy::new().trip(Trip::over_calls(50).or_consecutive(3)).open_for(OPEN_FOR);
    std::thread::scope(|scope| {
        for n in 0..2 {
            let circuits = &circuits;
            scope.spawn(move || {
                for call in 0..3000 {
                    let host = format!("host-{}", (call + n) % 5);
                    let _ = circuits.admit(&*host).map(|permit| permit.record(Outcome::OK));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                circuits.retune(&policy());
                circuits.retune(&others);
            }
        });
    });
    assert_eq!(circuits.len(), 5);
    for (host, circuit) in circuits.list() {
        for failures in 1..=3 {
            assert_eq!(circuit.state(), State::Closed, "{failures}");
            circuits.admit(&*host).expect("closed").record(Outcome::FAILED);
        }
        assert_eq!(circuit.state(), State::Open, "what is listed is what calls ask");
    }
}

#[test]
fn the_circuit_that_was_idle_longest_leaves_also_after_few_calls() {
    for idle in ["a.test", "b.test", "c.test"] {
        let circuits = circuits(3);
        for host in ["a.test", "b.test", "c.test", "b.test", "a.test"] {
            circuits.admit(host).expect("closed").record(Outcome::OK);
        }
        for host in
            ["c.test", "a.test", "b.test", "c.test", "a.test"].into_iter().filter(|host| *host != idle)
        {
            circuits.admit(host).expect("closed").record(Outcome::OK);
        }
        circuits.admit("new.test").expect("closed").record(Outcome::OK);
        assert!(circuits.known(idle).is_none(), "{idle} was idle longest, of {:?}", circuits.list());
        assert_eq!(circuits.len(), 3);
    }
}
