//! The standard stacks as they are shipped, over HTTP requests: what all of it costs a call that goes well.

use crate::{Bar, Batch, Row, batch, polled_on, requests, service::Body};
use buttress::{http::guard, over, stack};
use http::{Request, Response, Uri};
use std::{
    convert::Infallible,
    fmt::Debug,
    future::{Ready, ready},
    hint::black_box,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt,
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
            .peer("tower, one host and no breaker", || requests(of_tower(Page), |_| request()))
            .ours("buttress", || requests(over(stack::client(), Page), |_| request()))
            .bar(bar),
        Row::new("standard client, by authority, inner pends once")
            .floor("no layer", || pending(Slow))
            .peer("tower, one host and no breaker", || pending(of_tower(Slow)))
            .ours("buttress", || pending(over(stack::client(), Slow)))
            .bar(bar),
        Row::new("standard client, by authority, clone and oneshot")
            .floor("no layer", || clones(Page))
            .peer("tower, one host and no breaker", || clones(of_tower(Page)))
            .ours("buttress", || clones(over(stack::client(), Page)))
            .bar(Bar { nanoseconds: Some(120.0), ..bar }),
        // Tower's limit waits without an end, and answers nothing: the error of the service is another one.
        Row::new("standard server, guarded, inner ready")
            .floor("no layer", || requests(Page, |_| request()))
            .peer("tower, errors left as they are", || requests(server_of_tower(Page), |_| request()))
            .ours("buttress", || requests(guard(stack::server()).layer(Page), |_| request()))
            .bar(bar),
        Row::new("standard server, guarded, inner pends once")
            .floor("no layer", || pending(Slow))
            .peer("tower, errors left as they are", || pending(server_of_tower(Slow)))
            .ours("buttress", || pending(guard(stack::server()).layer(Slow)))
            .bar(bar),
        Row::new("standard server, guarded, clone and oneshot")
            .floor("no layer", || clones(Page))
            .peer("tower, errors left as they are", || clones(server_of_tower(Page)))
            .ours("buttress", || clones(guard(stack::server()).layer(Page)))
            .bar(bar),
    ]
}

fn request() -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = Uri::from_static("https://orders.example.com/");
    request
}

/// As near as tower comes: one host, no breaker, and a request that is cloned with its body.
fn of_tower<S>(service: S) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError> + Clone
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .retry(OnError(Arc::new(TpsBudget::default())))
        .concurrency_limit(100)
        .timeout(Duration::from_secs(3))
        .service(service)
}

fn server_of_tower<S>(
    service: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError> + Clone
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    ServiceBuilder::new().timeout(Duration::from_secs(30)).concurrency_limit(512).service(service)
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
    S: Service<Request<Body>, Error: Debug> + Clone + 'static,
{
    batch(async move |_| {
        let answer = black_box(&service).clone().oneshot(request()).await;
        assert!(answer.is_ok());
        black_box(answer.ok());
    })
}

/// As `pending_calls`, with requests.
fn pending<S>(mut service: S) -> Batch
where
    S: Service<Request<Body>, Error: Debug> + 'static,
{
    batch(async move |_| {
        let service = black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => polled_on(service.call(request())).await,
            Err(error) => Err(error),
        };
        crate::answer(answered);
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

/// The same, at the second poll.
#[derive(Clone, Copy, Debug)]
struct Slow;

/// The answer of a [`Slow`].
struct Second {
    polled: bool,
}

impl<B> Service<Request<B>> for Slow {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Second;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, _: Request<B>) -> Second {
        Second { polled: false }
    }
}

impl Future for Second {
    type Output = Result<Response<Body>, Infallible>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polled {
            return Poll::Ready(Ok(Response::new(Body::default())));
        }
        self.polled = true;
        Poll::Pending
    }
}
