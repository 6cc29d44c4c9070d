//! The body: frames as they come, and an error where they do not.

use super::layer::Settings;
use crate::{
    cause::{self, Cause},
    clock::{self, Instant},
    deadline::Deadline,
    rejected::{Lifted, Name, Reason, Rejected},
    telemetry::{Event, Limit, Observed},
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    task::unconstrained,
    time::{Sleep, sleep_until},
};

pin_project! {
    /// A response body that ends in an error when it takes too long.
    ///
    /// `Default` and `From<Bytes>` where the body inside has them, without limits.
    pub struct TimeoutBody<B> {
        // `None` once it was cut.
        #[pin]
        body: Option<B>,
        #[pin]
        limits: Option<Limits>,
    }
}

pin_project! {
    struct Limits {
        end: Option<(Instant, Limit)>,
        idle: Duration,
        // Kept over the frames: reset is cheaper than a new one.
        #[pin]
        timer: Option<Sleep>,
        // What the timer stands for in the present wait; `None` between waits.
        armed: Option<Limit>,
        name: &'static str,
        observed: Observed,
    }
}

impl<B> TimeoutBody<B> {
    /// The clock is read here only where there is a limit to the end.
    pub(super) fn limited(body: B, deadline: Option<Deadline>, settings: &Settings) -> Self {
        let own = match settings.to_end {
            Duration::MAX => None,
            limit => Some((clock::after(clock::now(), limit.max(clock::GRAIN)), Limit::Body)),
        };
        let end = match (own, deadline) {
            (Some((own, _)), Some(deadline)) if own <= deadline.instant() => Some((own, Limit::Body)),
            (_, Some(deadline)) => Some((deadline.instant(), Limit::Deadline)),
            (own, None) => own,
        };
        let limits = (end.is_some() || settings.idle != Duration::MAX).then(|| Limits {
            end,
            idle: settings.idle,
            timer: None,
            armed: None,
            name: settings.name,
            observed: settings.observed.clone(),
        });
        Self { body: Some(body), limits }
    }

    const fn free(body: B) -> Self {
        Self { body: Some(body), limits: None }
    }
}

impl<B: Body> Body for TimeoutBody<B> {
    type Data = B::Data;
    type Error = Lifted<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let frame = body.poll_frame(cx);
        let Some(mut limits) = this.limits.as_mut().as_pin_mut() else {
            return frame.map_err(Lifted::Inner);
        };
        let cut = match frame {
            // Nothing is left that could be late.
            Poll::Ready(None | Some(Err(_))) => None,
            Poll::Ready(Some(Ok(_))) => limits.as_mut().moved(),
            Poll::Pending => match limits.as_mut().poll_passed(cx) {
                Poll::Ready(limit) => Some(limit),
                Poll::Pending => return Poll::Pending,
            },
        };
        let Some(limit) = cut else { return frame.map_err(Lifted::Inner) };
        let rejected = limits.cut(limit);
        // Inside goes first, and is told why; then the error is given.
        cause::during(Cause::Cut, || this.body.set(None));
        this.limits.set(None);
        Poll::Ready(Some(Err(Lifted::Rejected(rejected))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Limits {
    /// A frame has come: the silence is over. The limit to the end holds also for a body that never pauses.
    fn moved(self: Pin<&mut Self>) -> Option<Limit> {
        let this = self.project();
        *this.armed = None;
        this.end.filter(|(end, _)| *end < clock::now()).map(|(_, limit)| limit)
    }

    /// Ready once a limit has passed. The first call of a wait arms the timer.
    fn poll_passed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Limit> {
        let mut this = self.project();
        let limit = match *this.armed {
            Some(limit) => limit,
            None => {
                let (at, limit) = next(*this.end, *this.idle);
                match this.timer.as_mut().as_pin_mut() {
                    Some(timer) => timer.reset(at),
                    None => this.timer.set(Some(sleep_until(at))),
                }
                *this.armed = Some(limit);
                limit
            }
        };
        match this.timer.as_pin_mut() {
            // An inside that uses up the task's budget at every poll must not starve the timer.
            Some(timer) => pin!(unconstrained(timer)).poll(cx).map(|()| limit),
            None => Poll::Pending,
        }
    }

    #[cold]
    fn cut(&self, limit: Limit) -> Rejected {
        self.observed.emit(|| Event::timed_out(self.name, limit));
        let reason = if limit == Limit::Deadline { Reason::DeadlinePassed } else { Reason::TimedOut };
        Rejected::new(reason, Name::fixed(self.name), true)
    }
}

/// What comes first: the end of the body, or the end of a silence that begins now.
fn next(end: Option<(Instant, Limit)>, idle: Duration) -> (Instant, Limit) {
    let silence = clock::after(clock::now(), idle.max(clock::GRAIN));
    match end {
        Some((end, limit)) if end < silence => (end, limit),
        _ => (silence, Limit::Idle),
    }
}

impl<B: Default> Default for TimeoutBody<B> {
    fn default() -> Self {
        Self::free(B::default())
    }
}

impl<B: From<Bytes>> From<Bytes> for TimeoutBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::free(B::from(bytes))
    }
}

impl<B: fmt::Debug> fmt::Debug for TimeoutBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutBody").field("body", &self.body).finish_non_exhaustive()
    }
}
