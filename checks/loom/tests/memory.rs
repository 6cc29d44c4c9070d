//! Every interleaving of the store in memory: claims, ends, those who wait for one, and the room that all share.
//!
//! The files are those of the library, word for word, in rooms of the same names, so that they find each other; the models are in
//! `store::memory`.
#![cfg(loom)]

#[path = "memory/clock.rs"]
mod clock;
// Of each file the tests use what they are about.
#[allow(dead_code, unused_imports)]
#[path = "memory/idempotency.rs"]
mod idempotency;
#[allow(dead_code, unused_imports)] // as above
#[path = "memory/key.rs"]
mod key;
#[path = "memory/store.rs"]
mod store;
