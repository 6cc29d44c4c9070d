//! What a call through the standard stack allocates: nothing where it goes well.

use crate::{Body, SECOND, counting};
use buttress::{http::ReplayBody, over, stack};
use http::{Request, Response};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};
use tower::{Service, ServiceExt};

/// Allocates nothing itself.
#[derive(Clone, Copy)]
struct Page;

impl Service<Request<ReplayBody<Body>>> for Page {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<ReplayBody<Body>>) -> Self::Future {
        ready(Ok(Response::new(Body::default())))
    }
}

fn request() -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = http::Uri::from_static("https://orders.example.com/");
    request
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goes_well_allocates_nothing_through_the_clients_stack() {
    let layer = stack::client();
    let mut client = over(layer.clone(), Page);
    for _ in 0..3 {
        drop(client.ready().await.expect("ready").call(request()).await);
    }
    let before = counting::made();
    for _ in 0..100 {
        drop(client.ready().await.expect("ready").call(request()).await.expect("a page"));
    }
    assert_eq!(counting::made() - before, 0, "ready and call");
    let before = counting::made();
    for _ in 0..100 {
        drop(client.clone().oneshot(request()).await.expect("a page"));
    }
    assert_eq!(counting::made() - before, 0, "clone and oneshot");

    let mut config = layer.config();
    config.attempt = SECOND;
    layer.retune(&config).expect("good");
    drop(client.clone().oneshot(request()).await);
    let before = counting::made();
    drop(client.oneshot(request()).await.expect("a page"));
    assert_eq!(counting::made() - before, 0, "nor once it was retuned");
}
