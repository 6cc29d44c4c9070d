//! The wait for a slot.

use super::{Queue, Slot, Slots, compartment::Join, line::Seat};
use crate::{
    clock::{self, Instant},
    deadline::{Alarm, Deadline},
    rejected::{Reason, Rejected},
    telemetry::Event,
};
use pin_project_lite::pin_project;
use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

pin_project! {
    /// What [`Slots::acquire`] gives: a slot, once there is one.
    #[must_use = "futures do nothing unless polled"]
    pub struct Acquire {
        state: State,
        // Only while it waits, and where the wait has an end.
        #[pin]
        timer: Option<Alarm>,
    }
}

enum State {
    Taken(Slot),
    Refused(Rejected),
    /// It was full; the place in the queue is taken at the first poll.
    Asking {
        slots: Slots,
        queue: Queue,
        deadline: Option<Deadline>,
    },
    Waiting {
        place: Place,
        ends: Reason,
    },
    Ended,
}

/// A place in the queue. Dropped, it is left, and a slot that was granted meanwhile passes on.
struct Place {
    slots: Slots,
    /// `None` once the turn has come.
    seat: Option<Seat>,
    /// Since when, where somebody listens.
    since: Option<Instant>,
}

impl Acquire {
    pub(super) const fn taken(slot: Slot) -> Self {
        Self::new(State::Taken(slot))
    }

    pub(super) const fn refused(rejected: Rejected) -> Self {
        Self::new(State::Refused(rejected))
    }

    pub(super) fn asking(slots: &Slots, queue: Queue, deadline: Option<Deadline>) -> Self {
        Self::new(State::Asking { slots: slots.clone(), queue, deadline })
    }

    const fn new(state: State) -> Self {
        Self { state, timer: None }
    }
}

impl Future for Acquire {
    type Output = Result<Slot, Rejected>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Waiting { .. } = self.state {
            return self.poll_turn(cx);
        }
        let this = self.as_mut().project();
        match mem::replace(this.state, State::Ended) {
            State::Taken(slot) => Poll::Ready(Ok(slot)),
            State::Refused(rejected) => Poll::Ready(Err(rejected)),
            State::Asking { slots, queue, deadline } => self.ask(cx, slots, queue, deadline),
            // Polled after its end, which breaks the contract of futures: it stays pending.
            State::Ended | State::Waiting { .. } => Poll::Pending,
        }
    }
}

impl Acquire {
    /// Takes a slot or a place in the queue.
    fn ask(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slots: Slots,
        queue: Queue,
        deadline: Option<Deadline>,
    ) -> Poll<Result<Slot, Rejected>> {
        let owner = slots.owner();
        let now = clock::now();
        let mut end = (queue.longest() != Duration::MAX).then(|| clock::after(now, queue.longest()));
        let mut ends = Reason::Full;
        if let Some(deadline) = deadline {
            if deadline.passed(now) {
                return Poll::Ready(Err(slots.reject(Reason::DeadlinePassed)));
            }
            if end.is_none_or(|own| deadline.instant() < own) {
                (end, ends) = (Some(deadline.instant()), Reason::DeadlinePassed);
            }
        }
        match owner.shared.compartment.join(queue.len(), cx.waker().clone()) {
            Join::In => Poll::Ready(Ok(Slot::new(owner.shared))),
            Join::InHeard => Poll::Ready(Ok(owner.shared.taken_heard())),
            Join::Full => Poll::Ready(Err(slots.reject(Reason::Full))),
            Join::Waits(seat) => {
                let since = owner.is_heard().then_some(now);
                let mut this = self.as_mut().project();
                *this.state = State::Waiting { place: Place { slots, seat: Some(seat), since }, ends };
                this.timer.set(end.map(Alarm::at));
                self.poll_turn(cx)
            }
        }
    }

    fn poll_turn(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Slot, Rejected>> {
        let mut this = self.project();
        let State::Waiting { place, ends } = this.state else { return Poll::Pending };
        // The turn first: a slot that comes at the very instant of the end is taken.
        let answer = match place.poll(cx) {
            Some(slot) => Ok(slot),
            None => {
                match this.timer.as_mut().as_pin_mut() {
                    Some(timer) => ready!(timer.poll(cx)),
                    None => return Poll::Pending,
                }
                place.leave();
                Err(place.slots.reject(*ends))
            }
        };
        *this.state = State::Ended;
        this.timer.set(None);
        Poll::Ready(answer)
    }
}

impl Place {
    fn poll(&mut self, cx: &mut Context<'_>) -> Option<Slot> {
        let shared = self.slots.owner().shared;
        let seat = self.seat.as_ref()?;
        if !shared.compartment.is_called(seat, cx.waker().clone()) {
            return None;
        }
        self.seat = None;
        let slot = Slot::new(shared);
        self.waited();
        Some(slot)
    }

    /// Out of the queue; a turn that has come meanwhile passes on.
    fn leave(&mut self) {
        let Some(seat) = self.seat.take() else { return };
        let shared = self.slots.owner().shared;
        let turn = shared.compartment.leave(&seat).then(|| Slot::new(shared));
        drop(turn);
        self.waited();
    }

    /// Tells how long it was.
    fn waited(&self) {
        if let Some(since) = self.since {
            let time = clock::since(clock::now(), since);
            self.slots.owner().emit(|name| Event::waited(name, time));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Taken(_) => "Taken",
            State::Refused(_) => "Refused",
            State::Asking { .. } => "Asking",
            State::Waiting { .. } => "Waiting",
            State::Ended => "Ended",
        };
        f.debug_struct("Acquire").field("state", &state).finish_non_exhaustive()
    }
}
