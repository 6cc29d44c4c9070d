//! The stage on which a law is tried: one layer value over one probe, and calls made through it.

use super::{
    Answer, Handle, Probe, Verdict,
    drive::{Alarm, Call, Ending, settle},
    erased::{Make, Mount, Outer},
};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// As many leaks as it takes to be seen: a layer with room for this many or fewer must show each of them.
pub(super) const LEAKS: usize = 32;

/// The request of every call; its echo is the right answer.
pub(super) const REQUEST: u64 = 0x00b0_77e5;

pub(super) struct Stage {
    layer: Box<dyn Mount>,
    probe: Probe,
    /// What tells the probe what to do.
    pub(super) inner: Handle,
    /// The service that is called, unless another one is the point.
    pub(super) service: Box<dyn Outer>,
    /// Calls of the history that have not ended.
    pub(super) held: Vec<Call>,
}

impl Stage {
    pub(super) fn new(make: &Make) -> Self {
        let layer = make();
        let probe = Probe::new();
        let service = layer.mount(probe.clone());
        Self { inner: probe.handle(), layer, probe, service, held: Vec::new() }
    }

    /// A fresh layer value, after these calls were made through it.
    pub(super) async fn after(make: &Make, history: &[Answer]) -> Result<Self, Verdict> {
        let mut stage = Self::new(make);
        stage.live_through(history).await?;
        Ok(stage)
    }

    pub(super) async fn live_through(&mut self, history: &[Answer]) -> Result<(), Verdict> {
        for &answer in history {
            self.inner.always(answer);
            match self.knock().await {
                Knock::Running(call) => self.held.push(call),
                Knock::Queued(_) | Knock::NotReady => {
                    return Err(Verdict::NotRun("a call of the given history has to wait".into()));
                }
                Knock::Ended(_) | Knock::EndedAtReady(_) => {}
            }
        }
        self.inner.always(Answer::ok());
        Ok(())
    }

    /// Another service of the same layer value.
    pub(super) fn mount_again(&self) -> Box<dyn Outer> {
        self.layer.mount(self.probe.clone())
    }

    pub(super) async fn knock(&mut self) -> Knock {
        knock_on(&mut *self.service, &self.inner).await
    }

    /// Whether a call is admitted: it reaches the inner service, at once or after a wait that ends.
    pub(super) async fn admits(&mut self) -> Result<(), Knock> {
        admits(&mut *self.service, &self.inner).await
    }

    pub(super) async fn ready(&mut self) -> Result<(), Knock> {
        ready(&mut *self.service).await
    }

    /// Readies and calls, and leaves the future unpolled.
    pub(super) async fn call(&mut self) -> Result<Call, Knock> {
        self.ready().await?;
        Ok(Call::new(self.service.call(REQUEST)))
    }
}

/// What came of a call that was made and pushed without letting time pass.
pub(super) enum Knock {
    /// `poll_ready` stays pending.
    NotReady,
    /// `poll_ready` gave an error.
    EndedAtReady(Ending),
    /// It came back.
    Ended(Ending),
    /// The inner service was called and has not answered yet.
    Running(Call),
    /// It waits, and the inner service was not called.
    Queued(Call),
}

impl Knock {
    /// Whether the layer itself said no.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Ended(Ending::Error(_)) | Self::EndedAtReady(Ending::Error(_)))
    }

    pub(super) fn is_kept_waiting(&self) -> bool {
        matches!(self, Self::Queued(_) | Self::NotReady)
    }

    /// Neither refused nor kept waiting.
    pub(super) fn is_let_in(&self) -> bool {
        !self.is_refused() && !self.is_kept_waiting()
    }
}

impl fmt::Display for Knock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("is kept waiting in poll_ready"),
            Self::EndedAtReady(ending) => write!(f, "{ending} in poll_ready"),
            Self::Ended(ending) => ending.fmt(f),
            Self::Running(_) => f.write_str("has reached the inner service and hangs"),
            Self::Queued(_) => f.write_str("is kept waiting"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(REQUEST) => f.write_str("is answered"),
            Self::Answered(_) => f.write_str("is answered with something that the inner service never said"),
            Self::Inner(id) => write!(f, "ends with the inner error {id}"),
            Self::Error(text) => write!(f, "ends with an error that is not the inner one: {text}"),
        }
    }
}

/// Whether a call through `service` is admitted: it reaches the inner service, at once or after a wait that ends.
pub(super) async fn admits(service: &mut dyn Outer, inner: &Handle) -> Result<(), Knock> {
    let before = inner.counts().calls;
    let mut knock = knock_on(service, inner).await;
    if let Knock::Queued(call) = &mut knock
        && let Some(ending) = call.push_through_time().await
    {
        knock = Knock::Ended(ending);
    }
    if inner.counts().calls > before && !knock.is_refused() { Ok(()) } else { Err(knock) }
}

/// Asks for readiness until it is there or does not come.
pub(super) async fn ready(service: &mut dyn Outer) -> Result<(), Knock> {
    for _ in 0..4 {
        if let Poll::Ready(answer) = poll_ready(service, &Arc::default()) {
            return answer.map_err(Knock::EndedAtReady);
        }
        settle().await;
    }
    Err(Knock::NotReady)
}

/// Asks for readiness once.
pub(super) fn poll_ready(service: &mut dyn Outer, alarm: &Arc<Alarm>) -> Poll<Result<(), Ending>> {
    let waker = Waker::from(Arc::clone(alarm));
    service.poll_ready(&mut Context::from_waker(&waker)).map_err(|error| Ending::of_error(&error))
}

/// Makes a call and pushes it as far as it goes without letting time pass.
pub(super) async fn knock_on(service: &mut dyn Outer, inner: &Handle) -> Knock {
    if let Err(knock) = ready(service).await {
        return knock;
    }
    let before = inner.counts().calls;
    let mut call = Call::new(service.call(REQUEST));
    match call.push().await {
        Some(ending) => Knock::Ended(ending),
        None if inner.counts().calls > before => Knock::Running(call),
        None => Knock::Queued(call),
    }
}
