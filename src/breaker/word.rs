//! The one word that says what a circuit is: generation, state, failures in a row.
//!
//! Whoever was admitted holds the generation of that moment. Every turn of the state makes a new one, and every write
//! compares the whole word, so that a result of an earlier generation finds its door shut: it cannot move anything, not
//! even the circuit of a later owner of the same slot.
//!
//! Turns are made by one thread at a time (under the slot's lock); counting in the closed state is made by all.

use super::sync::{AtomicU64, Ordering};

/// What the word says. The bits: generation 32, state 3, attended 1, failures in a row 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u64);

/// The state as the word holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Closed, and all calls pass.
    Closed,
    /// Closed, and a growing share of the calls passes.
    Ramping,
    Open,
    HalfOpen,
    ForcedOpen,
    ForcedClosed,
    Disabled,
}

const PHASE_AT: u32 = 29;
/// Somebody wants to know more of each call than the built-in rules about failures: such a circuit is never quiet.
const ATTENDED: u64 = 1 << RUN_BITS;
const RUN_BITS: u32 = 28;
/// The longest run that is told apart.
pub(super) const RUN_MAX: u32 = (1 << RUN_BITS) - 1;

impl Word {
    #[inline]
    const fn new(generation: u32, phase: Phase, run: u32) -> Self {
        Self((generation as u64) << 32 | (phase as u64) << PHASE_AT | run as u64)
    }

    /// The same but for what is attended to, which is that of `other`.
    #[inline]
    const fn attended_as(self, other: Self) -> Self {
        Self(self.0 & !ATTENDED | other.0 & ATTENDED)
    }

    #[inline]
    const fn with_run(self, run: u32) -> Self {
        Self(self.0 & !(RUN_MAX as u64) | run as u64)
    }

    #[inline]
    pub(super) const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    pub(super) const fn phase(self) -> Phase {
        match (self.0 as u32) >> PHASE_AT {
            0 => Phase::Closed,
            1 => Phase::Ramping,
            2 => Phase::Open,
            3 => Phase::HalfOpen,
            4 => Phase::ForcedOpen,
            5 => Phase::ForcedClosed,
            _ => Phase::Disabled,
        }
    }

    /// Failures in a row.
    #[inline]
    pub(super) const fn run(self) -> u32 {
        self.0 as u32 & RUN_MAX
    }

    /// Closed in that generation, no failure in a row, and nothing attended to: the generation and nothing else, as the marks
    /// of a plain call are.
    #[cfg(any(test, loom))]
    pub(super) const fn quiet(generation: u32) -> Self {
        Self::new(generation, Phase::Closed, 0)
    }

    /// All of it.
    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(super) const fn is_attended(self) -> bool {
        self.0 & ATTENDED != 0
    }

    /// Closed, and nothing attended to.
    #[inline]
    pub(super) const fn is_plainly_closed(self) -> bool {
        self.0 as u32 & !RUN_MAX == 0
    }

    /// Whether results of that generation are counted now: closed, ramping, or closed by force. The tags of the windows
    /// are cut short; this is the whole generation.
    #[inline]
    pub(super) const fn counts(self, generation: u32) -> bool {
        self.is_closed_of(generation)
            || (self.generation() == generation && matches!(self.phase(), Phase::ForcedClosed))
    }

    /// Closed or ramping, of that generation, whatever the run.
    #[inline]
    pub(super) const fn is_closed_of(self, generation: u32) -> bool {
        self.0 >> (PHASE_AT + 1) == (generation as u64) << 2
    }
}

/// What became of a failure that was counted into the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// It is the so-manieth in a row.
    Run(u32),
    /// It belongs to an earlier generation.
    Stale,
}

#[derive(Debug)]
pub(super) struct StateWord(AtomicU64);

