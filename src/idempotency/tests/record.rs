//! A record against a naive model in milliseconds, and against what must be true whatever the model says.

use super::model::{Life, Model, Said};
use crate::idempotency::{
    Attempt, Fingerprint, Hold, Moment, Nonce, OnClaim, OnHold, OnLeaseOver, Record, RecordId, Scope, State,
    Terms,
};
use proptest::{collection::vec, prelude::*};
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn attempt(what: bool, nonce: u128, lease: u64, ttl: u64, park: bool) -> Attempt {
    let policy = if park { OnLeaseOver::Park } else { OnLeaseOver::Takeover };
    let terms = Terms::new(ms(lease), ms(ttl), policy);
    Attempt::new(Fingerprint::of([[u8::from(what)]]), terms).nonce(Nonce::from_bits(nonce))
}

fn hold(token: u64, nonce: u128) -> Hold {
    let id = RecordId::from_parts(Scope::from_bytes([1; 32]), [2; 32]);
    Hold { id, token, nonce: Nonce::from_bits(nonce) }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// By a new nonce.
    Claim {
        what: bool,
        lease: u64,
        ttl: u64,
        park: bool,
    },
    /// The claim so many claims ago once more, on its own terms.
    Again(usize),
    /// By the holder so many holders ago.
    Renew {
        back: usize,
        lease: u64,
    },
    Finish {
        back: usize,
        to: State,
        ttl: u64,
    },
    Resolve {
        back: usize,
        to: State,
        ttl: u64,
    },
    Wait(u64),
    Purge,
}

fn ending() -> impl Strategy<Value = State> {
    prop_oneof![Just(State::Done), Just(State::Released), Just(State::Unknown)]
}

fn back() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 1 => 0_usize..4]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop::bool::weighted(0.15);
    let step = prop_oneof![
        6 => (what, 1_u64..20, 1_u64..60, prop::bool::weighted(0.3))
            .prop_map(|(what, lease, ttl, park)| Step::Claim { what, lease, ttl, park }),
        2 => back().prop_map(Step::Again),
        2 => (back(), 1_u64..20).prop_map(|(back, lease)| Step::Renew { back, lease }),
        4 => (back(), ending(), 1_u64..60).prop_map(|(back, to, ttl)| Step::Finish { back, to, ttl }),
        2 => (back(), ending(), 1_u64..60).prop_map(|(back, to, ttl)| Step::Resolve { back, to, ttl }),
        5 => (1_u64..15).prop_map(Step::Wait),
        1 => Just(Step::Purge),
    ];
    vec(step, 0..80)
}

/// The record as a store would keep it.
#[derive(Default)]
struct Real {
    record: Option<Record>,
    now: Moment,
}

impl Real {
    fn claim(&mut self, attempt: &Attempt) -> Said {
        let answer = Record::claim(self.record.as_ref(), self.now, attempt);
        match answer {
            OnClaim::Begin(next) | OnClaim::Resume(next) | OnClaim::Again(next) => {
                self.record = Some(next);
                Said::Mine(next.token)
            }
            OnClaim::Park(next) => {
                self.record = Some(next);
                Said::Unknown
            }
            OnClaim::Done => Said::Done,
            OnClaim::Busy(wait) => Said::Busy(u64::try_from(wait.as_millis()).expect("small")),
            OnClaim::Unknown => Said::Unknown,
            OnClaim::Mismatch => Said::Mismatch,
            OnClaim::OtherRule(rule) => panic!("all are by one rule, and not {rule}"),
        }
    }

    fn on(&mut self, word: impl FnOnce(&Record) -> OnHold) -> Said {
        match self.record.as_ref().map(word) {
            Some(OnHold::Write(next)) => {
                self.record = Some(next);
                Said::Ok
            }
            Some(OnHold::Before) => Said::Ok,
            Some(OnHold::Fenced) | None => Said::Fenced,
        }
    }
}

type Claimed = (bool, u128, (u64, u64, bool));

