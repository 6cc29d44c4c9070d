//! What each way to fail says of the service, and whether that may have seen the request.

use crate::{refusing, serve};
use buttress::{
    Lifted, lift,
    outcome::{Class, Classify, Outcome, Verdict},
    reqwest::{ByStatus, builder, outcome, service},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use std::time::Duration;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

async fn of(client: reqwest::Client, uri: String) -> (Class, bool) {
    let error = client.get(uri).send().await.expect_err("it fails");
    let said = outcome(&error);
    (said.class(), said.reached())
}

fn client() -> reqwest::Client {
    builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn a_refused_connection_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let closed = listener.local_addr().expect("bound");
    drop(listener);
    assert_eq!(of(client(), format!("http://{closed}/")).await, (Class::Failed, false));
}

#[tokio::test]
async fn a_connection_that_breaks_off_may_have_been_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("somebody calls");
            // What was asked is read, and then it goes away.
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await;
        }
    });
    assert_eq!(of(client(), format!("http://{address}/")).await, (Class::Failed, true));
}

#[tokio::test]
async fn reqwests_own_timeout_is_one_and_may_have_been_reached() {
    let hangs = serve(axum::Router::new().fallback(std::future::pending::<&str>)).await;
    let client = builder().no_proxy().timeout(Duration::from_millis(30)).build().expect("a client");
    assert_eq!(of(client, format!("http://{hangs}/")).await, (Class::TimedOut, true));
}

#[tokio::test]
async fn what_is_no_request_is_not_the_services_fault() {
    assert_eq!(of(client(), "only/a/path".into()).await, (Class::Cancelled, false));
}

#[tokio::test]
async fn a_stream_that_was_refused_was_not_reached_and_is_sent_once_by_our_builder() {
    for (name, http2, requests) in
        [("as reqwest comes", reqwest::Client::builder(), 3), ("as our builder makes it", builder(), 1)]
    {
        let server = refusing::server().await;
        let client = http2.http2_prior_knowledge().no_proxy().build().expect("a client");
        let uri = format!("http://{}/", server.address);
        assert_eq!(of(client, uri).await, (Class::Failed, false), "{name}");
        assert_eq!(server.requests(), requests, "{name}");
    }
}

#[tokio::test]
async fn the_classifier_reads_statuses_as_http_does_and_errors_wherever_they_stand() {
    let read = |status: u16| {
        let response = Response::builder().status(status).body(Empty::<Bytes>::new()).expect("a response");
        match ByStatus.classify(Ok::<_, &reqwest::Error>(&response)) {
            Verdict::Now(outcome) => outcome,
            Verdict::AtEnd(_) => panic!("it has no body"),
        }
    };
    assert_eq!((read(200), read(429), read(502)), (Outcome::OK, Outcome::THROTTLED, Outcome::FAILED));
    let full = Response::new(Full::new(Bytes::from_static(b"page")));
    assert!(matches!(ByStatus.classify(Ok::<_, &reqwest::Error>(&full)), Verdict::AtEnd(_)));

    type Answer = Response<Empty<Bytes>>;
    let verdict = |error: &Lifted<reqwest::Error>| match ByStatus.classify(Err::<&Answer, _>(error)) {
        Verdict::Now(outcome) => (outcome.class(), outcome.reached()),
        Verdict::AtEnd(_) => panic!("an error has no end"),
    };
    let lifted = lift().layer(service(client()));
    let request = Request::get("http://127.0.0.1:1/").body(Empty::<Bytes>::new()).expect("a request");
    let error = lifted.oneshot(request).await.expect_err("nobody listens");
    assert_eq!(verdict(&error), (Class::Failed, false));

    #[derive(Debug, thiserror::Error)]
    #[error("shop: {0}")]
    struct Own(#[source] reqwest::Error);
    let own = Own(error.into_inner().expect("reqwest's"));
    let Verdict::Now(said) = ByStatus.classify(Err::<&Answer, _>(&own)) else {
        panic!("an error has no end")
    };
    assert_eq!((said.class(), said.reached()), (Class::Failed, false));
    let Verdict::Now(said) = ByStatus.classify(Err::<&Answer, _>(&std::io::Error::other("else"))) else {
        panic!("an error has no end")
    };
    assert_eq!((said.class(), said.reached()), (Class::Failed, true));
}
