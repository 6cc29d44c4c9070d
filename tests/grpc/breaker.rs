//! The breaker of a channel in one call: judged by the trailers, and what never brings a message is seen.

use buttress::{
    breaker::{BreakerLayer, Circuit, State, Trip},
    grpc, over,
    retry::{Policy, RetryLayer},
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use std::{
    convert::Infallible,
    fmt::Debug,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::timeout;
use tower::{Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// A channel that answers each method as it is called: with that code in the trailers, or with messages and no end.
fn channel() -> (
    Circuit,
    impl Service<
        Request<()>,
        Response = Response<impl Body<Data = Bytes, Error: Debug> + Debug + Unpin>,
        Error: Debug,
    > + Clone,
) {
    let layer = grpc::breaker("stock", SECOND);
    let circuit = layer.circuit().clone();
    let service = service_fn(|request: Request<()>| async move {
        let method = request.uri().path().trim_start_matches('/');
        let message = Frame::data(Bytes::from_static(b"a message"));
        let last = match method {
            "never" => std::future::pending().await,
            "endless" => None,
            code => Some(Frame::trailers(HeaderMap::from_iter([(
                "grpc-status".parse().expect("a name"),
                code.parse().expect("a code"),
            )]))),
        };
        let frames = std::iter::once(message).chain(last).map(Ok::<_, Infallible>);
        Ok::<_, io::Error>(Response::new(StreamBody::new(stream::iter(frames))))
    });
    (circuit, over(layer, service))
}

fn ask(method: &str) -> Request<()> {
    Request::post(format!("/{method}")).body(()).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn a_code_in_the_trailers_of_a_good_head_is_a_failure() {
    let (circuit, channel) = channel();
    for code in ["14", "5", "14", "14", "14", "14", "14"] {
        let answer = channel.clone().oneshot(ask(code)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.expect("is whole");
    }
    // NOT_FOUND is an answer, and five times UNAVAILABLE in a row is too much.
    assert_eq!((circuit.state(), circuit.snapshot().failed), (State::Open, 6));
    channel.oneshot(ask("0")).await.expect_err("is refused");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_left_after_a_message_has_served() {
    let (circuit, channel) = channel();
    for _ in 0..5 {
        let mut answer = channel.clone().oneshot(ask("endless")).await.expect("an answer").into_body();
        answer.frame().await.expect("a message").expect("a good one");
    }
    let seen = circuit.snapshot();
    assert_eq!((seen.state, seen.calls, seen.failed), (State::Closed, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_somebody_else_counts_once_the_attempt_has_had_its_time() {
    for (limit, opens) in [(SECOND, true), (SECOND / 2, false)] {
        let (circuit, channel) = channel();
        for _ in 0..5 {
            timeout(limit, channel.clone().oneshot(ask("never"))).await.expect_err("is cut");
        }
        assert_eq!((circuit.state() == State::Open, circuit.snapshot().calls > 0), (opens, opens));
    }
}

/// UNAVAILABLE, with that pushback: among the headers of a response without messages, or in the trailers.
fn unavailable(
    pushback: &'static str,
    in_trailers: bool,
) -> Response<impl Body<Data = Bytes, Error: Debug> + Debug> {
    let told = [("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)];
    let told = told.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    let mut headers = HeaderMap::from_iter(told);
    let trailers = in_trailers.then(|| std::mem::take(&mut headers));
    let frames = trailers.into_iter().map(|trailers| Ok::<_, Infallible>(Frame::trailers(trailers)));
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    *response.headers_mut() = headers;
    response
}

#[tokio::test(start_paused = true)]
async fn the_servers_pushback_lengthens_the_open_time_within_the_cap() {
    for in_trailers in [false, true] {
        for (pushback, wait) in [("7000", 7), ("3600000", 30), ("100", 1), ("0", 1), ("-1", 1), ("soon", 1)] {
            let policy = buttress::breaker::Policy::new().trip(Trip::consecutive(1)).open_for(SECOND);
            let circuit = Circuit::new("stock", &policy);
            let server = service_fn(|()| async { Ok::<_, io::Error>(unavailable(pushback, in_trailers)) });
            let answer = over(BreakerLayer::new(&circuit).classify(grpc::ByStatus), server).oneshot(()).await;
            answer.expect("a response").into_body().collect().await.expect("is whole");
            let refused = circuit.admit().expect_err("is open");
            assert_eq!(
                refused.retry_after(),
                Some(wait * SECOND),
                "{pushback}, in the trailers: {in_trailers}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_reads_by_status_waits_for_the_pushback_or_heeds_its_no() {
    for (pushback, attempts, took) in [("700", 3, 1400), ("-1", 1, 0)] {
        let asked = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&asked);
        let server = service_fn(move |()| {
            seen.fetch_add(1, Relaxed);
            async { Ok::<_, io::Error>(unavailable(pushback, false)) }
        });
        let policy = Policy::new().all_safe().classify(grpc::ByStatus);
        let started = tokio::time::Instant::now();
        over(RetryLayer::new(policy), server).oneshot(()).await.expect("a response");
        assert_eq!((asked.load(Relaxed), started.elapsed().as_millis()), (attempts, took), "{pushback}");
    }
}
