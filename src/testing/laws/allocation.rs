//! Law 11, as far as it can be counted: nothing is allocated for a call that is admitted.

use crate::testing::{
    Answer, Subject, Verdict,
    drive::{Alarm, Call, on_paused_clock, settle},
    stage::{REQUEST, Stage, poll_ready},
    verdict::{broken, not_run},
};
use std::{hint::black_box, sync::Arc};

/// After a first call, a call that is admitted allocates nothing, from `poll_ready` to the drop of its future, whether
/// it answers at once or after some polls.
#[must_use]
pub fn nothing_allocated(subject: &Subject) -> Verdict {
    on_paused_clock(async {
        let Some(count) = subject.allocations else {
            return Err(not_run("no counter of allocations was given"));
        };
        let before = count();
        drop(black_box(Box::new(black_box(before))));
        if count() == before {
            return Err(not_run("the counter does not count: is its allocator the global one?"));
        }
        let mut stage = Stage::new(&subject.make);
        for _ in 0..3 {
            stage.knock().await;
        }
        for (answer, which) in [
            (Answer::ok(), "that answers at once"),
            (Answer::ok().after_polls(2), "that answers after two polls"),
        ] {
            stage.inner.always(answer);
            for _ in 0..4 {
                match allocations(&mut stage, count).await? {
                    0 => {}
                    n => return Err(broken(format!("a call {which} allocates {n} times"))),
                }
            }
        }
        Ok(())
    })
}

/// One call, and the allocations of the layer in it: ours are not counted.
async fn allocations(stage: &mut Stage, count: fn() -> u64) -> Result<u64, Verdict> {
    let alarm = Arc::<Alarm>::default();
    let before = count();
    if !matches!(poll_ready(&mut *stage.service, &alarm), std::task::Poll::Ready(Ok(()))) {
        return Err(not_run("it was not ready at once"));
    }
    let mut sum = count().saturating_sub(before);
    let (future, in_call) = stage.service.counted_call(REQUEST, count);
    sum += in_call;
    let mut call = Call::new(future);
    for _ in 0..8 {
        let before = count();
        let ended = call.poll().is_some();
        sum += count().saturating_sub(before);
        if ended {
            let before = count();
            drop(call);
            return Ok(sum + count().saturating_sub(before));
        }
        settle().await;
    }
    Err(not_run("a call did not end"))
}
