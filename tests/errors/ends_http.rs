//! When the verdict of an HTTP call is in: at its head where that says it all, else at the end of its body, however that ends.

use crate::{
    gate::{Gate, GateLayer, Gated},
    net::{HyperClient, bare, get_of, hyper_client, reqwest_client, says, serve, torn},
};
use axum::{Router, body::Body, routing::get};
use buttress::{
    Lifted, cause,
    cause::Cause,
    deadline::Deadline,
    http::{BodyTimeoutLayer, ByStatus},
    outcome::Class,
    over,
    rejected::Lift,
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::Response;
use http_body_util::{BodyExt, Empty, StreamBody};
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn gated() -> (Gated<Lift<HyperClient>, ByStatus>, Gate) {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    (over(layer, hyper_client()), gate)
}

#[tokio::test]
async fn a_caller_who_looks_at_the_status_and_drops_the_body_has_been_served() {
    let (svc, gate) = gated();
    let answer = svc.oneshot(get_of(bare().await, "/fast")).await.expect("a head");
    assert_eq!((answer.status().as_u16(), gate.classes()), (200, vec![]), "still open");
    drop(answer);
    assert_eq!(gate.classes(), [Class::Ok]);
}

#[tokio::test]
async fn a_head_that_says_it_all_is_not_waited_for() {
    for (path, class) in [("/fail", Class::Failed), ("/busy", Class::Throttled), ("/none", Class::Ok)] {
        let (svc, gate) = gated();
        let answer = svc.oneshot(get_of(bare().await, path)).await.expect("a head");
        assert_eq!(gate.classes(), [class], "{path}");
        // The body passes through all the same, and its end adds nothing.
        answer.into_body().collect().await.expect("a body");
        assert_eq!(gate.classes(), [class], "{path}");
    }
}

#[tokio::test]
async fn a_reader_that_stops_at_the_last_frame_is_done_and_so_is_one_that_reads_trailers() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfast"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n4\r\nfast\r\n0\r\nx: y\r\n\r\n",
    ] {
        let (svc, gate) = gated();
        let mut answer = svc.oneshot(get_of(says(bytes).await, "/")).await.expect("a head");
        while !http_body::Body::is_end_stream(answer.body()) {
            let Some(frame) = answer.frame().await else { break };
            frame.expect("no error");
        }
        assert_eq!(gate.classes(), [Class::Ok], "before the body is dropped");
        drop(answer);
        assert_eq!(gate.classes(), [Class::Ok]);
    }
}

#[tokio::test]
async fn bodies_that_break_off_under_a_good_head_trip_the_gate() {
    let (svc, gate) = gated();
    let half = says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    for _ in 0..3 {
        let answer = svc.clone().oneshot(get_of(half, "/")).await.expect("a good head");
        assert!(answer.into_body().collect().await.is_err());
    }
    assert_eq!(gate.classes(), [Class::Failed; 3]);
    assert!(matches!(svc.oneshot(get_of(bare().await, "/fast")).await, Err(Lifted::Rejected(_))));
}

#[tokio::test]
async fn a_stream_that_is_reset_has_failed_for_both_sides() {
    let layer = GateLayer::reading(ByStatus);
    let server = layer.gate();
    let tear = Arc::new(Semaphore::new(0));
    let body = {
        let tear = Arc::clone(&tear);
        async move || torn(b"half", &tear)
    };
    let app = Router::new().route("/", get(body)).layer(buttress::http::guard(layer));
    let address = serve(app).await;

    let layer = GateLayer::reading(ByStatus);
    let client = layer.gate();
    let two = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    let svc = ServiceBuilder::new()
        .layer(layer)
        .layer(buttress::lift())
        .map_response(Response::<reqwest::Body>::from)
        .service(two);
    let request = reqwest_client().get(format!("http://{address}/")).build().expect("a request");
    let mut answer = svc.oneshot(request).await.expect("a good head");
    assert!(answer.frame().await.expect("a chunk").is_ok());
    tear.add_permits(1);
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(client.classes(), [Class::Failed]);
    assert_eq!(server.ended(1).await, [Class::Failed]);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_a_body_is_no_failure_of_the_server() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let endless = async || {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
        Body::from_stream(first.chain(stream::pending()))
    };
    let app = Router::new().route("/", get(endless)).layer(buttress::http::guard(layer));
    let address = serve(app).await;
    let mut answer = hyper_client().request(get_of(address, "/")).await.expect("a head");
    assert!(answer.frame().await.is_some());
    drop(answer);
    assert_eq!(gate.ended(1).await, [Class::Ok]);
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_head_is_nothing() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let stuck = get(std::future::pending::<()>);
    let address = serve(Router::new().route("/", stuck).layer(buttress::http::guard(layer))).await;
    let call = tokio::spawn(hyper_client().request(get_of(address, "/")));
    gate.admitted(1).await;
    call.abort();
    assert_eq!(gate.ended(1).await, [Class::Cancelled]);
}

/// A service whose bodies are this stream, without a socket: for the paused clock.
type Frames = stream::BoxStream<'static, Result<http_body::Frame<Bytes>, Infallible>>;

fn streams(
    frames: impl Fn() -> Frames + Clone + Send,
) -> impl Service<
    http::Request<Empty<Bytes>>,
    Response = Response<StreamBody<Frames>>,
    Error = Infallible,
    Future: Send,
> + Clone {
    service_fn(move |_| std::future::ready(Ok(Response::new(StreamBody::new(frames())))))
}

