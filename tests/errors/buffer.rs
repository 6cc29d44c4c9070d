//! tower's `Buffer`, around our layers and between them: errors in boxes, rejections found in them.

// [what a user writes
use buttress::{Rejectable, rejected::BoxError, timeout::TimeoutLayer};
use tower::{Service, ServiceBuilder, ServiceExt};

async fn ask<S>(service: S, limit: std::time::Duration) -> Result<S::Response, String>
where
    S: Service<(), Error = BoxError, Future: Send> + Send + 'static,
{
    let svc = ServiceBuilder::new().layer(TimeoutLayer::new(limit)).buffer(16).service(service);
    svc.oneshot(()).await.map_err(|error| match error.as_rejected() {
        Some(why) => format!("Err(BoxError), and in it the rejection: {why}"),
        None => format!("Err(BoxError): {error}"),
    })
}
// what a user writes]

use crate::{gate::GateLayer, net::SHORT};
use buttress::{Lifted, over, rejected::Reason};
use std::{convert::Infallible, future::pending, io, time::Duration};
use tower::{buffer::Buffer, service_fn};

const LIMIT: Duration = Duration::from_secs(3);

pub(crate) async fn seen() -> String {
    ask(service_fn(|()| pending::<Result<Infallible, BoxError>>()), SHORT).await.expect_err("stuck")
}

#[tokio::test(start_paused = true)]
async fn a_buffer_inside_our_layers_needs_no_lift() {
    assert_eq!(seen().await, "Err(BoxError), and in it the rejection: timed out");
    let fails = service_fn(|()| async { Err::<Infallible, BoxError>("no bread".into()) });
    assert_eq!(ask(fails, LIMIT).await, Err("Err(BoxError): no bread".into()));
}

#[tokio::test(start_paused = true)]
async fn a_buffer_outside_boxes_the_lifted_error_and_a_layer_around_it_still_finds_the_rejection() {
    let stuck = service_fn(|()| pending::<Result<(), io::Error>>());
    let buffered = Buffer::new(over(TimeoutLayer::new(LIMIT), stuck), 16);
    let error = buffered.clone().oneshot(()).await.expect_err("stuck");
    assert!(error.is::<Lifted<io::Error>>(), "its own type is in the box");
    assert_eq!(error.as_rejected().map(|why| why.reason()), Some(Reason::TimedOut));

    let layer = GateLayer::new();
    let gate = layer.gate();
    let svc = ServiceBuilder::new().layer(layer).service(buffered);
    for _ in 0..3 {
        assert!(svc.clone().oneshot(()).await.is_err());
    }
    assert!(gate.is_open(), "a timeout through a box is a timeout: {:?}", gate.classes());
    let error = svc.oneshot(()).await.expect_err("open");
    assert_eq!(error.as_rejected().map(|why| why.reason()), Some(Reason::Open));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_has_died_is_an_error_of_its_own_and_no_rejection() {
    let never_ready = tower::util::MapErr::new(
        over(TimeoutLayer::new(LIMIT), Broken),
        Into::<BoxError>::into as fn(Lifted<io::Error>) -> BoxError,
    );
    let error = Buffer::new(never_ready, 16).oneshot(()).await.expect_err("broken");
    assert!(error.as_rejected().is_none());
}

/// Is never ready, and says so with an error.
#[derive(Clone)]
struct Broken;

impl Service<()> for Broken {
    type Response = ();
    type Error = io::Error;
    type Future = std::future::Ready<Result<(), io::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Err(io::Error::other("broken")))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        std::future::ready(Ok(()))
    }
}
