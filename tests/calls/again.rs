//! What is sent again, over real sockets and by real clients. The server has counted.

use crate::{
    faults::{Fault, Plan, Proxy},
    server::{CLIENTS, Kind, Server, nobody, send, status, url},
    two::{CANCEL, ENHANCE_YOUR_CALM, NO_ERROR, REFUSED_STREAM, Say, Two},
};
use axum::{body::Body, response::Response};
use buttress::{
    backoff::Backoff,
    http::{ForRetry, ReplayBody, Resend, retry_by},
    over,
    retry::Policy,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request};
use http_body_util::{Full, StreamBody};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};
use tower::ServiceExt;

/// Three attempts, a millisecond apart.
fn policy() -> Policy {
    Policy::new().backoff(Backoff::constant(Duration::from_millis(1)))
}

fn request(method: Method, url: &str) -> http::request::Builder {
    Request::builder().method(method).uri(url)
}

fn pay() -> Full<Bytes> {
    Full::from("pay 5")
}

#[tokio::test]
async fn a_post_without_a_key_is_received_once_and_its_answer_comes_out() {
    let server = Server::answering(|_| status(503)).await;
    for (n, client) in CLIENTS.into_iter().enumerate() {
        let id = format!("post-{n}");
        let post = request(Method::POST, &server.url(&id)).body(pay()).expect("fine");
        assert_eq!(send(client, &policy(), post).await.expect("an answer").0, 503);
        assert_eq!(server.count(&id), 1, "{client:?}");
    }
}

