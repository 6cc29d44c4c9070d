//! A circuit over the last calls, composed as the slot composes it: admit, record, judge under the lock, turn.

use crate::{
    ring::{Ring, Totals},
    watchers::Watchers,
    word::{Counted, Phase, StateWord},
};
use loom::sync::Mutex;

pub(crate) struct Gate {
    pub(crate) word: StateWord,
    pub(crate) ring: Ring,
    pub(crate) cold: Mutex<Cold>,
    /// So many failures in a row open.
    run: u32,
}

#[derive(Default)]
pub(crate) struct Cold {
    /// Each turn, with the generation that it made.
    pub(crate) turns: Vec<(Phase, u32)>,
    pub(crate) watchers: Watchers,
}

impl Gate {
    pub(crate) fn new(size: u32, run: u32) -> Self {
        let gate =
            Self { word: StateWord::new(), ring: Ring::new(size, false, 0), cold: Mutex::default(), run };
        gate.by_hand(Phase::Closed);
        gate
    }

    /// The generation in which a call is let through, where it is.
    pub(crate) fn admit(&self) -> Option<u32> {
        let word = self.word.load();
        word.is_plainly_closed().then(|| word.generation())
    }

    pub(crate) fn succeed(&self, generation: u32) {
        if self.word.load() == crate::word::Word::quiet(generation) && self.ring.record_quietly(generation) {
            return;
        }
        if self.word.end_run(generation) {
            self.ring.record(generation, false, false);
        }
    }

    pub(crate) fn fail(&self, generation: u32) {
        let Counted::Run(run) = self.word.grow_run(generation) else { return };
        if self.ring.record(generation, true, false).is_some() && run >= self.run {
            self.judge(generation);
        }
    }

    fn judge(&self, generation: u32) {
        let mut cold = self.lock();
        // Whoever was first has turned the state, and the rest are of an earlier generation.
        if self.word.load().is_closed_of(generation) {
            let word = self.word.turn(Phase::Open);
            cold.turns.push((Phase::Open, word.generation()));
            drop(cold.watchers.turned());
        }
    }

    /// Turns with an empty window.
    pub(crate) fn by_hand(&self, phase: Phase) -> u32 {
        let mut cold = self.lock();
        let generation = self.word.load().generation().wrapping_add(1);
        self.ring.clear(generation);
        let word = self.word.turn(phase);
        cold.turns.push((phase, word.generation()));
        drop(cold.watchers.turned());
        word.generation()
    }

    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, Cold> {
        self.cold.lock().expect("no test panics with it")
    }

    /// What the ring's bits say, asked by a lap of results of which each pushes one of them out: none is left of a ring of
    /// successes, and a ring of failures is full of them. Any difference between bits and counts shows in one of the two.
    pub(crate) fn is_sound(&self) {
        is_sound(&self.ring, self.word.load().generation());
    }
}

pub(crate) fn is_sound(ring: &Ring, generation: u32) {
    let size = ring.size();
    let mut seen = Totals::default();
    (0..size).for_each(|_| seen = ring.record(generation, false, false).expect("of this generation"));
    assert_eq!((seen.calls, seen.failed, seen.slow), (size, 0, 0), "counted more than there are");
    (0..size).for_each(|_| seen = ring.record(generation, true, true).expect("of this generation"));
    let slow = if ring.has_slow() { size } else { 0 };
    assert_eq!((seen.calls, seen.failed, seen.slow), (size, size, slow), "counted fewer than there are");
}
