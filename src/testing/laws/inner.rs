//! Law 6: the inner answer comes back as it was.

use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Ending, on_paused_clock},
    stage::{REQUEST, Stage},
    verdict::{broken, not_run},
};

/// A response is the inner response, and an error the very inner error (under [`Lifted`](crate::Lifted) or in a box, but
/// in no other wrapping). Of a layer that calls again: the error of the last attempt.
#[must_use]
pub fn inner_answer_as_it_was(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let (ok, fail) = (Answer::ok(), Answer::fail());
        for answer in [ok, ok.after_polls(2), fail, fail.after_polls(2)] {
            let mut stage = Stage::new(&subject.make);
            stage.inner.always(answer);
            let ending = match stage.call().await {
                Ok(mut call) => call.push_through_time().await,
                Err(knock) => return Err(not_run(format!("a fresh call {knock}"))),
            };
            let right = match stage.inner.last_fault() {
                Some(id) => Ending::Inner(id),
                None => Ending::Answered(REQUEST),
            };
            let inside = if right == Ending::Answered(REQUEST) { "answers" } else { "fails" };
            match ending {
                Some(ending) if ending == right => {}
                Some(ending) => {
                    return Err(broken(format!("the inner service {inside}, and the call {ending}")));
                }
                None => return Err(broken(format!("the inner service {inside}, and the call hangs"))),
            }
        }
        Ok(())
    })
}
