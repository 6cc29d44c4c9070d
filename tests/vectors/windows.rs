//! WN: windows and counters.

use buttress::{
    clock::{self, Instant},
    window::{CountWindow, Counts, Ratio, Sample, TimeWindow},
};
use std::time::Duration;

const S: Sample = Sample::OK;
const F: Sample = Sample::FAILED;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// (calls, successes, failures), as the tables have them.
fn sums(counts: Counts) -> (u64, u64, u64) {
    (counts.calls, counts.succeeded(), counts.failed)
}

/// resilience4j, `FixedSizeSlidingWindowMetricsTest`: a count window of 4.
#[test]
fn wn_01_a_count_window_of_four_holds_the_last_four() {
    let mut window = CountWindow::new(4);
    let rows = [
        (F, (1, 0, 1), 1_000_000_000),
        (S, (2, 1, 1), 500_000_000),
        (S, (3, 2, 1), 333_333_333),
        (S, (4, 3, 1), 250_000_000),
        (S, (4, 4, 0), 0),
    ];
    for (sample, expected, rate) in rows {
        window.record(sample);
        assert_eq!(sums(window.counts()), expected);
        assert_eq!(window.counts().failure_rate(1).map(Ratio::billionths), Some(rate));
    }
}

/// resilience4j, both window tests: a window of 5, slow calls of both kinds.
#[test]
fn wn_03_a_slow_failure_counts_as_slow_and_as_failed() {
    let now = clock::now();
    let mut by_count = CountWindow::with_slow(5);
    let mut by_time = TimeWindow::with_buckets(ms(5_000), 5, now);
    for sample in [S.slow(), F.slow(), S, S, S] {
        by_count.record(sample);
        by_time.record(now, sample);
    }
    for counts in [by_count.counts(), by_time.counts(now)] {
        assert_eq!(sums(counts), (5, 4, 1));
        assert_eq!((counts.slow, counts.slow_failed, counts.slow - counts.slow_failed), (2, 1, 1));
        assert_eq!(counts.slow_rate(5), Some(Ratio::percent(40)));
    }
}

/// resilience4j, `SlidingTimeWindowMetricsTest`: 5 s in buckets of a second.
#[test]
fn wn_04_a_time_window_of_five_seconds_lets_go_second_by_second() {
    let mut now = clock::now();
    let mut window = TimeWindow::with_buckets(ms(5_000), 5, now);
    let rows = [
        (0, F, (1, 0, 1)),
        (100, S, (2, 1, 1)),
        (100, S, (3, 2, 1)),
        (1_000, S, (4, 3, 1)),
        (1_000, S, (5, 4, 1)),
        (1_000, F, (6, 4, 2)),
        (1_000, S, (7, 5, 2)),
        (1_000, S, (5, 4, 1)),
        (1_000, S, (5, 4, 1)),
        (5_000, S, (1, 1, 0)),
    ];
    for (row, (wait, sample, expected)) in rows.into_iter().enumerate() {
        now += ms(wait);
        window.record(now, sample);
        assert_eq!(sums(window.counts(now)), expected, "row {row}");
    }
}

/// Polly, `RollingHealthMetricsTests`: 10 s in ten windows.
#[test]
fn wn_06_a_rolling_window_of_ten_seconds_reads_the_rate_of_what_is_left() {
    let mut now = clock::now();
    let mut window = TimeWindow::new(ms(10_000), now);
    let rounds = [
        ([F, S], 2, Ratio::percent(50)),
        ([F, S], 4, Ratio::percent(50)),
        ([S, S], 6, Ratio::of(1, 3)),
        ([S, S], 8, Ratio::percent(25)),
        ([S, S], 8, Ratio::of(1, 8)),
    ];
    for (round, (samples, calls, rate)) in rounds.into_iter().enumerate() {
        samples.into_iter().for_each(|sample| window.record(now, sample));
        now += ms(2_000);
        let counts = window.counts(now);
        assert_eq!((counts.calls, counts.failure_rate(1)), (calls, Some(rate)), "round {round}");
    }
    let counts = window.counts(now + ms(2_000));
    assert_eq!((counts.calls, counts.failure_rate(1)), (6, Some(Ratio::ZERO)));
}

