//! How a request is kept for another attempt: the one thing that a protocol has to say for itself.

use super::BudgetOf;
use crate::outcome::Outcome;
use tower_service::Service;

/// Keeps requests, and says which may be sent again.
///
/// [`Clones`](super::Clones) does it for any request that is `Clone`; the `http` feature brings one for requests whose body is a
/// stream. One of your own, which has to be [`Dispose`] too, goes into [`Policy::replay`](super::Policy::replay).
///
/// For a call it is asked in this order: [`budget`](Self::budget), [`first`](Self::first); then, after each attempt that did
/// not succeed and might be followed by another, [`is_safe`](Self::is_safe), [`again`](Self::again), and, when the budget has
/// paid, [`dispose`](Dispose::dispose) where there was a response. So the future of an attempt has ended, and is dropped, before
/// `again` is asked for the next.
///
/// ```
/// use std::future::{Ready, ready};
/// use buttress::{outcome::Outcome, retry::{Dispose, Policy, Replay, RetryLayer}};
/// use tower::ServiceExt;
///
/// /// Tells the service which attempt it is.
/// #[derive(Clone)]
/// struct Numbered;
/// impl Replay<&'static str> for Numbered {
///     type Sent = (&'static str, u32);
///     type Kept = &'static str;
///     fn first(&self, request: &'static str) -> (Self::Sent, Self::Kept) { ((request, 1), request) }
///     fn is_safe(&self, kept: &&'static str, _: &Outcome) -> bool { kept.starts_with("get") }
///     fn again(&self, kept: &mut &'static str, attempt: u32) -> Option<Self::Sent> { Some((kept, attempt)) }
/// }
/// impl<Res> Dispose<Res> for Numbered {
///     type Disposal = Ready<()>;
///     fn dispose(&self, _: Res) -> Ready<()> { ready(()) }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let flaky = tower::service_fn(|(request, attempt)| async move {
///     if attempt < 3 { Err(std::io::Error::other("not yet")) } else { Ok(format!("{request}, at attempt {attempt}")) }
/// });
/// let client = buttress::over(RetryLayer::new(Policy::new().replay(Numbered)), flaky);
/// assert_eq!(client.clone().oneshot("get stock").await.unwrap(), "get stock, at attempt 3");
/// assert!(client.oneshot("order one").await.is_err());
/// # }
/// ```
pub trait Replay<Req> {
    /// What the service inside is sent: the request itself, or the request with a body that remembers.
    type Sent;
    /// What is kept of it as long as the call goes on.
    type Kept;

    /// The budget that pays for this request, where it is not that of the policy: the budget of its host, say.
    #[inline]
    fn budget(&self, request: &Req) -> BudgetOf {
        let _ = request;
        BudgetOf::Policy
    }

    /// The request as the first attempt sends it, and what is kept of it. On the path of every call.
    fn first(&self, request: Req) -> (Self::Sent, Self::Kept);

    /// Whether it may be sent again after an attempt that reached the service, or may have, and ended like this: it is
    /// idempotent, or the service knows it again by a key. Not asked where nothing has reached the service.
    fn is_safe(&self, kept: &Self::Kept, outcome: &Outcome) -> bool;

    /// The request for that attempt, the second or a later one: the place to put the number into it. `None` where it cannot be
    /// sent again, since it was not kept: the call then ends with the answer that it has.
    ///
    /// It is made before the wait, and may not be sent after all: the call may be dropped, or the budget may not pay.
    fn again(&self, kept: &mut Self::Kept, attempt: u32) -> Option<Self::Sent>;
}

/// Puts an end to the responses that are not given to anybody.
///
/// A trait of its own beside [`Replay`], because the compiler cannot find a response by the request that a replay makes, and that
/// request by the response, at once.
pub trait Dispose<Res> {
    /// Polled until it is done, or the wait is over.
    type Disposal: Future<Output = ()>;

    /// A response that nobody will see, before the wait: dropped, or read to its end so that its connection can be used
    /// again.
    ///
    /// What it returns is polled while the wait lasts, and dropped at its end: whatever holds a connection must be gone by
    /// then. To drop the response and return [`ready`](std::future::ready) is always right.
    fn dispose(&self, response: Res) -> Self::Disposal;
}

/// What `R` sends for a request.
pub(super) type Sent<R, Req> = <R as Replay<Req>>::Sent;
/// What `S` answers to that.
pub(super) type Answer<S, R, Req> = <S as Service<Sent<R, Req>>>::Response;
