//! How long users waited: quantiles in which a request without an answer is worse than any answer.
//!
//! A service that answers one in ten within 5 ms, and the rest never, has no median of 5 ms. Quantiles of what was answered
//! would say so; these are of what was asked.

use super::shot::Shot;
use std::time::Duration;

/// The time within which this share of what was asked was answered; `None` where so many were not. By nearest rank: a
/// time that somebody has waited, never one in between.
pub(super) fn quantile<'a>(shots: impl IntoIterator<Item = &'a Shot>, share: f64) -> Option<Duration> {
    let mut times: Vec<_> =
        shots.into_iter().map(|shot| if shot.answered() { shot.took } else { Duration::MAX }).collect();
    times.sort_unstable();
    nearest(&times, share).filter(|time| *time != Duration::MAX)
}

/// The same of plain times, sorted.
pub(super) fn nearest(sorted: &[Duration], share: f64) -> Option<Duration> {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // at most some thousands, and a share of 0 to 1
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::{super::shot::*, *};

    fn shots(answered: &[u64], bad: usize) -> Vec<Shot> {
        let shot = |end, ms| Shot::new(Duration::ZERO, Route::Browse, end, Duration::from_millis(ms));
        let good = answered.iter().map(|ms| shot(End::Good, *ms));
        good.chain((0..bad).map(|_| shot(End::Bad, 1))).collect()
    }

    fn ms(time: Option<Duration>) -> Option<u128> {
        time.map(|time| time.as_millis())
    }

    #[test]
    fn of_a_hundred_the_ninety_ninth_is_p99() {
        let all = shots(&(1..=100).rev().collect::<Vec<_>>(), 0);
        assert_eq!(ms(quantile(&all, 0.99)), Some(99));
        assert_eq!(ms(quantile(&all, 0.5)), Some(50));
        assert_eq!(ms(quantile(&all, 1.0)), Some(100));
        assert_eq!(ms(quantile(&all, 0.0)), Some(1));
    }

    #[test]
    fn a_request_without_an_answer_is_worse_than_any_answer() {
        let all = shots(&[900; 98], 2);
        assert_eq!((ms(quantile(&all, 0.98)), quantile(&all, 0.99)), (Some(900), None));
    }

    #[test]
    fn a_quick_error_is_no_quick_answer() {
        assert_eq!(quantile(&shots(&[5], 9), 0.5), None);
    }

    #[test]
    fn nothing_asked_has_no_quantile() {
        assert_eq!(quantile(&shots(&[], 0), 0.5), None);
    }

    /// Against the definition: the smallest time within which at least that share was answered.
    #[test]
    fn it_is_the_smallest_time_that_suffices() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..500 {
            let answered: Vec<u64> = (0..random.usize(..30)).map(|_| random.u64(..20)).collect();
            let all = shots(&answered, random.usize(..5));
            let share = f64::from(random.u32(1..=100)) / 100.0;
            #[allow(clippy::cast_precision_loss)] // few
            let enough = |time: u64| {
                answered.iter().filter(|ms| **ms <= time).count() as f64 >= share * all.len() as f64
            };
            let naive = (0..20).find(|time| enough(*time) && !all.is_empty());
            assert_eq!(
                ms(quantile(&all, share)),
                naive.map(u128::from),
                "{answered:?} of {}, {share}",
                all.len()
            );
        }
    }
}
