//! What a call pays on a circuit that is closed and quiet: the few instructions that are worth counting.
//!
//! Everything else (probes, listeners, rules of the user's own, slow calls) is decided in `admit` and `record`; here is only
//! the short way past them, and the questions that tell whether it may be taken. It decides nothing by itself: whatever
//! is not plain is handed on.

use super::{
    counts::{Counts, Timed},
    permit::now,
    slot::Slot,
    word::Word,
};

impl Slot {
    /// Whether calls simply flow; with the generation that they flow in.
    #[inline]
    pub(super) fn flows(&self) -> Option<u32> {
        let word = self.word.load();
        word.is_plainly_closed().then(|| word.generation())
    }

    /// Whether nobody listens and no rule but the built-in ones about failures has to be asked.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.rules.is_plain() && !crate::telemetry::is_installed()
    }

    /// A success of a call that is no probe: `false` where it has to go the long way, and nothing was done.
    #[inline]
    pub(super) fn plain_success(&self, generation: u32) -> bool {
        self.word.load() == Word::quiet(generation)
            && match &self.counts {
                Counts::None(_) => true,
                Counts::Ring(ring) => ring.record_quietly(generation),
                Counts::Buckets(timed) => self.plain_success_in_time(timed, generation),
            }
    }

    #[inline(never)]
    fn plain_success_in_time(&self, timed: &Timed, generation: u32) -> bool {
        timed.buckets.record_quietly(generation, timed.bucket(now()))
    }
}
