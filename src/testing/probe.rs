//! The probe: the innermost service, which counts all that is done to it.

use super::{
    answer::Answer,
    fault::Fault,
    reply::Reply,
    seen::{Counts, Seat, Seen},
};
use crate::cause::Cause;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};
use tower_service::Service;

/// A service that echoes its request, or does what its [`Handle`] says, and counts what a layer does to it.
///
/// Readiness belongs to the instance: a clone starts unreadied, and calling it so is counted as a violation.
///
/// ```
/// use buttress::testing::{Answer, Probe};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let probe = Probe::new();
/// let handle = probe.handle();
/// handle.next(Answer::fail());
///
/// assert_eq!(probe.clone().oneshot(7).await.unwrap_err().id(), handle.last_fault());
/// assert_eq!(probe.clone().oneshot(8).await.unwrap(), 8);
/// assert_eq!((handle.counts().calls, handle.counts().violations()), (2, 0));
///
/// // an instance that was never readied
/// let mut unreadied = probe.clone();
/// drop(tower::Service::call(&mut unreadied, 9));
/// assert_eq!(handle.counts().called_unreadied, 1);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Probe {
    seat: Seat,
    desk: Arc<Mutex<Desk>>,
}

/// What the probe is told to do; one for all clones.
#[derive(Debug)]
struct Desk {
    readiness: Readiness,
    waiting: Vec<Waker>,
    next: VecDeque<Answer>,
    always: Answer,
    faults: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    Pending,
    Fails,
}

impl Probe {
    /// A probe that is ready and echoes at once.
    #[must_use]
    pub fn new() -> Self {
        Self {
            seat: Seat::new(Seen::default()),
            desk: Arc::new(Mutex::new(Desk {
                readiness: Readiness::Ready,
                waiting: Vec::new(),
                next: VecDeque::new(),
                always: Answer::ok(),
                faults: 0,
            })),
        }
    }

    /// What tells this probe and all its clones what to do, and reads what they saw.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { seen: self.seat.seen().clone(), desk: Arc::clone(&self.desk) }
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<u64> for Probe {
    type Response = u64;
    type Error = Fault;
    type Future = Reply<u64, Fault>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.seat.asked();
        let mut desk = lock(&self.desk);
        match desk.readiness {
            Readiness::Ready => {
                self.seat.granted();
                Poll::Ready(Ok(()))
            }
            Readiness::Pending => {
                if !desk.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    desk.waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
            Readiness::Fails => Poll::Ready(Err(Fault::new(desk.fault()))),
        }
    }

    fn call(&mut self, request: u64) -> Self::Future {
        let flight = self.seat.called();
        let (answer, fault) = lock(&self.desk).answer();
        Reply::start(flight, answer.wait(), answer.end(request, fault))
    }
}

impl Desk {
    fn fault(&mut self) -> u64 {
        self.faults += 1;
        self.faults
    }

    fn answer(&mut self) -> (Answer, u64) {
        let answer = self.next.pop_front().unwrap_or(self.always);
        let fault = if answer.fails() { self.fault() } else { self.faults };
        (answer, fault)
    }
}

/// Tells a [`Probe`] what to do, and reads what it saw.
///
/// ```
/// use buttress::testing::{Answer, Probe};
/// use std::task::{Context, Waker};
/// use tower::Service;
///
/// let mut probe = Probe::new();
/// let handle = probe.handle();
/// let mut cx = Context::from_waker(Waker::noop());
///
/// handle.pend();
/// assert!(probe.poll_ready(&mut cx).is_pending());
/// handle.ready();
/// assert!(probe.poll_ready(&mut cx).is_ready());
///
/// handle.always(Answer::never());
/// let call = probe.call(7);
/// assert_eq!(handle.counts().in_flight, 1);
/// drop(call);
/// assert_eq!((handle.counts().in_flight, handle.counts().dropped), (0, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Handle {
    seen: Seen,
    desk: Arc<Mutex<Desk>>,
}

impl Handle {
    /// The next call that has no answer yet is answered so.
    pub fn next(&self, answer: Answer) {
        lock(&self.desk).next.push_back(answer);
    }

    /// Every call is answered so, once what [`next`](Self::next) was told is used up.
    pub fn always(&self, answer: Answer) {
        lock(&self.desk).always = answer;
    }

    /// Ready from now on; wakes who waits for it.
    pub fn ready(&self) {
        self.turn(Readiness::Ready);
    }

    /// Not ready from now on. Instances that are readied stay so.
    pub fn pend(&self) {
        self.turn(Readiness::Pending);
    }

    /// `poll_ready` fails from now on, each time with a [`Fault`] of its own; wakes who waits.
    pub fn fail_readiness(&self) {
        self.turn(Readiness::Fails);
    }

    fn turn(&self, readiness: Readiness) {
        let waiting = {
            let mut desk = lock(&self.desk);
            desk.readiness = readiness;
            if readiness == Readiness::Pending { Vec::new() } else { std::mem::take(&mut desk.waiting) }
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The number of the latest fault, in an answer or in `poll_ready`.
    #[must_use]
    pub fn last_fault(&self) -> Option<u64> {
        Some(lock(&self.desk).faults).filter(|&faults| faults > 0)
    }

    /// The counts at this moment.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.seen.counts()
    }

    /// What was said around the latest drop of a call that had not answered.
    #[must_use]
    pub fn last_cause(&self) -> Option<Cause> {
        self.seen.last_cause()
    }

    /// The view of the counts alone.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.clone()
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}
