//! Law 2: the readied instance is the one that is called, once, and only after admission.

use super::{readiness::refusals, waiting::waiting_stage};
use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Finding, on_paused_clock},
    stage::{Stage, knock_on, ready},
    verdict::{broken, not_run},
};

/// No instance is called that was not readied, in first calls, later calls, calls of clones, attempts and queued calls.
#[must_use]
pub fn readied_is_called(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut stage = Stage::new(&subject.make);
        for answer in [Answer::ok(), Answer::ok().after_polls(1), Answer::ok()] {
            stage.inner.always(answer);
            stage.knock().await;
        }
        unviolated(&stage, "a call")?;
        let mut twin = stage.service.twin();
        knock_on(&mut *twin, &stage.inner).await;
        stage.knock().await;
        unviolated(&stage, "a call of a clone")?;
        stage.inner.pend();
        if ready(&mut *stage.service).await.is_err() {
            stage.inner.ready();
        }
        stage.knock().await;
        unviolated(&stage, "a call that had to wait for readiness")?;
        stage.inner.ready();
        if subject.calls_again {
            stage.inner.next(Answer::fail());
            if let Ok(mut call) = stage.call().await {
                call.push_through_time().await;
            }
            unviolated(&stage, "a second attempt")?;
        }
        if subject.waits.is_some() {
            let mut stage = waiting_stage(subject).await?;
            if let Ok(mut call) = stage.call().await {
                call.push().await;
                stage.held.clear();
                call.push().await;
                unviolated(&stage, "a call that had to wait for its turn")?;
            }
        }
        Ok(())
    })
}

fn unviolated(stage: &Stage, what: &str) -> Finding {
    match stage.inner.counts().called_unreadied {
        0 => Ok(()),
        _ => Err(broken(format!("{what} reached an inner instance that was not readied"))),
    }
}

/// A refused call never reaches the inner service.
#[must_use]
pub fn admitted_first(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for refusal in refusals(subject)? {
            let mut stage = Stage::after(&refusal.make, &refusal.history).await?;
            let before = stage.inner.counts().calls;
            let knock = stage.knock().await;
            if !knock.is_refused() {
                return Err(broken(format!("in the refusing state that was given, a call {knock}")));
            }
            if stage.inner.counts().calls > before {
                return Err(broken("a call that was refused reached the inner service"));
            }
        }
        Ok(())
    })
}

/// One call is one call inside. Of a layer that [calls again](Subject::calls_again): where the first answer is good and
/// comes at once.
#[must_use]
pub fn one_call(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let all = [Answer::ok(), Answer::ok().after_polls(2), Answer::fail()];
        for &answer in if subject.calls_again { &all[..1] } else { &all[..] } {
            let mut stage = Stage::new(&subject.make);
            stage.inner.always(answer);
            let ending = match stage.call().await {
                Ok(mut call) => call.push_through_time().await,
                Err(knock) => return Err(broken(format!("a fresh call {knock}"))),
            };
            match (stage.inner.counts().calls, ending) {
                (1, _) => {}
                (0, Some(ending)) => {
                    return Err(broken(format!("a fresh call {ending}, without a call inside")));
                }
                (0, None) => return Err(broken("a fresh call hangs, and never reached the inner service")),
                (n, _) => return Err(broken(format!("one call became {n} calls of the inner service"))),
            }
        }
        Ok(())
    })
}

/// An inner future is not polled again once it has ended.
#[must_use]
pub fn ended_is_left_alone(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for answer in [Answer::ok(), Answer::ok().after_polls(2), Answer::fail().after_polls(1)] {
            let mut stage = Stage::new(&subject.make);
            stage.inner.always(answer);
            match stage.call().await {
                Ok(mut call) => call.push_through_time().await,
                Err(knock) => return Err(not_run(format!("a fresh call {knock}"))),
            };
            if stage.inner.counts().polled_after_end > 0 {
                return Err(broken("the inner future was polled after it had answered"));
            }
        }
        Ok(())
    })
}
