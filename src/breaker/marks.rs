//! What a permit remembers besides where it belongs, in one word: a permit moves with every call, and each small field of
//! its own would be moved by itself.
//!
//! The marks of a plain call are its generation and nothing else, and so is the word of a quiet circuit: that a call belongs to
//! the present generation, that the circuit has nothing to think about, and that the call is not a special one, is
//! a single comparison.

use crate::outcome::Class;
use std::fmt;

/// The bits: the generation 32; the number of a probe 23, timed, probe, headed, slow, settled, busy 1 each, what a plain drop
/// means 3.
#[derive(Clone, Copy)]
pub(super) struct Marks(u64);

const CLASS: u64 = Class::BITS as u64;
/// What most drops mean is no bits at all.
const PLAIN: u64 = Class::Cancelled.bits() as u64;
const BUSY: u64 = 1 << 3;
const SETTLED: u64 = 1 << 4;
const SLOW: u64 = 1 << 5;
const HEADED: u64 = 1 << 6;
const PROBE: u64 = 1 << 7;
const TIMED: u64 = 1 << 8;
const NUMBER_AT: u32 = 9;

/// Numbers of probes are taken modulo this.
pub(super) const NUMBERS: u32 = 1 << (32 - NUMBER_AT);

impl Marks {
    #[inline]
    pub(super) const fn new(generation: u32, probe: Option<u32>) -> Self {
        let probe = match probe {
            Some(number) => PROBE | (number as u64) << NUMBER_AT,
            None => 0,
        };
        Self((generation as u64) << 32 | probe)
    }

    /// All of them.
    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// The generation in which the call was let through.
    #[inline]
    pub(super) const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Neither a probe, nor timed, nor settled.
    #[inline]
    pub(super) const fn is_plain(self) -> bool {
        self.0 & (PROBE | TIMED | SETTLED) == 0
    }

    pub(super) const fn is_timed(self) -> bool {
        self.0 & TIMED != 0
    }

    pub(super) const fn set_timed(&mut self) {
        self.0 |= TIMED;
    }

    pub(super) const fn probe(self) -> Option<u32> {
        if self.0 & PROBE == 0 { None } else { Some(self.0 as u32 >> NUMBER_AT) }
    }

    #[inline]
    pub(super) const fn is_settled(self) -> bool {
        self.0 & SETTLED != 0
    }

    #[inline]
    pub(super) const fn settle(&mut self) {
        self.0 |= SETTLED;
    }

    pub(super) const fn is_busy(self) -> bool {
        self.0 & BUSY != 0
    }

    #[inline]
    pub(super) const fn set_busy(&mut self, busy: bool) {
        if busy {
            self.0 |= BUSY;
        } else {
            self.0 &= !BUSY;
        }
    }

    pub(super) const fn is_slow(self) -> bool {
        self.0 & SLOW != 0
    }

    pub(super) const fn set_slow(&mut self) {
        self.0 |= SLOW;
    }

    pub(super) const fn is_headed(self) -> bool {
        self.0 & HEADED != 0
    }

    /// The head is there; whether it was before.
    pub(super) const fn head(&mut self) -> bool {
        let before = self.is_headed();
        self.0 |= HEADED;
        before
    }

    /// What a plain drop means.
    pub(super) const fn if_dropped(self) -> Class {
        Class::of_bits((self.0 & CLASS ^ PLAIN) as u8)
    }

    #[inline]
    pub(super) const fn set_if_dropped(&mut self, class: Class) {
        self.0 = self.0 & !CLASS | class.bits() as u64 ^ PLAIN;
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marks")
            .field("probe", &self.probe())
            .field("settled", &self.is_settled())
            .field("if_dropped", &self.if_dropped())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_kept_beside_the_others() {
        let classes = [
            Class::Ok,
            Class::Rejected,
            Class::Throttled,
            Class::Failed,
            Class::TimedOut,
            Class::Panicked,
            Class::Cancelled,
        ];
        for (generation, probe) in
            [(0, None), (9, None), (1, Some(0)), (u32::MAX, Some(7)), (5, Some(NUMBERS - 1))]
        {
            for class in classes {
                let mut marks = Marks::new(generation, probe);
                assert_eq!(marks.bits() == u64::from(generation) << 32, probe.is_none());
                assert_eq!((marks.is_plain(), marks.if_dropped()), (probe.is_none(), Class::Cancelled));
                marks.set_if_dropped(class);
                assert!(!marks.head() && marks.head());
                marks.set_busy(true);
                assert!(marks.is_busy());
                marks.set_slow();
                marks.set_busy(false);
                assert!(!marks.is_busy() && marks.is_slow() && !marks.is_settled() && !marks.is_timed());
                marks.set_timed();
                assert!(marks.is_timed() && !marks.is_plain());
                marks.settle();
                assert_eq!(marks.generation(), generation);
                assert_eq!((marks.is_settled(), marks.probe(), marks.if_dropped()), (true, probe, class));
            }
        }
    }
}
