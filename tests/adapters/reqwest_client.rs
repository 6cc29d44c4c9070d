//! What goes in comes out at the other side, while it is being made.

use crate::{echo, serve};
use axum::body::Body;
use buttress::{Lifted, over, rejected::Reason, reqwest::service, timeout::TimeoutLayer};
use bytes::Bytes;
use futures_util::StreamExt;
use http::Request;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use std::{convert::Infallible, future::ready, time::Duration};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tower::ServiceExt;

fn client() -> buttress::reqwest::Service {
    service(buttress::reqwest::builder().no_proxy().build().expect("a client"))
}

#[tokio::test]
async fn a_body_streams_both_ways() {
    let address = serve(echo()).await;
    let (send, chunks) = mpsc::channel::<Result<http_body::Frame<Bytes>, Infallible>>(1);
    let chunk = |text: &'static str| Ok(http_body::Frame::data(Bytes::from(text)));
    send.send(chunk("one")).await.expect("somebody listens");
    let request =
        Request::put(format!("http://{address}/")).body(StreamBody::new(ReceiverStream::new(chunks)));
    let response = client().oneshot(request.expect("a request")).await.expect("an answer");
    assert_eq!((response.status().as_u16(), &response.headers()["x-method"]), (200, &"PUT".parse().unwrap()));
    assert!(!response.headers().contains_key("x-length"), "nobody knows how long it will be");

    let mut body = response.into_body().into_data_stream();
    assert_eq!(body.next().await.expect("data").expect("whole"), "one");
    // Only now the rest is made: nothing has waited for the end.
    send.send(chunk("two")).await.expect("somebody listens");
    assert_eq!(body.next().await.expect("data").expect("whole"), "two");
    drop(send);
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn the_length_of_a_body_is_sent_where_it_is_known() {
    let address = serve(echo()).await;
    let uri = || format!("http://{address}/");
    let text = "two apples";
    let of_axum = Request::post(uri()).body(Body::from(text)).expect("a request");
    let of_bytes = Request::post(uri()).body(Full::new(Bytes::from(text))).expect("a request");
    let of_reqwest = Request::post(uri()).body(reqwest::Body::from(text)).expect("a request");
    let answers = [
        client().oneshot(of_axum).await,
        client().oneshot(of_bytes).await,
        client().oneshot(of_reqwest).await,
    ];
    for answer in answers {
        let answer = answer.expect("an answer");
        assert_eq!(answer.headers()["x-length"], "10");
        assert_eq!(answer.into_body().collect().await.expect("whole").to_bytes(), text);
    }
    let empty = Request::get(uri()).body(Empty::<Bytes>::new()).expect("a request");
    assert!(!client().oneshot(empty).await.expect("an answer").headers().contains_key("x-length"));
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_the_call() {
    let address = serve(echo()).await;
    let frames =
        futures_util::stream::once(ready(Err::<http_body::Frame<Bytes>, _>(std::io::Error::other("gone"))));
    let request =
        Request::post(format!("http://{address}/")).body(StreamBody::new(frames)).expect("a request");
    let error = client().oneshot(request).await.expect_err("it has no end");
    let mut sources = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    assert!(sources.any(|source| source.to_string() == "gone"), "{error:?}");
}

#[tokio::test]
async fn a_request_without_a_host_is_refused_by_reqwest_itself() {
    let request = Request::get("/only/a/path").body(Empty::<Bytes>::new()).expect("a request");
    assert!(client().oneshot(request).await.expect_err("no host").is_builder());
}

#[tokio::test]
async fn a_stack_around_it_keeps_its_errors_and_adds_rejections() {
    let hangs = serve(axum::Router::new().fallback(std::future::pending::<&str>)).await;
    let stack = over(TimeoutLayer::new(Duration::from_millis(20)), client());
    let get = |uri: String| Request::get(uri).body(Empty::<Bytes>::new()).expect("a request");
    match stack.clone().oneshot(get(format!("http://{hangs}/"))).await {
        Err(Lifted::Rejected(why)) => assert_eq!(why.reason(), Reason::TimedOut),
        other => panic!("{other:?}"),
    }
    match stack.oneshot(get("http://127.0.0.1:1/".into())).await {
        Err(Lifted::Inner(error)) => assert!(error.is_connect()),
        other => panic!("{other:?}"),
    }
}
