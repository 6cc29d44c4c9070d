//! The race against a list of attempts.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Starting,
    Running,
    Over,
}

/// What may happen. What cannot, at that moment, is passed over.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ends(Class),
    Due,
    /// Leave is asked for, and given or not.
    Asks(bool),
    /// The service is ready, or never will be.
    Starts(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop_oneof![
        1 => Just(Class::Ok),
        4 => Just(Class::Failed),
        4 => Just(Class::TimedOut),
        1 => Just(Class::Throttled),
        1 => Just(Class::Rejected),
    ];
    let step = prop_oneof![
        2 => class.prop_map(Step::Ends),
        2 => Just(Step::Due),
        4 => prop::bool::weighted(0.9).prop_map(Step::Asks),
        4 => prop::bool::weighted(0.9).prop_map(Step::Starts),
    ];
    prop::collection::vec(step, 0..if cfg!(miri) { 12 } else { 60 })
}

/// Attempts by name, and the reasons for another one in a row.
struct Model {
    hedges: usize,
    attempts: Vec<Attempt>,
    reasons: usize,
    stopped: bool,
}

impl Model {
    fn count(&self, which: Attempt) -> usize {
        self.attempts.iter().filter(|attempt| **attempt == which).count()
    }

    fn end(&mut self, which: Attempt) {
        let one = self.attempts.iter_mut().find(|attempt| **attempt == which).expect("there is one");
        *one = Attempt::Over;
    }

    /// How many may still be started.
    fn left(&self) -> usize {
        if self.stopped { 0 } else { self.hedges + 1 - self.attempts.len() }
    }

    fn reason(&mut self) {
        self.reasons = (self.reasons + 1).min(self.left());
    }

    fn wants(&self) -> bool {
        self.left() > 0 && self.reasons > 0 && self.count(Attempt::Starting) == 0
    }

    fn is_over(&self) -> bool {
        self.count(Attempt::Running) + self.count(Attempt::Starting) == 0 && !self.wants()
    }

    fn stop(&mut self) {
        self.stopped = true;
        self.reasons = 0;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 200 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_goes_as_a_list_of_attempts_goes(hedges in 0..5_u8, steps in steps()) {
        let mut race = Race::new(hedges);
        let mut model =
            Model { hedges: hedges.into(), attempts: vec![Attempt::Running], reasons: 0, stopped: false };
        for step in steps {
            match step {
                Step::Ends(class) if model.count(Attempt::Running) > 0 => {
                    let won = race.ended(&Outcome::of(class));
                    prop_assert_eq!(won, class == Class::Ok);
                    if won {
                        return Ok(());
                    }
                    model.end(Attempt::Running);
                    if matches!(class, Class::Failed | Class::TimedOut) { model.reason() } else { model.stop() }
                }
                Step::Due => {
                    race.due();
                    model.reason();
                }
                Step::Asks(true) if race.wants() => {
                    race.paid();
                    model.attempts.push(Attempt::Starting);
                    model.reasons -= 1;
                }
                Step::Asks(false) if race.wants() => {
                    race.stop();
                    model.stop();
                }
                Step::Starts(true) if race.is_starting() => {
                    race.started();
                    let at = model.attempts.iter().position(|attempt| *attempt == Attempt::Starting);
                    model.attempts[at.expect("one")] = Attempt::Running;
                }
                Step::Starts(false) if race.is_starting() => {
                    race.failed_to_start();
                    model.end(Attempt::Starting);
                    model.stop();
                }
                _ => {}
            }
            prop_assert_eq!(race.wants(), model.wants());
            prop_assert_eq!(race.is_starting(), model.count(Attempt::Starting) == 1);
            prop_assert_eq!(race.may_go_on(), model.left() > 0);
            prop_assert_eq!(race.is_over(), model.is_over());
            prop_assert!(model.attempts.len() <= usize::from(hedges) + 1);
        }
    }
}

#[test]
fn where_all_fail_each_is_tried_once_one_after_the_other() {
    let mut race = Race::new(3);
    for _ in 0..3 {
        assert!(!race.ended(&Outcome::FAILED));
        assert!(race.wants() && !race.is_over());
        race.paid();
        race.started();
    }
    assert!(!race.ended(&Outcome::TIMED_OUT));
    assert!(race.is_over());
}

#[test]
fn who_says_when_to_come_again_or_not_to_is_not_asked_at_once() {
    for outcome in [
        Outcome::FAILED.hint(Duration::from_secs(1)),
        Outcome::FAILED.do_not_retry(),
        Outcome::THROTTLED,
        Outcome::of(Class::Rejected),
    ] {
        let mut race = Race::new(3);
        assert!(!race.ended(&outcome));
        assert!(race.is_over() && !race.may_go_on(), "{outcome:?}");
    }
}

#[test]
fn what_a_classifier_calls_a_panic_or_nothing_ends_the_race() {
    for outcome in [Outcome::PANICKED, Outcome::CANCELLED, Outcome::OK] {
        assert!(Race::new(3).ended(&outcome));
    }
}

#[test]
fn the_last_answer_is_kept_but_what_the_service_said_goes_before_a_refusal() {
    let refused = Outcome::of(Class::Rejected);
    for (kept, by, replaced) in [
        (None, refused, true),
        (Some(refused), refused, true),
        (Some(refused), Outcome::FAILED, true),
        (Some(Outcome::FAILED), Outcome::THROTTLED, true),
        (Some(Outcome::FAILED), refused, false),
    ] {
        assert_eq!(replaces(kept, by), replaced, "{kept:?}, then {by:?}");
    }
}
