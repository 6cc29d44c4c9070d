//! Law 4: a result belongs to the generation in which its call was let through, and moves no other.

use crate::rig::{Call, OPEN_FOR, Rig};
use buttress::{
    breaker::State,
    cause::{self, Cause},
    testing::Answer,
};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;

/// How a late call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ok,
    Failed,
    Panicked,
    Cut,
    Gone,
}

const ENDS: [End; 5] = [End::Ok, End::Failed, End::Panicked, End::Cut, End::Gone];

impl End {
    fn answer(self) -> Answer {
        match self {
            Self::Ok => Answer::ok(),
            Self::Failed => Answer::fail(),
            Self::Panicked => Answer::panics(),
            Self::Cut | Self::Gone => Answer::never(),
        }
    }

    async fn end(self, call: Call) {
        match self {
            Self::Ok => drop(call.await.expect("answers")),
            Self::Failed => drop(call.await.expect_err("fails")),
            Self::Panicked => drop(AssertUnwindSafe(call).catch_unwind().await.expect_err("panics")),
            Self::Cut => cause::during(Cause::Cut, || drop(call)),
            Self::Gone => drop(call),
        }
    }
}

/// Where the circuit has got to when the late answer comes.
#[derive(Clone, Copy, Debug)]
enum Then {
    Open,
    HalfOpen,
    ClosedAgain,
    OpenAgain,
    ForcedOpen,
    ForcedClosed,
    Disabled,
    Reset,
}

const THENS: [Then; 8] = [
    Then::Open,
    Then::HalfOpen,
    Then::ClosedAgain,
    Then::OpenAgain,
    Then::ForcedOpen,
    Then::ForcedClosed,
    Then::Disabled,
    Then::Reset,
];

impl Then {
    /// From closed.
    async fn come(self, rig: &mut Rig) {
        match self {
            Self::Open => rig.open().await,
            Self::HalfOpen => rig.half_open().await,
            Self::ClosedAgain => {
                rig.half_open().await;
                rig.call(Answer::ok()).await.expect("the probe");
                // One failure of this life, so that a success that counts would show, too.
                rig.call(Answer::fail()).await.expect_err("fails");
            }
            Self::OpenAgain => {
                rig.half_open().await;
                rig.call(Answer::fail()).await.expect_err("the probe");
            }
            Self::ForcedOpen => rig.circuit.force_open(),
            Self::ForcedClosed => {
                rig.circuit.force_closed();
                rig.call(Answer::fail()).await.expect_err("fails");
            }
            Self::Disabled => rig.circuit.disable(),
            Self::Reset => {
                rig.circuit.reset();
                rig.call(Answer::fail()).await.expect_err("fails");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_let_through_while_closed_moves_no_later_state() {
    for then in THENS {
        for end in ENDS {
            let mut rig = Rig::new();
            let late = rig.start(end.answer()).await;
            then.come(&mut rig).await;
            let before = rig.shows();
            end.end(late).await;
            assert_eq!(rig.shows(), before, "{end:?} when {then:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_number_of_late_failures_neither_opens_nor_keeps_open() {
    let mut rig = Rig::new();
    let mut late = Vec::new();
    for _ in 0..100 {
        late.push(rig.start(Answer::fail()).await);
    }
    rig.half_open().await;
    rig.call(Answer::ok()).await.expect("the probe");
    for call in late {
        call.await.expect_err("fails");
        assert_eq!(rig.shows(), (State::Closed, 0, 0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_moves_only_the_half_open_state_that_it_was_a_probe_of() {
    for end in ENDS {
        let mut rig = Rig::new();
        rig.half_open().await;
        let late = rig.start(end.answer()).await;
        // Its time is over: it has failed, and the circuit opens and comes back.
        tokio::time::advance(OPEN_FOR).await;
        assert!(rig.is_full());
        assert_eq!((rig.circuit.state(), rig.circuit.snapshot().openings_in_a_row), (State::Open, 2));
        tokio::time::advance(OPEN_FOR).await;
        let second = rig.start(Answer::ok()).await;
        let before = rig.shows();
        assert_eq!(before.0, State::HalfOpen);
        end.end(late).await;
        assert_eq!(rig.shows(), before, "{end:?}");
        assert!(rig.is_full(), "{end:?}: the place is the second probe's");
        assert_eq!(second.await, Ok(7));
        assert_eq!(rig.circuit.state(), State::Closed, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_probe_moves_no_closed_circuit_either() {
    for end in ENDS {
        let mut rig = Rig::new();
        rig.half_open().await;
        let late = rig.start(end.answer()).await;
        rig.circuit.reset();
        rig.call(Answer::fail()).await.expect_err("fails");
        let before = rig.shows();
        end.end(late).await;
        assert_eq!(rig.shows(), before, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_still_given_to_who_waits_for_it() {
    let mut rig = Rig::new();
    let (good, bad) = (rig.start(Answer::ok()).await, rig.start(Answer::fail()).await);
    let fault = rig.inside.last_fault();
    rig.open().await;
    assert_eq!(good.await, Ok(7));
    assert_eq!(bad.await.expect_err("as it was").id(), fault);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_its_circuit_moves_no_other_that_comes_after() {
    for end in ENDS {
        let mut rig = Rig::new();
        let late = rig.start(end.answer()).await;
        let heard = rig.heard.clone();
        drop(rig);
        // More circuits of the shape than can be alive elsewhere in this binary, so that one of them has its slot.
        let mut next: Vec<_> = (0..64).map(|_| Rig::new()).collect();
        for rig in &mut next {
            rig.call(Answer::fail()).await.expect_err("fails");
            rig.heard.take();
        }
        heard.take();
        end.end(late).await;
        for rig in &next {
            assert_eq!(rig.shows(), (State::Closed, 1, 1, 1, 0), "{end:?}");
            assert_eq!(rig.heard.take(), [""; 0], "{end:?}: nothing is told under the wrong name");
        }
    }
}
