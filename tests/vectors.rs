//! Tables of figures that other systems publish in their tests and specifications, restated: one test a row.
//!
//! The letters say whence: WN windows and counters, BO backoff, RB retry quotas; each row names its source. Where those
//! systems disagree with each other, the test says which behaviour is ours.

#[path = "vectors/backoff.rs"]
mod backoff;
#[path = "vectors/windows.rs"]
mod windows;
