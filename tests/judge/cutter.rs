//! A timeout of one second, and its flaws.

use buttress::{
    Rejected,
    cause::{self, Cause},
    rejected::Reason,
    testing::{Fault, Probe, Reply},
};
use pin_project_lite::pin_project;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

pub(crate) const LIMIT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// The inner future lives on until the outer one is dropped.
    AnswersFirst,
    /// The inner future is dropped, and not told why.
    SaysNothing,
    /// Every drop is said to be a cut.
    CallsEveryDropACut,
    /// A panic inside becomes a timeout.
    SwallowsPanics,
    /// A panic inside becomes another panic.
    OwnPanic,
    /// The limit goes by the clock of the machine.
    RealClock,
    Late,
    Early,
    /// The timer is asked, but wakes nobody.
    DeafTimer,
}

#[derive(Clone, Debug)]
pub(crate) struct CutterLayer(pub(crate) Flaw);

impl Layer<Probe> for CutterLayer {
    type Service = Cutter;

    fn layer(&self, inner: Probe) -> Cutter {
        Cutter { inner, flaw: self.0 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Cutter {
    inner: Probe,
    flaw: Flaw,
}

fn timed_out() -> Fault {
    Rejected::new(Reason::TimedOut, "cutter", true).into()
}

impl Service<u64> for Cutter {
    type Response = u64;
    type Error = Fault;
    type Future = CutterFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: u64) -> CutterFuture {
        let swallows = self.flaw == Flaw::SwallowsPanics;
        let call = match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(call) => Some(call),
            Err(_) if swallows => None,
            Err(payload) => std::panic::resume_unwind(payload),
        };
        let limit = match self.flaw {
            Flaw::Late => LIMIT * 2,
            Flaw::Early => LIMIT / 2,
            _ => LIMIT,
        };
        CutterFuture { call, limit: sleep(limit), started: now_for_real(), flaw: self.flaw, cut: false }
    }
}

// The flaw itself: a layer that reads the clock of the machine.
#[expect(clippy::disallowed_methods)]
fn now_for_real() -> std::time::Instant {
    std::time::Instant::now()
}

pin_project! {
    pub(crate) struct CutterFuture {
        // `None` once it is cut.
        #[pin]
        call: Option<Reply<u64, Fault>>,
        #[pin]
        limit: Sleep,
        started: std::time::Instant,
        flaw: Flaw,
        cut: bool,
    }

    impl PinnedDrop for CutterFuture {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if *this.cut || *this.flaw == Flaw::CallsEveryDropACut {
                cause::during(Cause::Cut, || this.call.set(None));
            }
        }
    }
}

impl Future for CutterFuture {
    type Output = Result<u64, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_mut().as_pin_mut() else { return Poll::Ready(Err(timed_out())) };
        match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
            Ok(Poll::Ready(answer)) => return Poll::Ready(answer),
            Ok(Poll::Pending) => {}
            Err(_) if *this.flaw == Flaw::SwallowsPanics => return Poll::Ready(Err(timed_out())),
            Err(_) if *this.flaw == Flaw::OwnPanic => {
                std::panic::resume_unwind(Box::new("something panicked"))
            }
            Err(payload) => std::panic::resume_unwind(payload),
        }
        match this.flaw {
            Flaw::RealClock if this.started.elapsed() < LIMIT => return Poll::Pending,
            Flaw::RealClock => {}
            Flaw::DeafTimer => ready!(this.limit.poll(&mut Context::from_waker(Waker::noop()))),
            _ => ready!(this.limit.poll(cx)),
        }
        match this.flaw {
            Flaw::AnswersFirst => *this.cut = true,
            Flaw::SaysNothing => this.call.set(None),
            _ => cause::during(Cause::Cut, || this.call.set(None)),
        }
        Poll::Ready(Err(timed_out()))
    }
}
