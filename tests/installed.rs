//! One observer for the whole process. A process has one, so this is a test of its own.

use buttress::{
    breaker::{Circuit, Circuits, Policy, Trip},
    outcome::Outcome,
    telemetry::{self, Event},
};
use std::sync::{Arc, Mutex};

#[test]
fn an_observer_that_is_installed_late_is_told_first_what_a_circuit_is() {
    let policy = Policy::new().trip(Trip::consecutive(2));
    let (well, open, disabled) =
        (Circuit::new("well", &policy), Circuit::new("open", &policy), Circuit::new("disabled", &policy));
    let hosts: Circuits = Circuits::new(3, &policy);
    hosts.admit("host").expect("closed").record(Outcome::OK);
    open.trip();
    disabled.disable();

    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = Arc::clone(&heard);
    telemetry::install(move |event: &Event<'_>| {
        listener.lock().expect("not poisoned").push(match event {
            Event::Turned { name, to, why, .. } => format!("{name} {to} by {why}"),
            Event::Call { name, class, .. } => format!("{name} {class}"),
            Event::Rejected { name, reason, .. } => format!("{name} refused: {reason}"),
            other => format!("{other:?}"),
        });
    })
    .expect("nobody was installed before");
    let take = || std::mem::take(&mut *heard.lock().expect("not poisoned"));

    for _ in 0..2 {
        well.admit().expect("closed").record(Outcome::FAILED);
    }
    assert_eq!(take(), ["well closed by made", "well failed", "well failed", "well open by consecutive"]);
    for _ in 0..2 {
        open.admit().expect_err("open");
    }
    assert_eq!(
        take(),
        ["open open by made", "open refused: the circuit is open", "open refused: the circuit is open"]
    );
    hosts.admit("host").expect("closed").record(Outcome::OK);
    hosts.admit("new").expect("closed").record(Outcome::OK);
    assert_eq!(take(), ["host closed by made", "host ok", "new closed by made", "new ok"]);

    disabled.admit().expect("passes").record(Outcome::OK);
    assert_eq!(take(), [""; 0], "as though it were not there");
    disabled.auto();
    disabled.admit().expect("closed").record(Outcome::OK);
    assert_eq!(take(), ["disabled closed by by_hand", "disabled ok"]);
}
