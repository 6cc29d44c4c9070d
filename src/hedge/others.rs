//! The attempts beside the first, and the last answer that was none. Made when the first of them starts.

use super::{race::replaces, shared::Shared};
use crate::{
    cause::{self, Cause},
    outcome::Outcome,
    telemetry::HedgeResult,
};
use std::{pin::Pin, sync::Arc};

pub(super) struct Others<F, Q, T, R, C> {
    shared: Arc<Shared<R, C>>,
    pub(super) running: Vec<Pin<Box<F>>>,
    /// The request of the hedge that is paid for, until the service is ready for it.
    pub(super) next: Option<Q>,
    kept: Option<(Outcome, T)>,
}

impl<F, Q, T, R, C> Others<F, Q, T, R, C> {
    pub(super) const fn new(shared: Arc<Shared<R, C>>) -> Self {
        Self { shared, running: Vec::new(), next: None, kept: None }
    }

    /// Keeps an answer that was none, should nothing better come.
    pub(super) fn keep(&mut self, outcome: Outcome, result: T) {
        if replaces(self.kept.as_ref().map(|(kept, _)| *kept), outcome) {
            self.kept = Some((outcome, result));
        }
    }

    pub(super) fn take_kept(&mut self) -> Option<T> {
        self.kept.take().map(|(_, result)| result)
    }

    pub(super) fn tell(&self, result: HedgeResult) {
        self.shared.tell(result);
    }

    /// Another attempt has won.
    pub(super) fn lose(&mut self) {
        let lost = std::mem::take(&mut self.running);
        lost.iter().for_each(|_| self.tell(HedgeResult::Lost));
        cause::during(Cause::Lost, || drop(lost));
    }
}

/// The caller has left, or the call was cut: whoever did that has said so.
impl<F, Q, T, R, C> Drop for Others<F, Q, T, R, C> {
    fn drop(&mut self) {
        self.running.iter().for_each(|_| self.tell(HedgeResult::Cancelled));
    }
}
