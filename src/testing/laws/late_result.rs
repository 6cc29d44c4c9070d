//! Law 4, as far as it can be seen from outside: a result of an earlier generation moves nothing.

use super::readiness::refusals;
use crate::testing::{
    Answer, Subject, Verdict,
    drive::on_paused_clock,
    stage::Stage,
    verdict::{broken, not_run},
};

/// A call that was admitted before the layer began to refuse, and succeeds afterwards, does not end the refusal.
///
/// That is the side that shows from outside. What a late failure does to a state that is being probed belongs to the
/// tests of the pattern itself.
#[must_use]
pub fn late_results_move_nothing(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let mut run = false;
        for refusal in refusals(subject)?.iter().filter(|refusal| refusal.is_a_verdict()) {
            let mut stage = Stage::new(&refusal.make);
            stage.inner.next(Answer::ok().after_polls(1));
            let Ok(mut early) = stage.call().await else {
                return Err(not_run("a fresh call was not let in"));
            };
            early.poll();
            stage.live_through(&refusal.history).await?;
            if !stage.knock().await.is_refused() {
                return Err(not_run(
                    "with one more call in flight, the given history does not bring it to refuse",
                ));
            }
            run = true;
            if early.push().await.is_none() {
                return Err(not_run("the early call did not answer"));
            }
            let knock = stage.knock().await;
            if !knock.is_refused() {
                return Err(broken(format!("an early call succeeded late, and the next {knock}")));
            }
        }
        if run { Ok(()) } else { Err(not_run("no refusal that comes of answered calls was given")) }
    })
}