impl StateWord {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(Word::new(0, Phase::Closed, 0).0))
    }

    #[inline]
    pub(super) fn load(&self) -> Word {
        Word(self.0.load(Ordering::Acquire))
    }

    /// A success: the run of failures ends. Writes nothing where there is none. Whether it counts at all.
    #[inline]
    pub(super) fn end_run(&self, generation: u32) -> bool {
        let mut word = self.load();
        while word.is_closed_of(generation) && word.run() != 0 {
            let ended = word.with_run(0);
            match self.0.compare_exchange_weak(word.0, ended.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => word = Word(now),
            }
        }
        word.counts(generation)
    }

    /// A failure: the run grows by one. It saturates far above any limit that can be set.
    #[inline]
    pub(super) fn grow_run(&self, generation: u32) -> Counted {
        let mut word = self.load();
        while word.is_closed_of(generation) {
            let run = (word.run() + 1).min(RUN_MAX);
            let grown = word.with_run(run);
            match self.0.compare_exchange_weak(word.0, grown.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Counted::Run(run),
                Err(now) => word = Word(now),
            }
        }
        Counted::Stale
    }

    /// The ramp is over: closed in the same generation, and the run goes on.
    pub(super) fn end_ramp(&self, generation: u32) {
        let mut word = self.load();
        while word.is_closed_of(generation) && word.phase() == Phase::Ramping {
            let closed = Word::new(generation, Phase::Closed, word.run()).attended_as(word);
            match self.0.compare_exchange_weak(word.0, closed.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => word = Word(now),
            }
        }
    }

    /// A new generation in `phase`. Only under the slot's lock, where nobody else turns: what others count between the load and
    /// the store is thrown away with its generation, and their swaps find the new one.
    pub(super) fn turn(&self, phase: Phase) -> Word {
        let last = self.load();
        let next = Word::new(last.generation().wrapping_add(1), phase, 0).attended_as(last);
        self.0.store(next.0, Ordering::Release);
        next
    }

    /// Whether more is to be attended to than failures. Only under the slot's lock, while others count.
    pub(super) fn attend(&self, attended: bool) {
        if attended {
            self.0.fetch_or(ATTENDED, Ordering::AcqRel);
        } else {
            self.0.fetch_and(!ATTENDED, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    const PHASES: [Phase; 7] = [
        Phase::Closed,
        Phase::Ramping,
        Phase::Open,
        Phase::HalfOpen,
        Phase::ForcedOpen,
        Phase::ForcedClosed,
        Phase::Disabled,
    ];

    #[test]
    fn a_word_keeps_its_parts_apart() {
        for phase in PHASES {
            for generation in [0, 1, u32::MAX] {
                for run in [0, 1, RUN_MAX] {
                    for attended in [false, true] {
                        let word = StateWord(AtomicU64::new(Word::new(generation, phase, run).0));
                        word.attend(attended);
                        let word = word.load();
                        assert_eq!((word.generation(), word.phase(), word.run()), (generation, phase, run));
                        assert_eq!(word.is_attended(), attended);
                        assert_eq!(word.is_plainly_closed(), phase == Phase::Closed && !attended);
                        let closed = matches!(phase, Phase::Closed | Phase::Ramping);
                        assert_eq!(word.is_closed_of(generation), closed);
                        assert_eq!(word.counts(generation), closed || phase == Phase::ForcedClosed);
                        for other in [generation ^ 1, generation ^ (1 << 31), generation.wrapping_add(16)] {
                            assert!(!word.is_closed_of(other) && !word.counts(other));
                        }
                        let quiet = phase == Phase::Closed && run == 0 && !attended;
                        assert_eq!(word == Word::quiet(generation), quiet);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_attended_to_outlasts_counts_and_turns() {
        let word = StateWord(AtomicU64::new(Word::new(7, Phase::Ramping, 0).0));
        word.attend(true);
        assert_eq!(word.grow_run(7), Counted::Run(1));
        word.end_ramp(7);
        assert!(word.end_run(7));
        assert!(word.load().is_attended() && !word.load().is_plainly_closed());
        assert!(word.turn(Phase::Open).is_attended());
        word.turn(Phase::Closed);
        word.attend(false);
        assert_eq!(word.load(), Word::quiet(9));
    }

    #[test]
    fn the_longest_run_goes_on_being_the_longest() {
        let word = StateWord(AtomicU64::new(Word::new(7, Phase::Closed, RUN_MAX - 1).0));
        assert_eq!([word.grow_run(7), word.grow_run(7)], [Counted::Run(RUN_MAX); 2]);
        assert_eq!(word.load(), Word::new(7, Phase::Closed, RUN_MAX));
        assert!(word.end_run(7));
        assert_eq!(word.load(), Word::quiet(7));
    }

    #[test]
    fn the_generation_comes_round() {
        let word = StateWord(AtomicU64::new(Word::new(u32::MAX, Phase::Open, 0).0));
        assert_eq!(word.turn(Phase::Closed), Word::new(0, Phase::Closed, 0));
        assert_eq!(word.grow_run(u32::MAX), Counted::Stale);
    }

    #[test]
    fn a_late_result_leaves_the_run_of_the_present_generation() {
        let before = Word::new(8, Phase::Closed, 3);
        let word = StateWord(AtomicU64::new(before.0));
        assert!(!word.end_run(7));
        assert_eq!(word.grow_run(7), Counted::Stale);
        assert_eq!(word.load(), before);
    }

    #[test]
    fn only_a_ramp_of_that_generation_ends() {
        for phase in PHASES {
            let before = Word::new(7, phase, 3);
            let word = StateWord(AtomicU64::new(before.0));
            word.end_ramp(6);
            assert_eq!(word.load(), before);
            word.end_ramp(7);
            let ended = if phase == Phase::Ramping { Phase::Closed } else { phase };
            assert_eq!(word.load(), Word::new(7, ended, 3));
        }
    }
}
