//! The body inside, and who of those who send it may have the rest of it.

use super::{
    NoReplay,
    kept::Kept,
    turns::{Sender, Turn, Turns},
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
    turns: Turns,
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
            turns: Turns::default(),
        }
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
            State::Keeping | State::NotKept => {}
        }
        match (self.turns.of(sender), self.state) {
            (Turn::Mine, _) => {}
            (Turn::Paused, _) => {
                self.turns.wait(cx);
                return Poll::Pending;
            }
            (Turn::Gone, State::NotKept) => return failed(NoReplay::NotKept),
            (Turn::Gone, _) => return failed(NoReplay::Replaced),
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
            self.turns.wait(cx);
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

    /// Whether this sender has nothing more to give: not where it has an error to give.
    pub(super) fn is_end(&self, sender: &Sender) -> bool {
        if sender.is_new() && !self.can_begin() {
            return false;
        }
        match (self.state, &self.body) {
            (State::Whole, _) => self.kept.is_end(&sender.place),
            (State::Broken, _) | (State::Keeping, None) => false,
            (State::NotKept, None) => self.turns.of(sender) == Turn::Mine,
            (State::Keeping | State::NotKept, Some(body)) => {
                self.gives_the_rest(sender) && sender.place.at() >= self.kept.len() && body.is_end_stream()
            }
        }
    }

    /// What is left for this sender; nothing is promised where it will break off.
    pub(super) fn size_hint(&self, sender: &Sender) -> SizeHint {
        if sender.is_new() && !self.can_begin() {
            return SizeHint::default();
        }
        let kept = self.kept.len().saturating_sub(sender.place.at()) as u64;
        match (self.state, &self.body) {
            (State::Whole, _) => SizeHint::with_exact(kept),
            (State::NotKept, None) if self.turns.of(sender) == Turn::Mine => SizeHint::with_exact(0),
            (State::Keeping | State::NotKept, Some(body)) if self.gives_the_rest(sender) => {
                plus(&body.size_hint(), kept)
            }
            _ => SizeHint::default(),
        }
    }
}

impl<B> Remainder<B> {
    /// Whether who begins now can send all of it.
    pub(super) const fn can_begin(&self) -> bool {
        !self.touched || matches!(self.state, State::Keeping | State::Whole)
    }

    /// Whether nobody is in the middle of it, who would have to give the rest to one who begins now.
    pub(super) fn needs_no_sender(&self) -> bool {
        !self.touched || self.state == State::Whole
    }

    /// A sender that is about to begin; the one before pauses.
    pub(super) fn reserve(&mut self) -> Result<Sender, NoReplay> {
        if self.can_begin() {
            return Ok(self.turns.reserve());
        }
        Err(if self.state == State::Broken { NoReplay::Broken } else { NoReplay::NotKept })
    }

    /// It is read for the first time. Gives the one before, which has to be told if it waits.
    pub(super) fn begin(&mut self, sender: &mut Sender) -> Result<Option<Waker>, NoReplay> {
        if sender.is_new() {
            *sender = self.reserve()?;
        }
        Ok(self.turns.begin(sender))
    }

    /// It was about to begin, and is dropped.
    pub(super) fn withdraw(&mut self, sender: &Sender) -> Option<Waker> {
        self.turns.withdraw(sender)
    }

    /// What is kept may be on its way still; what comes is not added to it.
    pub(super) const fn let_go(&mut self) {
        self.let_go = true;
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
        if self.state == State::Keeping {
            self.state = State::Whole;
        }
    }

    /// Who has not begun yet gives it as soon as it does; who pauses may still have to.
    fn gives_the_rest(&self, sender: &Sender) -> bool {
        sender.is_new() || self.turns.of(sender) != Turn::Gone
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
