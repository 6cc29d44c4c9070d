//! The bulkhead: with and without a queue, full, waiting, and under a deadline.

use crate::{
    affairs::{CUTTING, TIME, TURN, VERDICT, WAITING, assert_all_but},
    counting,
};
use buttress::{
    bulkhead::{BulkheadLayer, Queue, Slots},
    testing::{Answer, DeadlineInLayer, Law, Refusal, Subject, deadline_in},
};
use std::time::Duration;
use tower::layer::util::Stack;

const WAIT: Duration = Duration::from_secs(1);

/// A bulkhead neither cuts nor keeps a verdict on the service, and by itself no time frees a slot.
const NOT_ITS_AFFAIR: [&[Law]; 3] = [VERDICT, CUTTING, TIME];

fn refusing(limit: u32) -> BulkheadLayer {
    BulkheadLayer::new(&Slots::new("judged", limit))
}

fn queueing(limit: u32, len: u32) -> BulkheadLayer<Queue> {
    refusing(limit).queue(len).max_wait(WAIT)
}

fn too_late<L>(layer: L) -> Stack<L, DeadlineInLayer> {
    Stack::new(layer, deadline_in(Duration::ZERO))
}

#[test]
fn a_bulkhead_keeps_the_laws() {
    let report = Subject::new(|| refusing(8))
        .refuses(Refusal::after([Answer::never()], || refusing(1)))
        .refuses(Refusal::after([Answer::never(); 3], || refusing(3)))
        .refuses(Refusal::new(|| too_late(refusing(8))).decided_in_call())
        .allocations(counting::made)
        .judge();
    // Without a queue nobody waits.
    assert_all_but(&[VERDICT, CUTTING, TIME, TURN, WAITING], &report);
}

#[test]
fn a_bulkhead_with_a_queue_keeps_the_laws() {
    let report = Subject::new(|| queueing(8, 8))
        .refuses(Refusal::after([Answer::never()], || queueing(1, 0)))
        .refuses(Refusal::new(|| too_late(queueing(8, 8))).decided_in_call())
        .waits([Answer::never()], || queueing(1, 1))
        .allocations(counting::made)
        .judge();
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

#[test]
fn a_bulkhead_with_a_long_queue_keeps_the_laws() {
    let report = Subject::new(|| queueing(1, 64))
        .waits([Answer::never(); 2], || queueing(2, 64).max_wait(Duration::MAX))
        .allocations(counting::made)
        .judge();
    report.assert();
}
