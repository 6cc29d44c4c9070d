//! The breaker of a channel in one call: judged by the trailers, and what never brings a message is seen.

use buttress::{
    breaker::{Circuit, State},
    grpc, over,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use std::{convert::Infallible, fmt::Debug, io, time::Duration};
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
