//! The service for deadlines out: writes what is left, or refuses.

use super::{HeaderMillis, ReadTimeout, SendDeadlineFuture, WriteTimeout, send::Settings};
use crate::{
    clock,
    deadline::{Deadline, Scope},
    rejected::{Name, Reason, Rejectable, Rejected},
    telemetry::Event,
};
use ::http::{HeaderMap, Request};
use std::{
    mem,
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// A service whose requests tell how long they may take. See [`SendDeadlineLayer`](super::SendDeadlineLayer).
#[derive(Debug)]
pub struct SendDeadline<S, W = HeaderMillis> {
    inner: S,
    settings: Settings<W>,
    /// `poll_ready` found the time over and did not ask inside: this call is refused.
    refused: bool,
}

impl<S, W> SendDeadline<S, W> {
    pub(super) const fn new(inner: S, settings: Settings<W>) -> Self {
        Self { inner, settings, refused: false }
    }
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, W: Clone> Clone for SendDeadline<S, W> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.settings.clone())
    }
}

/// The time is over, or there is less of it than can be said.
struct Over;

impl<W: ReadTimeout + WriteTimeout> Settings<W> {
    /// The deadline of the next hop: earlier by the margin.
    fn earlier(&self, deadline: Deadline) -> Result<Deadline, Over> {
        deadline.instant().checked_sub(self.margin).map(Deadline::at).ok_or(Over)
    }

    /// Says in the headers what is left until `told`, if there is anything to say.
    fn say(&self, told: Option<Deadline>, headers: &mut HeaderMap) -> Result<(), Over> {
        let left = told.map(|told| told.remaining(clock::now()));
        let least: Option<Duration> = left.into_iter().chain(self.at_most).min();
        let Some(left) = least else { return Ok(()) };
        let said = match self.form.read(headers) {
            // Only ever shortened: what says less already is left as it is.
            Some(given) if given <= left => !given.is_zero(),
            _ => self.form.write(left, headers),
        };
        if said { Ok(()) } else { Err(Over) }
    }

    #[cold]
    fn refuse(&self) -> Rejected {
        self.observed.emit(|| Event::rejected(self.name, Reason::DeadlinePassed));
        Rejected::new(Reason::DeadlinePassed, Name::fixed(self.name), false)
    }
}

impl<S, W: ReadTimeout + WriteTimeout> SendDeadline<S, W> {
    fn try_call<B>(&mut self, mut request: Request<B>) -> Result<Scope<S::Future>, Over>
    where
        S: Service<Request<B>>,
    {
        if mem::take(&mut self.refused) {
            return Err(Over);
        }
        let in_force = Deadline::current();
        let carried = request.extensions().get::<Deadline>().copied();
        let known = Deadline::earlier(carried, in_force);
        let told = known.map(|deadline| self.settings.earlier(deadline)).transpose()?;
        self.settings.say(told, request.headers_mut())?;
        // Inside of this the next hop's time is the time: who cuts there (tonic's channel, by the header) cuts by the
        // caller's deadline.
        Ok(match told {
            Some(told) if in_force != Some(told) => told.scope(told.sync_scope(|| self.inner.call(request))),
            _ => Scope::new(None, self.inner.call(request)),
        })
    }
}

impl<S, B, W> Service<Request<B>> for SendDeadline<S, W>
where
    S: Service<Request<B>>,
    S::Error: Rejectable,
    W: ReadTimeout + WriteTimeout,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SendDeadlineFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = Deadline::current()
            .is_some_and(|deadline| deadline.remaining(clock::now()) <= self.settings.margin);
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.try_call(request) {
            Ok(call) => SendDeadlineFuture::calling(call),
            Err(Over) => SendDeadlineFuture::refused(self.settings.refuse()),
        }
    }
}
