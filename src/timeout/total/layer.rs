//! The layer: what a user sets.

use super::Total;
use crate::{telemetry::Observer, timeout::settings::Settings};
use std::time::Duration;
use tower_layer::Layer;

/// A limit on the whole call, all attempts and waits in it together, which those inside know.
///
/// A [`TimeoutLayer`](crate::timeout::TimeoutLayer) outside of a retry would do, and two things would be amiss: nobody inside
/// would know how much is left, so that a backoff is waited for after which no time is left for another attempt, and
/// the next hop is told nothing; and each call that waits would have two timers. This layer makes its limit the
/// [`Deadline`](crate::Deadline) of the call, or the one in force where that is earlier. Every layer inside that waits takes
/// the smaller of its own limit and what is left; and **a timer of its own is armed only while nobody inside has one that
/// goes off in time**.
///
/// ```
/// use std::time::Duration;
/// use buttress::{Lifted, rejected::Reason, timeout::{TimeoutLayer, TotalLayer}};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let hangs = tower::service_fn(|_: ()| std::future::pending::<Result<(), std::io::Error>>());
/// let stack = (
///     TotalLayer::new(Duration::from_millis(200)),  // the whole call
///     // a retry would stand here
///     TimeoutLayer::new(Duration::from_secs(3)).name("attempt"), // each attempt
/// );
/// let started = tokio::time::Instant::now();
/// let Err(Lifted::Rejected(why)) = buttress::over(stack, hangs).oneshot(()).await else { panic!("it hangs") };
/// assert_eq!(started.elapsed(), Duration::from_millis(200));
/// // the one timer there is belongs to the attempt, and it knew how much was left
/// assert_eq!((why.reason(), why.name()), (Reason::DeadlinePassed, "attempt"));
/// # }
/// ```
///
/// # What is timed
///
/// From the call, and not from its first `Pending` as in a timeout, since it is one instant that all inside are to know; to the
/// answer, the head of a response. Whoever cuts, the reason is [`DeadlinePassed`](crate::rejected::Reason::DeadlinePassed). A
/// call whose deadline has passed is refused before it starts, and the inside is not asked. An answer at the very instant is
/// an answer. A limit of zero is a millisecond; one of [`Duration::MAX`] is none, and then only a deadline that is in force
/// already is kept.
///
/// # Where it stands
///
/// Outside of the retry; in a server inside of the layer that reads the deadline of the caller
/// ([`http::DeadlineLayer`](crate::http)).
///
/// # Cancel and clone
///
/// As with a timeout: the inner future is dropped before the answer is given, and told why. Clones share nothing but the
/// listener.
#[derive(Clone, Debug)]
pub struct TotalLayer<L = Duration> {
    settings: Settings<L>,
}

const NAME: &str = "total";

impl TotalLayer {
    /// Every call may take so long in all.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self::by(limit)
    }
}

impl<L> TotalLayer<L> {
    /// Each call may take in all as long as `limit` says when it begins: a [`LiveLimit`](crate::timeout::LiveLimit), or a
    /// [`Limit`](crate::timeout::Limit) of your own, which here learns nothing.
    #[must_use]
    pub const fn by(limit: L) -> Self {
        Self { settings: Settings::new(limit, NAME) }
    }

    /// The limit.
    #[cfg(feature = "http")]
    pub(crate) const fn limited_by(&self) -> &L {
        &self.settings.limit
    }

    /// The name in rejections and events; `"total"` where none is set, or an empty one.
    #[must_use]
    pub const fn name(mut self, name: &'static str) -> Self {
        self.settings.rename(name, NAME);
        self
    }

    /// Lets `observer` hear what this layer decides.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.settings.observe(observer);
        self
    }
}

impl<S, L: Clone> Layer<S> for TotalLayer<L> {
    type Service = Total<S, L>;

    fn layer(&self, inner: S) -> Total<S, L> {
        Total::new(inner, self.settings.clone())
    }
}
