//! A fixed value.

use super::{FallbackLayer, Given, Source, Why};
use crate::telemetry::FallbackKind;
use std::{
    future::{Ready, ready},
    sync::Arc,
};

/// The same answer each time; what [`FallbackLayer::value`] makes.
#[derive(Debug)]
pub struct Value<V>(Arc<V>);

impl<V> FallbackLayer<Value<V>> {
    /// Answers with a clone of `value`, made when it is needed.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let open = tower::service_fn(|_: ()| async { Err(Rejected::new(Reason::Open, "recommendations", false)) });
    /// let svc = FallbackLayer::value(vec!["bestseller"]).layer(open);
    /// assert_eq!(svc.oneshot(()).await.unwrap(), ["bestseller"]);
    /// # }
    /// ```
    #[must_use]
    pub fn value(value: V) -> Self {
        Self::source(Value(Arc::new(value)))
    }
}

impl<V> Clone for Value<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Req, Res: Clone, E> Source<Req, Res, E> for Value<Res> {
    type Response = Res;
    type Kept = ();
    type Future = Ready<Option<Given<Res>>>;
    const KIND: FallbackKind = FallbackKind::Value;
    const WAITS: bool = false;

    #[inline]
    fn keep(&self, _: &Req) {}

    #[inline]
    fn good(&self, (): (), response: Res) -> Res {
        response
    }

    fn pass(response: Res) -> Res {
        response
    }

    fn answer(&self, (): (), _: Result<&Res, &E>, _: &Why) -> Self::Future {
        ready(Some(Given::new(Res::clone(&self.0))))
    }
}
