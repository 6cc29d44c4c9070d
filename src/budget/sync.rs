//! The atomics and the lock of the cores: the standard ones, or loom's where the model checker runs them.

#[cfg(not(loom))]
pub(super) use std::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

#[cfg(loom)]
pub(super) use loom::sync::{
    Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};
