//! What a permit remembers besides where it belongs, in one word: a permit moves with every call, and each small field of
//! its own would be moved by itself.

use crate::outcome::Class;
use std::fmt;

/// The bits: what a plain drop means 3; timed, busy, settled, slow, headed, probe 1 each; the number of the probe 23.
#[derive(Clone, Copy)]
pub(super) struct Marks(u32);

const CLASS: u32 = 7;
const BUSY: u32 = 1 << 3;
const SETTLED: u32 = 1 << 4;
const SLOW: u32 = 1 << 5;
const HEADED: u32 = 1 << 6;
const PROBE: u32 = 1 << 7;
const TIMED: u32 = 1 << 8;
const NUMBER_AT: u32 = 9;

/// Numbers of probes are taken modulo this.
pub(super) const NUMBERS: u32 = 1 << (32 - NUMBER_AT);

impl Marks {
    #[inline]
    pub(super) const fn new(probe: Option<u32>) -> Self {
        let probe = match probe {
            Some(number) => PROBE | number << NUMBER_AT,
            None => 0,
        };
        Self(Class::Cancelled as u32 | probe)
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
        if self.0 & PROBE == 0 { None } else { Some(self.0 >> NUMBER_AT) }
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
        match self.0 & CLASS {
            0 => Class::Ok,
            1 => Class::Rejected,
            2 => Class::Throttled,
            3 => Class::Failed,
            4 => Class::TimedOut,
            5 => Class::Panicked,
            _ => Class::Cancelled,
        }
    }

    #[inline]
    pub(super) const fn set_if_dropped(&mut self, class: Class) {
        self.0 = self.0 & !CLASS | class as u32;
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
        for probe in [None, Some(0), Some(7), Some(NUMBERS - 1)] {
            for class in classes {
                let mut marks = Marks::new(probe);
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
                assert_eq!((marks.is_settled(), marks.probe(), marks.if_dropped()), (true, probe, class));
            }
        }
    }
}
