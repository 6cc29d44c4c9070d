//! Reads a body to its end, or to a bound.

use ::http::HeaderMap;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{future::poll_fn, pin::Pin};

/// A body that was read.
pub(super) enum Read<B: Body> {
    Whole {
        data: Bytes,
        trailers: Option<HeaderMap>,
    },
    /// It is longer than the bound: what was read, and the rest.
    TooLarge {
        data: Vec<Bytes>,
        rest: Pin<Box<B>>,
    },
    /// It broke off behind this.
    Broken {
        data: Bytes,
        error: B::Error,
    },
}

/// Reads at most `max` bytes of it, and the one frame that tells that there are more.
pub(super) async fn read<B: Body<Data = Bytes>>(body: B, max: usize) -> Read<B> {
    let mut body = Box::pin(body);
    let (mut data, mut len, mut trailers) = (Vec::new(), 0_usize, None::<HeaderMap>);
    if usize::try_from(body.size_hint().lower()).map_or(true, |least| least > max) {
        return Read::TooLarge { data, rest: body };
    }
    while let Some(frame) = next(body.as_mut()).await {
        match frame.map(Frame::into_data) {
            Ok(Ok(bytes)) => {
                len = len.saturating_add(bytes.len());
                data.push(bytes);
                if len > max {
                    return Read::TooLarge { data, rest: body };
                }
            }
            Ok(Err(frame)) => {
                if let Ok(more) = frame.into_trailers() {
                    trailers.get_or_insert_default().extend(more);
                }
            }
            Err(error) => return Read::Broken { data: join(data), error },
        }
    }
    Read::Whole { data: join(data), trailers }
}

async fn next<B: Body>(mut body: Pin<&mut B>) -> Option<Result<Frame<B::Data>, B::Error>> {
    poll_fn(|cx| body.as_mut().poll_frame(cx)).await
}

/// One piece is passed on as it is.
fn join(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 => Bytes::new(),
        1 => pieces.swap_remove(0),
        _ => pieces.concat().into(),
    }
}
