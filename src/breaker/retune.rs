//! Other rules for a circuit that is in use: what it is, and for how long still, stays; what it will be judged by changes.

use super::{
    Circuit, Policy,
    counts::Shape,
    owner::Owner,
    permit::now,
    policy::Settings,
    slot::{Held, Slot},
    sync::Ordering,
    trip::{Rule, Trip},
    word::Phase,
};
use std::{mem, sync::Arc};

impl Circuit {
    /// Goes on under another policy, with all its clones: open, it stays open for as long as it would have; the openings in
    /// a row and the failures in a row stay, and so do the calls that were counted.
    ///
    /// What was begun ends as it began: the present open time, and the probes that are out. Where the length of a window
    /// of time changes, it begins anew with an empty one and no failures in a row, and calls that are under way count for
    /// nothing, since their bucket is gone. A rule of your own keeps what it has seen as long as the policy holds that very
    /// rule. Nobody is told: nothing has turned.
    ///
    /// `false`, and nothing has changed, where the policy needs a window of another kind or size, or asks for the first time
    /// how long calls take, or no longer: that takes another circuit.
    /// [`Circuits::retune`](super::Circuits::retune) makes it, with the state of this one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::breaker::{Circuit, Policy, State, Trip};
    ///
    /// let five = Policy::new().trip(Trip::consecutive(5)).open_for(Duration::from_secs(10));
    /// let circuit = Circuit::new("payments", &five);
    /// assert!(circuit.retune(&five.clone().trip(Trip::consecutive(1))));
    /// circuit.admit().unwrap().record(buttress::outcome::Outcome::FAILED);
    /// assert_eq!(circuit.state(), State::Open);
    ///
    /// assert!(!circuit.retune(&five.trip(Trip::over_calls(100))), "it has no window for that");
    /// ```
    #[must_use = "where it says no, nothing has changed"]
    pub fn retune(&self, policy: &Policy) -> bool {
        let slot = self.slot();
        let fits = Shape::of(&policy.settings) == slot.counts.shape();
        if fits {
            let gone = slot.retune(&mut self.cold(), &policy.settings, now());
            // With the lock free: there may be an observer and a rule in it, and the user's own words for their end.
            drop(gone);
        }
        fits
    }

    /// Another circuit of the same name under that policy, in the state of this one; a half-open one sends out its own probes.
    /// Calls that are under way through this one count for nothing from here on.
    pub(super) fn renewed(&self, policy: &Policy) -> Self {
        let now = now();
        let next = Self { owner: Owner::new(self.owner.name.clone(), &policy.settings, now) };
        hand_over((self.slot(), &mut self.cold()), (next.slot(), &mut next.cold()), now);
        next
    }
}

/// What the former settings leave behind.
type Gone = (Arc<Settings>, Option<Box<dyn Rule>>);

impl Slot {
    fn retune(&self, cold: &mut Held<'_>, settings: &Arc<Settings>, now: u64) -> Gone {
        // First, since it is the user's: if it panics, nothing has changed.
        let rule = (!same_rule(&cold.settings().trip, &settings.trip))
            .then(|| settings.trip.own.as_ref().map(|own| (own.0)()));
        let phase = self.word.load().phase();
        if !self.counts.is_other_width(settings) {
            self.counts.set_limits(settings);
        } else if matches!(phase, Phase::Closed | Phase::Ramping | Phase::ForcedClosed) {
            // Who was admitted before must not count by the new numbers of buckets, nor who is admitted meanwhile.
            self.word.turn(phase);
            self.counts.set(settings, now);
            self.renew(phase, now);
        } else {
            // The window is at rest, and cleared before it is used again.
            self.counts.set(settings, now);
        }
        self.rules.set(settings);
        self.word.attend(self.rules.want_more());
        // Before the settings: a box that is made only now must not make the rule once more.
        let rule = rule.and_then(|rule| mem::replace(&mut cold.more().1.own, rule));
        let former = cold.go_by(settings);
        cold.tidy();
        if phase == Phase::Ramping {
            self.end_ramp_within(settings.ramp_nanos(), now);
        }
        (former, rule)
    }

    /// A ramp that is shorter now ends sooner; its share would be less than nothing else.
    fn end_ramp_within(&self, ramp: u64, now: u64) {
        let end = self.until.load(Ordering::Acquire).min(now.saturating_add(ramp));
        self.until.store(end, Ordering::Release);
    }
}

/// Everything that a circuit is goes to the next, which is new and which nobody else has yet.
fn hand_over((from, old): (&Slot, &mut Held<'_>), (to, new): (&Slot, &mut Held<'_>), now: u64) {
    let phase = from.word.load().phase();
    // What is under way there says nothing any more, and what still finds its way there is treated as it would have been.
    from.word.turn(phase);
    to.until.store(from.until.load(Ordering::Acquire), Ordering::Release);
    to.refused.store(from.refused.load(Ordering::Relaxed), Ordering::Relaxed);
    to.renew(phase, now);
    if let Some(rare) = old.rare() {
        let (_, more) = new.more();
        (more.openings, more.open_time) = (rare.openings, rare.open_time);
        (more.last, more.last_wanted) = (rare.last, rare.last_wanted);
    }
    match phase {
        Phase::HalfOpen => {
            let probes = new.new_probes();
            new.more().1.probes = Some(probes);
        }
        Phase::Ramping => to.end_ramp_within(new.settings().ramp_nanos(), now),
        _ => {}
    }
    new.tidy();
}

/// Whether both ask the same rule of the user's own, or none.
fn same_rule(one: &Trip, other: &Trip) -> bool {
    match (&one.own, &other.own) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(&one.0, &other.0),
        _ => false,
    }
}
