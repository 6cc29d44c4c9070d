//! The body of an answer: as it came, from memory, or from memory first.

use ::http::HeaderMap;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    collections::VecDeque,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The body of an answer under an [`IdempotencyLayer`](super::IdempotencyLayer).
    ///
    /// A request without a key gets the body as it came. With one the body was read before anything was sent, so that what is
    /// sent can be sent again.
    pub struct StoredBody<B: Body> {
        #[pin]
        kind: Kind<B, B::Error>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B, E> {
        Passing { #[pin] body: B },
        Own { data: Bytes, trailers: Option<HeaderMap>, error: Option<E> },
        // More than is kept: what was read, then the rest.
        Long { read: VecDeque<Bytes>, rest: Pin<Box<B>> },
    }
}

impl<B: Body> StoredBody<B> {
    pub(super) const fn passing(body: B) -> Self {
        Self { kind: Kind::Passing { body } }
    }

    pub(super) const fn own(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { kind: Kind::Own { data, trailers, error: None } }
    }

    /// It breaks off behind `data`, as it did when it was read.
    pub(super) const fn broken(data: Bytes, error: B::Error) -> Self {
        Self { kind: Kind::Own { data, trailers: None, error: Some(error) } }
    }

    pub(super) fn long(read: Vec<Bytes>, rest: Pin<Box<B>>) -> Self {
        Self { kind: Kind::Long { read: read.into(), rest } }
    }
}

impl<B: Body> From<Bytes> for StoredBody<B> {
    fn from(data: Bytes) -> Self {
        Self::own(data, None)
    }
}

impl<B: Body> Default for StoredBody<B> {
    fn default() -> Self {
        Self::own(Bytes::new(), None)
    }
}

impl<B: Body<Data = Bytes>> Body for StoredBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Passing { body } => body.poll_frame(cx),
            KindProj::Own { data, trailers, error } => Poll::Ready(if data.is_empty() {
                let trailers = trailers.take().map(|trailers| Ok(Frame::trailers(trailers)));
                trailers.or_else(|| error.take().map(Err))
            } else {
                Some(Ok(Frame::data(mem::take(data))))
            }),
            KindProj::Long { read, rest } => match read.pop_front() {
                Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                None => rest.as_mut().poll_frame(cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passing { body } => body.is_end_stream(),
            Kind::Own { data, trailers, error } => data.is_empty() && trailers.is_none() && error.is_none(),
            Kind::Long { read, rest } => read.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passing { body } => body.size_hint(),
            Kind::Own { data, trailers: None, error: None } => SizeHint::with_exact(data.len() as u64),
            // HTTP/1.1 has no trailers behind a body whose length was announced.
            Kind::Own { .. } => SizeHint::default(),
            Kind::Long { read, rest } => {
                let front = read.iter().map(|data| data.len() as u64).sum::<u64>();
                let (rest, mut hint) = (rest.size_hint(), SizeHint::new());
                hint.set_lower(rest.lower().saturating_add(front));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(front));
                }
                hint
            }
        }
    }
}

impl<B: Body> fmt::Debug for StoredBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Passing { .. } => "Passing",
            Kind::Own { .. } => "Own",
            Kind::Long { .. } => "Long",
        };
        f.debug_struct("StoredBody").field("kind", &kind).finish_non_exhaustive()
    }
}
