//! How long to wait before attempt after attempt: a kind of growth, a cap and a jitter.

use super::{
    Delays, Jitter, Random,
    jitter::{between, scale},
    random::unit,
};
use std::time::Duration;

/// The cap of what grows, where none was set.
const CAP: Duration = Duration::from_secs(30);
/// By how much an exponential backoff grows, where nothing was said.
const FACTOR: f64 = 2.0;
/// The most steps that are walked for one decorrelated delay: 3/2 to the 64th is 1.8e11 times the base, at any cap.
const WALK: u32 = 64;

/// A policy of delays: plain data, cheap to copy, the same for every call.
///
/// A call takes [`start`](Self::start) for a sequence of its own; who only has a count (openings in a row) asks
/// [`delay`](Self::delay). What is taken where nothing is said stands in the [module docs](super).
///
/// ```
/// use std::time::Duration;
/// use buttress::backoff::{Backoff, Jitter};
///
/// let backoff = Backoff::exponential(Duration::from_secs(2)).cap(Duration::from_secs(30)).jitter(Jitter::None);
/// let seconds: Vec<_> = (0..5).map(|n| backoff.delay(n, &mut || 0.0).as_secs()).collect();
/// assert_eq!(seconds, [2, 4, 8, 16, 30]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    kind: Kind,
    base: Duration,
    cap: Option<Duration>,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Constant,
    Linear,
    /// By a factor of at least 1.
    Exponential(f64),
}

impl Backoff {
    /// The same delay each time, without jitter and without a cap.
    #[must_use]
    pub const fn constant(delay: Duration) -> Self {
        Self { kind: Kind::Constant, base: delay, cap: None, jitter: Jitter::None }
    }

    /// One step, two steps, three steps.
    #[must_use]
    pub const fn linear(step: Duration) -> Self {
        Self { kind: Kind::Linear, base: step, cap: None, jitter: Jitter::Full }
    }

    /// The base, twice the base, four times the base.
    #[must_use]
    pub const fn exponential(base: Duration) -> Self {
        Self { kind: Kind::Exponential(FACTOR), base, cap: None, jitter: Jitter::Full }
    }

    /// By how much an exponential backoff grows each time; the other kinds have no factor.
    ///
    /// Below 1 is 1, since a delay that shrinks is no backoff; infinity is the cap from the second delay on; NaN is 2.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        if let Kind::Exponential(own) = &mut self.kind {
            *own = if factor.is_nan() {
                FACTOR
            } else if factor < 1.0 {
                1.0
            } else {
                factor
            };
        }
        self
    }

    /// No delay is longer than this, jitter included. A cap below the base wins over it; zero is no delay at all.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = Some(cap);
        self
    }

    /// How the delays are spread.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The delays of one call, from the first.
    #[must_use]
    pub const fn start(self) -> Delays {
        Delays::new(self)
    }

    /// The delay after attempt `attempt`, counted from 0. It never panics: what is too long is the cap.
    ///
    /// A decorrelated delay depends on the one before; here that many are drawn, at most 64, and the last is given. A
    /// call that waits several times takes [`start`](Self::start) instead.
    pub fn delay(&self, attempt: u32, random: &mut (impl Random + ?Sized)) -> Duration {
        if self.jitter == Jitter::Decorrelated {
            let mut delays = self.start();
            for _ in 0..attempt.min(WALK) {
                delays.next(random);
            }
            return delays.next(random);
        }
        self.draw(attempt, Duration::ZERO, random)
    }

    /// The delay after attempt `attempt`, where the one before was `last`.
    pub(super) fn draw(&self, attempt: u32, last: Duration, random: &mut (impl Random + ?Sized)) -> Duration {
        let cap = self.limit();
        let (low, high) = match self.jitter {
            Jitter::Decorrelated => (self.base, last.saturating_mul(3)),
            jitter => jitter.range(self.grown(attempt).min(cap), cap),
        };
        // Nothing to choose, nothing to draw.
        if low >= high { low.min(cap) } else { between(low, high, unit(random)).min(cap) }
    }

    /// The first delay, before cap and jitter.
    pub(super) const fn base(&self) -> Duration {
        self.base
    }

    /// What the kind says: no cap, no jitter.
    fn grown(&self, attempt: u32) -> Duration {
        match self.kind {
            Kind::Constant => self.base,
            Kind::Linear => self.base.saturating_mul(attempt.saturating_add(1)),
            // Nothing grows to nothing; in floats, with an infinite factor, it would be no number.
            Kind::Exponential(_) if self.base.is_zero() => Duration::ZERO,
            Kind::Exponential(factor) => {
                let power = factor.powi(i32::try_from(attempt).unwrap_or(i32::MAX));
                scale(self.base, power)
            }
        }
    }

    fn limit(&self) -> Duration {
        match (self.cap, self.kind, self.jitter) {
            (Some(cap), ..) => cap,
            (None, Kind::Constant, Jitter::Decorrelated) | (None, Kind::Linear | Kind::Exponential(_), _) => {
                self.base.max(CAP)
            }
            (None, Kind::Constant, _) => Duration::MAX,
        }
    }
}

/// Exponential from 50 ms.
impl Default for Backoff {
    fn default() -> Self {
        Self::exponential(Duration::from_millis(50))
    }
}

#[cfg(test)]
mod tests;
