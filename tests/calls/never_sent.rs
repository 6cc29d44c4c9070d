//! Which errors of real clients say that a request was never processed, and which do not.

use crate::{
    faults::{Fault, Plan, Proxy},
    server::{Server, hyper, nobody, reqwest, status, url},
    two::{CANCEL, ENHANCE_YOUR_CALM, NO_ERROR, REFUSED_STREAM, Say, Two},
};
use buttress::{Lifted, http::refused, hyper::never_sent};
use bytes::Bytes;
use http_body_util::Empty;
use std::{error::Error, net::SocketAddr};

/// What hyper-util's client and reqwest's say of a request to there; both must agree.
async fn both(addresses: [SocketAddr; 2], two: bool) -> bool {
    let get = |address| http::Request::get(url(address, "x")).body(Empty::<Bytes>::new()).expect("a request");
    let by_hyper = hyper(two).request(get(addresses[0])).await.expect_err("no answer");
    let by_reqwest = reqwest(two).get(url(addresses[1], "x")).send().await.expect_err("no answer");
    let [one, other] = [&by_hyper as &(dyn Error + 'static), &by_reqwest].map(never_sent);
    assert_eq!(one, other, "{by_hyper:?} and {by_reqwest:?}");
    one
}

async fn over_two(say: Say) -> bool {
    let (one, other) = (Two::saying(vec![say]).await, Two::saying(vec![say]).await);
    let said = both([one.address, other.address], true).await;
    assert_eq!((one.requests(), other.requests()), (1, 1), "the head has arrived each time");
    said
}

async fn through(fault: Fault) -> bool {
    let server = Server::answering(|_| status(200)).await;
    // reqwest and hyper-util try again by themselves on a connection that was used before; these are new.
    let one = Proxy::to(server.address, Plan::First(vec![fault; 8])).await;
    let other = Proxy::to(server.address, Plan::First(vec![fault; 8])).await;
    both([one.address, other.address], false).await
}

#[tokio::test]
async fn a_refused_connection_was_never_sent_and_needs_no_knowledge_of_the_client() {
    let address = nobody().await;
    assert!(both([address; 2], false).await);
    assert!(both([address; 2], true).await);
    let error = reqwest(false).get(url(address, "x")).send().await.expect_err("nobody there");
    assert!(refused(&error));
}

#[tokio::test]
async fn a_host_that_is_not_found_was_never_sent() {
    let request = http::Request::get("http://no-such-host.invalid/").body(Empty::<Bytes>::new());
    let error = hyper(false).request(request.expect("a request")).await.expect_err("no such host");
    assert!(never_sent(&error));
    assert!(!refused(&error), "that much takes knowledge of the client");
    assert!(
        never_sent(&Lifted::Inner(error)),
        "a layer sees it lifted, as in `over(hyper::retry(..), client)`"
    );
}

#[tokio::test]
async fn a_stream_that_was_refused_was_never_processed() {
    assert!(over_two(Say::Reset(REFUSED_STREAM)).await);
}

#[tokio::test]
async fn a_stream_past_the_last_one_of_a_goaway_was_never_processed() {
    assert!(over_two(Say::GoAwayBefore(NO_ERROR)).await);
    assert!(over_two(Say::GoAwayBefore(ENHANCE_YOUR_CALM)).await);
}

#[tokio::test]
async fn a_stream_that_a_goaway_names_as_served_may_have_been_processed() {
    assert!(!over_two(Say::GoAwayAfterAndClose(NO_ERROR)).await);
    assert!(!over_two(Say::GoAwayAfterAndClose(ENHANCE_YOUR_CALM)).await);
}

#[tokio::test]
async fn a_stream_that_was_reset_otherwise_or_lost_its_connection_may_have_been_processed() {
    assert!(!over_two(Say::Reset(CANCEL)).await);
    assert!(!over_two(Say::Reset(NO_ERROR)).await);
    assert!(!over_two(Say::Close).await);
}

#[tokio::test]
async fn a_connection_that_breaks_off_may_have_brought_the_request_over() {
    assert!(!through(Fault::ResetRequestAfter(20)).await);
    assert!(!through(Fault::ResetAnswerAfter(0)).await);
    assert!(!through(Fault::CutAnswerAfter(10)).await);
}

/// tonic's channel keeps the error below in the sources of its status.
#[tokio::test]
async fn a_channel_that_cannot_connect_says_so() {
    use tower::{Service, ServiceExt};
    let url = format!("http://{}", nobody().await);
    let mut channel = tonic::transport::Endpoint::from_shared(url).expect("a url").connect_lazy();
    let request = http::Request::post("/x.Y/Z").body(tonic::body::Body::empty()).expect("a request");
    let error = match channel.ready().await {
        Ok(channel) => channel.call(request).await.expect_err("nobody there"),
        Err(error) => error,
    };
    assert!(never_sent(&error), "{error:?}");
}
