//! Where the other answer comes from: what each kind of fallback implements.

use super::Why;
use crate::telemetry::FallbackKind;
use std::time::Duration;

/// A source of answers for calls that have none.
///
/// The kinds that come with the layer are made by its constructors; one of your own by
/// [`FallbackLayer::source`](super::FallbackLayer::source). A source is cloned for every call, so it should be cheap to
/// clone: what it holds, it holds in an `Arc`.
///
/// ```
/// use buttress::{Rejected, fallback::{FallbackLayer, Given, Source, Why}, rejected::Reason, telemetry::FallbackKind};
/// use std::future::{Ready, ready};
/// use tower::{Layer, ServiceExt};
///
/// /// Answers an addition by itself.
/// #[derive(Clone)]
/// struct ByHand;
///
/// impl<E> Source<(u32, u32), u32, E> for ByHand {
///     type Response = u32;
///     type Kept = (u32, u32);
///     type Future = Ready<Option<Given<u32>>>;
///     const KIND: FallbackKind = FallbackKind::Own;
///     const WAITS: bool = false;
///
///     fn keep(&self, request: &(u32, u32)) -> (u32, u32) {
///         *request
///     }
///     fn good(&self, _: (u32, u32), response: u32) -> u32 {
///         response
///     }
///     fn pass(response: u32) -> u32 {
///         response
///     }
///     fn answer(&self, (a, b): (u32, u32), _: Result<&u32, &E>, _: &Why) -> Self::Future {
///         ready(a.checked_add(b).map(Given::new)) // `None`: no answer from here either
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let full = || tower::service_fn(|_| async { Err::<u32, _>(Rejected::new(Reason::Full, "adder", false)) });
/// let layer = FallbackLayer::source(ByHand);
/// assert_eq!(layer.layer(full()).oneshot((1, 2)).await, Ok(3));
/// assert_eq!(layer.layer(full()).oneshot((u32::MAX, 2)).await.unwrap_err().reason(), Reason::Full);
/// # }
/// ```
pub trait Source<Req, Res, E> {
    /// The response as it leaves the layer: `Res` itself, but where the source has to watch the body of a good one.
    type Response;

    /// What is kept of the request, since the call inside takes it away.
    type Kept;

    /// The answer, or none: then the call ends as it did.
    type Future: Future<Output = Option<Given<Self::Response>>>;

    /// What it is called in events and metrics.
    const KIND: FallbackKind;

    /// Whether an answer may take time. Such a source is not asked once the deadline of the call has passed.
    const WAITS: bool;

    /// Keeps what it will need. On the path of every call.
    fn keep(&self, request: &Req) -> Self::Kept;

    /// The call went well: passes its response on, and may learn from it. On the path of every call.
    fn good(&self, kept: Self::Kept, response: Res) -> Self::Response;

    /// The call did not go well, and there is no fallback for it: passes its response on.
    fn pass(response: Res) -> Self::Response;

    /// Begins to answer in place of `result`.
    fn answer(&self, kept: Self::Kept, result: Result<&Res, &E>, why: &Why) -> Self::Future;

    /// What of an answer the classifier should look at. Where it does not call that `Ok`, it is no answer: a second
    /// service can fail as well. `None`, the default: answers of this source are taken as they are.
    fn to_judge(response: &Self::Response) -> Option<&Res> {
        let _ = response;
        None
    }
}

/// An answer of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<T> {
    pub(crate) response: T,
    pub(crate) age: Option<Duration>,
}

impl<T> Given<T> {
    /// An answer made for this call.
    pub const fn new(response: T) -> Self {
        Self { response, age: None }
    }

    /// The same, as an answer that has been good so long ago.
    #[must_use]
    pub const fn aged(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// The answer.
    pub const fn response(&self) -> &T {
        &self.response
    }

    /// How old it is, where it was kept from an earlier call.
    #[must_use]
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }
}
