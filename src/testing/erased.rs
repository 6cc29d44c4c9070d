//! Layers without their types, so that a law is one plain function and is compiled once.

use super::Probe;
use crate::rejected::BoxError;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// A layer that can be judged: over a [`Probe`] it gives a service of `u64` to `u64` that can be cloned and whose error
/// can be boxed. There is nothing to implement.
///
/// A layer for other requests is judged between two adapters, as a stack of three layers: one outside that makes its
/// request of a `u64` and a `u64` of its response, and one inside that does the reverse:
///
/// ```
/// use buttress::testing::Subject;
/// use tower::{ServiceBuilder, load_shed::LoadShedLayer};
///
/// # struct Order(u64);
/// # struct Receipt(u64);
/// Subject::new(|| {
///     ServiceBuilder::new()
///         .map_request(|n| Order(n))
///         .map_response(|Receipt(n)| n)
///         .layer(LoadShedLayer::new()) // here: from Order to Receipt
///         .map_request(|Order(n)| n)
///         .map_response(|n| Receipt(n))
/// })
/// .named("load shed")
/// .judge()
/// .assert();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be judged as it stands",
    label = "over a `Probe`, this layer does not give a `Service<u64, Response = u64>` that is `'static`",
    note = "for other requests and responses: judge a `ServiceBuilder` with `map_request` and `map_response` on both sides",
    note = "the error has to be `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Judgeable:
    Layer<
        Probe,
        Service: Service<u64, Response = u64, Error: Into<BoxError>, Future: 'static> + Clone + 'static,
    > + 'static
{
}

impl<L> Judgeable for L where
    L: Layer<
            Probe,
            Service: Service<u64, Response = u64, Error: Into<BoxError>, Future: 'static> + Clone + 'static,
        > + 'static
{
}

/// Makes a layer value, a fresh one each time.
pub(super) type Make = Box<dyn Fn() -> Box<dyn Mount>>;

/// The answer of an erased service.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<u64, BoxError>>>>;

/// A layer value.
pub(super) trait Mount {
    fn mount(&self, probe: Probe) -> Box<dyn Outer>;
}

/// A service of a layer under judgement.
pub(super) trait Outer {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;

    fn call(&mut self, request: u64) -> Answering {
        self.counted_call(request, || 0).0
    }

    /// The call, and by how much `count` rose in the layer's own `call`: the box around the future is ours.
    fn counted_call(&mut self, request: u64, count: fn() -> u64) -> (Answering, u64);

    fn twin(&self) -> Box<dyn Outer>;
}

pub(super) fn erase<L: Judgeable>(make: impl Fn() -> L + 'static) -> Make {
    Box::new(move || Box::new(Erased(make())))
}

struct Erased<T>(T);

impl<L: Judgeable> Mount for Erased<L> {
    fn mount(&self, probe: Probe) -> Box<dyn Outer> {
        Box::new(Erased(self.0.layer(probe)))
    }
}

impl<S> Outer for Erased<S>
where
    S: Service<u64, Response = u64, Error: Into<BoxError>, Future: 'static> + Clone + 'static,
{
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn counted_call(&mut self, request: u64, count: fn() -> u64) -> (Answering, u64) {
        let before = count();
        let call = self.0.call(request);
        let rose = count().saturating_sub(before);
        (Box::pin(Boxing { call }), rose)
    }

    fn twin(&self) -> Box<dyn Outer> {
        Box::new(Self(self.0.clone()))
    }
}

pin_project! {
    struct Boxing<F> {
        #[pin]
        call: F,
    }
}

impl<F, E> Future for Boxing<F>
where
    F: Future<Output = Result<u64, E>>,
    E: Into<BoxError>,
{
    type Output = Result<u64, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map_err(Into::into)
    }
}
