//! Which claim was whose: a number that no other claim carries.

use crate::key::Key;
use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Made anew for each claim, and sent with it again when its answer was lost: so the store knows it for the same claim, and
/// says "yours" and not "somebody else's".
///
/// ```
/// use buttress::idempotency::Nonce;
///
/// assert_ne!(Nonce::fresh(), Nonce::fresh());
/// assert_eq!(Nonce::from_bits(7).bits(), 7);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u128);

/// Where this process begins to count: 122 random bits.
static FIRST: LazyLock<u128> = LazyLock::new(|| {
    let digest = Key::random().digest();
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest[..16]);
    u128::from_le_bytes(bits)
});
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Nonce {
    /// Of no claim: what a record carries that was settled by hand, so that no former owner is taken for its owner.
    pub const NOBODY: Self = Self(0);

    /// One that no other claim gets, here or elsewhere: counted up from 128 random bits of this process.
    #[must_use]
    pub fn fresh() -> Self {
        let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
        // Nobody's is never given out.
        Self(FIRST.wrapping_add(count).max(1))
    }

    /// As a store has kept it.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// As a store keeps it; it fits a UUID column.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({:032x})", self.0)
    }
}
