//! Law 8: one clock, which can be paused.

use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Finding, LONG, on_paused_clock, pass},
    stage::Stage,
    subject::{Refusal, not_too_long},
    verdict::{broken, not_run},
};
use std::time::Duration;

/// The grain of tokio's timer.
const GRAIN: Duration = Duration::from_millis(1);

/// What waits for time ends when the paused clock says so: not a millisecond before, and not by the time of the machine,
/// which stands still meanwhile.
#[must_use]
pub fn waits_end_on_time(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        if let Some(limit) = subject.cuts_after {
            cuts_on_time(subject, not_too_long(limit)?).await?;
        }
        let mut run = subject.cuts_after.is_some();
        for refusal in &subject.refusals {
            if let Some(wait) = refusal.recovery()? {
                recovers_on_time(refusal, wait).await?;
                run = true;
            }
        }
        if run { Ok(()) } else { Err(not_run("it was not said to wait for a time: no cut, no recovery")) }
    })
}

async fn cuts_on_time(subject: &Subject, limit: Duration) -> Finding {
    let mut stage = Stage::new(&subject.make);
    stage.inner.always(Answer::never());
    let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
    call.push().await;
    pass(limit.saturating_sub(GRAIN)).await;
    if let Some(ending) = call.push().await {
        return Err(broken(format!("before {limit:?} have passed, a call that hangs {ending}")));
    }
    pass(GRAIN.min(limit)).await;
    if call.push().await.is_some() {
        return Ok(());
    }
    pass(LONG).await;
    match call.push().await {
        Some(_) => Err(broken(format!("a call that hangs is not cut after {limit:?}, but later"))),
        None => Err(broken(format!(
            "{limit:?} and a month have passed by the paused clock, and a call still hangs"
        ))),
    }
}

async fn recovers_on_time(refusal: &Refusal, wait: Duration) -> Finding {
    let mut stage = Stage::after(&refusal.make, &refusal.history).await?;
    pass(wait.saturating_sub(GRAIN)).await;
    let knock = stage.knock().await;
    if !knock.is_refused() {
        return Err(broken(format!("a millisecond before {wait:?} have passed, a call {knock}")));
    }
    pass(GRAIN.min(wait)).await;
    let knock = stage.knock().await;
    if knock.is_let_in() {
        return Ok(());
    }
    Err(broken(format!("{wait:?} have passed by the paused clock, and a call {knock}")))
}
