//! Law 5, the part of panics: a panic is a panic, and one call's affair.

use crate::testing::{
    Answer, PANIC, Subject, Verdict,
    drive::{Call, Finding, on_paused_clock},
    stage::{LEAKS, REQUEST, Stage},
    verdict::{broken, not_run},
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How many calls are answered after each panic: enough that a breaker by rate stays closed.
const GOOD: usize = 4;

/// A panic inside, in `call` or in a poll, comes out as that panic: not as an error, and not as a timeout.
#[must_use]
pub fn panic_is_a_panic(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for answer in [Answer::panics_in_call(), Answer::panics(), Answer::panics().after_polls(1)] {
            let mut stage = Stage::new(&subject.make);
            match panicked(&mut stage, answer).await? {
                Some(payload) if payload.downcast_ref::<&str>() == Some(&PANIC) => {}
                Some(_) => return Err(broken("a panic inside came out as another panic")),
                None => return Err(broken("a panic inside did not come out as a panic")),
            }
        }
        Ok(())
    })
}

/// After a panic the layer works as before: nothing is leaked, poisoned or stuck.
#[must_use]
pub fn works_after_a_panic(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        for answer in [Answer::panics_in_call(), Answer::panics(), Answer::panics().after_polls(1)] {
            let mut stage = Stage::new(&subject.make);
            for turn in 1..=LEAKS {
                still_answers(&mut stage, turn - 1).await?;
                panicked(&mut stage, answer).await?;
                for _ in 0..GOOD {
                    still_answers(&mut stage, turn).await?;
                }
                if stage.inner.counts().in_flight > 0 {
                    return Err(broken("after a panic, a call runs on inside"));
                }
            }
        }
        Ok(())
    })
}

async fn still_answers(stage: &mut Stage, panics: usize) -> Finding {
    stage.inner.always(Answer::ok());
    stage.admits().await.map_err(|knock| match panics {
        0 => not_run(format!("a fresh call {knock}")),
        _ => broken(format!("after {panics} panics inside, a call {knock}")),
    })
}

/// Makes a call that panics as told; the payload, if a panic came out.
async fn panicked(stage: &mut Stage, answer: Answer) -> Result<Option<Box<dyn Any + Send>>, Verdict> {
    stage.inner.always(answer);
    if let Err(knock) = stage.ready().await {
        return Err(not_run(format!("a fresh call {knock}")));
    }
    let mut call = match catch_unwind(AssertUnwindSafe(|| stage.service.call(REQUEST))) {
        Ok(future) => Call::new(future),
        Err(payload) => return Ok(Some(payload)),
    };
    for _ in 0..8 {
        match call.poll_caught() {
            Ok(None) => crate::testing::drive::settle().await,
            Ok(Some(_)) => return Ok(None),
            Err(payload) => return Ok(Some(payload)),
        }
    }
    Ok(None)
}
