//! The bulkhead by key: what one key sees of it is a bulkhead that is asked in `call`.

use crate::{
    affairs::{CUTTING, TIME, TURN, VERDICT, WAITING, assert_all_but},
    counting,
};
use buttress::{
    bulkhead::{KeyedBulkheadLayer, KeyedSlots, Queue},
    keyed,
    testing::{Answer, DeadlineInLayer, Law, Refusal, Subject, deadline_in},
};
use std::{borrow::Cow, time::Duration};
use tower::layer::util::Stack;

/// No time frees a slot and nothing is cut; and without a queue it does not know in `poll_ready` whose call comes next, so
/// it refuses nobody there.
const NOT_ITS_AFFAIR: [&[Law]; 3] = [VERDICT, CUTTING, TIME];
/// Nobody waits.
const NO_QUEUE: [&[Law]; 3] = [&[Law::RefusalAsksNothingInside], TURN, WAITING];

type Key = for<'r> fn(&'r u64) -> Option<Cow<'r, str>>;
type Keyed<Q> = KeyedBulkheadLayer<String, keyed::By<Key, str>, Q>;

fn by(limit: u32, key: Key) -> Keyed<buttress::bulkhead::NoQueue> {
    KeyedBulkheadLayer::new(&KeyedSlots::new(2, limit), key)
}

fn refusing(limit: u32) -> Keyed<buttress::bulkhead::NoQueue> {
    by(limit, |_| Some(Cow::from("host")))
}

fn queueing(limit: u32, len: u32) -> Keyed<Queue> {
    refusing(limit).queue(len)
}

fn too_late<L>(layer: L) -> Stack<L, DeadlineInLayer> {
    Stack::new(layer, deadline_in(Duration::ZERO))
}

#[test]
fn a_bulkhead_by_key_keeps_the_laws() {
    let report = Subject::new(|| refusing(8))
        .refuses(Refusal::after([Answer::never()], || refusing(1)).decided_in_call())
        .refuses(Refusal::new(|| too_late(refusing(8))).decided_in_call())
        .allocations(counting::made)
        .judge();
    assert_all_but(&[NOT_ITS_AFFAIR, NO_QUEUE].concat(), &report);
}

#[test]
fn a_bulkhead_by_key_with_a_queue_keeps_the_laws() {
    let report = Subject::new(|| queueing(8, 8))
        .refuses(Refusal::after([Answer::never()], || queueing(1, 0)))
        .refuses(Refusal::new(|| too_late(queueing(8, 8))).decided_in_call())
        .waits([Answer::never()], || queueing(1, 1))
        .allocations(counting::made)
        .judge();
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

#[test]
fn calls_without_a_key_pass_by_the_laws() {
    let subjects = [
        Subject::new(|| by(1, |_| None)).named("without a key"),
        Subject::new(|| by(1, |_| None).queue(1)).named("without a key, with a queue"),
    ];
    for subject in subjects {
        let report = subject.allocations(counting::made).judge();
        report.assert();
        assert!(report.kept().contains(&Law::NothingAllocated), "{report}");
    }
}
