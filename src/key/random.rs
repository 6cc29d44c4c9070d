//! A fresh key for an operation that has none.

use super::Key;
use crate::clock::{self, Instant};
use std::{
    hash::{BuildHasher, RandomState},
    process,
};

const CONTEXT: &str = "buttress idempotency random key v1";

impl Key {
    /// A fresh key, in the shape of a random UUID (version 4), which is what the pickiest services ask for.
    ///
    /// Make it once an operation, outside the retries, so that all attempts carry the same.
    ///
    /// # How unique, and how secret
    ///
    /// 122 bits, from the operating system by way of the seeds that the standard library gives to its hash maps, one for
    /// every thread, hashed with a counter, the process id and the clock. Two of 10<sup>15</sup> such keys are the same
    /// with a chance of about one in ten million. `fastrand`, from which jitter is drawn, would not do: it has 64 bits of
    /// state, so that among five thousand million keys two are as likely equal as not, and it seeds itself from the time
    /// since boot, which machines share. Two operations with equal keys are a payment that is silently not made.
    ///
    /// Nothing is promised about secrecy: the seeds are made against hash flooding, not for secrets. And where the
    /// platform gives the standard library no randomness (`wasm32-unknown-unknown`), or machines are cloned with their
    /// memory, bring bits of your own to [`from_bits`](Self::from_bits).
    ///
    /// ```
    /// use buttress::key::Key;
    ///
    /// let (one, other) = (Key::random(), Key::random());
    /// assert_ne!(one, other);
    /// assert_eq!(one.as_str().len(), 36);
    /// assert_eq!(one.raw(), Some(one.as_str()));
    /// ```
    #[must_use]
    pub fn random() -> Self {
        Self::from_bits(fresh(clock::now()) & !VERSION_AND_VARIANT | V4)
    }

    /// A key from 128 bits of your own, in the shape of a UUID: a seeded generator in a test, a UUID that is there
    /// already.
    ///
    /// ```
    /// use buttress::key::Key;
    ///
    /// let mut seeded = fastrand::Rng::with_seed(7);
    /// let key = Key::from_bits(seeded.u128(..));
    /// assert_eq!(key, Key::from_bits(fastrand::Rng::with_seed(7).u128(..)));
    /// assert_eq!(Key::from_bits(0xA1).as_str(), "00000000-0000-0000-0000-0000000000a1");
    /// ```
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        let hex = format!("{bits:032x}");
        let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Self::trusted(format!("{a}-{b}-{c}-{d}-{e}"))
    }
}

/// The bits of a UUID that say what kind it is.
const VERSION_AND_VARIANT: u128 = 0xF000_C000_0000_0000_0000;
const V4: u128 = 0x4000_8000_0000_0000_0000;

/// Bits that no other call gets, here or elsewhere.
fn fresh(now: Instant) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    // Each new state is the thread's seed and a count; two of them make use of all its 128 bits. Process id and clock
    // tell a forked child from its parent, since both go on with the same seed.
    for _ in 0..2 {
        hasher.update(&RandomState::new().hash_one((process::id(), now)).to_le_bytes());
    }
    let mut bits = [0; 16];
    hasher.finalize_xof().fill(&mut bits);
    u128::from_le_bytes(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, thread};

    #[test]
    fn the_clock_is_not_what_keeps_keys_apart() {
        let now = clock::now();
        // Under miri each draw takes seconds.
        let each = if cfg!(miri) { 2 } else { 200 };
        let threads: Vec<_> = (0..8)
            .map(|_| thread::spawn(move || (0..each).map(|_| fresh(now)).collect::<Vec<_>>()))
            .collect();
        let drawn: HashSet<_> =
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        assert_eq!(drawn.len(), 8 * each);
    }
}
