//! Reads a body to its end, or to a bound.

use ::http::HeaderMap;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{
    iter, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// What was read of a body; `R` is what stands for the rest of one that is too long.
pub(super) enum Read<R, E> {
    Whole {
        data: Bytes,
        trailers: Option<HeaderMap>,
    },
    /// It is longer than the bound: what was read, and the rest.
    TooLarge {
        data: Vec<Bytes>,
        rest: R,
    },
    /// It broke off behind this.
    Broken {
        data: Bytes,
        error: E,
    },
}

/// A body that is being read: at most `max` bytes of it, and the one frame that tells that there are more.
pub(super) struct Reading {
    data: Pieces,
    len: usize,
    max: usize,
    trailers: Option<HeaderMap>,
}

impl Reading {
    pub(super) fn new(max: usize) -> Self {
        Self { data: Pieces::default(), len: 0, max, trailers: None }
    }

    /// Goes on reading. What it gives is all that was read: nothing is left in here.
    pub(super) fn poll<B: Body<Data = Bytes>>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Read<(), B::Error>> {
        // What says beforehand that it is too long is not begun.
        if self.len == 0 && usize::try_from(body.size_hint().lower()).map_or(true, |least| least > self.max) {
            return Poll::Ready(Read::TooLarge { data: Vec::new(), rest: () });
        }
        while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
            match frame.map(Frame::into_data) {
                Ok(Ok(bytes)) => {
                    self.len = self.len.saturating_add(bytes.len());
                    self.data.push(bytes);
                    if self.len > self.max {
                        return Poll::Ready(Read::TooLarge {
                            data: mem::take(&mut self.data).all(),
                            rest: (),
                        });
                    }
                }
                Ok(Err(frame)) => {
                    if let Ok(more) = frame.into_trailers() {
                        self.trailers.get_or_insert_default().extend(more);
                    }
                }
                Err(error) => {
                    return Poll::Ready(Read::Broken { data: mem::take(&mut self.data).joined(), error });
                }
            }
        }
        let data = mem::take(&mut self.data).joined();
        Poll::Ready(Read::Whole { data, trailers: self.trailers.take() })
    }
}

/// What has come so far: of most bodies one piece, which is passed on as it is.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    more: Vec<Bytes>,
}

impl Pieces {
    fn push(&mut self, bytes: Bytes) {
        if self.first.is_empty() {
            self.first = bytes;
        } else {
            self.more.push(bytes);
        }
    }

    fn all(mut self) -> Vec<Bytes> {
        iter::once(mem::take(&mut self.first)).chain(self.more).collect()
    }

    fn joined(self) -> Bytes {
        if self.more.is_empty() { self.first } else { self.all().concat().into() }
    }
}
