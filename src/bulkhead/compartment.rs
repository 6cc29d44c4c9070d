//! The core: who is let in, who waits, and who is next. Plain sync code over one word and one locked line.
//!
//! While there is room, a call touches the word alone: one swap to come in, one subtraction to leave. The line is locked
//! only by those who wait, and by those who leave while somebody waits. Three rules keep it true:
//!
//! - The count of those who wait changes only under the lock, and is part of the word. So whoever joins sees in the
//!   same swap that there is no room, and whoever leaves sees in the same subtraction that somebody has joined: no wake
//!   is lost between them.
//! - While anybody waits, nobody else comes in: a place that is given back is given to the first in the line, under the
//!   lock, and counts as taken from that moment. No newcomer overtakes.
//! - Wakers are woken and dropped when the lock is free: they may run anything, also the drop of another who waits here.

use super::{
    line::{Line, Seat},
    sync::{AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering},
    word::{ABANDONED, HEARD, ONE_TAKEN, ONE_WAITING, Word},
};
use std::{sync::PoisonError, task::Waker};

#[derive(Debug)]
pub(super) struct Compartment {
    word: AtomicU64,
    limit: AtomicU32,
    line: Mutex<Line>,
}

/// What comes of asking for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    In,
    /// The same, and somebody wants to be told.
    InHeard,
    Full,
}

/// What comes of asking for a place or a seat.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Join {
    In,
    InHeard,
    Waits(Seat),
    /// No place, and the line is as long as it may be.
    Full,
}

impl Compartment {
    pub(super) fn new() -> Self {
        Self { word: AtomicU64::new(0), limit: AtomicU32::new(1), line: Mutex::new(Line::new()) }
    }

    /// Empty, for a new owner. Only where nothing refers to it.
    pub(super) fn renew(&self, limit: u32) {
        *self.line() = Line::new();
        self.limit.store(limit, Ordering::Relaxed);
        self.word.store(0, Ordering::Release);
    }

    #[inline]
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Whether a newcomer would find no place.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        let word = Word(self.word.load(Ordering::Relaxed));
        let limit = self.limit.load(Ordering::Relaxed);
        // The first half is all that a quiet word needs.
        word.0 >= u64::from(limit) && !word.has_room(limit)
    }

    /// Takes a place the short way; where that fails, it is to be taken the long way.
    #[inline]
    pub(super) fn take_quietly(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        word < u64::from(self.limit.load(Ordering::Relaxed)) && self.swap(word, word + ONE_TAKEN).is_ok()
    }

    /// Takes a place, if one is free and nobody waits for it.
    pub(super) fn take(&self) -> Take {
        let mut word = self.word();
        while word.has_room(self.limit.load(Ordering::Relaxed)) {
            match self.swap(word.0, word.0 + ONE_TAKEN) {
                Ok(_) => return if word.is_heard() { Take::InHeard } else { Take::In },
                Err(now) => word = Word(now),
            }
        }
        Take::Full
    }

    /// Leaves; the word afterwards. Unless it is quiet, it is to be seen to: [`call_up`](Self::call_up).
    #[inline]
    pub(super) fn give_back(&self) -> Word {
        Word(self.word.fetch_sub(ONE_TAKEN, Ordering::AcqRel) - ONE_TAKEN)
    }

    /// Takes a place, or a seat in a line of at most `len`.
    pub(super) fn join(&self, len: u32, waker: Waker) -> Join {
        // A line that is full is the state of an overload: no lock for that.
        let word = self.word();
        if !word.has_room(self.limit()) && word.waiting() >= len {
            return Join::Full;
        }
        let mut line = self.line();
        let mut word = self.word();
        loop {
            let room = word.has_room(self.limit());
            if !room && word.waiting() >= len {
                return Join::Full;
            }
            match self.swap(word.0, word.0 + if room { ONE_TAKEN } else { ONE_WAITING }) {
                Ok(_) if !room => return Join::Waits(line.push(waker)),
                Ok(_) if word.is_heard() => return Join::InHeard,
                Ok(_) => return Join::In,
                Err(now) => word = Word(now),
            }
        }
    }

    /// Whether the turn of that seat has come: then it is given up, and a place is held in its stead. Else `waker` will be
    /// woken.
    pub(super) fn is_called(&self, seat: &Seat, waker: Waker) -> bool {
        let mut line = self.line();
        if line.is_called(seat) {
            line.leave(seat);
            return true;
        }
        let former = line.renew(seat, waker);
        drop(line);
        drop(former);
        false
    }

    /// Gives up a seat; whether its turn had come, so that a place is left to be given back.
    pub(super) fn leave(&self, seat: &Seat) -> bool {
        let mut line = self.line();
        let waker = line.leave(seat);
        if waker.is_some() {
            self.word.fetch_sub(ONE_WAITING, Ordering::AcqRel);
        }
        drop(line);
        waker.is_none()
    }

    /// Gives the first in the line a place, if there is one: its waker. To be called until there is none.
    pub(super) fn call_up(&self) -> Option<Waker> {
        let mut line = self.line();
        let mut word = self.word();
        while word.waiting() > 0 && word.taken() < self.limit() {
            match self.swap(word.0, word.0 - ONE_WAITING + ONE_TAKEN) {
                Ok(_) => return line.call(),
                Err(now) => word = Word(now),
            }
        }
        None
    }

    /// Another limit, at least 1. Who is in stays in. Where it has grown, [`call_up`](Self::call_up) is due: whoever has
    /// joined under the former limit is found there, and who locks the line after that has seen the new one.
    pub(super) fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// From now on somebody wants to be told.
    #[cold]
    pub(super) fn hear(&self) {
        if !self.word().is_heard() {
            self.word.fetch_or(HEARD, Ordering::AcqRel);
        }
    }

    /// The last handle has gone; the word afterwards.
    pub(super) fn abandon(&self) -> Word {
        Word(self.word.fetch_or(ABANDONED, Ordering::AcqRel) | ABANDONED)
    }

    /// How long the line has been at most.
    #[cfg(test)]
    pub(super) fn seats(&self) -> usize {
        self.line().seats()
    }

    #[inline]
    fn swap(&self, from: u64, to: u64) -> Result<u64, u64> {
        self.word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
