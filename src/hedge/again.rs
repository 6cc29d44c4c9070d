//! Which requests may be sent twice at once, and how to make the second.

/// Says which requests may run several times at once, and makes the copies.
///
/// [`HedgeLayer::safe`](super::HedgeLayer::safe) makes one of a function, and
/// [`HedgeLayer::http`](super::HedgeLayer) knows HTTP. Of one's own, where a copy is not a clone:
///
/// ```
/// use buttress::hedge::{Again, HedgeLayer};
/// use std::{sync::Arc, time::Duration};
///
/// struct Query { sql: String, pages: Arc<[u8]>, number: u32 }
///
/// /// Reads are sent again, each attempt under its own number.
/// #[derive(Clone)]
/// struct Reads;
///
/// impl Again<Query> for Reads {
///     type Kept = (String, Arc<[u8]>);
///
///     fn keep(&self, query: &Query) -> Option<Self::Kept> {
///         query.sql.starts_with("select").then(|| (query.sql.clone(), Arc::clone(&query.pages)))
///     }
///     fn again(&self, kept: &mut Self::Kept, attempt: u32) -> Option<Query> {
///         Some(Query { sql: kept.0.clone(), pages: Arc::clone(&kept.1), number: attempt })
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
    /// What is kept of a request, from which copies are made.
    type Kept;

    /// Asked before the first attempt: `None` where the request must not be sent a second time. Such a call is passed
    /// through as though there were no hedge.
    fn keep(&self, request: &Req) -> Option<Self::Kept>;

    /// A copy for another attempt; the first hedge is attempt 2. `None` where it cannot be made any more, as of a body that
    /// has grown too large to be kept: then there are no more hedges.
    fn again(&self, kept: &mut Self::Kept, attempt: u32) -> Option<Req>;
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
    type Kept = Req;

    #[inline]
    fn keep(&self, request: &Req) -> Option<Req> {
        (self.0)(request).then(|| request.clone())
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
    type Kept = Req;

    #[inline]
    fn keep(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }

    fn again(&self, kept: &mut Req, _: u32) -> Option<Req> {
        Some(kept.clone())
    }
}
