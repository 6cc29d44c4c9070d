//! Deadlines in and out: neither waits, cuts or keeps a state; what goes out too late is refused.

use crate::{
    adapters::of_numbers,
    affairs::{CUTTING, STATE, TIME, TURN, VERDICT, WAITING, assert_all_but},
    counting,
};
use buttress::{
    http::{DeadlineLayer, SendDeadlineLayer},
    testing::{DeadlineInLayer, Judgeable, Law, Refusal, Subject, deadline_in},
};
use std::time::Duration;
use tower::layer::util::Stack;

const NOT_THEIR_AFFAIR: [&[Law]; 6] = [VERDICT, TURN, WAITING, CUTTING, STATE, TIME];

fn sends() -> impl Judgeable {
    of_numbers!(SendDeadlineLayer::new())
}

fn sends_under(time: Duration) -> impl Judgeable {
    Stack::<_, DeadlineInLayer>::new(of_numbers!(SendDeadlineLayer::new()), deadline_in(time))
}

#[test]
fn a_deadline_that_goes_out_keeps_the_laws() {
    let report = Subject::new(sends)
        .refuses(Refusal::new(|| sends_under(Duration::ZERO)))
        .allocations(counting::made)
        .judge();
    assert_all_but(&NOT_THEIR_AFFAIR, &report);
}

#[test]
fn a_deadline_that_goes_out_keeps_the_laws_under_a_deadline() {
    // The header and the room for it are made: that is what this layer is for, and `tests/allocations.rs` counts it.
    Subject::new(|| sends_under(Duration::from_secs(9))).judge().assert();
}

#[test]
fn a_deadline_that_comes_in_keeps_the_laws() {
    fn comes_in() -> impl Judgeable {
        of_numbers!(DeadlineLayer::new().trust_deadline(Duration::from_secs(9)))
    }
    let report = Subject::new(comes_in).allocations(counting::made).judge();
    report.assert();
}
