use super::*;

fn probes(at_once: u32) -> Probes {
    let judge = Judge::All(at_once);
    Probes::new(Rules { at_once, judge, slow_rate: None, probe_limit: 100, settle_after: 30 })
}

#[test]
fn numbers_come_round_and_pass_over_those_that_still_run() {
    let mut probes = probes(4);
    probes.next = NUMBERS - 2;
    let admit = |probes: &mut Probes| match probes.admit(0) {
        Place::Probe(number) => number,
        Place::Full(_) => panic!("there is room"),
    };
    assert_eq!([admit(&mut probes), admit(&mut probes), admit(&mut probes)], [NUMBERS - 2, NUMBERS - 1, 0]);
    probes.release(NUMBERS - 1);
    probes.next = NUMBERS - 2;
    assert_eq!([admit(&mut probes), admit(&mut probes)], [NUMBERS - 1, 1], "0 still runs");
    assert_eq!(probes.admit(0), Place::Full(100));
}

#[test]
fn however_many_are_let_through_at_once_each_has_a_number_of_its_own() {
    let mut probes = probes(1000);
    for number in 0..if cfg!(miri) { 40 } else { 1000 } {
        assert_eq!(probes.admit(0), Place::Probe(number));
    }
}

#[test]
fn those_whose_time_is_up_answer_in_its_order() {
    let mut probes = probes(3);
    for now in [0, 10, 20] {
        probes.admit(now);
    }
    probes.head(2, 25, false);
    // The last one's head is settled at 55, long before the others have run out of time.
    assert_eq!(probes.look(54), (Decision::Wait, Why::Probes));
    assert_eq!(probes.tally().calls, 0);
    assert_eq!(probes.look(120), (Decision::Open, Why::ProbeLimit));
    assert_eq!(probes.tally(), Tally { calls: 2, failed: 1, slow: 0 });
}
