//! A body that carries an open verdict to its end.

use crate::outcome::{AtEnd, Outcome, Ticket};
use ::http::{HeaderMap, Response};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Reads what comes after the head of a response, and says what it means.
///
/// Whatever implements it is an [`AtEnd`] for HTTP responses, by way of [`SettleBody`].
pub trait ReadRest {
    /// What it means that the body is dropped before anything of it was read.
    fn at_head(&self) -> Outcome;

    /// A message has come: what a drop means from here on, where that changes.
    fn data(&mut self) -> Option<Outcome> {
        None
    }

    /// The trailers have come.
    fn trailers(&mut self, trailers: &HeaderMap) -> Outcome;

    /// The body has broken off.
    fn error(&mut self) -> Outcome {
        Outcome::FAILED
    }

    /// The body has ended, without trailers.
    fn end(&mut self) -> Outcome;
}

impl<B: Body, R: ReadRest> AtEnd<Response<B>> for R {
    type Response<T: Ticket> = Response<SettleBody<B, R, T>>;

    #[inline]
    fn pass<T: Ticket>(response: Response<B>) -> Self::Response<T> {
        response.map(SettleBody::inert)
    }

    #[inline]
    fn hold<T: Ticket>(self, response: Response<B>, mut ticket: T) -> Self::Response<T> {
        ticket.expect(self.at_head());
        response.map(|body| SettleBody { body, open: Some(Open { rest: self, ticket }) })
    }
}

pin_project! {
    /// A response body that settles a ticket where it ends: at its trailers, its last frame, its error, or its drop.
    ///
    /// Same data and same error as the body inside; `Default` and `From<Bytes>` where that has them, so that it stands
    /// inside a [`guard`](super::guard).
    pub struct SettleBody<B, R, T> {
        #[pin]
        body: B,
        // `None` once the verdict is in.
        open: Option<Open<R, T>>,
    }
}

struct Open<R, T> {
    rest: R,
    ticket: T,
}

impl<B, R, T> SettleBody<B, R, T> {
    /// A body that nobody waits for.
    const fn inert(body: B) -> Self {
        Self { body, open: None }
    }
}

impl<B: Default, R, T> Default for SettleBody<B, R, T> {
    fn default() -> Self {
        Self::inert(B::default())
    }
}

impl<B: From<Bytes>, R, T> From<Bytes> for SettleBody<B, R, T> {
    fn from(bytes: Bytes) -> Self {
        Self::inert(B::from(bytes))
    }
}

impl<B: Body, R: ReadRest, T: Ticket> Body for SettleBody<B, R, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(open) = this.open.as_mut() else { return this.body.poll_frame(cx) };
        open.ticket.busy(true);
        let polled = this.body.as_mut().poll_frame(cx);
        open.ticket.busy(false);
        let frame = ready!(polled);
        let verdict = match &frame {
            None => Some(open.rest.end()),
            Some(Err(_)) => Some(open.rest.error()),
            Some(Ok(frame)) => match frame.trailers_ref() {
                Some(trailers) => Some(open.rest.trailers(trailers)),
                None => {
                    if let Some(outcome) = open.rest.data() {
                        open.ticket.expect(outcome);
                    }
                    // A reader that trusts `is_end_stream` does not come again for the None.
                    this.body.is_end_stream().then(|| open.rest.end())
                }
            },
        };
        if let Some(outcome) = verdict
            && let Some(open) = this.open.take()
        {
            open.ticket.settle(outcome);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: fmt::Debug, R, T> fmt::Debug for SettleBody<B, R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettleBody").field("body", &self.body).field("open", &self.open.is_some()).finish()
    }
}
