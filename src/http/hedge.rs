//! Hedges for HTTP clients in one word.

use super::{ByStatus, Repeatable};
use crate::hedge::HedgeLayer;

impl<R, C> HedgeLayer<R, C> {
    /// For HTTP: requests are sent twice as [`Repeatable`] says, and responses are read by [`ByStatus`]. What was said of both
    /// before is forgotten. Where no [`budget`](Self::budget) is named, each host has one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::{hedge::HedgeLayer, over, window::Ratio};
    /// use http::{Request, Response};
    /// use http_body_util::Empty;
    /// use tower::ServiceExt;
    /// # use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    /// # type Body = Empty<bytes::Bytes>;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let replicas = tower::service_fn(|_: Request<Body>| {
    /// #     static TAKES: AtomicU64 = AtomicU64::new(1000);
    /// #     let takes = TAKES.swap(5, Relaxed);
    /// #     async move {
    /// #         tokio::time::sleep(Duration::from_millis(takes)).await;
    /// #         Ok::<_, std::io::Error>(Response::new(Body::new()))
    /// #     }
    /// # });
    /// // the first attempt takes a second, the next five milliseconds
    /// let client = over(HedgeLayer::after(Duration::from_millis(50)).http(), replicas);
    /// let start = tokio::time::Instant::now();
    /// let answer = client.oneshot(Request::get("/stock").body(Body::new()).unwrap()).await.unwrap();
    /// assert_eq!((answer.status().as_u16(), start.elapsed()), (200, Duration::from_millis(55)));
    /// # }
    /// ```
    #[must_use]
    pub fn http(self) -> HedgeLayer<Repeatable, ByStatus> {
        self.http_by(Repeatable::new())
    }

    /// The same with budgets that others share: those of the retry outside.
    ///
    /// ```
    /// use buttress::{budget::{KeyedBudgets, Rule}, hedge::HedgeLayer, http::{self, ForRetry, Repeatable, Resend}, retry::Policy, stack};
    /// use std::time::Duration;
    ///
    /// let hosts = KeyedBudgets::new(1000, Rule::default());
    /// let layers = (
    ///     http::retry_by(Policy::new(), ForRetry::new(), Resend::new().budgets(&hosts)),
    ///     HedgeLayer::after(Duration::from_millis(50)).http_by(Repeatable::new().budgets(&hosts)),
    /// );
    /// assert!(stack::lint(&layers).is_empty()); // it would tell of two that pay apart
    /// ```
    #[must_use]
    pub fn http_by(self, repeatable: Repeatable) -> HedgeLayer<Repeatable, ByStatus> {
        self.replay(repeatable).classify(ByStatus)
    }
}