fn run(steps: &[Step]) {
    let (mut real, mut model) = (Real::default(), Model::default());
    let mut claims: Vec<Claimed> = Vec::new();
    let mut holders: Vec<(u64, u128)> = Vec::new();
    let mut highest = 0;
    for (at, &step) in steps.iter().enumerate() {
        let holder = |back: usize| holders.iter().rev().nth(back).copied().unwrap_or((9, 9_999));
        match step {
            Step::Claim { .. } | Step::Again(_) => {
                let (what, nonce, terms) = match step {
                    Step::Claim { what, lease, ttl, park } => (what, at as u128 + 1, (lease, ttl, park)),
                    Step::Again(back) => match claims.iter().rev().nth(back) {
                        Some(&claim) => claim,
                        None => continue,
                    },
                    _ => unreachable!("one of the two"),
                };
                let before = model.alive();
                let said = real.claim(&attempt(what, nonce, terms.0, terms.1, terms.2));
                assert_eq!(said, model.claim(what, nonce, terms), "{step:?} at {at}");
                if let Said::Mine(token) = said {
                    let again = before.is_some_and(|life| life.owner == nonce && life.token == token);
                    assert!(
                        again || token > highest || model.life.is_some_and(|life| life.token == 1),
                        "{at}"
                    );
                    // Whoever begins while a record lives begins after a release, or after a lease under takeover.
                    if let Some(life) = before.filter(|_| !again) {
                        let left = life.state == State::Running && life.lease_end <= model.now && !life.park;
                        assert!(life.state == State::Released || left, "{at}");
                        assert_eq!(life.what, what);
                    }
                    highest = token;
                    holders.push((token, nonce));
                }
                claims.push((what, nonce, terms));
            }
            Step::Renew { back, lease } => {
                let (token, nonce) = holder(back);
                let said =
                    real.on(|record| record.renew(real_now(model.now), &hold(token, nonce), ms(lease)));
                assert_eq!(said, model.renew(token, nonce, lease), "{at}");
            }
            Step::Finish { back, to, ttl } => {
                let (token, nonce) = holder(back);
                let said =
                    real.on(|record| record.finish(real_now(model.now), &hold(token, nonce), to, ms(ttl)));
                assert_eq!(said, model.finish(token, nonce, to, ttl), "{at}");
                if said == Said::Ok {
                    assert_eq!(token, highest, "nobody but the last who began can settle it");
                }
            }
            Step::Resolve { back, to, ttl } => {
                let (token, _) = holder(back);
                let said = real.on(|record| record.resolve(real_now(model.now), token, to, ms(ttl)));
                assert_eq!(said, model.resolve(token, to, ttl), "{at}");
            }
            Step::Wait(time) => {
                model.now += time;
                real.now = real_now(model.now);
            }
            Step::Purge => {
                model.purge();
                real.record = real.record.filter(|record| !record.is_purgeable(real.now));
            }
        }
        assert_eq!(real.record.as_ref().map(seen), model.life, "after {step:?} at {at}");
        let alive = real.record.filter(|record| !record.is_expired(real.now));
        assert_eq!(alive.is_some(), model.alive().is_some());
        if let Some(record) = real.record
            && record.state == State::Running
            && real.now < record.lease_until
        {
            assert!(
                !record.is_expired(real.now) && !record.is_purgeable(real.now) && !record.is_parked(real.now)
            );
        }
    }
}

fn real_now(ms: u64) -> Moment {
    Moment::from_micros(ms * 1_000)
}

