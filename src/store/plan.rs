//! What a store writes for a claim, and what it answers then: one reading of [`OnClaim`] for all of them.

use crate::idempotency::{Claim, OnClaim, Record, Recovery, Stored, Trouble};

/// What a claim comes to.
pub(super) enum Plan {
    /// Nothing is written, and this is the answer.
    Answer(Claim),
    /// Once `next` is written, this is the answer.
    Write { next: Record, how: How, claim: Claim },
}

/// What becomes of what stands beside the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A new life: it has no answer and no recovery point.
    Begins,
    /// It keeps its recovery point; its owner has been heard of.
    GoesOn,
    /// It keeps its recovery point; nobody has been heard of.
    Parks,
}

/// What is to be done about a claim; `recovery` and `answer` stand beside the record and are looked for only if they are asked
/// for.
pub(super) fn plan(
    decided: OnClaim,
    recovery: impl FnOnce() -> Option<Recovery>,
    answer: impl FnOnce() -> Option<Stored>,
) -> Result<Plan, Trouble> {
    let claim = match decided {
        OnClaim::Begin(next) => {
            return Ok(Plan::Write { next, how: How::Begins, claim: Claim::mine(next.token, None) });
        }
        OnClaim::Resume(next) | OnClaim::Again(next) => {
            return Ok(Plan::Write { next, how: How::GoesOn, claim: Claim::mine(next.token, recovery()) });
        }
        OnClaim::Park(next) => return Ok(Plan::Write { next, how: How::Parks, claim: Claim::Unknown }),
        // A record that is done has its answer.
        OnClaim::Done => Claim::Done(answer().ok_or(Trouble::Unreadable)?),
        OnClaim::Busy(remaining) => Claim::busy(remaining),
        OnClaim::Unknown => Claim::Unknown,
        OnClaim::Mismatch => Claim::Mismatch,
        OnClaim::OtherRule(rule) => Claim::OtherRule(rule),
    };
    Ok(Plan::Answer(claim))
}
