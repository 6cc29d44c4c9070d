//! How parts become 32 bytes: BLAKE3 over all of them, each with its length in front.

use blake3::{
    Hasher,
    hazmat::{ContextKey, HasherExt, hash_derive_key_context},
};
use std::sync::LazyLock;

/// What a hash is for, so that none for one purpose is ever one for another. Its name is hashed once a process.
pub(crate) struct Context(LazyLock<ContextKey, fn() -> ContextKey>);

/// A [`Context`] by its name.
macro_rules! context {
    ($name:literal) => {
        $crate::key::Context::new(|| $crate::key::named($name))
    };
}
pub(crate) use context;

impl Context {
    pub(crate) const fn new(make: fn() -> ContextKey) -> Self {
        Self(LazyLock::new(make))
    }

    /// In the mode `derive_key`.
    #[inline]
    pub(crate) fn hasher(&self) -> Hasher {
        Hasher::new_from_context_key(&self.0)
    }

    /// 32 bytes over these parts.
    pub(crate) fn digest<P: AsRef<[u8]>>(&self, all: impl IntoIterator<Item = P>) -> [u8; 32] {
        let mut hasher = self.hasher();
        let mut parts = Parts::of(&mut hasher);
        for part in all {
            parts.add(&[part.as_ref()]);
        }
        parts.digest()
    }
}

pub(crate) fn named(context: &'static str) -> ContextKey {
    hash_derive_key_context(context)
}

/// Parts on their way into one hash. The lengths keep apart what would look alike in a row.
///
/// The hasher stays with whoever made it: it has two kilobytes, and is not to be moved about.
pub(crate) struct Parts<'h> {
    hasher: &'h mut Hasher,
    /// What the hasher has not seen yet: it is quicker with one piece than with ten short ones.
    front: [u8; 192],
    len: usize,
}

impl<'h> Parts<'h> {
    #[inline]
    pub(crate) const fn of(hasher: &'h mut Hasher) -> Self {
        Self { hasher, front: [0; 192], len: 0 }
    }

    /// One part, which may come in pieces.
    #[inline]
    pub(crate) fn add(&mut self, pieces: &[&[u8]]) -> &mut Self {
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        self.push(&len.to_le_bytes());
        for piece in pieces {
            self.push(piece);
        }
        self
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(room) = self.front.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        } else {
            self.hasher.update(&self.front[..self.len]);
            self.hasher.update(bytes);
            self.len = 0;
        }
    }

    /// The 32 bytes.
    #[inline]
    pub(crate) fn digest(&mut self) -> [u8; 32] {
        self.hasher.update(&self.front[..self.len]);
        self.len = 0;
        *self.hasher.finalize().as_bytes()
    }
}