/// A record as the model would put it.
fn seen(record: &Record) -> Life {
    let ms = |moment: Moment| moment.as_micros() / 1_000;
    Life {
        what: Fingerprint::of([[1_u8]]).digest() == record.fingerprint.digest(),
        token: record.token,
        owner: record.nonce.bits(),
        state: record.state,
        lease: u64::try_from(record.lease.as_millis()).expect("small"),
        lease_end: ms(record.lease_until),
        dies: ms(record.expires_at),
        park: record.on_lease_over == OnLeaseOver::Park,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_does_what_the_model_does_and_only_the_last_who_began_settles(steps in steps()) {
        run(&steps);
    }

    #[test]
    fn no_time_is_too_long(lease in any::<Duration>(), ttl in any::<Duration>(), now in any::<u64>()) {
        let now = Moment::from_micros(now);
        let terms = Terms::new(lease, ttl, OnLeaseOver::Park);
        let attempt = Attempt::new(Fingerprint::ANY, terms);
        let OnClaim::Begin(record) = Record::claim(None, now, &attempt) else { panic!("there was none") };
        prop_assert!(record.lease_until >= now && record.expires_at >= record.lease_until);
        let hold = hold(record.token, record.nonce.bits());
        let OnHold::Write(record) = record.renew(now, &hold, lease) else { panic!("it is ours") };
        let OnHold::Write(record) = record.finish(now, &hold, State::Done, ttl) else { panic!("it is ours") };
        prop_assert!(record.expires_at >= now);
    }
}

#[test]
fn another_rule_is_told_and_changes_nothing_until_any_is_compared() {
    let old = Fingerprint::from_parts(9, [3; 32]);
    assert_eq!(
        [old, Fingerprint::ANY, Fingerprint::of(["x"])].map(|it| it.rule()),
        [9, 0, Fingerprint::RULE]
    );
    let terms = Terms::new(ms(10), ms(10), OnLeaseOver::Takeover);
    let now = Moment::default();
    let OnClaim::Begin(record) = Record::claim(None, now, &Attempt::new(old, terms)) else { panic!("none") };
    let new = Attempt::new(Fingerprint::of(["x"]), terms);
    assert!(matches!(Record::claim(Some(&record), now, &new), OnClaim::OtherRule(9)));
    let any = Attempt::new(Fingerprint::ANY, terms);
    assert!(matches!(Record::claim(Some(&record), now, &any), OnClaim::Busy(_)));
    // Who takes over without a comparison leaves what was recorded.
    let later = now.after(ms(10));
    let OnClaim::Resume(next) = Record::claim(Some(&record), later, &any) else { panic!("lease over") };
    assert_eq!(next.fingerprint.digest(), old.digest());
}

#[test]
fn only_the_owner_of_a_running_record_writes_recovery_points() {
    let now = Moment::default();
    let OnClaim::Begin(record) = Record::claim(None, now, &attempt(true, 1, 10, 100, false)) else {
        panic!("none")
    };
    assert!(record.may_set_recovery(&hold(1, 1)));
    assert!(!record.may_set_recovery(&hold(1, 2)));
    assert!(!record.may_set_recovery(&hold(2, 1)));
    let OnHold::Write(done) = record.finish(now, &hold(1, 1), State::Done, ms(5)) else {
        panic!("it is ours")
    };
    assert!(!done.may_set_recovery(&hold(1, 1)));
}

#[test]
fn a_lease_outlives_a_time_to_live_and_ends_to_the_instant() {
    let now = Moment::default();
    let OnClaim::Begin(begun) = Record::claim(None, now, &attempt(true, 1, 10, 100, false)) else {
        panic!("none")
    };
    let record = Record { expires_at: now.after(ms(2)), ..begun };
    for (at, expired) in [(2, false), (9, false), (10, true), (11, true)] {
        assert_eq!(record.is_expired(now.after(ms(at))), expired, "{at} ms");
    }
}

#[test]
fn either_word_for_park_parks() {
    let now = Moment::default();
    for (first, second) in [(true, false), (false, true), (true, true)] {
        let begun = Record::claim(None, now, &attempt(true, 1, 10, 100, first));
        let OnClaim::Begin(record) = begun else { panic!("there was none") };
        let next = Record::claim(Some(&record), now.after(ms(10)), &attempt(true, 2, 10, 100, second));
        let OnClaim::Park(record) = next else { panic!("{first} {second}: {next:?}") };
        assert!(record.is_parked(now.after(ms(10))));
        // Its owner comes back, and knows.
        let back = record.finish(now.after(ms(11)), &hold(1, 1), State::Done, ms(5));
        assert!(matches!(back, OnHold::Write(Record { state: State::Done, .. })));
    }
}

#[test]
fn codes_of_states_come_back() {
    for code in 0..=u8::MAX {
        assert_eq!(State::from_code(code).map_or(code, State::code), code);
        assert_eq!(State::from_code(code).is_some(), code < 4);
    }
}
