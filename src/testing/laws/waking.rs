//! The contract of futures itself: who answers Pending has seen to it that he is woken.

use super::waiting::waiting_stage;
use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Finding, on_paused_clock, pass, settle},
    stage::{Stage, poll_ready},
    subject::not_too_long,
    verdict::{broken, not_run},
};
use std::{sync::Arc, time::Duration};

const WHILE: Duration = Duration::from_millis(10);

/// Calls that are polled only when they are woken come to their end; after a move to another task it is that task
/// which is woken; and readiness that has come is told.
#[must_use]
pub fn no_wake_lost(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        readiness_is_told(subject).await?;
        for (answer, which) in [
            (Answer::ok().after_polls(3), "an answer after some polls"),
            (Answer::ok().after(WHILE), "an answer after some time"),
            (Answer::fail(), "an error"),
        ] {
            let mut stage = Stage::new(&subject.make);
            stage.inner.always(answer);
            let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
            if call.when_woken().await.is_none() {
                return Err(broken(format!("nobody was woken for {which}")));
            }
        }
        another_task_is_woken(subject).await?;
        if subject.waits.is_some() {
            the_next_in_the_queue_is_woken(subject).await?;
        }
        match subject.cuts_after {
            Some(limit) => the_cut_wakes(subject, not_too_long(limit)?).await,
            None => Ok(()),
        }
    })
}

async fn readiness_is_told(subject: &Subject) -> Finding {
    let mut stage = Stage::new(&subject.make);
    stage.inner.pend();
    let (first, second) = (Arc::default(), Arc::default());
    // A layer that does not pass readiness on has none to tell.
    for alarm in [&first, &second] {
        if poll_ready(&mut *stage.service, alarm).is_ready() {
            return Ok(());
        }
    }
    stage.inner.ready();
    settle().await;
    match (first.rung(), second.rung()) {
        (_, true) => Ok(()),
        (true, false) => Err(broken("poll_ready moved to another task, and readiness woke the first one")),
        (false, false) => {
            Err(broken("poll_ready answered Pending, and nobody was woken when readiness came"))
        }
    }
}

async fn another_task_is_woken(subject: &Subject) -> Finding {
    let mut stage = Stage::new(&subject.make);
    stage.inner.always(Answer::ok().after(WHILE));
    let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
    call.poll();
    settle().await;
    let alarm = call.change_task();
    if call.poll().is_some() {
        return Ok(());
    }
    pass(WHILE).await;
    if alarm.rung() {
        Ok(())
    } else {
        Err(broken("a call moved to another task, and its answer woke the first one"))
    }
}

async fn the_next_in_the_queue_is_woken(subject: &Subject) -> Finding {
    let mut stage = waiting_stage(subject).await?;
    // A layer that waits in poll_ready breaks another law.
    let Ok(mut call) = stage.call().await else { return Ok(()) };
    call.poll();
    let alarm = call.change_task();
    if call.poll().is_some() {
        return Ok(());
    }
    stage.held.clear();
    settle().await;
    if !alarm.rung() {
        return Err(broken("room came, and the next in the queue was not woken"));
    }
    match call.when_woken().await {
        Some(_) => Ok(()),
        None => Err(broken("room came, and the next in the queue was not woken to its end")),
    }
}

/// Where a call that is polled by force is cut at its time, one that is polled only when woken must be too.
async fn the_cut_wakes(subject: &Subject, limit: Duration) -> Finding {
    for forced in [true, false] {
        let mut stage = Stage::new(&subject.make);
        stage.inner.always(Answer::never());
        let Ok(mut call) = stage.call().await else { return Err(not_run("a fresh call was not let in")) };
        if forced {
            call.push().await;
            pass(limit).await;
            if call.push().await.is_none() {
                // It goes by another clock, which is the affair of another law.
                return Ok(());
            }
        } else if call.when_woken().await.is_none() {
            return Err(broken("a call that hangs is cut when it is polled, but nobody is woken to poll it"));
        }
    }
    Ok(())
}
