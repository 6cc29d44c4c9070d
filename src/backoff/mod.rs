//! How long to wait before coming again: kinds of growth, jitter, and a cap that holds.
//!
//! The trouble: a service fails, and all its callers come again after 100 ms, then all after 200 ms, all at once each
//! time. The delays grew, but the crowd stayed together. A [`Backoff`] says how the delays grow, its [`Jitter`] pulls the
//! crowd apart, and whatever both come to, no delay is longer than the cap.
//!
//! ```
//! use std::time::Duration;
//! use buttress::backoff::{Backoff, Jitter, Rng};
//!
//! // 100 ms, doubling, at most 5 s, each anywhere between zero and that
//! let backoff = Backoff::exponential(Duration::from_millis(100)).cap(Duration::from_secs(5));
//!
//! // one `Delays` a call; the randomness is the caller's, so that a seed repeats it
//! let mut rng = Rng::seeded(7);
//! let mut delays = backoff.start();
//! assert!(delays.next(&mut rng) <= Duration::from_millis(100));
//! assert!(delays.next(&mut rng) <= Duration::from_millis(200));
//!
//! // the same without jitter
//! let plain = backoff.jitter(Jitter::None);
//! assert_eq!(plain.delay(3, &mut rng), Duration::from_millis(800));
//! assert_eq!(plain.delay(u32::MAX, &mut rng), Duration::from_secs(5));
//! ```
//!
//! # What is taken where nothing is said
//!
//! | | grows | jitter | cap |
//! |---|---|---|---|
//! | [`Backoff::exponential`] | x2 ([`factor`](Backoff::factor)) | [`Jitter::Full`] | 30 s, or the base where that is longer |
//! | [`Backoff::linear`] | by its step | [`Jitter::Full`] | 30 s, or the step where that is longer |
//! | [`Backoff::constant`] | - | [`Jitter::None`] | none |
//! | [`Backoff::default`] | exponential from 50 ms | | |
//!
//! # Which jitter
//!
//! Take [`Jitter::Full`], unless there is a reason. In the model of the AWS Architecture Blog's "Exponential Backoff And
//! Jitter" (2015; clients that contend for one row, network about 10 ms a way, base 5 ms doubled before the first wait, cap
//! 2 s), recomputed as the mean of 30 runs, a hundred clients need:
//!
//! | | until all are done | writes in all |
//! |---|--:|--:|
//! | no backoff | 2.0 s | 2429 |
//! | exponential, no jitter | 64.7 s | 1877 |
//! | equal | 6.7 s | 814 |
//! | full | 4.9 s | 794 |
//! | decorrelated | 4.8 s | 1000 |
//!
//! - [`Full`](Jitter::Full): the least work, and nearly the least time. Some delays are close to zero; that is how the crowd
//!   is spread over the whole interval.
//! - [`Equal`](Jitter::Equal): where coming back at once is never of use, such as polling for a job that takes its time.
//! - [`Decorrelated`](Jitter::Decorrelated): as fast as full, for a quarter more work. After a delay at the cap, two of
//!   three are the cap again, and the crowd meets there. Take it to match a system that has it.
//! - [`Proportional`](Jitter::Proportional): where the length itself matters and only lockstep must be broken: the open
//!   time of a breaker, a refresh, a poll.
//! - [`None`](Jitter::None): a single caller, or a table in a test.
//!
//! Jitter spreads a load; it takes none of it away. Callers that keep arriving while others wait send the same number of
//! retries a little later. What ends a storm of retries is a budget, not a longer delay.

mod delays;
mod jitter;
mod random;
mod schedule;

pub use delays::Delays;
pub use jitter::Jitter;
pub use random::{Random, Rng};
pub use schedule::Backoff;
