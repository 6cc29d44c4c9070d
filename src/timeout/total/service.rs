//! The service: refuses what is too late, and gives the rest its deadline.

use super::TotalFuture;
use crate::{
    clock,
    deadline::Deadline,
    rejected::Rejectable,
    timeout::{Limit, service::too_late, settings::Settings},
};
use std::{
    mem,
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// A service whose calls have a deadline. See [`TotalLayer`](super::TotalLayer).
#[derive(Debug)]
pub struct Total<S, L = Duration> {
    inner: S,
    settings: Settings<L>,
    /// `poll_ready` found the deadline passed and did not ask inside: this call is refused.
    refused: bool,
}

impl<S, L> Total<S, L> {
    pub(super) const fn new(inner: S, settings: Settings<L>) -> Self {
        Self { inner, settings, refused: false }
    }

    /// The deadline of a call that begins now, if there is one; `Err` where it has passed. One look at the clock serves
    /// both.
    #[inline]
    fn deadline<Req>(&self, request: &Req) -> Result<Option<Deadline>, TooLate>
    where
        L: Limit<Req>,
    {
        let limit = self.settings.limit.limit(request).max(clock::GRAIN);
        let known = Deadline::current();
        if limit == Duration::MAX && known.is_none() {
            return Ok(None);
        }
        let now = clock::now();
        if known.is_some_and(|known| known.passed(now)) {
            return Err(TooLate);
        }
        let own = (limit != Duration::MAX).then(|| Deadline::after(now, limit));
        Ok(Deadline::earlier(own, known))
    }
}

struct TooLate;

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, L: Clone> Clone for Total<S, L> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.settings.clone())
    }
}

impl<S, Req, L> Service<Req> for Total<S, L>
where
    S: Service<Req>,
    S::Error: Rejectable,
    L: Limit<Req>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TotalFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = too_late(Deadline::current());
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let refused = mem::take(&mut self.refused);
        let Settings { name, observed, .. } = &self.settings;
        match self.deadline(&request) {
            Ok(deadline) if !refused => {
                let call = match deadline {
                    Some(deadline) => deadline.begin(|| self.inner.call(request)),
                    None => self.inner.call(request),
                };
                TotalFuture::calling(call, deadline, name, observed)
            }
            _ => TotalFuture::refused(name, observed),
        }
    }
}
