//! What a call pays on a circuit that is closed and quiet: the few instructions that are worth counting.
//!
//! Everything else (probes, listeners, rules of the user's own, slow calls) is decided in `admit` and `record`; here is only
//! the short way past them, and the questions that tell whether it may be taken. It decides nothing by itself: whatever
//! is not plain is handed on.

use super::{counts::Counts, marks::Marks, permit::now, slot::Slot, word::Phase};
use crate::telemetry;

impl Slot {
    /// Whether calls simply flow, untimed; with the generation that they flow in.
    #[inline]
    pub(super) fn flows(&self) -> Option<u32> {
        let word = self.word.load();
        word.is_plainly_closed().then(|| word.generation())
    }

    /// The same where more is attended to than failures as well: who is let through has yet to begin.
    #[inline]
    pub(super) fn passes(&self) -> Option<u32> {
        let word = self.word.load();
        (word.phase() == Phase::Closed).then(|| word.generation())
    }

    /// Whether nobody listens and no rule but the built-in ones about failures has to be asked.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        !self.word.load().is_attended() && !telemetry::is_installed()
    }

    /// A success of a call with those marks: `false` where it has to go the long way, and nothing was done.
    #[inline]
    pub(super) fn quiet_success(&self, marks: Marks) -> bool {
        // One comparison for all there is to ask: see `Marks`.
        self.word.load().bits() == marks.bits()
            && !telemetry::is_installed()
            && (matches!(self.counts, Counts::None(_)) || self.count_quietly(marks.generation()))
    }

    #[inline(never)]
    fn count_quietly(&self, generation: u32) -> bool {
        // One after the other: told apart all at once, the three cost more than what is done with them.
        if let Counts::Ring(ring) = &self.counts {
            return ring.record_quietly(generation);
        }
        match &self.counts {
            Counts::Buckets(timed) => timed.buckets.record_quietly(generation, timed.bucket(now())),
            Counts::None(_) | Counts::Ring(_) => true,
        }
    }
}
