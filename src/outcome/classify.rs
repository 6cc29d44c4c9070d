//! What a result means, decided by a classifier: now, or at the end of the response.

use super::{AtEnd, Outcome};
use std::convert::Infallible;

/// What a classifier knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<A> {
    /// Known with the result.
    Now(Outcome),
    /// Known at the end of the response; `A` travels with it and reads the rest.
    AtEnd(A),
}

/// Reads a result. Sees references only: it never changes what passes through.
///
/// It is never shown a rejection by a layer of ours ([`judge`](super::judge) reads those first), so that no classifier
/// can count an inner open circuit as a failure by mistake.
pub trait Classify<Res, E> {
    /// [`Infallible`] where the verdict is always there with the result: then the response keeps its type.
    type AtEnd: AtEnd<Res>;

    /// What `result` means.
    fn classify(&self, result: Result<&Res, &E>) -> Verdict<Self::AtEnd>;
}

/// Every error is a failure, every response a success: the default where nothing is known of the protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorsFail;

impl<Res, E> Classify<Res, E> for ErrorsFail {
    type AtEnd = Infallible;

    #[inline]
    fn classify(&self, result: Result<&Res, &E>) -> Verdict<Infallible> {
        Verdict::Now(if result.is_ok() { Outcome::OK } else { Outcome::FAILED })
    }
}

/// A classifier made of a function of the result.
#[derive(Clone, Copy, Debug)]
pub struct By<F>(pub F);

impl<Res, E, F> Classify<Res, E> for By<F>
where
    F: Fn(Result<&Res, &E>) -> Outcome,
{
    type AtEnd = Infallible;

    #[inline]
    fn classify(&self, result: Result<&Res, &E>) -> Verdict<Infallible> {
        Verdict::Now((self.0)(result))
    }
}
