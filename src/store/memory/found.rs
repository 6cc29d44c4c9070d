//! What a record is found by: its id, and the hash of it, made once for the shard and for the map in there.

use crate::idempotency::RecordId;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// An id and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    hash: u64,
    pub(super) id: RecordId,
}

impl Found {
    /// By a secret of the store: nobody outside can choose ids that meet in one place.
    pub(super) fn new(secret: &RandomState, id: RecordId) -> Self {
        let mut hasher = secret.build_hasher();
        // Half of each: two ids that agree in 128 bits of BLAKE3 for scope and key take more work to find than anybody has.
        let mut halves = [0; 32];
        halves[..16].copy_from_slice(&id.scope().as_bytes()[..16]);
        halves[16..].copy_from_slice(&id.key()[..16]);
        hasher.write(&halves);
        Self { hash: hasher.finish(), id }
    }

    /// Which of 64 shards. The map in there goes by the lowest bits and by the highest seven.
    pub(super) const fn shard(&self) -> usize {
        (self.hash >> 48 & 63) as usize
    }
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
