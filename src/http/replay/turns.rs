//! Whose turn it is to give the rest of a body: of those who send it, the one who began last.

use super::kept::Place;
use std::task::{Context, Waker};

/// The turns of one body.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// How many have begun, or are about to.
    numbers: u32,
    /// Who gives the rest.
    holder: u32,
    /// The holder is about to begin; until then, this one before it pauses.
    paused: Option<u32>,
    /// Who waits: the holder for the body, or the one that pauses for the holder.
    waiting: Option<Waker>,
}

/// One who sends the body, and where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sender {
    /// 0: has not begun.
    number: u32,
    /// Is about to begin, and has not.
    about_to: bool,
    pub(super) place: Place,
}

/// What a sender may do where all that is kept has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Go on with the rest.
    Mine,
    /// Wait: another is about to begin, and may still not.
    Paused,
    /// Another gives the rest.
    Gone,
}

impl Sender {
    pub(super) const fn is_new(&self) -> bool {
        self.number == 0
    }

    pub(super) const fn is_about_to(&self) -> bool {
        self.about_to
    }
}

impl Turns {
    /// A sender that is about to begin: the one before pauses, and goes on if this one [withdraws](Self::withdraw).
    pub(super) fn reserve(&mut self) -> Sender {
        // After four billion attempts the numbers stay where they are, and two would share the rest. Nobody gets there.
        self.numbers = self.numbers.saturating_add(1);
        self.paused = Some(std::mem::replace(&mut self.holder, self.numbers));
        Sender { number: self.numbers, about_to: true, place: Place::default() }
    }

    /// It begins. Gives the one before, which has to be told that its turn is over.
    pub(super) fn begin(&mut self, sender: &mut Sender) -> Option<Waker> {
        sender.about_to = false;
        // One that was about to begin may have been replaced itself.
        let ends_a_pause = sender.number == self.holder && self.paused.take().is_some();
        if ends_a_pause { self.waiting.take() } else { None }
    }

    /// One that was about to begin will not. Gives the one before, which goes on.
    pub(super) fn withdraw(&mut self, sender: &Sender) -> Option<Waker> {
        if sender.number != self.holder {
            return None;
        }
        self.holder = self.paused.take()?;
        self.waiting.take()
    }

    pub(super) fn of(&self, sender: &Sender) -> Turn {
        if sender.number == self.holder {
            Turn::Mine
        } else if self.paused == Some(sender.number) {
            Turn::Paused
        } else {
            Turn::Gone
        }
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.waiting {
            Some(waiting) => waiting.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}