/// failsafe-go: four buckets of a second on the multiples of a clock that shows 900 ms at the start.
#[test]
fn wn_10_buckets_lie_on_the_multiples_of_the_clock() {
    let epoch = clock::now();
    let at = |millis| epoch + ms(millis);
    let mut window = TimeWindow::with_buckets(ms(4_000), 4, epoch);
    let mut then = |millis: u64, samples: &mut dyn Iterator<Item = Sample>| {
        samples.for_each(|sample| window.record(at(millis), sample));
        let counts = window.counts(at(millis));
        let rate = Ratio::of(counts.succeeded(), counts.calls).billionths() / 10_000_000;
        (counts.succeeded(), counts.failed, rate)
    };
    // Every fifth is a success.
    let mixed = |n: u32| (0..n).map(|i| Sample::of(i % 5 != 0));

    assert_eq!(then(900, &mut mixed(50)), (10, 40, 20));
    assert_eq!(then(1_000, &mut [S; 10].into_iter()), (20, 40, 33));
    assert_eq!(then(2_500, &mut [F; 20].into_iter()), (20, 60, 25));
    // 25/105 is .238, which the table rounds to .24.
    assert_eq!(then(3_100, &mut mixed(25)), (25, 80, 23));
    assert_eq!(then(5_400, &mut [S; 8].into_iter()), (13, 40, 24));
    // 8/13 is .615, which the table rounds to .62.
    assert_eq!(then(7_300, &mut [F; 5].into_iter()), (8, 5, 61));
    assert_eq!(then(22_500, &mut std::iter::empty()), (0, 0, 0));
    assert_eq!(then(23_100, &mut [S; 3].into_iter()), (3, 0, 100));
}

/// linkerd2-proxy, `breaker/success_rate.rs`: ten buckets over 10 s; trips where the share of successes is strictly
/// below a threshold, once there are enough calls.
#[test]
fn wn_13_a_success_rate_judges_the_last_ten_seconds() {
    struct Rate {
        start: Instant,
        window: TimeWindow,
        min: u64,
        threshold: Ratio,
    }
    impl Rate {
        fn of(min: u64, threshold: f64) -> Self {
            let start = clock::now();
            Self { start, window: TimeWindow::new(ms(10_000), start), min, threshold: Ratio::new(threshold) }
        }
        fn trips(&mut self, millis: u64) -> bool {
            let counts = self.window.counts(self.start + ms(millis));
            counts.calls >= self.min.max(1) && !self.threshold.reached_by(counts.succeeded(), counts.calls)
        }
        fn then(&mut self, millis: u64, sample: Sample) -> bool {
            self.window.record(self.start + ms(millis), sample);
            self.trips(millis)
        }
        fn ratio(&mut self, millis: u64) -> Ratio {
            let counts = self.window.counts(self.start + ms(millis));
            Ratio::of(counts.succeeded(), counts.calls)
        }
    }

    // empty never trips; with no minimum the first failure does
    let mut rate = Rate::of(0, 0.8);
    assert!(!rate.trips(0));
    assert!(rate.then(0, F));

    // threshold 1: three successes do not trip, the failure that makes four calls does
    let mut rate = Rate::of(4, 1.0);
    assert!(!rate.then(0, S) && !rate.then(0, S) && !rate.then(0, S));
    assert!(rate.then(0, F));

    // four failures are too few for a minimum of five, the fifth is enough: within a millisecond or at one a second
    for gap in [0, 1_000] {
        let mut rate = Rate::of(5, 0.8);
        let tripped: Vec<_> = (0..5).map(|n| rate.then(n * gap, F)).collect();
        assert_eq!(tripped, [false, false, false, false, true], "a call every {gap} ms");
    }

    // five failures, eleven seconds, one success: all of what is left
    let mut rate = Rate::of(1, 0.8);
    for _ in 0..5 {
        rate.then(0, F);
    }
    assert!(!rate.then(11_000, S));
    assert_eq!(rate.ratio(11_000), Ratio::ONE);

    // two failures, six seconds, eight successes: four fifths, which is not below four fifths
    let mut rate = Rate::of(1, 0.8);
    for _ in 0..2 {
        rate.then(0, F);
    }
    for _ in 0..8 {
        rate.then(6_000, S);
    }
    assert_eq!(rate.ratio(6_000), Ratio::percent(80));
    assert!(!rate.trips(6_000));
}
