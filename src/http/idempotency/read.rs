//! Reads a body to its end, or to a bound.

use ::http::HeaderMap;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{
    future::poll_fn,
    iter, mem,
    pin::{Pin, pin},
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

/// Reads at most `max` bytes of it, and the one frame that tells that there are more.
pub(super) async fn read<B: Body<Data = Bytes>>(body: B, max: usize) -> Read<(), B::Error> {
    read_on(pin!(body), max).await
}

/// The same, and keeps the rest.
pub(super) async fn read_and_keep<B: Body<Data = Bytes>>(body: B, max: usize) -> Read<Pin<Box<B>>, B::Error> {
    // Many have none.
    if body.is_end_stream() {
        return Read::Whole { data: Bytes::new(), trailers: None };
    }
    let mut body = Box::pin(body);
    match read_on(body.as_mut(), max).await {
        Read::Whole { data, trailers } => Read::Whole { data, trailers },
        Read::TooLarge { data, rest: () } => Read::TooLarge { data, rest: body },
        Read::Broken { data, error } => Read::Broken { data, error },
    }
}

async fn read_on<B: Body<Data = Bytes>>(mut body: Pin<&mut B>, max: usize) -> Read<(), B::Error> {
    let (mut data, mut len, mut trailers) = (Pieces::default(), 0_usize, None::<HeaderMap>);
    if usize::try_from(body.size_hint().lower()).map_or(true, |least| least > max) {
        return Read::TooLarge { data: Vec::new(), rest: () };
    }
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        match frame.map(Frame::into_data) {
            Ok(Ok(bytes)) => {
                len = len.saturating_add(bytes.len());
                data.push(bytes);
                if len > max {
                    return Read::TooLarge { data: data.all(), rest: () };
                }
            }
            Ok(Err(frame)) => {
                if let Ok(more) = frame.into_trailers() {
                    trailers.get_or_insert_default().extend(more);
                }
            }
            Err(error) => return Read::Broken { data: data.joined(), error },
        }
    }
    Read::Whole { data: data.joined(), trailers }
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
