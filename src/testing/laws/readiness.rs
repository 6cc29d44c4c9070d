//! Law 1, the part of `poll_ready`: it never rejects, takes nothing, and asks nothing inside for a call it will refuse.

use crate::testing::{
    Handle, Subject, Verdict,
    drive::{Call, Ending, Finding, on_paused_clock, pass},
    stage::{Knock, LEAKS, REQUEST, Stage, admits, poll_ready, ready},
    subject::Refusal,
    verdict::{broken, not_run},
};
use std::sync::Arc;

/// A layer that would refuse says so in the call, never in `poll_ready`: there, no request is at hand to answer, and
/// many callers take an error for the end of the service.
#[must_use]
pub fn readiness_never_rejects(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for refusal in refusals(subject)? {
            let mut stage = Stage::after(&refusal.make, &refusal.history).await?;
            if let Err(knock @ Knock::EndedAtReady(_)) = stage.ready().await {
                return Err(broken(format!("while it refuses, a call {knock}")));
            }
        }
        Ok(())
    })
}

/// Instances that are readied and not called, or never will be, take nothing from the others.
#[must_use]
pub fn readiness_takes_no_permit(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut stage = Stage::new(&subject.make);
        let mut readied = Vec::new();
        for turn in 0..=LEAKS {
            let mut other = if turn % 2 == 0 { stage.service.twin() } else { stage.mount_again() };
            let answer = ready(&mut *other).await;
            readied.push(other);
            if let Err(knock) = answer {
                return Err(broken(format!("with {turn} others readied and not called, the next {knock}")));
            }
        }
        if let Some(last) = readied.last_mut() {
            let admitted = admits(&mut **last, &stage.inner).await;
            admitted.map_err(|knock| {
                broken(format!("with {LEAKS} others readied and not called, a call {knock}"))
            })?;
        }
        drop(readied);
        let admitted = stage.admits().await;
        admitted.map_err(|knock| broken(format!("after {LEAKS} were readied and dropped, a call {knock}")))
    })
}

/// A layer that will refuse the call answers Ready without asking inside: over a service that is not ready, it fails fast
/// and does not hang.
#[must_use]
pub fn refusal_asks_nothing_inside(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for refusal in decided_at_ready(subject)? {
            let mut stage = Stage::after(&refusal.make, &refusal.history).await?;
            let knock = stage.knock().await;
            if !knock.is_refused() {
                return Err(not_run(format!("in the refusing state that was given, a call {knock}")));
            }
            stage.inner.pend();
            let before = stage.inner.counts().ready_polls;
            if poll_ready(&mut *stage.service, &Arc::default()).is_pending() {
                return Err(broken("while it refuses, poll_ready waits for the inner service"));
            }
            if stage.inner.counts().ready_polls > before {
                return Err(broken("while it refuses, poll_ready asks the inner service"));
            }
        }
        Ok(())
    })
}

/// A call whose refusal was decided in `poll_ready` is refused, even if the time has come meanwhile: the inner instance
/// was never asked.
#[must_use]
pub fn refusal_stands(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut run = false;
        for refusal in decided_at_ready(subject)? {
            let Some(wait) = refusal.recovery()? else { continue };
            run = true;
            let mut stage = Stage::after(&refusal.make, &refusal.history).await?;
            let before = stage.inner.counts();
            if stage.ready().await.is_err() || stage.inner.counts().ready_polls > before.ready_polls {
                return Err(not_run("poll_ready did not decide to refuse"));
            }
            pass(wait).await;
            let ending = Call::new(stage.service.call(REQUEST)).push().await;
            if stage.inner.counts().calls > before.calls {
                return Err(broken(
                    "refused in poll_ready, then called after all: nobody had readied the inside",
                ));
            }
            if !matches!(ending, Some(Ending::Error(_))) {
                return Err(broken("refused in poll_ready, but the call was not rejected"));
            }
        }
        if run { Ok(()) } else { Err(not_run("no refusal that recovers was given")) }
    })
}

/// An inner readiness error comes out as it was, in `poll_ready` or, of a layer that waits before it asks inside, in the
/// call.
#[must_use]
pub fn readiness_error_passes(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut stage = Stage::new(&subject.make);
        stage.inner.fail_readiness();
        let ending = match stage.call().await {
            Err(Knock::EndedAtReady(ending)) => Some(ending),
            Err(knock) => return Err(broken(format!("with a readiness error inside, a call {knock}"))),
            Ok(mut call) => call.push_through_time().await,
        };
        is_last_fault(ending, &stage.inner)
    })
}

fn is_last_fault(ending: Option<Ending>, inner: &Handle) -> Finding {
    match ending {
        Some(Ending::Inner(id)) if Some(id) == inner.last_fault() => Ok(()),
        Some(ending) => Err(broken(format!("with a readiness error inside, a call {ending}"))),
        None => Err(broken("with a readiness error inside, a call hangs")),
    }
}

pub(super) fn refusals(subject: &Subject) -> Result<&[Refusal], Verdict> {
    if subject.refusals.is_empty() {
        return Err(not_run("no state in which it refuses was given"));
    }
    Ok(&subject.refusals)
}

fn decided_at_ready(subject: &Subject) -> Result<impl Iterator<Item = &Refusal>, Verdict> {
    let all = refusals(subject)?;
    if all.iter().all(|refusal| refusal.decided_in_call) {
        return Err(not_run("it decides in the call"));
    }
    Ok(all.iter().filter(|refusal| !refusal.decided_in_call))
}
