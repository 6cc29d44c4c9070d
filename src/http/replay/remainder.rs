//! The body inside, and who of those who send it may have the rest of it.

use super::{
    NoReplay,
    kept::{Kept, Place},
};
use crate::rejected::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

/// A body, shared by those who send it: the kept beginning for all of them, the rest for whoever came last.
///
/// It is polled under the lock. If it were taken out for the polls, the one who comes next would have to wait until the one
/// before gives it back; and that one may be parked by flow control, with a server that has long given its answer.
#[derive(Debug)]
pub(super) struct Remainder<B> {
    /// `None` once it has ended or broken. In a box, so that a body that cannot be moved can change hands.
    body: Option<Pin<Box<B>>>,
    kept: Kept,
    most: usize,
    /// Nobody will ask for what comes from here on.
    let_go: bool,
    state: State,
    /// The body was polled: what it gave may have been sent.
    touched: bool,
    /// How many have begun to send it. The last of them gives the rest.
    begun: u32,
    /// The last of them, where it waits for the body.
    waiting: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All that has come so far is kept.
    Keeping,
    /// All of the body is kept, and it has ended.
    Whole,
    /// Nothing is kept; the last one to begin still gives the rest.
    NotKept,
    /// The body has failed.
    Broken,
}

/// One sender of the body, and where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sender {
    /// 0: has not begun.
    number: u32,
    place: Place,
}

impl<B: Body> Remainder<B> {
    pub(super) fn new(body: B, most: usize) -> Self {
        let fits = body.size_hint().lower() <= most as u64;
        Self {
            body: Some(Box::pin(body)),
            kept: Kept::default(),
            most,
            let_go: false,
            state: if fits { State::Keeping } else { State::NotKept },
            touched: false,
            begun: 0,
            waiting: None,
        }
    }

    /// Whether who begins now can send all of it.
    pub(super) const fn can_begin(&self) -> bool {
        !self.touched || matches!(self.state, State::Keeping | State::Whole)
    }

    /// A sender that begins now, and the one before, which has to be told if it waits.
    pub(super) fn begin(&mut self) -> Result<(Sender, Option<Waker>), NoReplay> {
        if !self.can_begin() {
            let broken = self.state == State::Broken;
            return Err(if broken { NoReplay::Broken } else { NoReplay::NotKept });
        }
        // After four billion attempts the numbers stay where they are, and two would share the rest. Nobody gets there.
        self.begun = self.begun.saturating_add(1);
        Ok((Sender { number: self.begun, place: Place::default() }, self.waiting.take()))
    }

    /// What is kept may be on its way still; what comes is not added to it.
    pub(super) const fn let_go(&mut self) {
        self.let_go = true;
    }

    /// The next frame for this sender.
    ///
    /// A body that has ended is put into `done`, to be dropped outside the lock.
    pub(super) fn poll(
        &mut self,
        sender: &mut Sender,
        done: &mut Option<Pin<Box<B>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B::Error: Into<BoxError>,
    {
        if let Some(data) = self.kept.read(&mut sender.place) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.state {
            State::Whole => {
                return Poll::Ready(
                    self.kept.read_trailers(&mut sender.place).map(|trailers| Ok(Frame::trailers(trailers))),
                );
            }
            State::Broken => return failed(NoReplay::Broken),
            State::Keeping if sender.number != self.begun => return failed(NoReplay::Replaced),
            State::NotKept if sender.number != self.begun => return failed(NoReplay::NotKept),
            State::Keeping | State::NotKept => {}
        }
        // Where there is nothing to keep, it ends as it ended.
        let Some(mut body) = self.body.take() else { return Poll::Ready(None) };
        // What a panic in the poll leaves behind.
        let before = std::mem::replace(&mut self.state, State::Broken);
        self.touched = true;
        let polled = body.as_mut().poll_frame(cx);
        self.state = before;
        if polled.is_pending() {
            self.body = Some(body);
            match &mut self.waiting {
                Some(waiting) => waiting.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        let frame = match ready!(polled) {
            None => {
                *done = Some(body);
                self.ended();
                return Poll::Ready(None);
            }
            Some(Err(error)) => {
                *done = Some(body);
                self.kept = Kept::default();
                self.state = State::Broken;
                return Poll::Ready(Some(Err(error.into())));
            }
            Some(Ok(frame)) => frame.map_data(|mut data| data.copy_to_bytes(data.remaining())),
        };
        self.keep(&frame, sender);
        // Who trusts `is_end_stream` does not come again for the None; and nothing comes after trailers.
        if frame.is_trailers() || body.is_end_stream() {
            *done = Some(body);
            self.ended();
        } else {
            self.body = Some(body);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn keep(&mut self, frame: &Frame<Bytes>, sender: &mut Sender) {
        let mut kept = self.state == State::Keeping && !self.let_go;
        if let Some(data) = frame.data_ref() {
            kept = kept && self.kept.add(data, self.most);
            sender.place.skip(data.len());
        } else if let Some(trailers) = frame.trailers_ref() {
            kept = kept && self.kept.end_with(trailers, self.most);
            sender.place.skip_trailers();
        } else {
            // A kind of frame that is not known here cannot be given twice.
            kept = false;
        }
        if !kept {
            self.stop_keeping();
        }
    }

    /// The memory is given back at once: a body over the cap is often a long one.
    fn stop_keeping(&mut self) {
        self.kept = Kept::default();
        self.state = State::NotKept;
    }

    fn ended(&mut self) {
        self.waiting = None;
        if self.state == State::Keeping {
            self.state = State::Whole;
        }
    }

    /// Whether this sender has nothing more to give: not where it has an error to give.
    pub(super) fn is_end(&self, sender: &Sender) -> bool {
        if sender.number == 0 && !self.can_begin() {
            return false;
        }
        match (self.state, &self.body) {
            (State::Whole, _) => self.kept.is_end(&sender.place),
            (State::Broken, _) => false,
            (State::NotKept, None) => sender.number == self.begun,
            (State::Keeping, None) => false,
            (State::Keeping | State::NotKept, Some(body)) => {
                self.gives_the_rest(sender) && sender.place.at() >= self.kept.len() && body.is_end_stream()
            }
        }
    }

    /// What is left for this sender; nothing is promised where it will break off.
    pub(super) fn size_hint(&self, sender: &Sender) -> SizeHint {
        if sender.number == 0 && !self.can_begin() {
            return SizeHint::default();
        }
        let kept = self.kept.len().saturating_sub(sender.place.at()) as u64;
        match (self.state, &self.body) {
            (State::Whole, _) => SizeHint::with_exact(kept),
            (State::NotKept, None) if sender.number == self.begun => SizeHint::with_exact(0),
            (State::Keeping | State::NotKept, Some(body)) if self.gives_the_rest(sender) => {
                plus(&body.size_hint(), kept)
            }
            _ => SizeHint::default(),
        }
    }

    /// Who has not begun yet gives it as soon as it does.
    const fn gives_the_rest(&self, sender: &Sender) -> bool {
        sender.number == 0 || sender.number == self.begun
    }
}

impl Sender {
    pub(super) const fn has_begun(&self) -> bool {
        self.number != 0
    }
}

fn failed<T>(why: NoReplay) -> Poll<Option<Result<T, BoxError>>> {
    Poll::Ready(Some(Err(why.into())))
}

fn plus(hint: &SizeHint, kept: u64) -> SizeHint {
    let mut sum = SizeHint::new();
    sum.set_lower(hint.lower().saturating_add(kept));
    if let Some(upper) = hint.upper().and_then(|upper| upper.checked_add(kept)) {
        sum.set_upper(upper);
    }
    sum
}
