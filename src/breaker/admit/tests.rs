use super::*;
use crate::{
    breaker::{Policy, owner::Owner},
    rejected::Name,
    telemetry::Why,
};
use std::{sync::Arc, time::Duration};

const SECOND: u64 = 1_000_000_000;

fn owner(policy: &Policy) -> Arc<Owner> {
    Owner::new(Name::fixed("x"), &policy.settings, SECOND)
}

fn turn(owner: &Arc<Owner>, phase: Phase) {
    let slot = owner.slot;
    let told = slot.force(&mut owner.cold(), phase, SECOND);
    told.say(slot);
}

#[test]
fn where_all_calls_pass_no_clock_is_read() {
    let owner = owner(&Policy::new());
    for phase in [Phase::Closed, Phase::ForcedClosed, Phase::Disabled] {
        turn(&owner, phase);
        assert!(owner.slot.admit(|| panic!("read the clock")).is_ok());
        assert_eq!(owner.slot.would_refuse(|| panic!("read the clock")), None);
        assert_eq!(owner.slot.flows().is_some(), phase == Phase::Closed);
    }
}

#[test]
fn in_a_ramp_a_readiness_error_draws_no_lot_and_a_call_does() {
    let owner = owner(&Policy::new().ramp(Duration::from_secs(10)));
    let slot = owner.slot;
    let told = slot.close(&mut owner.cold(), Why::Probes, SECOND);
    told.say(slot);
    assert_eq!(slot.would_refuse(|| panic!("read the clock")), None);
    assert!(slot.admit_unready(|| panic!("read the clock")).is_ok());
    assert_eq!(slot.admit(|| SECOND), Err(Refused { wait: 10 * SECOND }), "at its begin nothing passes");
    assert!(slot.flows().is_none());
    assert!(slot.admit(|| 11 * SECOND).is_ok());
    assert!(slot.flows().is_some(), "the ramp is over, and calls go the short way");
}

#[test]
fn a_look_takes_no_place_among_the_probes() {
    let owner = owner(&Policy::new().open_for(Duration::from_secs(5)));
    let slot = owner.slot;
    let told = slot.open(&mut owner.cold(), Why::ByHand, None, SECOND);
    told.say(slot);
    assert_eq!(slot.would_refuse(|| 5 * SECOND), Some(Refused { wait: SECOND }));
    assert_eq!(slot.would_refuse(|| 6 * SECOND), None);
    let probe = slot.admit(|| 6 * SECOND).expect("a probe");
    assert_eq!(probe.probe, Some(0));
    assert_eq!(slot.would_refuse(|| 7 * SECOND), Some(Refused { wait: 4 * SECOND }));
    assert_eq!(slot.admit(|| 7 * SECOND), Err(Refused { wait: 4 * SECOND }));
    // Its time is up: the look settles it, and the circuit opens anew.
    assert_eq!(slot.would_refuse(|| 11 * SECOND), Some(Refused { wait: 5 * SECOND }));
}
