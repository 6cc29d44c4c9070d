//! How a request is kept for another attempt: its head as it was, and its messages within a bound.

use super::{Resend, body::take_in};
use crate::{
    budget::Extra,
    grpc::{Code, Codes},
    http::ReplayBody,
    outcome::{Class, Outcome},
    replay::Replay,
    retry::Dispose,
};
use ::http::{HeaderName, Request};
use http_body::Body;
use std::{
    fmt,
    future::{Ready, ready},
};

/// On resends, how many attempts there were before.
const PREVIOUS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

/// Keeps the requests of gRPC calls: the head as it was, and of the messages as many bytes as were allowed.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    codes: Codes,
    most: usize,
}

impl Messages {
    pub(super) const fn new(codes: Codes, most: usize) -> Self {
        Self { codes, most }
    }

    /// The body as one that several may send side by side, and whether it is one: only where all of it is there, since the
    /// rest of a stream has one sender.
    fn taken_in<B: Resend>(self, body: B) -> (ReplayBody<B>, bool) {
        // All that is taken in is kept, so that nothing is lost to the one who sends it.
        let body = ReplayBody::with_cap(body, usize::MAX);
        let whole = take_in(&body, self.most);
        if !whole {
            body.let_go();
        }
        (body, whole)
    }
}

/// What [`Messages`] keeps of a call until it is over.
pub struct Kept<B: Body> {
    head: Request<()>,
    body: ReplayBody<B>,
}

impl<B: Resend> Kept<B> {
    fn attempt(&self, number: u32, body: ReplayBody<B>) -> Request<B> {
        let (mut parts, ()) = self.head.clone().into_parts();
        parts.headers.insert(PREVIOUS, number.saturating_sub(1).into());
        Request::from_parts(parts, B::of_kept(body))
    }
}

/// The call has its answer: what is still being sent need not be kept any more.
impl<B: Body> Drop for Kept<B> {
    fn drop(&mut self) {
        self.body.let_go();
    }
}

impl<B: Resend> Replay<Request<B>> for Messages {
    type Sent = Request<B>;
    type Kept = Kept<B>;

    fn first(&self, request: Request<B>, extra: Extra) -> (Request<B>, Option<Kept<B>>) {
        let (parts, body) = request.into_parts();
        let (body, is_kept) = match extra {
            Extra::Hedge => self.taken_in(body),
            _ => (ReplayBody::with_cap(body, self.most), true),
        };
        let kept = is_kept.then(|| Kept { head: Request::from_parts(parts.clone(), ()), body: body.clone() });
        (Request::from_parts(parts, B::of_kept(body)), kept)
    }

    /// The codes are named by who knows the method. An attempt that was cut here has no code but this one.
    fn is_safe(&self, _: &Kept<B>, outcome: &Outcome) -> bool {
        outcome.class() != Class::TimedOut || self.codes.contains(Code::DEADLINE_EXCEEDED)
    }

    fn again(&self, kept: &mut Kept<B>, attempt: u32) -> Option<Request<B>> {
        // Where all of it was taken in, those that run have their own way through it.
        let body = kept.body.again()?;
        Some(kept.attempt(attempt, body))
    }
}

impl<Res> Dispose<Res> for Messages {
    type Disposal = Ready<()>;

    /// A status without messages has no rest to read.
    fn dispose(&self, _: Res) -> Ready<()> {
        ready(())
    }
}

impl<B: Body> fmt::Debug for Kept<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("head", &self.head).field("body", &self.body).finish()
    }
}