#[tokio::test]
async fn with_a_key_or_an_idempotent_method_it_is_received_as_often_as_the_policy_says() {
    let server = Server::answering(|_| status(503)).await;
    for (n, client) in CLIENTS.into_iter().enumerate() {
        for (method, key) in [(Method::POST, true), (Method::PUT, false), (Method::DELETE, false)] {
            for attempts in [1, 2, 4] {
                let id = format!("{method}-{n}-{attempts}");
                let mut request = request(method.clone(), &server.url(&id));
                if key {
                    request = request.header("idempotency-key", "\"8e03978e\"");
                }
                let policy = policy().attempts(attempts);
                let answer = send(client, &policy, request.body(pay()).expect("fine")).await;
                assert_eq!(answer.expect("an answer").0, 503);
                let seen = server.seen(&id);
                assert_eq!(seen.len(), attempts as usize, "{client:?} {method}");
                assert!(
                    seen.iter().all(|seen| seen.bytes == Some(5)),
                    "{client:?} {method}: all of the body"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_answer_that_asks_for_it_is_followed_by_another_attempt_and_no_other_is() {
    const STATUSES: [u16; 12] = [200, 301, 400, 404, 408, 409, 425, 429, 500, 502, 503, 504];
    for code in STATUSES {
        let two = Two::saying(vec![Say::Status(code)]).await;
        let get = request(Method::GET, &url(two.address, "x")).body(Full::default()).expect("fine");
        let (answer, _) = send((Kind::Hyper, true), &policy(), get).await.expect("an answer");
        let again = [408, 425, 429, 500, 502, 503, 504].contains(&code);
        assert_eq!((answer, two.requests()), if again { (200, 2) } else { (code, 1) }, "{code}");
    }
}

#[tokio::test]
async fn a_stream_that_was_not_processed_is_sent_again_whatever_its_method() {
    for say in [Say::Reset(REFUSED_STREAM), Say::GoAwayBefore(NO_ERROR), Say::GoAwayBefore(ENHANCE_YOUR_CALM)]
    {
        for kind in [Kind::Hyper, Kind::Reqwest] {
            let two = Two::saying(vec![say, say]).await;
            let post = request(Method::POST, &url(two.address, "x")).body(pay()).expect("fine");
            let answer = send((kind, true), &policy(), post).await;
            assert_eq!((answer.expect("an answer").0, two.requests()), (200, 3), "{kind:?} {say:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_may_have_been_processed_is_sent_again_only_if_that_is_safe() {
    for say in [Say::Reset(CANCEL), Say::GoAwayAfterAndClose(NO_ERROR), Say::Close] {
        for kind in [Kind::Hyper, Kind::Reqwest] {
            let two = Two::saying(vec![say]).await;
            let post = request(Method::POST, &url(two.address, "x")).body(pay()).expect("fine");
            assert!(send((kind, true), &policy(), post).await.is_err(), "{kind:?} {say:?}");
            assert_eq!(two.requests(), 1, "{kind:?} {say:?}");

            let two = Two::saying(vec![say]).await;
            let put = request(Method::PUT, &url(two.address, "x")).body(pay()).expect("fine");
            let answer = send((kind, true), &policy(), put).await;
            assert_eq!((answer.expect("an answer").0, two.requests()), (200, 2), "{kind:?} {say:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_the_same() {
    for fault in [Fault::ResetAnswerAfter(0), Fault::ResetAnswerAfter(12), Fault::CutAnswerAfter(12)] {
        for kind in [Kind::Hyper, Kind::Reqwest] {
            let server = Server::answering(|_| status(200)).await;
            let proxy = Proxy::to(server.address, Plan::First(vec![fault])).await;
            let post = request(Method::POST, &url(proxy.address, "post")).body(pay()).expect("fine");
            assert!(send((kind, false), &policy(), post).await.is_err());
            assert_eq!((server.count("post"), proxy.connections()), (1, 1), "{kind:?} {fault:?}");

            let proxy = Proxy::to(server.address, Plan::First(vec![fault])).await;
            let put = request(Method::PUT, &url(proxy.address, "put")).body(pay()).expect("fine");
            assert_eq!(send((kind, false), &policy(), put).await.expect("an answer").0, 200);
            assert_eq!((server.count("put"), proxy.connections()), (2, 2), "{kind:?} {fault:?}");
        }
    }
}

/// Connects to nobody first.
#[derive(Clone)]
struct Late {
    http: HttpConnector,
    nobody: std::net::SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl tower::Service<http::Uri> for Late {
    type Response = <HttpConnector as tower::Service<http::Uri>>::Response;
    type Error = <HttpConnector as tower::Service<http::Uri>>::Error;
    type Future = <HttpConnector as tower::Service<http::Uri>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(cx)
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let first = self.asked.fetch_add(1, SeqCst) == 0;
        self.http.call(if first { url(self.nobody, "x").parse().expect("a uri") } else { uri })
    }
}

#[tokio::test]
async fn a_post_whose_connection_was_refused_is_sent_again_however_long_its_body_is() {
    let server = Server::answering(|_| status(200)).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let late = Late { http: HttpConnector::new(), nobody: nobody().await, asked: Arc::clone(&asked) };
    let client = Client::builder(TokioExecutor::new()).build::<_, ReplayBody<Full<Bytes>>>(late);
    let long = Full::from(vec![7; 1 << 20]);
    let post = request(Method::POST, &server.url("late")).body(long).expect("fine");
    let answer = over(buttress::http::retry(policy()), client).oneshot(post).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), asked.load(SeqCst)), (200, 2));
    let seen = server.seen("late");
    assert_eq!((seen.len(), seen[0].bytes), (1, Some(1 << 20)));
}

#[tokio::test]
async fn each_attempt_but_the_first_carries_its_number_where_that_was_asked_for() {
    let server = Server::answering(|n| status(if n < 2 { 503 } else { 200 })).await;
    let resend = Resend::new().attempt_header(http::HeaderName::from_static("x-attempt"));
    let client = over(retry_by(policy(), ForRetry::new(), resend), crate::server::hyper(false));
    let get = request(Method::GET, &server.url("x")).header("x-own", "1").body(pay()).expect("fine");
    assert_eq!(client.oneshot(get).await.expect("an answer").status(), 200);
    let numbers: Vec<_> =
        server.seen("x").iter().map(|seen| seen.headers.get("x-attempt").cloned()).collect();
    assert_eq!(numbers, [None, Some("2".parse().expect("a value")), Some("3".parse().expect("a value"))]);
    assert!(server.seen("x").iter().all(|seen| seen.headers["x-own"] == "1"));
}

type Frames = stream::BoxStream<'static, Result<http_body::Frame<Bytes>, Infallible>>;

/// So many chunks, each when the task has had time for something else.
fn chunks(n: usize, of: usize) -> StreamBody<Frames> {
    let chunk = move |n| async move {
        tokio::task::yield_now().await;
        Ok(http_body::Frame::data(Bytes::from(vec![n as u8; of])))
    };
    StreamBody::new(stream::iter(0..n).then(chunk).boxed())
}

#[tokio::test]
async fn a_stream_within_the_cap_is_sent_whole_each_time_also_where_the_answer_comes_before_its_end() {
    for client in CLIENTS {
        let late = Server::answering(|n| status(if n == 0 { 503 } else { 200 })).await;
        let early = Server::answering_early(|n| status(if n == 0 { 503 } else { 200 })).await;
        for server in [late, early] {
            let put = request(Method::PUT, &server.url("x")).body(chunks(60, 1000)).expect("fine");
            assert_eq!(send(client, &policy(), put).await.expect("an answer").0, 200, "{client:?}");
            let seen = server.seen("x");
            assert_eq!((seen.len(), seen[1].bytes), (2, Some(60_000)), "{client:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_over_the_cap_is_sent_once_and_the_answer_comes_out() {
    for client in CLIENTS {
        let server = Server::answering(|_| status(503)).await;
        let put = request(Method::PUT, &server.url("x")).body(chunks(70, 1000)).expect("fine");
        assert_eq!(send(client, &policy(), put).await.expect("an answer").0, 503, "{client:?}");
        let seen = server.seen("x");
        assert_eq!((seen.len(), seen[0].bytes), (1, Some(70_000)), "{client:?}");
    }
}

/// Fails after its first chunk.
struct Fails(u32);

impl http_body::Body for Fails {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        self.0 += 1;
        // Of a kind that would pass for a refused connection if one looked no further.
        Poll::Ready(Some(match self.0 {
            1 => Ok(http_body::Frame::data(Bytes::from_static(b"half"))),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }))
    }
}

#[tokio::test]
async fn a_body_that_fails_ends_the_call_whatever_its_error_says() {
    for client in CLIENTS {
        let server = Server::answering(|_| status(200)).await;
        let put = request(Method::PUT, &server.url("x")).body(Fails(0)).expect("fine");
        let answer = send(client, &policy(), put).await;
        // Over HTTP/2 the server may have answered before it saw the reset.
        assert!(answer.is_err() || answer.is_ok_and(|(status, _)| status != 200), "{client:?}");
        assert!(server.count("x") <= 1, "{client:?}");
    }
}

/// The answer that nobody will see has been read by the time of the next attempt, and its connection is used again.
#[tokio::test]
async fn an_answer_that_is_thrown_away_costs_no_connection() {
    fn page(n: usize) -> Response {
        Response::builder().status(if n < 2 { 503 } else { 200 }).body(Body::from("try later")).expect("fine")
    }
    for client in CLIENTS {
        let server = Server::answering(page).await;
        let proxy = Proxy::to(server.address, Plan::First(Vec::new())).await;
        let put = request(Method::PUT, &url(proxy.address, "x")).body(pay()).expect("fine");
        assert_eq!(send(client, &policy(), put).await.expect("an answer"), (200, "try later".into()));
        assert_eq!((server.count("x"), proxy.connections()), (3, 1), "{client:?}");
    }
}
