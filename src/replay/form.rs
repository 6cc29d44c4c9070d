//! How a request is kept for another attempt: the one thing that a protocol has to say for itself.

use super::BudgetOf;
use crate::{outcome::Outcome, telemetry::Extra};

/// Keeps requests, and says which may be sent again: after an attempt that has failed, by a [retry](crate::retry), or beside one
/// that takes too long, by a [hedge](crate::hedge).
///
/// [`Clones`](super::Clones) does it for any request that is `Clone`; the `http` feature brings two for requests whose body is a
/// stream. One of your own goes into [`Policy::replay`](crate::retry::Policy::replay), for which it has to be
/// [`Dispose`](crate::retry::Dispose) too, and into [`HedgeLayer::replay`](crate::hedge::HedgeLayer::replay).
///
/// For a call it is asked in this order: [`budget`](Self::budget), [`first`](Self::first); then, for each attempt that might be
/// sent beside or after the first, [`is_safe`](Self::is_safe), which a hedge does not ask, and [`again`](Self::again).
///
/// ```
/// use std::future::{Ready, ready};
/// use buttress::{budget::Extra, outcome::Outcome, replay::Replay, retry::{Dispose, Policy, RetryLayer}};
/// use tower::ServiceExt;
///
/// /// Tells the service which attempt it is.
/// #[derive(Clone)]
/// struct Numbered;
/// impl Replay<&'static str> for Numbered {
///     type Sent = (&'static str, u32);
///     type Kept = &'static str;
///     fn first(&self, request: &'static str, extra: Extra) -> (Self::Sent, Option<Self::Kept>) {
///         // two orders at once are two orders; after one that was refused, another may be sent
///         let may_be = extra == Extra::Retry || request.starts_with("get");
///         ((request, 1), may_be.then_some(request))
///     }
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
#[diagnostic::on_unimplemented(
    message = "nothing says which of these requests may be sent again, or how",
    label = "`{Self}` does not say so for `{Req}`",
    note = "a hedge needs `.safe(|request| ..)`, `.all_safe()`, `.http()`, or `.replay(..)`; and requests that are `Clone`, but for the last",
    note = "a retry of requests that are not `Clone` needs `http::retry(policy)`, or a `Replay` of your own by `policy.replay(..)`"
)]
pub trait Replay<Req> {
    /// What the service inside is sent: the request itself, or the request with a body that remembers.
    type Sent;

    /// What is kept of it as long as the call goes on.
    type Kept;

    /// The budget that pays for this request, where it is not that of the layer: the budget of its host, say. `named`: the user
    /// has named one for the layer, and does not want a better one that nobody has asked for.
    #[inline]
    fn budget(&self, request: &Req, named: bool) -> BudgetOf {
        let _ = (request, named);
        BudgetOf::Layer
    }

    /// The request as the first attempt sends it, and what is kept of it for `extra` ones; on the path of every call. `None`
    /// where there must not be any: then it is sent once, as though nobody could send it again.
    ///
    /// Those of a retry come after the one before has ended, and [`is_safe`](Self::is_safe) is asked then. Those of a hedge run
    /// beside it, and whatever is kept here for one may be sent.
    fn first(&self, request: Req, extra: Extra) -> (Self::Sent, Option<Self::Kept>);

    /// Whether it may be sent again after an attempt that reached the service, or may have, and ended like this: it is
    /// idempotent, or the service knows it again by a key. Not asked where nothing has reached the service, and not by a hedge.
    ///
    /// Where nothing is said, it may not.
    fn is_safe(&self, kept: &Self::Kept, outcome: &Outcome) -> bool {
        let _ = (kept, outcome);
        false
    }

    /// The request for that attempt, the second or a later one: the place to put the number into it. `None` where it cannot be
    /// made (any more), since a body has grown too large to be kept: then the call goes on with what it has.
    ///
    /// Under a retry no other attempt is left: the future of the one before has ended, and is dropped. Under a hedge others are
    /// running meanwhile, and what is made here must not lean on what they have yet to read. It may not be sent after all: the
    /// call may be dropped in its wait, or the budget may not pay.
    fn again(&self, kept: &mut Self::Kept, attempt: u32) -> Option<Self::Sent>;
}
