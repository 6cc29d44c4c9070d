//! Which requests may be sent twice at once, and how to make the second.

/// Says which requests may run several times at once, and makes the copies.
///
/// [`HedgeLayer::safe`](super::HedgeLayer::safe) makes one of a function; with the feature `http` there is one that knows
/// HTTP. One of your own, where a copy is not a clone, or what is sent is not what came:
///
/// ```
/// use buttress::hedge::{Again, HedgeLayer};
/// use std::{sync::Arc, time::Duration};
///
/// struct Query { sql: Arc<str>, number: u32 }
///
/// /// Reads are sent again, each attempt under its own number.
/// #[derive(Clone)]
/// struct Reads;
///
/// impl Again<&'static str> for Reads {
///     type Sent = Query;
///     type Kept = Arc<str>;
///
///     fn first(&self, sql: &'static str) -> (Query, Option<Arc<str>>) {
///         let text: Arc<str> = sql.into();
///         (Query { sql: Arc::clone(&text), number: 1 }, text.starts_with("select").then_some(text))
///     }
///     fn again(&self, kept: &mut Arc<str>, attempt: u32) -> Option<Query> {
///         Some(Query { sql: Arc::clone(kept), number: attempt })
///     }
/// }
///
/// let layer = HedgeLayer::after(Duration::from_millis(50)).by(Reads);
/// # drop(layer);
/// ```
#[diagnostic::on_unimplemented(
    message = "nothing says which of these requests may be sent twice at once",
    label = "`{Self}` does not say so for `{Req}`",
    note = "a hedge needs `.safe(|request| ..)`, `.all_safe()`, `.http()`, or `.by(..)`; and requests that are `Clone`, but for the last"
)]
pub trait Again<Req> {
    /// What the service inside is sent: the request itself, or the request with a body that remembers.
    type Sent;

    /// What is kept of a request, from which copies are made.
    type Kept;

    /// The request as the first attempt sends it, and what is kept of it. `None` where it must not be sent a second time: then
    /// it is sent once, as though there were no hedge. On the path of every call.
    fn first(&self, request: Req) -> (Self::Sent, Option<Self::Kept>);

    /// The request for that attempt, the second or a later one: the place to put the number into it. `None` where it cannot
    /// be made now, since a body has grown too large to be kept: then there are no more hedges.
    ///
    /// Other attempts are running meanwhile: a copy must not lean on what they have yet to read.
    fn again(&self, kept: &mut Self::Kept, attempt: u32) -> Option<Self::Sent>;
}

/// Nothing was said yet.
#[derive(Clone, Copy, Debug)]
pub struct Unsaid {
    pub(super) _more: (),
}

/// Clones of those requests of which a function says that they are safe.
#[derive(Clone, Copy, Debug)]
pub struct Safe<F>(pub(super) F);

impl<Req, F> Again<Req> for Safe<F>
where
    Req: Clone,
    F: Fn(&Req) -> bool,
{
    type Sent = Req;
    type Kept = Req;

    #[inline]
    fn first(&self, request: Req) -> (Req, Option<Req>) {
        let kept = (self.0)(&request).then(|| request.clone());
        (request, kept)
    }

    fn again(&self, kept: &mut Req, _: u32) -> Option<Req> {
        Some(kept.clone())
    }
}

/// Clones of all requests.
#[derive(Clone, Copy, Debug)]
pub struct AllSafe {
    pub(super) _more: (),
}

impl<Req: Clone> Again<Req> for AllSafe {
    type Sent = Req;
    type Kept = Req;

    #[inline]
    fn first(&self, request: Req) -> (Req, Option<Req>) {
        (request.clone(), Some(request))
    }

    fn again(&self, kept: &mut Req, _: u32) -> Option<Req> {
        Some(kept.clone())
    }
}
