//! Where the jitter's randomness comes from: always from the caller.

/// A source of numbers between 0 and 1.
///
/// [`Rng`] is one, and so is any closure: a test says exactly which number comes up.
///
/// ```
/// use std::time::Duration;
/// use buttress::backoff::{Backoff, Jitter};
///
/// let backoff = Backoff::constant(Duration::from_secs(1)).jitter(Jitter::Full);
/// assert_eq!(backoff.delay(0, &mut || 0.4), Duration::from_millis(400));
/// ```
pub trait Random {
    /// The next number, between 0 and 1.
    ///
    /// One outside is taken as the nearer of the two, and one that is no number as 1: a broken source makes for long
    /// waits, never for none.
    fn unit(&mut self) -> f64;
}

impl<F: FnMut() -> f64> Random for F {
    fn unit(&mut self) -> f64 {
        self()
    }
}

/// The next number of any source, inside its bounds.
pub(super) fn unit(random: &mut (impl Random + ?Sized)) -> f64 {
    let unit = random.unit();
    if unit.is_nan() { 1.0 } else { unit.clamp(0.0, 1.0) }
}

/// A small generator: the same seed, the same numbers. Not for secrets.
///
/// ```
/// use buttress::backoff::{Random, Rng};
///
/// let (mut one, mut two) = (Rng::seeded(42), Rng::seeded(42));
/// assert_eq!(one.unit(), two.unit());
/// ```
#[derive(Clone, Debug)]
pub struct Rng(fastrand::Rng);

impl Rng {
    /// With a seed that differs each time.
    #[must_use]
    pub fn new() -> Self {
        Self(fastrand::Rng::new())
    }

    /// With that seed. What it leads to may change with a minor version of this crate.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }
}

impl Default for Rng {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for Rng {
    #[inline]
    fn unit(&mut self) -> f64 {
        self.0.f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_leaves_its_bounds_is_brought_back() {
        for (said, taken) in [
            (f64::NAN, 1.0),
            (f64::INFINITY, 1.0),
            (1.5, 1.0),
            (-0.5, 0.0),
            (f64::NEG_INFINITY, 0.0),
            (0.3, 0.3),
        ] {
            assert_eq!(unit(&mut || said), taken, "{said}");
        }
    }

    #[test]
    fn two_fresh_generators_differ_and_two_of_one_seed_do_not() {
        let draw = |mut rng: Rng| std::array::from_fn::<f64, 8, _>(|_| rng.unit());
        assert_ne!(draw(Rng::new()), draw(Rng::default()));
        assert_eq!(draw(Rng::seeded(1)), draw(Rng::seeded(1)));
        assert_ne!(draw(Rng::seeded(1)), draw(Rng::seeded(2)));
    }
}
