//! Law 3: a future gives back all it held, at every point at which it can be dropped, and at its end.

use super::waiting::waiting_stage;
use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Finding, LONG, on_paused_clock, pass, settle},
    stage::{Knock, LEAKS, Stage},
    verdict::{broken, not_run},
};

/// The inner calls pend so often, and are dropped after every number of polls up to this.
const PENDINGS: u32 = 3;

/// Calls that are dropped unpolled or at any later point leave nothing in flight, and the next call is admitted; the same
/// for services that are dropped readied.
#[must_use]
pub fn drop_is_clean(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for polls in 0..=PENDINGS {
            let mut stage = Stage::new(&subject.make);
            stage.inner.always(Answer::ok().after_polls(PENDINGS));
            for turn in 0..LEAKS {
                let mut call = match stage.call().await {
                    Ok(call) => call,
                    Err(knock) => return Err(leaked(turn, polls, &knock)),
                };
                for _ in 0..polls {
                    call.poll();
                }
                drop(call);
                settle().await;
                if stage.inner.counts().in_flight > 0 {
                    return Err(broken(format!("a call dropped after {polls} polls runs on inside")));
                }
            }
            stage.inner.always(Answer::ok());
            stage.admits().await.map_err(|knock| leaked(LEAKS, polls, &knock))?;
        }
        Ok(())
    })
}

fn leaked(turn: usize, polls: u32, knock: &Knock) -> Verdict {
    broken(format!("after {turn} calls that were dropped after {polls} polls, the next {knock}"))
}

/// Calls that have ended, with a response or with an error, hold nothing, and the next is admitted. Who has learnt from errors
/// to refuse calls, as a breaker does, has a month to admit one again.
#[must_use]
pub fn end_is_clean(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for (answer, how) in [(Answer::ok(), "answered"), (Answer::fail(), "failed")] {
            for answer in [answer, answer.after_polls(1)] {
                let mut stage = Stage::new(&subject.make);
                for turn in 1..=LEAKS {
                    stage.inner.always(answer);
                    let mut call =
                        stage.call().await.map_err(|knock| not_run(format!("a fresh call {knock}")))?;
                    if call.push_through_time().await.is_none() {
                        return Err(not_run("the inner service has ended, and the call hangs"));
                    }
                    drop(call);
                    pass(LONG).await;
                    stage.inner.always(Answer::ok());
                    stage.admits().await.map_err(|knock| {
                        broken(format!("after {turn} calls that {how} inside, and a month, the next {knock}"))
                    })?;
                }
            }
        }
        Ok(())
    })
}

/// Calls that are dropped in the queue, or just when their turn has come, give their place and their turn back.
#[must_use]
pub fn drop_in_the_queue(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for polls in 0..PENDINGS {
            left_while_waiting(subject, polls).await?;
        }
        left_when_called_up(subject).await
    })
}

async fn left_while_waiting(subject: &Subject, polls: u32) -> Finding {
    let mut stage = waiting_stage(subject).await?;
    let (mut other, inside) = (stage.service.twin(), stage.inner.counts().calls);
    for _ in 0..LEAKS {
        // A layer that waits in poll_ready is left there.
        let Ok(mut call) = stage.call().await else { break };
        for _ in 0..polls {
            call.poll();
        }
        drop(call);
    }
    if stage.inner.counts().calls > inside {
        return Err(not_run("in the state that was given, a call does not wait"));
    }
    std::mem::swap(&mut stage.service, &mut other);
    drop(other);
    stage.held.clear();
    settle().await;
    stage.admits().await.map_err(|knock| {
        broken(format!(
            "{LEAKS} calls left the queue after {polls} polls, there is room again, and a call {knock}"
        ))
    })
}

async fn left_when_called_up(subject: &Subject) -> Finding {
    let mut stage = waiting_stage(subject).await?;
    let mut other = stage.service.twin();
    let knock = stage.knock().await;
    // Room comes while it waits, and it is dropped before it is polled again.
    stage.held.clear();
    match knock {
        Knock::Queued(call) => drop(call),
        Knock::NotReady => {}
        other => return Err(not_run(format!("in the state that was given, a call {other}"))),
    }
    std::mem::swap(&mut stage.service, &mut other);
    drop(other);
    settle().await;
    stage.admits().await.map_err(|knock| {
        broken(format!("a call left the queue just when its turn had come, and the next {knock}"))
    })
}
