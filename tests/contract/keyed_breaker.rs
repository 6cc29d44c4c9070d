//! The breaker by key: what one key sees of it is a breaker that is asked in `call`.

use crate::{
    affairs::{CUTTING, TURN, WAITING, assert_all_but},
    counting,
};
use buttress::{
    breaker::{Circuits, KeyedBreakerLayer, Policy, Trip},
    keyed,
    testing::{Answer, Law, Refusal, Subject},
};
use std::{borrow::Cow, time::Duration};

const OPEN_FOR: Duration = Duration::from_secs(10);

/// It never makes a call wait, and never cuts one; and since it does not know in `poll_ready` whose call comes next, it
/// refuses nobody there.
const NOT_ITS_AFFAIR: [&[Law]; 4] =
    [&[Law::RefusalAsksNothingInside, Law::RefusalStands], TURN, WAITING, CUTTING];

type Key = for<'r> fn(&'r u64) -> Option<Cow<'r, str>>;
type Keyed = KeyedBreakerLayer<String, keyed::By<Key, str>>;

fn circuits() -> Circuits {
    Circuits::new(2, &Policy::new().trip(Trip::consecutive(3)).open_for(OPEN_FOR))
}

fn by(circuits: &Circuits, key: Key) -> Keyed {
    KeyedBreakerLayer::new(circuits, key)
}

fn known() -> Keyed {
    by(&circuits(), |_| Some(Cow::from("host")))
}

/// All places are taken by circuits that stay: whoever comes shares the overflow.
fn crowded() -> Keyed {
    let circuits = circuits();
    for host in ["one", "two"] {
        circuits.get(host).force_open();
    }
    by(&circuits, |_| Some(Cow::from("newcomer")))
}

fn judge(name: &str, make: fn() -> Keyed) {
    let refused = || Refusal::after([Answer::fail(); 3], make).decided_in_call();
    let forced = move || {
        let layer = make();
        layer.circuits().get("host").force_open();
        layer.circuits().overflow().force_open();
        layer
    };
    let report = Subject::new(make)
        .named(name)
        .refuses(refused().recovers_after(OPEN_FOR))
        .refuses(Refusal::new(forced).decided_in_call())
        .allocations(counting::made)
        .judge();
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

#[test]
fn a_breaker_by_key_keeps_the_laws() {
    judge("by key", known);
}

#[test]
fn a_breaker_by_key_keeps_the_laws_for_newcomers_without_a_place() {
    judge("newcomers who share", crowded);
}

#[test]
fn calls_without_a_key_pass_by_the_laws() {
    let keyless = || by(&circuits(), |_| None);
    let report = Subject::new(keyless).named("without a key").allocations(counting::made).judge();
    report.assert();
    assert!(report.kept().contains(&Law::NothingAllocated));
}
