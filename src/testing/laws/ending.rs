//! Law 5: why a call ended is known to whoever is inside.

use crate::{
    cause::Cause,
    testing::{
        Answer, Subject, Verdict,
        drive::{Call, Ending, on_paused_clock, pass, settle},
        stage::Stage,
        subject::not_too_long,
        verdict::{broken, not_run},
    },
};
use std::time::Duration;

/// A layer that cuts a call drops the inner future before it gives its answer: who reads the answer may already start
/// another call, and the first must not run on beside it.
#[must_use]
pub fn cut_before_the_answer(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let (stage, call) = cut(subject).await?;
        let runs_on = stage.inner.counts().in_flight > 0;
        drop(call);
        if runs_on { Err(broken("it gave its answer, and the inner future was still there")) } else { Ok(()) }
    })
}

/// A layer that cuts a call says so, by [`cause::during`](crate::cause::during), around the drop of the inner future.
#[must_use]
pub fn cut_says_why(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let (stage, call) = cut(subject).await?;
        drop(call);
        settle().await;
        match stage.inner.last_cause() {
            Some(Cause::Cut) => Ok(()),
            Some(cause) => {
                Err(broken(format!("the inner future was dropped under {cause:?}, not under Cut")))
            }
            None => Err(broken("the inner future was never dropped")),
        }
    })
}

/// A caller who leaves is not a cut: nothing is said around the drop of a call that is dropped from outside.
#[must_use]
pub fn gone_is_not_cut(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut stage = Stage::new(&subject.make);
        stage.inner.always(Answer::never());
        let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
        call.poll();
        settle().await;
        drop(call);
        settle().await;
        match stage.inner.last_cause() {
            Some(Cause::Gone) => Ok(()),
            Some(cause) => {
                Err(broken(format!("a call that was dropped from outside was said to be {cause:?}")))
            }
            None => Err(not_run("no inner future was dropped")),
        }
    })
}

/// A call that was cut at its time, kept as it is right after its answer.
async fn cut(subject: &Subject) -> Result<(Stage, Call), Verdict> {
    let limit = cuts_after(subject)?;
    let mut stage = Stage::new(&subject.make);
    stage.inner.always(Answer::never());
    let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
    call.push().await;
    pass(limit).await;
    match call.push().await {
        Some(Ending::Error(_)) => Ok((stage, call)),
        Some(ending) => Err(broken(format!("a call that should be cut {ending}"))),
        None => Err(not_run("no call was cut at its time")),
    }
}

fn cuts_after(subject: &Subject) -> Result<Duration, Verdict> {
    subject.cuts_after.ok_or_else(|| not_run("it was not said to cut calls")).and_then(not_too_long)
}
