//! The last results, counted in fixed memory: by number or by time; and how long they took.
//!
//! The trouble: a rate needs a memory of what has just happened. Keep every call and the memory grows with the traffic;
//! keep a running sum and last week's successes hide today's failures. The windows here hold what they say and
//! nothing older, at one small cost a call:
//!
//! - [`CountWindow`]: the last N results, one bit each.
//! - [`TimeWindow`]: the results of the last so many seconds, in a fixed number of buckets.
//! - [`Quantile`]: how long the last calls took, by share: the time in which 95 of 100 answer.
//!
//! The first two take a [`Sample`] (failed, slow, both or neither) and answer [`Counts`]; a [`Ratio`] judges those by whole
//! numbers, so that a threshold of 60 % means three of five, not what is left of it after rounding.
//!
//! ```
//! use std::time::Duration;
//! use buttress::{clock, window::{CountWindow, Ratio, Sample, TimeWindow}};
//!
//! let threshold = Ratio::new(0.6);
//! let mut last = CountWindow::new(5);
//! for failed in [true, false, true, false, true] {
//!     last.record(Sample::of(failed));
//! }
//! assert!(threshold.reached_by(last.counts().failed, last.counts().calls)); // 3 of 5: equal is reached
//! last.record(Sample::OK); // the oldest, a failure, has left
//! assert_eq!(last.counts().failure_rate(5), Some(Ratio::percent(40)));
//!
//! let start = clock::now();
//! let mut recent = TimeWindow::new(Duration::from_secs(10), start);
//! recent.record(start, Sample::FAILED);
//! assert_eq!(recent.counts(start + Duration::from_secs(9)).failed, 1);
//! assert_eq!(recent.counts(start + Duration::from_secs(10)).failed, 0);
//! ```
//!
//! # Which one
//!
//! By time, where the traffic is steady: "half of the calls of the last ten seconds failed" reads the same at ten calls a
//! second and at ten thousand. By number, where calls are rare, or where memory of the last N must not fade in a quiet
//! hour.
//!
//! # What is shared
//!
//! Nothing: the windows are plain structs behind `&mut`, and a clone is a separate window with the same results. Only a
//! [`Quantile`] is recorded into from many threads at once: it is kept by layers whose calls would each pay for a lock. None
//! reads a clock or takes a lock, and each allocates once, when it is made.

mod count_window;
mod counts;
mod quantile;
mod ratio;
mod sample;
mod scale;
mod sync;
mod tally;
mod time_window;

pub use count_window::CountWindow;
pub use counts::Counts;
pub use quantile::Quantile;
pub use ratio::Ratio;
pub use sample::Sample;
pub use time_window::TimeWindow;
