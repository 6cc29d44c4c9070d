//! A body that is passed on as it comes, and collected beside where it is to be kept.

use ::http::HeaderMap;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

pin_project! {
    /// The body of a response under [`last_good`](super::last_good): the inner one, frame by frame as it comes, or one that
    /// was kept.
    ///
    /// `Default` and `From<Bytes>` where the body inside has them, so that it stands inside a
    /// [`guard`](super::super::guard).
    pub struct KeepBody<B> {
        #[pin]
        body: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Passing {
            #[pin]
            body: B,
            // `None` where nobody keeps it; that is most of the time.
            collect: Option<Box<Collect>>,
        },
        Kept {
            data: Bytes,
            trailers: Option<HeaderMap>,
        },
    }
}

/// Collects a body, up to a size.
pub(super) struct Collect {
    bytes: Vec<u8>,
    most: usize,
    room: Room,
    done: Box<dyn FnOnce(Bytes, Option<HeaderMap>) + Send + Sync>,
}

impl Collect {
    pub(super) fn new(
        most: usize,
        room: Room,
        done: impl FnOnce(Bytes, Option<HeaderMap>) + Send + Sync + 'static,
    ) -> Self {
        Self { bytes: Vec::new(), most, room, done: Box::new(done) }
    }

    /// Copies, so that nothing of the connection's buffers is held. False where it is too much.
    fn data(&mut self, data: &[u8]) -> bool {
        let fits = self.most - self.bytes.len() >= data.len() && self.room.take(data.len());
        if fits {
            self.bytes.extend_from_slice(data);
        }
        fits
    }

    fn end(self, trailers: Option<HeaderMap>) {
        // Without the room to grow that is left over.
        (self.done)(self.bytes.into_boxed_slice().into(), trailers);
    }
}

/// What all bodies of a layer that are being collected take together; each gives its share back when it is dropped.
pub(super) struct Room {
    taken: Arc<AtomicUsize>,
    mine: usize,
    most: usize,
}

impl Room {
    pub(super) const fn new(taken: Arc<AtomicUsize>, most: usize) -> Self {
        Self { taken, mine: 0, most }
    }

    fn take(&mut self, bytes: usize) -> bool {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.most);
        let fits = self.taken.fetch_update(Relaxed, Relaxed, more).is_ok();
        if fits {
            self.mine += bytes;
        }
        fits
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.mine, Relaxed);
    }
}

impl<B> KeepBody<B> {
    pub(super) const fn passing(body: B, collect: Option<Box<Collect>>) -> Self {
        Self { body: Kind::Passing { body, collect } }
    }

    pub(super) const fn kept(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { body: Kind::Kept { data, trailers } }
    }
}

impl<B: Body<Data = Bytes>> Body for KeepBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().body.project() {
            KindProj::Passing { mut body, collect } => {
                let frame = ready!(body.as_mut().poll_frame(cx));
                if let Some(collecting) = collect.take() {
                    // A reader that trusts `is_end_stream` does not come again for the None.
                    *collect = see(collecting, frame.as_ref(), body.is_end_stream());
                }
                Poll::Ready(frame)
            }
            KindProj::Kept { data, trailers } => {
                let data = std::mem::take(data);
                let frame = if data.is_empty() {
                    trailers.take().map(Frame::trailers)
                } else {
                    Some(Frame::data(data))
                };
                Poll::Ready(frame.map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Kind::Passing { body, .. } => body.is_end_stream(),
            Kind::Kept { data, trailers } => data.is_empty() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Kind::Passing { body, .. } => body.size_hint(),
            Kind::Kept { data, .. } => SizeHint::with_exact(data.len() as u64),
        }
    }
}

/// Looks at a frame as it goes by; gives the collector back while there is more to come.
fn see<E>(
    mut collect: Box<Collect>,
    frame: Option<&Result<Frame<Bytes>, E>>,
    ended: bool,
) -> Option<Box<Collect>> {
    match frame {
        // It has broken off.
        Some(Err(_)) => return None,
        Some(Ok(frame)) => {
            if let Some(trailers) = frame.trailers_ref() {
                if is_good(trailers) {
                    collect.end(Some(trailers.clone()));
                }
                return None;
            }
            if frame.data_ref().is_some_and(|data| !collect.data(data)) {
                return None;
            }
            if !ended {
                return Some(collect);
            }
        }
        None => {}
    }
    collect.end(None);
    None
}

/// Trailers can turn a good head into a failure: those of gRPC do.
fn is_good(trailers: &HeaderMap) -> bool {
    trailers.get("grpc-status").is_none_or(|status| status == "0")
}

impl<B: Default> Default for KeepBody<B> {
    fn default() -> Self {
        Self::passing(B::default(), None)
    }
}

impl<B: From<Bytes>> From<Bytes> for KeepBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::passing(B::from(bytes), None)
    }
}

impl<B: fmt::Debug> fmt::Debug for KeepBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Kind::Passing { body, collect } => {
                f.debug_struct("KeepBody").field("body", body).field("collects", &collect.is_some()).finish()
            }
            Kind::Kept { data, .. } => f.debug_struct("KeepBody").field("kept", &data.len()).finish(),
        }
    }
}
