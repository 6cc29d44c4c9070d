//! The layer: what a user sets.

use super::Spanned;
use crate::rejected::Name;
use tower_layer::Layer;

/// Puts one span around each call. See the [module](super).
#[derive(Clone, Debug)]
pub struct SpanLayer {
    name: Name,
}

impl SpanLayer {
    /// With this as `otel.name`: what is called. One of few, such as a service; never a path or an id.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into() }
    }
}

impl<S> Layer<S> for SpanLayer {
    type Service = Spanned<S>;

    fn layer(&self, inner: S) -> Spanned<S> {
        Spanned::new(inner, self.name.clone())
    }
}
