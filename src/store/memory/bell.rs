//! Wakes those who wait for the end of one attempt.

use super::sync::{Mutex, MutexGuard, PoisonError};
use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Made by the first who waits, rung by the end of the attempt. Once rung it stays so: an end between the look that found the
/// attempt running and the first poll of who waits is not missed.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<Mutex<Listeners>>);

#[derive(Debug, Default)]
struct Listeners {
    is_rung: bool,
    /// Each under a number of its own, to be found again.
    wakers: Vec<(u64, Waker)>,
    next: u64,
}

impl Bell {
    pub(super) fn ring(&self) {
        let wakers = {
            let mut listeners = self.lock();
            listeners.is_rung = true;
            mem::take(&mut listeners.wakers)
        };
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    /// Ends when it rings.
    pub(super) const fn heard(self) -> Heard {
        Heard { bell: self, number: None }
    }

    /// Nothing that can panic runs while it is held.
    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who listens. Dropped, it is forgotten.
#[derive(Debug)]
pub(super) struct Heard {
    bell: Bell,
    number: Option<u64>,
}

impl Future for Heard {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { bell, number } = &mut *self;
        // Cloned and dropped outside of the lock: a waker is somebody else's code, which may come back here.
        let waker = cx.waker().clone();
        let mut listeners = bell.lock();
        if listeners.is_rung {
            return Poll::Ready(());
        }
        let known = number.and_then(|number| listeners.wakers.iter_mut().find(|(at, _)| *at == number));
        let former = if let Some((_, known)) = known {
            Some(mem::replace(known, waker))
        } else {
            let at = listeners.next;
            listeners.next = at.wrapping_add(1);
            listeners.wakers.push((at, waker));
            *number = Some(at);
            None
        };
        drop(listeners);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut listeners = self.bell.lock();
            let place = listeners.wakers.iter().position(|(at, _)| *at == number);
            let gone = place.map(|place| listeners.wakers.remove(place));
            drop(listeners);
            drop(gone);
        }
    }
}
