//! Law 3, where it is hardest: a call that is let in to see whether the service has recovered, and is dropped.

use super::readiness::refusals;
use crate::testing::{
    Answer, Subject, Verdict,
    drive::{on_paused_clock, pass, settle},
    stage::Stage,
    verdict::{broken, not_run},
};

/// The first call after a refusal has run out may be dropped at any point: once that time has passed again, a call is
/// admitted.
#[must_use]
pub fn drop_while_recovering(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut run = false;
        for refusal in refusals(subject)? {
            let Some(wait) = refusal.recovery()? else { continue };
            run = true;
            // Unpolled last: by then it has been seen that the call is let in.
            for polls in [1, 2, 0] {
                let mut stage = Stage::after(&refusal.make, &refusal.history).await?;
                pass(wait).await;
                stage.inner.always(Answer::never());
                let before = stage.inner.counts().calls;
                let Ok(mut call) = stage.call().await else {
                    return Err(not_run("it did not recover in time"));
                };
                for _ in 0..polls {
                    call.poll();
                }
                if polls > 0 && stage.inner.counts().calls == before {
                    return Err(not_run("it did not recover in time"));
                }
                drop(call);
                settle().await;
                stage.inner.always(Answer::ok());
                pass(wait).await;
                stage.admits().await.map_err(|knock| {
                    broken(format!(
                        "the first call of a recovery was dropped after {polls} polls, and the next {knock}"
                    ))
                })?;
            }
        }
        if run { Ok(()) } else { Err(not_run("no refusal that recovers was given")) }
    })
}
