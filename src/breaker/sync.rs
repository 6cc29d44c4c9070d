//! The atomics of the cores. The model checker in `checks/loom` takes the same cores with atomics of its own in this place.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
