//! The standard stack of a client as it is shipped, over HTTP requests: what all of it costs a call that goes well.

use crate::{Bar, Batch, Row, batch, requests, service::Body};
use buttress::{over, stack};
use http::{Request, Response, Uri};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::{
    BoxError, Service, ServiceBuilder, ServiceExt,
    retry::{
        Policy,
        budget::{Budget, TpsBudget},
    },
};

pub(super) fn rows() -> Vec<Row> {
    let bar = Bar { allocations: Some(0.0), ..Bar::default() };
    vec![
        Row::new("standard client, by authority, inner ready")
            .floor("no layer", || requests(Page, |_| request()))
            .peer("tower, one host and no breaker", || requests(of_tower(), |_| request()))
            .ours("buttress", || requests(over(stack::client(), Page), |_| request()))
            .bar(bar),
        Row::new("standard client, by authority, clone and oneshot")
            .floor("no layer", || clones(Page))
            .peer("tower, one host and no breaker", || clones(of_tower()))
            .ours("buttress", || clones(over(stack::client(), Page)))
            .bar(Bar { nanoseconds: Some(120.0), ..bar }),
    ]
}

fn request() -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = Uri::from_static("https://orders.example.com/");
    request
}

/// As near as tower comes: one host, no breaker, and a request that is cloned with its body.
fn of_tower() -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError> + Clone {
    ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .retry(OnError(Arc::new(TpsBudget::default())))
        .concurrency_limit(100)
        .timeout(Duration::from_secs(3))
        .service(Page)
}

#[derive(Clone)]
struct OnError(Arc<TpsBudget>);

impl Policy<Request<Body>, Response<Body>, BoxError> for OnError {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<Body>, BoxError>,
    ) -> Option<Ready<()>> {
        if result.is_ok() {
            self.0.deposit();
            return None;
        }
        self.0.withdraw().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

fn clones<S>(service: S) -> Batch
where
    S: Service<Request<Body>, Error: std::fmt::Debug> + Clone + 'static,
{
    batch(async move |_| {
        let answer = black_box(&service).clone().oneshot(request()).await;
        assert!(answer.is_ok());
        black_box(answer.ok());
    })
}

/// Answers at once with an empty page, whatever the body of the request.
#[derive(Clone, Copy, Debug)]
struct Page;

impl<B> Service<Request<B>> for Page {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Body::default())))
    }
}
