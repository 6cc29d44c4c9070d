//! The layer: a circuit around a service.

use super::{Breaker, Circuit};
use crate::outcome::{By, Classify, ErrorsFail, Outcome};
use tower_layer::Layer;

/// Puts a [`Circuit`] around a service. See the [module](super).
#[derive(Clone, Debug)]
pub struct BreakerLayer<C = ErrorsFail> {
    circuit: Circuit,
    classify: C,
    not_ready_while_open: bool,
}

impl BreakerLayer {
    /// Around this circuit: every error is a failure, every response a success.
    #[must_use]
    pub fn new(circuit: &Circuit) -> Self {
        Self { circuit: circuit.clone(), classify: ErrorsFail, not_ready_while_open: false }
    }
}

impl<C> BreakerLayer<C> {
    /// Reads results by `classify`: `http::ByStatus` and `grpc::ByStatus` are two.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> BreakerLayer<D> {
        let Self { circuit, not_ready_while_open, .. } = self;
        BreakerLayer { circuit, classify, not_ready_while_open }
    }

    /// Reads results by a function.
    ///
    /// ```
    /// # use buttress::{breaker::{BreakerLayer, Circuit, Policy}, outcome::Outcome};
    /// let circuit = Circuit::new("payments", &Policy::new());
    /// let layer = BreakerLayer::new(&circuit).classify_by(|result: Result<&u16, &std::io::Error>| match result {
    ///     Ok(status) if *status < 500 => Outcome::OK,
    ///     _ => Outcome::FAILED,
    /// });
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn classify_by<Res, E, F>(self, classify: F) -> BreakerLayer<By<F>>
    where
        F: Fn(Result<&Res, &E>) -> Outcome,
        By<F>: Classify<Res, E>,
    {
        self.classify(By(classify))
    }

    /// The circuit.
    #[must_use]
    pub const fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// Answers not-ready while the circuit is open, instead of refusing the call: for use under tower's balancers, which
    /// then take another endpoint. It is woken at the end of the open time and by every turn, and while half-open whenever a
    /// place among the probes may be free. Waking up does not end the open state; the next call does.
    ///
    /// This is the one setting under which a caller waits in `poll_ready`.
    #[must_use]
    pub fn not_ready_while_open(mut self) -> Self {
        self.not_ready_while_open = true;
        self
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = Breaker<S, C>;

    fn layer(&self, inner: S) -> Breaker<S, C> {
        Breaker::new(inner, self.circuit.clone(), self.classify.clone(), self.not_ready_while_open)
    }
}
