//! How many of the last samples fell on each step, counted without a lock.
//!
//! Samples are numbered. So many of them are a turn, and each step has one word for the even turns and one for the odd: the
//! turn that it belongs to, and how many samples fell on the step in that turn. A record that finds an older turn starts the
//! word anew in the same swap that counts it, so nobody sweeps, and no sample is lost to a sweep. What counts is the turn
//! that runs and the one before it.

use super::sync::{AtomicU64, Ordering::Relaxed};

/// Bits of a word for the count. The rest is the turn, which does not come round again.
const COUNT: u32 = 24;
const COUNTS: u64 = (1 << COUNT) - 1;

/// As many samples as a turn may have, as a power of two: half of what a word can count.
pub(super) const LONGEST_TURN: u32 = COUNT - 1;

pub(super) struct Tally {
    /// Of the even turns, then of the odd ones.
    words: Box<[AtomicU64]>,
    steps: usize,
    /// Samples of a turn, as a power of two.
    turn: u32,
    recorded: AtomicU64,
}

impl Tally {
    pub(super) fn new(steps: usize, turn: u32) -> Self {
        let words = (0..2 * steps).map(|_| AtomicU64::new(0)).collect();
        Self { words, steps, turn, recorded: AtomicU64::new(0) }
    }

    /// How many samples there have been in all.
    #[inline]
    pub(super) fn recorded(&self) -> u64 {
        self.recorded.load(Relaxed)
    }

    /// Samples of a turn, as a power of two.
    pub(super) const fn turn(&self) -> u32 {
        self.turn
    }

    /// Nothing but counts is handed from thread to thread, so nothing has to be ordered.
    #[inline]
    pub(super) fn record(&self, step: usize) {
        let turn = self.recorded.fetch_add(1, Relaxed) >> self.turn;
        let word = &self.words[self.at(turn, step)];
        let mut seen = word.load(Relaxed);
        loop {
            let counted = match seen >> COUNT {
                of if of == turn && seen & COUNTS < COUNTS => seen + 1,
                of if of < turn => (turn << COUNT) | 1,
                // Two turns have begun since this sample got its number: it is too old to count.
                _ => return,
            };
            match word.compare_exchange_weak(seen, counted, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(other) => seen = other,
            }
        }
    }

    /// The lowest step that no more samples lie above than `above` says, which is told how many count. `None` if none does.
    pub(super) fn lowest(&self, above: impl FnOnce(u64) -> u64) -> Option<usize> {
        let recorded = self.recorded();
        let turn = recorded >> self.turn;
        let counts = (recorded - (turn << self.turn)) + if turn == 0 { 0 } else { 1 << self.turn };
        let above = above(counts);
        let (mut seen, mut lowest) = (0, None);
        for step in (0..self.steps).rev() {
            let here = self.count(turn, step) + if turn == 0 { 0 } else { self.count(turn - 1, step) };
            if here > 0 {
                lowest = Some(step);
            }
            seen += here;
            if seen > above {
                return lowest;
            }
        }
        // Some have their number and are not counted yet.
        lowest
    }

    fn count(&self, turn: u64, step: usize) -> u64 {
        let word = self.words[self.at(turn, step)].load(Relaxed);
        if word >> COUNT == turn { word & COUNTS } else { 0 }
    }

    #[inline]
    const fn at(&self, turn: u64, step: usize) -> usize {
        (turn & 1) as usize * self.steps + step
    }

    /// How many samples are counted on all steps: once nobody records, as many as count.
    #[cfg(loom)]
    pub(super) fn counted(&self) -> u64 {
        let turn = self.recorded() >> self.turn;
        (0..self.steps).map(|step| self.count(turn, step) + self.count(turn.saturating_sub(1), step)).sum()
    }
}
