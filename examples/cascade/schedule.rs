//! When which request is sent: drawn before the run, so that no answer, and no lack of one, moves the next.
//!
//! A generator that waits for an answer before it sends on asks least when the service is at its worst, and so reports
//! the few calls that it made then as though they were all ("coordinated omission"). Users are not that polite.

use super::shot::Route;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrival {
    pub(super) at: Duration,
    pub(super) route: Route,
}

/// Independent users: gaps are exponential with a mean of `1 / load` seconds, each route as likely as the other.
pub(super) fn arrivals(seed: u64, load: u32, end: Duration) -> Vec<Arrival> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut arrivals = Vec::new();
    let mut at = 0.0;
    loop {
        // 1 - f64() is never 0.
        at -= (1.0 - random.f64()).ln() / f64::from(load.max(1));
        if at >= end.as_secs_f64() {
            return arrivals;
        }
        let route = if random.bool() { Route::Browse } else { Route::Checkout };
        arrivals.push(Arrival { at: Duration::from_secs_f64(at), route });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Duration = Duration::from_secs(100);

    #[test]
    fn the_same_seed_is_the_same_load() {
        assert_eq!(arrivals(7, 80, END), arrivals(7, 80, END));
        assert_ne!(arrivals(7, 80, END), arrivals(8, 80, END));
    }

    #[test]
    fn arrivals_are_in_order_and_within_the_run() {
        let all = arrivals(1, 80, END);
        assert!(all.is_sorted_by_key(|arrival| arrival.at) && all.last().expect("some").at < END);
        assert_eq!(arrivals(1, 80, Duration::ZERO), []);
    }

    /// Of a Poisson count of 8000 the standard deviation is 89; these are fixed seeds, so it holds always or never.
    #[test]
    fn load_and_mix_are_as_asked() {
        for seed in 0..20 {
            let all = arrivals(seed, 80, END);
            assert!((7_600..8_400).contains(&all.len()), "seed {seed}: {}", all.len());
            let browse = all.iter().filter(|arrival| arrival.route == Route::Browse).count();
            assert!((all.len() * 47 / 100..all.len() * 53 / 100).contains(&browse), "seed {seed}: {browse}");
        }
    }

    /// Gaps of a Poisson stream vary as much as their mean; those of a metronome do not vary.
    #[test]
    fn users_come_independently() {
        let all = arrivals(3, 80, END);
        let gaps: Vec<f64> = all.windows(2).map(|two| (two[1].at - two[0].at).as_secs_f64()).collect();
        #[allow(clippy::cast_precision_loss)] // some thousands
        let count = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        assert!((0.9..1.1).contains(&(variance.sqrt() / mean)), "{}", variance.sqrt() / mean);
    }
}
