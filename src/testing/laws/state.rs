//! Law 7: state lives in the layer value.

use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Finding, on_paused_clock},
    erased::{Make, Outer},
    stage::{Stage, knock_on},
    verdict::{broken, not_run},
};

/// What one service of a layer has lived through holds for every other service of the same layer value: an axum server
/// calls `layer()` for every connection, a router for every route.
#[must_use]
pub fn layer_shares_state(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let share = |stage: &Stage| stage.mount_again();
        shared(subject, share, "another service of the same layer value").await
    })
}

/// What one service has lived through holds for its clones.
#[must_use]
pub fn clones_share_state(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let share = |stage: &Stage| stage.service.twin();
        shared(subject, share, "a clone of the same service").await
    })
}

/// Two layer values share nothing.
#[must_use]
pub fn layers_are_apart(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for (history, make) in states(subject)? {
            let lived = lived(history, make).await?;
            let knock = Stage::new(make).knock().await;
            drop(lived);
            if !knock.is_let_in() {
                return Err(broken(format!("by the state of another layer value, a call {knock}")));
            }
        }
        Ok(())
    })
}

async fn shared(subject: &Subject, share: fn(&Stage) -> Box<dyn Outer>, whose: &str) -> Finding {
    for (history, make) in states(subject)? {
        let stage = lived(history, make).await?;
        let knock = knock_on(&mut *share(&stage), &stage.inner).await;
        if knock.is_let_in() {
            return Err(broken(format!("one service admits no more, and a call of {whose} {knock}")));
        }
    }
    Ok(())
}

/// A stage whose own service has been seen to admit no more.
async fn lived(history: &[Answer], make: &Make) -> Result<Stage, Verdict> {
    let mut stage = Stage::after(make, history).await?;
    let knock = stage.knock().await;
    if knock.is_let_in() {
        return Err(not_run(format!("after the given history, a call {knock}")));
    }
    Ok(stage)
}

/// The states that a history leads to.
fn states(subject: &Subject) -> Result<Vec<(&[Answer], &Make)>, Verdict> {
    let refusals = subject.refusals.iter().map(|refusal| (&refusal.history[..], &refusal.make));
    let waits = subject.waits.iter().map(|(history, make)| (&history[..], make));
    let states: Vec<_> = refusals.chain(waits).filter(|(history, _)| !history.is_empty()).collect();
    if states.is_empty() { Err(not_run("no state that comes of calls was given")) } else { Ok(states) }
}
