//! Law 1, the part of a layer's own waiting: in the response future, and with empty hands.

use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Finding, LONG, on_paused_clock, pass},
    stage::{Knock, Stage},
    verdict::{broken, not_run},
};
use std::time::Duration;

/// A layer that makes calls wait for their turn does so in the response future: `poll_ready` has no end of its own, and
/// whoever waits there holds everything up that stands in front.
#[must_use]
pub fn waiting_is_in_the_call(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut stage = waiting_stage(subject).await?;
        match stage.knock().await {
            Knock::Queued(_) => Ok(()),
            Knock::NotReady => Err(broken("it waits in poll_ready")),
            other => Err(not_run(format!("in the state that was given, a call {other}"))),
        }
    })
}

/// While it waits for its own sake, in a queue or for the next attempt, it holds no readied inner instance: over a
/// bounded service, that would take a place from somebody who can use it.
#[must_use]
pub fn waiting_holds_nothing(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        if subject.calls_again {
            between_attempts(subject).await?;
        }
        if subject.waits.is_some() {
            in_the_queue(subject).await?;
        }
        if subject.calls_again || subject.waits.is_some() {
            Ok(())
        } else {
            Err(not_run("no state in which it waits was given"))
        }
    })
}

async fn in_the_queue(subject: &Subject) -> Finding {
    let mut stage = waiting_stage(subject).await?;
    let before = stage.inner.counts().held;
    let knock = stage.knock().await;
    if !knock.is_kept_waiting() {
        return Err(not_run(format!("in the state that was given, a call {knock}")));
    }
    if stage.inner.counts().held > before {
        return Err(broken("a call in the queue holds a readied inner instance"));
    }
    Ok(())
}

async fn between_attempts(subject: &Subject) -> Finding {
    let mut stage = Stage::new(&subject.make);
    stage.inner.next(Answer::fail());
    let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
    let mut step = Duration::from_millis(1);
    while call.push().await.is_none() && step < LONG {
        let counts = stage.inner.counts();
        if counts.in_flight == 0 && counts.held > 0 {
            return Err(broken("between two attempts, a call holds a readied inner instance"));
        }
        pass(step).await;
        step *= 2;
    }
    Ok(())
}

/// The stage after the history that makes the next call wait.
pub(super) async fn waiting_stage(subject: &Subject) -> Result<Stage, Verdict> {
    match &subject.waits {
        Some((history, make)) => Stage::after(make, history).await,
        None => Err(not_run("no state in which it waits was given")),
    }
}
