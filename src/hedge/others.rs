//! The attempts beside the first, and the last answer that was none. Made when the first of them starts.

use super::{race::replaces, shared::Held};
use crate::{
    cause::{self, Cause},
    outcome::Outcome,
    telemetry::HedgeResult,
};
use std::pin::Pin;

pub(super) struct Others<F, R, A, C> {
    held: Held<A, C>,
    pub(super) running: Vec<Pin<Box<F>>>,
    kept: Option<(Outcome, R)>,
}

impl<F, R, A, C> Others<F, R, A, C> {
    pub(super) const fn new(held: Held<A, C>) -> Self {
        Self { held, running: Vec::new(), kept: None }
    }

    /// Keeps an answer that was none, should nothing better come.
    pub(super) fn keep(&mut self, outcome: Outcome, result: R) {
        if replaces(self.kept.as_ref().map(|(kept, _)| *kept), outcome) {
            self.kept = Some((outcome, result));
        }
    }

    pub(super) fn take_kept(&mut self) -> Option<R> {
        self.kept.take().map(|(_, result)| result)
    }

    pub(super) fn tell(&self, result: HedgeResult) {
        self.held.0.tell(result);
    }

    /// Another attempt has won.
    pub(super) fn lose(&mut self) {
        let lost = std::mem::take(&mut self.running);
        lost.iter().for_each(|_| self.tell(HedgeResult::Lost));
        cause::during(Cause::Lost, || drop(lost));
    }
}

/// The caller has left, or the call was cut: whoever did that has said so.
impl<F, R, A, C> Drop for Others<F, R, A, C> {
    fn drop(&mut self) {
        self.running.iter().for_each(|_| self.tell(HedgeResult::Cancelled));
    }
}
