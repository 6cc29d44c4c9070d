//! How long a slot is held: until there is an answer, or until a classifier knows its verdict.

use super::Slot;
use crate::outcome::{AtEnd, Classify, Outcome, Verdict};
use std::convert::Infallible;

/// Until there is an answer: the default. The response keeps its type.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToHead {
    _more: (),
}

impl ToHead {
    pub(super) const fn new() -> Self {
        Self { _more: () }
    }
}

impl<Res, E> Classify<Res, E> for ToHead {
    type AtEnd = Infallible;

    #[inline]
    fn classify(&self, _: Result<&Res, &E>) -> Verdict<Infallible> {
        Verdict::Now(Outcome::OK)
    }
}

/// The answer, and its slot given back or on its way with the response. An error has no rest to wait for.
#[inline]
pub(super) fn answer<H, Res, E>(
    hold: &H,
    answer: Result<Res, E>,
    slot: Slot,
) -> Result<<H::AtEnd as AtEnd<Res>>::Response<Slot>, E>
where
    H: Classify<Res, E>,
{
    let response = answer?;
    match hold.classify(Ok(&response)) {
        Verdict::Now(_) => Ok(H::AtEnd::pass(response)),
        Verdict::AtEnd(rest) => Ok(rest.hold(response, slot)),
    }
}
