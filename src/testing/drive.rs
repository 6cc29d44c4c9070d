//! Driving calls by hand: on a paused clock of their own, by force or only when woken.

use super::{Fault, Verdict, erased::Answering};
use crate::rejected::{BoxError, Lifted};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::time::{advance, sleep};

/// More polls than any call of the judge needs.
const PUSHES: u32 = 16;

/// Longer than anything that is judged waits.
pub(super) const LONG: Duration = Duration::from_secs(60 * 60 * 24 * 30);

/// What a law comes to: `Err` is a finding that ends it, a breach or a reason why it could not be run.
pub(super) type Finding = Result<(), Verdict>;

/// Runs one law on a runtime of its own, whose clock is paused.
pub(super) fn on_paused_clock(law: impl Future<Output = Finding>) -> Verdict {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Verdict::NotRun("called within a runtime: judge from a plain #[test]".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Verdict::NotRun(format!("no runtime could be built: {error}")),
    };
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(law))) {
        Ok(Ok(())) => Verdict::Kept,
        Ok(Err(verdict)) => verdict,
        Err(payload) => Verdict::Broken(format!("it panicked: {}", text_of(&*payload))),
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&'static str>().copied()).unwrap_or("(no text)")
}

/// Lets everything that was spawned run until it waits; no time passes.
pub(super) async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

/// Moves the paused clock, and lets run what waited for it.
pub(super) async fn pass(time: Duration) {
    advance(time).await;
    settle().await;
}

/// How a call, or a question for readiness, came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With this response.
    Answered(u64),
    /// With the probe's own error of that number, as it was.
    Inner(u64),
    /// With an error that is not the probe's, or not as it was.
    Error(String),
}

impl Ending {
    pub(super) fn of(result: Result<u64, BoxError>) -> Self {
        match result {
            Ok(answer) => Self::Answered(answer),
            Err(error) => Self::of_error(&error),
        }
    }

    pub(super) fn of_error(error: &BoxError) -> Self {
        let lifted = || match error.downcast_ref::<Lifted<Fault>>() {
            Some(Lifted::Inner(fault)) => fault.id(),
            _ => None,
        };
        match error.downcast_ref::<Fault>().map_or_else(lifted, Fault::id) {
            Some(id) => Self::Inner(id),
            None => Self::Error(error.to_string()),
        }
    }
}

/// Notes that it was rung, and wakes whoever listens.
#[derive(Default)]
pub(super) struct Alarm {
    rings: AtomicU64,
    listener: Mutex<Option<Waker>>,
}

impl Alarm {
    pub(super) fn rung(&self) -> bool {
        self.rings.load(SeqCst) > 0
    }

    /// Waits for a ring and takes it; false when none has come for a [`LONG`] time of the paused clock.
    async fn rings(&self) -> bool {
        let mut limit = std::pin::pin!(sleep(LONG));
        std::future::poll_fn(|cx| {
            *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            if self.rings.swap(0, SeqCst) > 0 {
                Poll::Ready(true)
            } else {
                limit.as_mut().poll(cx).map(|()| false)
            }
        })
        .await
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rings.fetch_add(1, SeqCst);
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listener) = listener {
            listener.wake();
        }
    }
}

/// One call under judgement. It is kept after its end, so that what it still holds can be seen.
pub(super) struct Call {
    future: Answering,
    alarm: Arc<Alarm>,
    ending: Option<Ending>,
}

impl Call {
    pub(super) fn new(future: Answering) -> Self {
        Self { future, alarm: Arc::default(), ending: None }
    }

    /// Polls once, woken or not.
    pub(super) fn poll(&mut self) -> Option<Ending> {
        let waker = Waker::from(Arc::clone(&self.alarm));
        if self.ending.is_none()
            && let Poll::Ready(result) = self.future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            self.ending = Some(Ending::of(result));
        }
        self.ending.clone()
    }

    /// Polls with another waker from now on, as when a future moves to another task.
    pub(super) fn change_task(&mut self) -> Arc<Alarm> {
        self.alarm = Arc::default();
        Arc::clone(&self.alarm)
    }

    /// Polls by force until it ends or has been polled often; no time passes.
    pub(super) async fn push(&mut self) -> Option<Ending> {
        for _ in 0..PUSHES {
            if let Some(ending) = self.poll() {
                return Some(ending);
            }
            settle().await;
        }
        None
    }

    /// Polls by force, and lets time pass in growing steps.
    pub(super) async fn push_through_time(&mut self) -> Option<Ending> {
        let mut step = Duration::from_millis(1);
        loop {
            if let Some(ending) = self.push().await {
                return Some(ending);
            }
            if step > LONG {
                return None;
            }
            pass(step).await;
            step *= 2;
        }
    }

    /// Polls only when woken; nothing when no wake comes any more.
    pub(super) async fn when_woken(&mut self) -> Option<Ending> {
        loop {
            if let Some(ending) = self.poll() {
                return Some(ending);
            }
            if !self.alarm.rings().await {
                return None;
            }
        }
    }

    /// Polls once, and gives the panic that came out, if one did.
    pub(super) fn poll_caught(&mut self) -> Result<Option<Ending>, Box<dyn Any + Send>> {
        catch_unwind(AssertUnwindSafe(|| self.poll()))
    }
}
