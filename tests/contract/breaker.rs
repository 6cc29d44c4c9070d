//! The breaker: closed, opened by what it lived through, forced open, and on its way back.

use crate::{
    affairs::{CUTTING, TURN, WAITING, assert_all_but},
    counting,
};
use buttress::{
    breaker::{BreakerLayer, Circuit, Policy, Rule, Trip},
    clock::Instant,
    outcome::Outcome,
    testing::{Answer, Law, Refusal, Report, Subject, Verdict},
    window::Ratio,
};
use std::time::Duration;

const OPEN_FOR: Duration = Duration::from_secs(10);

/// A breaker never makes a call wait, and never cuts one.
const NOT_ITS_AFFAIR: [&[Law]; 3] = [TURN, WAITING, CUTTING];

fn policy(trip: Trip) -> Policy {
    Policy::new().trip(trip).open_for(OPEN_FOR)
}

fn layer(policy: &Policy) -> BreakerLayer {
    BreakerLayer::new(&Circuit::new("judged", policy))
}

/// Opens after three failures.
fn judge(name: &str, policy: &Policy, make: fn(&Policy) -> BreakerLayer) -> Report {
    let made = || {
        let policy = policy.clone();
        move || make(&policy)
    };
    let forced = {
        let policy = policy.clone();
        move || {
            let circuit = Circuit::new("forced", &policy);
            circuit.force_open();
            BreakerLayer::new(&circuit)
        }
    };
    Subject::new(made())
        .named(name)
        .refuses(Refusal::after([Answer::fail(); 3], made()).recovers_after(OPEN_FOR))
        .refuses(Refusal::new(forced))
        .allocations(counting::made)
        .judge()
}

fn keeps_all(name: &str, policy: &Policy) {
    let report = judge(name, policy, layer);
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

/// The rules in which three failures open: by the run, by the two windows, and by one of the user's own.
fn rules() -> [(&'static str, Trip); 6] {
    let slow = |trip: Trip| trip.slow_rate(Duration::from_secs(2), Ratio::percent(50));
    let over_calls = Trip::over_calls(10).min_calls(3).failure_rate(Ratio::percent(50));
    let over_time = Trip::over_time(Duration::from_secs(60)).min_calls(3).failure_rate(Ratio::percent(50));
    [
        ("in a row", Trip::consecutive(3)),
        ("over calls", over_calls.clone()),
        ("over time", over_time.clone()),
        ("over calls, slow ones too", slow(over_calls)),
        ("over time, slow ones too", slow(over_time)),
        ("a rule of one's own", Trip::consecutive(100).or_rule(Third::default)),
    ]
}

/// Opens at the third failure.
#[derive(Default)]
struct Third(u32);

impl Rule for Third {
    fn record(&mut self, _: Instant, outcome: &Outcome) -> bool {
        self.0 += u32::from(*outcome == Outcome::FAILED);
        self.0 >= 3
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

#[test]
fn a_breaker_keeps_the_laws_by_whatever_rule_it_opens() {
    for (name, trip) in rules() {
        keeps_all(name, &policy(trip));
    }
}

#[test]
fn a_breaker_keeps_the_laws_whatever_else_it_is_told() {
    let plain = || policy(Trip::consecutive(3));
    keeps_all("two probes", &plain().probes(2));
    keeps_all("probes judged by rate", &plain().judge_probes(3, Ratio::percent(50)));
    keeps_all("abandoned calls count", &plain().abandoned_after(Duration::from_secs(1)));
    keeps_all("observed", &plain().observe(|_: &buttress::telemetry::Event<'_>| {}));
}

#[test]
fn a_breaker_that_was_tripped_by_hand_keeps_the_laws() {
    let tripped = || {
        let circuit = Circuit::new("tripped", &policy(Trip::default()));
        circuit.trip();
        BreakerLayer::new(&circuit)
    };
    let report = Subject::new(|| layer(&policy(Trip::default())))
        .refuses(Refusal::new(tripped).recovers_after(OPEN_FOR))
        .judge();
    report.assert();
    assert!(report.kept().contains(&Law::DropWhileRecovering), "{report}");
}

/// Under a ramp a share of the calls is refused for a while after the circuit has closed: the judge, who looks for a
/// circuit that works again at once, sees a closed one only before it has ever opened.
#[test]
fn a_breaker_with_a_ramp_keeps_the_laws_while_it_is_closed() {
    let ramps = || layer(&policy(Trip::consecutive(3)).ramp(OPEN_FOR));
    Subject::new(ramps).allocations(counting::made).judge().assert();
}

/// The one option under which a caller waits in `poll_ready`, for balancers: the judge, who wants to be refused, is kept
/// waiting, and that is all it finds. How such a service is woken is tested under a balancer.
#[test]
fn a_breaker_that_is_not_ready_while_open_makes_its_callers_wait_and_breaks_no_other_law() {
    let not_ready: fn(&Policy) -> BreakerLayer = |policy| layer(policy).not_ready_while_open();
    let policy = policy(Trip::consecutive(3));
    let report = judge("not ready while open", &policy, not_ready);
    report.assert_breaks(&[Law::AdmittedFirst, Law::WaitsEndOnTime]);
    for law in report.broken() {
        let Verdict::Broken(why) = report.verdict(law) else { unreachable!("it is broken") };
        assert!(why.ends_with("a call is kept waiting in poll_ready"), "{law:?}: {why}");
    }
    Subject::new(move || not_ready(&policy)).allocations(counting::made).judge().assert();
}
