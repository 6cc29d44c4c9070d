//! The atomics of the tally. The model checker in `checks/loom` takes the same core with atomics of its own in this place.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
