//! What is kept of a request as long as its call goes on.

use crate::{
    budget::Extra,
    http::{Attempt, ReplayBody, replay::beside},
};
use ::http::{HeaderName, HeaderValue, Request, request::Parts};
use http_body::Body;

/// The head of a request, and a hold on its body; what [`Resend`](super::Resend) keeps.
#[derive(Debug)]
pub struct KeptRequest<B> {
    head: Parts,
    body: ReplayBody<B>,
    /// The attempts before run on.
    side_by_side: bool,
}

impl<B: Body> KeptRequest<B> {
    /// Of this request; and the request as the first attempt sends it.
    pub(super) fn of(request: Request<B>, cap: usize, extra: Extra) -> (Request<ReplayBody<B>>, Self) {
        let (head, body) = request.into_parts();
        let side_by_side = extra == Extra::Hedge;
        let kept = Self { head, body: ReplayBody::with_cap(body, cap), side_by_side };
        // Untouched, it can be sent; it takes its place in the line, before those that come after it.
        let body = kept.body.again().unwrap_or_else(|| kept.body.clone());
        (Request::from_parts(kept.head.clone(), body), kept)
    }

    pub(super) const fn head(&self) -> &Parts {
        &self.head
    }

    pub(super) fn again(&self, attempt: u32, header: Option<&HeaderName>) -> Option<Request<ReplayBody<B>>> {
        let body = if self.side_by_side { beside(&self.body) } else { self.body.again() }?;
        let mut request = Request::from_parts(self.head.clone(), body);
        Attempt::count_on(request.extensions_mut(), attempt);
        if let Some(name) = header {
            request.headers_mut().insert(name, HeaderValue::from(attempt));
        }
        Some(request)
    }
}

/// The call is over; its body may still be on its way.
impl<B> Drop for KeptRequest<B> {
    fn drop(&mut self) {
        self.body.let_go();
    }
}
