//! The timer of every layer that waits.

use super::{Deadline, watch::Promise};
use crate::clock::Instant;
use pin_project_lite::pin_project;
use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tokio::{
    task::coop::{has_budget_remaining, unconstrained},
    time::{Sleep, sleep_until},
};

pin_project! {
    /// A timer that whoever waits outside is told of: where it goes off by the time at which they would have to wake, they
    /// need none of their own.
    ///
    /// It goes off too under an inside that uses up the task's budget at every poll.
    #[derive(Debug)]
    pub(crate) struct Alarm {
        #[pin]
        sleep: Sleep,
        promise: Promise,
    }
}

impl Alarm {
    pub(crate) fn new(sleep: Sleep) -> Self {
        Self { sleep, promise: Promise::default() }
    }

    pub(crate) fn at(end: Instant) -> Self {
        Self::new(sleep_until(end))
    }

    /// Ready once the deadline has come. Asked for the first time by who has to wait: only then is there an alarm.
    pub(crate) fn until(
        mut alarm: Pin<&mut Option<Self>>,
        deadline: Deadline,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if alarm.is_none() {
            alarm.set(Some(Self::at(deadline.instant())));
        }
        alarm.as_pin_mut().map_or(Poll::Pending, |alarm| alarm.poll(cx))
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let sleep = this.sleep.as_mut();
        let poll = if has_budget_remaining() { sleep.poll(cx) } else { pin!(unconstrained(sleep)).poll(cx) };
        if poll.is_pending() {
            this.promise.make(this.sleep.deadline());
        } else {
            this.promise.take_back();
        }
        poll
    }
}
