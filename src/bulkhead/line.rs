//! Who waits, in the order in which they came: a list of bounded length that is left from anywhere at once.
//!
//! The links are indices into one vector whose entries are used again, so a line that has once been as long as it gets
//! allocates no more. An entry belongs to one waiter from its coming to its going, also once it was called up.

use std::{mem, task::Waker};

#[derive(Debug)]
pub(super) struct Line {
    seats: Vec<Entry>,
    /// Who is next.
    first: u32,
    last: u32,
    /// The first of the entries that nobody has.
    free: u32,
}

#[derive(Debug)]
struct Entry {
    before: u32,
    after: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Free,
    Waiting(Waker),
    /// Its turn has come: a place is kept for it.
    Called,
}

/// An entry, in the hands of the one who waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seat(u32);

const NONE: u32 = u32::MAX;

impl Line {
    pub(super) const fn new() -> Self {
        Self { seats: Vec::new(), first: NONE, last: NONE, free: NONE }
    }

    /// Joins at the end.
    pub(super) fn push(&mut self, waker: Waker) -> Seat {
        let entry = Entry { before: self.last, after: NONE, state: State::Waiting(waker) };
        let at = self.free;
        let at = match self.seats.get_mut(at as usize) {
            Some(free) => {
                self.free = free.after;
                *free = entry;
                at
            }
            None => {
                self.seats.push(entry);
                (self.seats.len() - 1) as u32
            }
        };
        match self.seats.get_mut(self.last as usize) {
            Some(last) => last.after = at,
            None => self.first = at,
        }
        self.last = at;
        Seat(at)
    }

    /// Calls up who is next.
    pub(super) fn call(&mut self) -> Option<Waker> {
        let at = self.first;
        let waker = self.end(at, State::Called)?;
        self.unlink(at);
        Some(waker)
    }

    pub(super) fn is_called(&self, seat: &Seat) -> bool {
        matches!(self.seats.get(seat.0 as usize), Some(Entry { state: State::Called, .. }))
    }

    /// Has another waker from now on; the former one is given back, to be dropped outside of any lock.
    pub(super) fn renew(&mut self, seat: &Seat, waker: Waker) -> Option<Waker> {
        match self.seats.get_mut(seat.0 as usize) {
            Some(Entry { state: State::Waiting(own), .. }) => Some(mem::replace(own, waker)),
            _ => Some(waker),
        }
    }

    /// Leaves, with the waker if it still waited.
    pub(super) fn leave(&mut self, seat: &Seat) -> Option<Waker> {
        let waker = self.end(seat.0, State::Free);
        if waker.is_some() {
            self.unlink(seat.0);
        }
        if let Some(entry) = self.seats.get_mut(seat.0 as usize) {
            entry.state = State::Free;
            entry.after = self.free;
            self.free = seat.0;
        }
        waker
    }

    /// How many entries are kept, in use or not.
    #[cfg(test)]
    pub(super) fn seats(&self) -> usize {
        self.seats.len()
    }

    /// From waiting to that state.
    fn end(&mut self, at: u32, state: State) -> Option<Waker> {
        let entry = self.seats.get_mut(at as usize)?;
        match mem::replace(&mut entry.state, state) {
            State::Waiting(waker) => Some(waker),
            other => {
                entry.state = other;
                None
            }
        }
    }

    /// Takes it out of the order.
    fn unlink(&mut self, at: u32) {
        let Some(&Entry { before, after, .. }) = self.seats.get(at as usize) else { return };
        match self.seats.get_mut(before as usize) {
            Some(entry) => entry.after = after,
            None => self.first = after,
        }
        match self.seats.get_mut(after as usize) {
            Some(entry) => entry.before = before,
            None => self.last = before,
        }
    }
}
