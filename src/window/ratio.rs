//! A share of a whole, kept in whole numbers: what every threshold and every rate is made of.

use std::fmt;

/// All of it, in the unit of [`Ratio`].
const WHOLE: u32 = 1_000_000_000;

/// A share between nothing and all, exact to nine decimals.
///
/// The trouble with a share in floating point: 0.6 is not 0.6, and a percentage kept in an integer turns 0.5 % into
/// nothing. This one counts billionths, and asks its question ([`reached_by`](Self::reached_by)) in integers.
///
/// What is finer than a billionth is cut off, never rounded up. So a ratio is reached by the counts it was made of (two
/// thirds by 2 of 3; made in floating point, by counts up to a million), and comparing ratios says the same as
/// comparing counts.
///
/// ```
/// use buttress::window::Ratio;
///
/// let threshold = Ratio::new(0.6);
/// assert!(threshold.reached_by(3, 5));
/// assert!(!threshold.reached_by(599_999, 1_000_000));
/// assert_eq!(threshold, Ratio::percent(60));
/// assert!(Ratio::new(2.0 / 3.0).reached_by(2, 3));
/// assert_eq!(Ratio::of(1, 8).to_string(), "12.5%");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u32);

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All.
    pub const ONE: Self = Self(WHOLE);

    /// That share: 0.25 is a quarter. Below 0, and NaN, is 0; above 1 is 1.
    #[must_use]
    pub const fn new(share: f64) -> Self {
        // A decimal times a billion may come out below its whole number, by one step of a float there: 1.2e-7. Twice that
        // lifts it, and lifts no fraction of counts up to a million. The cast truncates, and takes NaN and what is
        // negative to 0.
        let billionths = share * WHOLE as f64 + 2.5e-7;
        if billionths >= WHOLE as f64 { Self::ONE } else { Self(billionths as u32) }
    }

    /// So many hundredths; above 100 is all. For half a percent: `Ratio::new(0.005)`.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        if percent >= 100 { Self::ONE } else { Self(percent * (WHOLE / 100)) }
    }

    /// `part` of `whole`. More than the whole is all; a part of nothing is 0.
    #[must_use]
    pub const fn of(part: u64, whole: u64) -> Self {
        if whole == 0 {
            Self::ZERO
        } else if part >= whole {
            Self::ONE
        } else {
            // Below WHOLE, since part < whole.
            Self((part as u128 * WHOLE as u128 / whole as u128) as u32)
        }
    }

    /// Whether `part` of `whole` is this share or more: equal is reached. Of nothing, nothing is reached.
    #[inline]
    #[must_use]
    pub const fn reached_by(self, part: u64, whole: u64) -> bool {
        whole > 0 && part as u128 * WHOLE as u128 >= self.0 as u128 * whole as u128
    }

    /// The share in billionths, for arithmetic that must stay exact.
    #[must_use]
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// The share as a number, for arithmetic that may round.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64 / WHOLE as f64
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ratio({})", self.as_f64())
    }
}

/// In percent, with as many decimals as it has.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / f64::from(WHOLE / 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_share_becomes_the_nearest_one() {
        for (share, is) in [
            (f64::NAN, Ratio::ZERO),
            (f64::NEG_INFINITY, Ratio::ZERO),
            (-0.1, Ratio::ZERO),
            (-0.0, Ratio::ZERO),
            (f64::MIN_POSITIVE, Ratio::ZERO),
            (1.0, Ratio::ONE),
            (1.1, Ratio::ONE),
            (f64::INFINITY, Ratio::ONE),
        ] {
            assert_eq!(Ratio::new(share), is, "{share}");
        }
        assert_eq!(Ratio::percent(u32::MAX), Ratio::ONE);
        assert_eq!(Ratio::percent(0), Ratio::ZERO);
        assert_eq!(Ratio::of(u64::MAX, 1), Ratio::ONE);
        assert_eq!(Ratio::of(u64::MAX - 1, u64::MAX).billionths(), 999_999_999);
    }

    #[test]
    fn of_nothing_nothing_is_reached() {
        assert!(!Ratio::ZERO.reached_by(0, 0));
        assert!(!Ratio::ZERO.reached_by(1, 0));
        assert!(Ratio::ZERO.reached_by(0, 1));
        assert_eq!(Ratio::of(1, 0), Ratio::ZERO);
    }

    #[test]
    fn the_largest_counts_are_compared_exactly() {
        assert!(Ratio::ONE.reached_by(u64::MAX, u64::MAX));
        assert!(!Ratio::ONE.reached_by(u64::MAX - 1, u64::MAX));
        assert!(Ratio::percent(50).reached_by(1 << 63, u64::MAX));
        assert!(!Ratio::percent(50).reached_by((1 << 63) - 1, u64::MAX));
    }

    #[test]
    fn it_reads_as_a_share_and_as_a_percentage() {
        assert_eq!(format!("{:?} {}", Ratio::new(0.005), Ratio::new(0.005)), "Ratio(0.005) 0.5%");
        assert_eq!(Ratio::of(1, 3).to_string(), "33.3333333%");
        assert_eq!(Ratio::ONE.to_string(), "100%");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 2000 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_decimal_of_nine_places_is_kept_as_it_is_written(billionths in 0..=WHOLE) {
            let written: f64 = format!("{}.{:09}", billionths / WHOLE, billionths % WHOLE).parse().expect("a number");
            prop_assert_eq!(Ratio::new(written).billionths(), billionths);
        }

        #[test]
        fn a_ratio_is_reached_by_its_own_parts(whole in 1..u64::MAX, part in any::<u64>()) {
            let part = part % whole;
            prop_assert!(Ratio::of(part, whole).reached_by(part, whole));
        }

        #[test]
        fn a_ratio_in_floating_point_is_reached_by_the_counts_it_came_from(whole in 1..1_000_000u64, part in any::<u64>()) {
            let part = part % (whole + 1);
            prop_assert!(Ratio::new(part as f64 / whole as f64).reached_by(part, whole));
        }

        #[test]
        fn comparing_ratios_says_the_same_as_comparing_counts(
            threshold in 0..=WHOLE, whole in 1..2_000u64, part in any::<u64>(),
        ) {
            let (threshold, part) = (Ratio(threshold), part % (whole + 1));
            prop_assert_eq!(Ratio::of(part, whole) >= threshold, threshold.reached_by(part, whole));
        }

        #[test]
        fn equal_is_reached_and_one_less_is_not(percent in 1..=100u32, hundreds in 1..1_000_000u64) {
            let part = u64::from(percent) * hundreds;
            prop_assert!(Ratio::percent(percent).reached_by(part, 100 * hundreds));
            prop_assert!(!Ratio::percent(percent).reached_by(part - 1, 100 * hundreds));
        }
    }
}