fn silent() -> Frames {
    stream::pending().boxed()
}

fn one_then_silent() -> Frames {
    stream::iter([Ok(http_body::Frame::data(Bytes::from_static(b"one")))]).chain(stream::pending()).boxed()
}

#[tokio::test(start_paused = true)]
async fn a_body_cut_by_our_limit_outside_the_gate_is_a_timeout() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let svc = over((BodyTimeoutLayer::new().idle(SECOND), layer), streams(silent));
    let answer = svc.oneshot(http::Request::default()).await.expect("a head");
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(gate.classes(), [Class::TimedOut]);
}

/// Known, and the reason to place it outside: the gate sees that the body ended in an error, not which one, since the error
/// of a body need not be an `Error`.
#[tokio::test(start_paused = true)]
async fn a_body_cut_by_our_limit_inside_the_gate_is_taken_for_a_reset() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let svc = over((layer, BodyTimeoutLayer::new().idle(SECOND)), streams(silent));
    let answer = svc.oneshot(http::Request::default()).await.expect("a head");
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(gate.classes(), [Class::Failed]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_under_a_cause_knows_it() {
    for (cause, class) in
        [(Cause::Cut, Class::TimedOut), (Cause::Lost, Class::Cancelled), (Cause::Gone, Class::Ok)]
    {
        let layer = GateLayer::reading(ByStatus);
        let gate = layer.gate();
        let answer = over(layer, streams(one_then_silent)).oneshot(http::Request::default()).await;
        cause::during(cause, || drop(answer));
        assert_eq!(gate.classes(), [class], "{cause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_after_its_calls_deadline_timed_out_by_that() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let svc = over(layer, streams(one_then_silent));
    let end = Deadline::after(buttress::clock::now(), SECOND);
    let answer = end.scope(svc.oneshot(http::Request::default())).await.expect("a head");
    tokio::time::advance(SECOND).await;
    // Outside of the scope: the permit has kept the deadline.
    drop(answer);
    let outcome = gate.last().expect("recorded");
    assert_eq!((outcome.class(), outcome.own_deadline()), (Class::TimedOut, true));
}

#[tokio::test(start_paused = true)]
async fn a_download_that_is_left_after_a_long_time_was_a_good_one_all_the_same() {
    let layer = GateLayer::reading(ByStatus).abandoned_after(SECOND);
    let gate = layer.gate();
    let slow = service_fn(async |_: http::Request<Empty<Bytes>>| {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(StreamBody::new(one_then_silent())))
    });
    let mut answer = over(layer, slow).oneshot(http::Request::default()).await.expect("a head");
    assert!(answer.frame().await.is_some());
    tokio::time::advance(60 * SECOND).await;
    drop(answer);
    assert_eq!(gate.classes(), [Class::Ok]);
}

#[tokio::test]
async fn a_body_that_panics_is_a_panic_of_the_inside_also_when_it_was_caught() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let boom = || stream::poll_fn(|_| panic!("boom")).boxed();
    let mut answer = over(layer, streams(boom)).oneshot(http::Request::default()).await.expect("a head");
    assert!(catch_unwind(AssertUnwindSafe(|| answer.frame().now_or_never())).is_err());
    assert_eq!(gate.classes(), [], "caught, and not yet dropped");
    drop(answer);
    assert_eq!(gate.classes(), [Class::Panicked]);
}

#[tokio::test]
async fn three_gates_one_in_the_other_each_read_the_same_end() {
    let layers = [(); 3].map(|()| GateLayer::reading(ByStatus));
    let gates = layers.clone().map(|layer| layer.gate());
    let [first, second, third] = layers;
    fn fits<T: Send + Sync + Clone + 'static>(svc: T) -> T {
        svc
    }
    let svc = fits(over((first, second, third), hyper_client()));
    let half = says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert!(
        svc.clone().oneshot(get_of(half, "/")).await.expect("a head").into_body().collect().await.is_err()
    );
    drop(svc.oneshot(get_of(bare().await, "/fast")).await.expect("a head"));
    for gate in gates {
        assert_eq!(gate.classes(), [Class::Failed, Class::Ok]);
    }
}

#[tokio::test]
async fn three_gates_inside_a_guard_fit_an_axum_router() {
    let gate = || GateLayer::reading(ByStatus);
    let app =
        Router::new().route("/", get(async || "fast")).layer(buttress::http::guard((gate(), gate(), gate())));
    let answer = hyper_client().request(get_of(serve(app).await, "/")).await.expect("an answer");
    assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), "fast");
}

#[test]
fn the_permit_adds_a_known_number_of_bytes_to_a_body() {
    type Held<B> = buttress::http::SettleBody<B, buttress::http::Rest, crate::gate::Permit>;
    let permit = size_of::<crate::gate::Permit>();
    assert!(size_of::<Held<()>>() <= permit + 8, "{} over a permit of {permit}", size_of::<Held<()>>());
}

/// Where the verdict is always there with the head, the response keeps its type.
#[tokio::test]
async fn under_a_classifier_of_heads_the_body_stays_what_it_was() {
    let layer = GateLayer::new();
    let gate = layer.gate();
    let mut svc = layer.layer(buttress::lift().layer(hyper_client()));
    let called = svc.ready().await.expect("ready").call(get_of(bare().await, "/fast")).await;
    let answer: Result<Response<hyper::body::Incoming>, _> = called;
    assert!(answer.is_ok());
    assert_eq!(gate.classes(), [Class::Ok]);
}
