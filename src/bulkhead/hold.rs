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

/// The response; its slot is given back here, or goes along with it.
#[inline]
pub(super) fn answered<H, Res, E>(
    hold: &H,
    response: Res,
    slot: &mut Option<Slot>,
) -> <H::AtEnd as AtEnd<Res>>::Response<Slot>
where
    H: Classify<Res, E>,
{
    match (hold.classify(Ok(&response)), slot.take()) {
        (Verdict::AtEnd(rest), Some(slot)) => rest.hold(response, slot),
        _ => H::AtEnd::pass(response),
    }
}
