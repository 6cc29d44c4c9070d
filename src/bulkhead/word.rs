//! The one word that a call looks at: how many are in, how many wait, and whether anything else is to be seen to.

/// The bits: abandoned 1, heard 1, waiting 30, taken 32.
///
/// Those that count the calls inside are the lowest. So a word that is smaller than the limit says all at once that there is
/// a place, that nobody waits for it, and that nobody has to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

/// One call inside.
pub(super) const ONE_TAKEN: u64 = 1;
/// One call in the line.
pub(super) const ONE_WAITING: u64 = 1 << WAITING_AT;
/// Somebody listens to the count.
pub(super) const HEARD: u64 = 1 << 62;
/// The last handle has gone.
pub(super) const ABANDONED: u64 = 1 << 63;

const WAITING_AT: u32 = 32;
const WAITING: u64 = (1 << 30) - 1;

impl Word {
    #[inline]
    pub(super) const fn taken(self) -> u32 {
        self.0 as u32
    }

    pub(super) const fn waiting(self) -> u32 {
        (self.0 >> WAITING_AT & WAITING) as u32
    }

    pub(super) const fn is_heard(self) -> bool {
        self.0 & HEARD != 0
    }

    /// Nobody waits, nobody listens, and the handle is there.
    #[inline]
    pub(super) const fn is_quiet(self) -> bool {
        self.0 >> WAITING_AT == 0
    }

    /// There is a place, and nobody who came earlier waits for it.
    pub(super) const fn has_room(self, limit: u32) -> bool {
        self.waiting() == 0 && self.taken() < limit
    }

    /// Nothing refers to it any more.
    pub(super) const fn is_over(self) -> bool {
        self.0 & !HEARD == ABANDONED
    }
}
