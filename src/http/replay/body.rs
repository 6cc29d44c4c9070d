//! The body that a request carries so that it can be sent again.

use super::{beside, kept::CAP, remainder::Remainder, turns::Sender};
use crate::rejected::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

/// A request body that can be sent again, within a bound.
///
/// The body inside is streamed through as it comes, never collected first; beside that, its first bytes are kept, as the
/// reference-counted chunks that they came in, for whoever has to send them again. Each clone sends the body from its
/// beginning. A clone that begins while the one before is in the middle sends what is kept, then goes on with the rest
/// itself; the one before breaks off with [`NoReplay::Replaced`](super::NoReplay::Replaced).
///
/// | question | answer |
/// |---|---|
/// | more than the cap | is sent on by the one who sends it, nothing is kept any more, and nobody can send it again |
/// | a size hint over the cap | nothing is kept from the start. As long as nothing was asked of the body, it can be sent again all the same: a connection was refused |
/// | trailers | are kept too; names and values count towards the cap |
/// | the body fails | its error comes as it was, and it cannot be sent again |
/// | a clone that cannot send all of it | ends in an error, [`NoReplay`](super::NoReplay), never early |
/// | nobody will ask for it again | [`let_go`](Self::let_go): from there on nothing more is kept |
/// | a body that has ended before it was sent (a `GET`) | costs nothing: no allocation, no lock |
/// | any other | two allocations, the list of what is kept, and an uncontended lock a frame |
///
/// What is kept is at most the cap. A chunk of a kilobyte or more is kept as it came, with the buffer that it is a slice
/// of; smaller ones are copied together.
///
/// It is `Unpin`, and `Send` and `Sync` where the body inside is `Send`, whatever else that is: so it fits hyper-util's
/// client as it is, reqwest's by `reqwest::Body::wrap`, and tonic's by `tonic::body::Body::new`.
///
/// ```
/// use buttress::http::ReplayBody;
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let body = ReplayBody::new(Full::<Bytes>::from("pay 5"));
/// let again = body.clone();
/// assert_eq!(body.collect().await.unwrap().to_bytes(), "pay 5");
/// assert_eq!(again.collect().await.unwrap().to_bytes(), "pay 5");
/// # }
/// ```
pub struct ReplayBody<B> {
    /// `None`: there is nothing to send, and there never was.
    shared: Option<Arc<Mutex<Remainder<B>>>>,
    sender: Sender,
}

impl<B: Body> ReplayBody<B> {
    /// Around this body, of which at most 64 KiB are kept.
    pub fn new(body: B) -> Self {
        Self::with_cap(body, CAP)
    }

    /// Around this body, of which at most so many bytes are kept. With 0 a body can be sent again only if it is empty, or if
    /// nothing was asked of it; with [`usize::MAX`] all of it is kept, whatever it takes.
    ///
    /// ```
    /// use buttress::http::ReplayBody;
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let body = ReplayBody::with_cap(Full::<Bytes>::from("a long letter"), 8);
    /// let again = body.clone();
    /// assert!(again.can_replay(), "nothing was sent yet");
    /// assert_eq!(body.collect().await.unwrap().to_bytes(), "a long letter");
    /// assert!(!again.can_replay());
    /// # }
    /// ```
    pub fn with_cap(body: B, cap: usize) -> Self {
        if body.is_end_stream() {
            return Self::default();
        }
        Self { shared: Some(Arc::new(Mutex::new(Remainder::new(body, cap)))), sender: Sender::default() }
    }

    /// Whether all of it could be sent from the beginning now.
    #[must_use]
    pub fn can_replay(&self) -> bool {
        self.lock().is_none_or(|remainder| remainder.can_begin())
    }

    /// The body from its beginning, for the next attempt; `None` where it cannot be sent again.
    ///
    /// A clone takes over where it is first read. This stands in line at once: from here on an attempt before, which may still
    /// be sending somewhere, pauses, so that it cannot run over the cap while the next one waits for its time and its
    /// connection. It breaks off when this one is first read, and goes on if this one is dropped before.
    ///
    /// ```
    /// use buttress::http::{NoReplay, ReplayBody};
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let kept = ReplayBody::new(Full::<Bytes>::from("pay 5"));
    /// let first = kept.again().unwrap();
    /// let second = kept.again().unwrap();
    /// assert_eq!(second.collect().await.unwrap().to_bytes(), "pay 5");
    /// assert_eq!(first.collect().await.unwrap().to_bytes(), "pay 5"); // all of it is kept by now
    /// # }
    /// ```
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        let Some(shared) = &self.shared else { return Some(Self::default()) };
        let sender = lock(shared).reserve().ok()?;
        Some(Self { shared: Some(Arc::clone(shared)), sender })
    }
}

impl<B> ReplayBody<B> {
    /// Nobody will ask for it again: the call has its answer, and the upload goes on. Nothing more is kept.
    ///
    /// ```
    /// use buttress::http::ReplayBody;
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let body = ReplayBody::new(Full::<Bytes>::from("pay 5"));
    /// let again = body.clone();
    /// again.let_go();
    /// assert_eq!(body.collect().await.unwrap().to_bytes(), "pay 5");
    /// assert!(!again.can_replay());
    /// # }
    /// ```
    pub fn let_go(&self) {
        if let Some(mut remainder) = self.lock() {
            remainder.let_go();
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, Remainder<B>>> {
        self.shared.as_deref().map(lock)
    }
}

/// A body that panicked has left word of it in its state; there is nothing else that could be half done.
fn lock<B>(shared: &Mutex<Remainder<B>>) -> MutexGuard<'_, Remainder<B>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Some(shared) = &this.shared else { return Poll::Ready(None) };
        // Declared before the lock, so dropped and woken after it.
        let mut done = None;
        let mut before = None;
        let mut remainder = lock(shared);
        if this.sender.is_new() || this.sender.is_about_to() {
            match remainder.begin(&mut this.sender) {
                Ok(waiting) => before = waiting,
                Err(why) => return Poll::Ready(Some(Err(why.into()))),
            }
        }
        let polled = remainder.poll(&mut this.sender, &mut done, cx);
        drop(remainder);
        if let Some(before) = before {
            before.wake();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_none_or(|remainder| remainder.is_end(&self.sender))
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().map_or_else(|| SizeHint::with_exact(0), |remainder| remainder.size_hint(&self.sender))
    }
}

/// What was about to begin gives its place back.
impl<B> Drop for ReplayBody<B> {
    fn drop(&mut self) {
        if !self.sender.is_about_to() {
            return;
        }
        let before = self.shared.as_deref().and_then(|shared| lock(shared).withdraw(&self.sender));
        if let Some(before) = before {
            before.wake();
        }
    }
}

/// From the beginning, wherever this one is.
impl<B> Clone for ReplayBody<B> {
    fn clone(&self) -> Self {
        if let Some(shared) = &self.shared {
            beside::tell(|| lock(shared).needs_no_sender());
        }
        Self { shared: self.shared.clone(), sender: Sender::default() }
    }
}

/// Nothing to send.
impl<B> Default for ReplayBody<B> {
    fn default() -> Self {
        Self { shared: None, sender: Sender::default() }
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody")
            .field("empty", &self.shared.is_none())
            .field("begun", &!self.sender.is_new())
            .finish_non_exhaustive()
    }
}
