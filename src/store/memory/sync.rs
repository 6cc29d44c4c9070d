//! The locks and the counters: the standard ones, or loom's where the model checker runs them.

#[cfg(not(loom))]
pub(super) use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

#[cfg(loom)]
pub(super) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
#[cfg(loom)]
pub(super) use std::sync::PoisonError;
