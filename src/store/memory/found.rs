//! What a record is found by: its id, and the hash of it, made once for the shard and for the map in there.

use crate::idempotency::RecordId;
use std::{
    array,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState},
};

/// An id and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    hash: u64,
    pub(super) id: RecordId,
}

/// What nobody outside knows, so that nobody can choose ids that meet in one place.
///
/// A multiply-shift hash over words: for any two ids that differ in a word, the places are as good as drawn for each of them,
/// whatever the ids are (Dietzfelbinger; Thorup, "High speed hashing for integers and strings"). More is not needed where no
/// hash is ever shown, and it is a quarter of the work of `SipHash`.
#[derive(Debug)]
pub(super) struct Secret {
    factors: [u128; 4],
    more: u128,
}

impl Secret {
    pub(super) fn new() -> Self {
        let drawn = RandomState::new();
        let word = |number: usize| u128::from(drawn.hash_one(number));
        let wide = |number: usize| word(2 * number) << 64 | word(2 * number + 1);
        Self { factors: array::from_fn(wide), more: wide(4) }
    }

    fn hash(&self, words: [u64; 4]) -> u64 {
        let sum =
            self.factors.iter().zip(words).fold(self.more, |sum, (factor, word)| {
                sum.wrapping_add(factor.wrapping_mul(u128::from(word)))
            });
        (sum >> 64) as u64
    }
}

impl Found {
    pub(super) fn new(secret: &Secret, id: RecordId) -> Self {
        // Half of each: two ids that agree in 128 bits of BLAKE3 for scope and key take more work to find than anybody has.
        let [scope, more_scope] = front(id.scope().as_bytes());
        let [key, more_key] = front(id.key());
        Self { hash: secret.hash([scope, more_scope, key, more_key]), id }
    }

    /// Which of 64 shards. The map in there goes by the lowest bits and by the highest seven.
    pub(super) const fn shard(&self) -> usize {
        (self.hash >> 48 & 63) as usize
    }
}

/// The first 16 bytes.
fn front(bytes: &[u8; 32]) -> [u64; 2] {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    [word(0), word(8)]
}

impl Hash for Found {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// For maps whose keys bring their hash along.
pub(super) type AsItIs = BuildHasherDefault<Brought>;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Brought(u64);

impl Hasher for Brought {
    fn write(&mut self, bytes: &[u8]) {
        // Nothing comes this way; were it otherwise, no byte would be lost.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

// Loom's build of it has no use for these.
#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{idempotency::Scope, key::Key};

    #[test]
    fn each_word_of_an_id_has_a_say_in_its_place() {
        let secret = Secret::new();
        let place =
            |scope, key| Found::new(&secret, RecordId::from_parts(Scope::from_bytes(scope), key)).hash;
        let usual = place([7; 32], [8; 32]);
        assert_eq!(usual, place([7; 32], [8; 32]));
        for at in 0..16 {
            let (mut scope, mut key) = ([7; 32], [8; 32]);
            scope[at] ^= 1;
            key[at] ^= 1;
            assert_ne!(usual, place(scope, [8; 32]));
            assert_ne!(usual, place([7; 32], key));
        }
    }

    #[test]
    fn another_store_has_other_places() {
        let id = RecordId::from_parts(Scope::from_bytes([7; 32]), [8; 32]);
        assert_ne!(Found::new(&Secret::new(), id).hash, Found::new(&Secret::new(), id).hash);
    }

    /// A thousand in each of 64 shards, and more than ten deviations on either side.
    #[test]
    fn keys_in_a_row_are_spread_over_all_shards() {
        const EACH: u128 = if cfg!(miri) { 10 } else { 1_000 };
        let (secret, scope) = (Secret::new(), Scope::unscoped("payments"));
        let mut shards = [0_u128; 64];
        for number in 0..64 * EACH {
            let id = RecordId::new(scope, &Key::from_bits(number));
            shards[Found::new(&secret, id).shard()] += 1;
        }
        let most = if cfg!(miri) { 5 * EACH } else { 13 * EACH / 10 };
        assert!(shards.iter().all(|shard| *shard <= most), "{shards:?}");
        assert!(cfg!(miri) || shards.iter().all(|shard| *shard >= 7 * EACH / 10), "{shards:?}");
    }
}
