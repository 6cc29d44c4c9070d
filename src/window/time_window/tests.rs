//! The time window against a model that keeps every result with the number of its bucket.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

const DAY: Duration = Duration::from_secs(86_400);

/// Everything it takes: the struct and its heap.
fn bytes(window: &TimeWindow) -> usize {
    size_of_val(window) + size_of_val(&*window.buckets)
}

#[test]
fn memory_stays_under_the_bar_whatever_the_traffic() {
    let now = clock::now();
    let mut window = TimeWindow::new(Duration::from_secs(10), now);
    (0..100_000).for_each(|_| window.record(now, Sample::FAILED));
    assert!(bytes(&window) <= 384, "{}", bytes(&window));
    assert!(bytes(&TimeWindow::with_buckets(DAY, u32::MAX, now)) <= 2 * 1024 + 128);
}

#[test]
fn a_length_or_a_number_of_nothing_is_the_smallest_that_works() {
    let now = clock::now();
    assert_eq!(TimeWindow::new(Duration::ZERO, now).width(), Duration::from_millis(1));
    let mut one = TimeWindow::with_buckets(Duration::ZERO, 0, now);
    one.record(now, Sample::FAILED);
    assert_eq!(one.counts(now + Duration::from_nanos(999_999)).failed, 1);
    assert_eq!(one.counts(now + Duration::from_millis(1)).failed, 0);
}

#[test]
fn a_length_of_all_time_forgets_nothing_and_panics_nowhere() {
    let now = clock::now();
    let mut window = TimeWindow::new(Duration::MAX, now);
    window.record(now, Sample::FAILED);
    window.record(clock::after(now, Duration::MAX), Sample::OK);
    assert_eq!(window.counts(clock::after(now, Duration::MAX)), Counts::of(2, 1));
}

#[test]
fn the_edges_stay_on_the_grid_however_the_calls_fall() {
    // Calls just after every hundredth of a second. Were each bucket to begin at the call that opens it, the first would
    // leave late.
    let now = clock::now();
    let mut window = TimeWindow::new(Duration::from_secs(10), now);
    window.record(now, Sample::FAILED);
    for step in 1..1000 {
        window.record(now + Duration::from_millis(10 * step) + Duration::from_micros(step), Sample::OK);
        assert_eq!(window.total, Counts::of(step + 1, 1));
    }
    assert_eq!(window.counts(now + Duration::from_secs(10)).failed, 0);
}

#[test]
fn a_clock_that_goes_back_counts_into_the_bucket_that_is_running() {
    let start = clock::now() + DAY;
    let mut window = TimeWindow::new(Duration::from_secs(10), start);
    window.record(start + Duration::from_secs(5), Sample::FAILED);
    window.record(start - DAY, Sample::FAILED);
    assert_eq!(window.counts(start - DAY), Counts::of(2, 2));
    assert_eq!(window.counts(start + Duration::from_secs(14)), Counts::of(2, 2));
    assert_eq!(window.counts(start + Duration::from_secs(15)), Counts::of(0, 0));
}

#[test]
fn a_pause_of_ten_thousand_days_over_the_narrowest_bucket_is_one_step() {
    // 8.64e11 steps of a millisecond: a loop over them would not end, and 32 bits would not hold them.
    let start = clock::now();
    let mut window = TimeWindow::new(Duration::ZERO, start);
    window.record(start, Sample::FAILED);
    assert_eq!(window.counts(start + 10_000 * DAY), Counts::of(0, 0));
    // 2^32 steps exactly, which would be none at all in 32 bits.
    let wrap = start + 20_000 * DAY;
    window.record(wrap, Sample::FAILED);
    assert_eq!(window.counts(wrap + Duration::from_millis(1 << 32)), Counts::of(0, 0));
}

#[test]
fn a_full_bucket_counts_no_more_and_leaves_whole() {
    let start = clock::now();
    let mut window = TimeWindow::new(Duration::from_secs(10), start);
    window.buckets[0].calls = u32::MAX - 1;
    window.total.calls = u64::from(u32::MAX - 1);
    (0..3).for_each(|_| window.record(start, Sample::FAILED));
    assert_eq!(window.counts(start), Counts::of(u64::from(u32::MAX), 1));
    let later = start + Duration::from_secs(1);
    window.record(later, Sample::OK);
    assert_eq!(window.counts(later), Counts::of(u64::from(u32::MAX) + 1, 1));
    assert_eq!(window.counts(start + Duration::from_secs(10)), Counts::of(1, 0));
}

#[test]
fn a_cleared_window_keeps_its_edges() {
    let start = clock::now();
    let mut window = TimeWindow::new(Duration::from_secs(10), start);
    window.record(start + Duration::from_millis(2_700), Sample::FAILED);
    window.clear();
    assert_eq!(window.counts(start + Duration::from_millis(2_700)), Counts::of(0, 0));
    window.record(start + Duration::from_millis(2_999), Sample::FAILED);
    assert_eq!(window.counts(start + Duration::from_millis(11_999)), Counts::of(1, 1));
    assert_eq!(window.counts(start + Duration::from_millis(12_000)), Counts::of(0, 0));
}

/// Every result with the number of its bucket on the grid; nothing is kept as a sum, nothing moves step by step.
struct Naive {
    grid: Duration,
    width: u128,
    buckets: u128,
    newest: u128,
    results: VecDeque<(u128, Sample)>,
}

impl Naive {
    fn new(length: Duration, buckets: u32, grid: Duration) -> Self {
        let buckets = u128::from(buckets.clamp(1, 128));
        let length = length.as_nanos().min(u128::from(u64::MAX));
        let width = length.div_ceil(buckets).max(1_000_000);
        Self { grid, width, buckets, newest: 0, results: VecDeque::new() }
    }

    fn counts(&mut self, now: Duration) -> Counts {
        let bucket = now.saturating_sub(self.grid).as_nanos() / self.width;
        self.newest = self.newest.max(bucket);
        self.results.retain(|(bucket, _)| bucket + self.buckets > self.newest);
        let mut counts = Counts::default();
        self.results.iter().for_each(|(_, sample)| counts.record(*sample));
        counts
    }

    fn record(&mut self, now: Duration, sample: Sample) {
        self.counts(now);
        self.results.push_back((self.newest, sample));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Forward(Duration),
    Widths(u32, i8),
    Back(Duration),
    Record(Sample),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..2_000_000_000u64).prop_map(|nanos| Step::Forward(Duration::from_nanos(nanos))),
        4 => (0..15u32, -1..=1i8).prop_map(|(widths, off)| Step::Widths(widths, off)),
        2 => (0..20_000_000_000u64).prop_map(|nanos| Step::Back(Duration::from_nanos(nanos))),
        1 => (0..4_000u32).prop_map(|days| Step::Forward(days * DAY)),
        1 => (0..4_000u32).prop_map(|days| Step::Back(days * DAY)),
        1 => Just(Step::Forward(Duration::MAX)),
        1 => Just(Step::Back(Duration::MAX)),
        16 => (any::<bool>(), any::<bool>()).prop_map(|(f, s)| Step::Record(Sample::of(f).slow_if(s))),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..80)
}

fn lengths() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => (0..20_000_000_000u64).prop_map(Duration::from_nanos),
        2 => (1..20u64).prop_map(Duration::from_secs),
        1 => Just(Duration::ZERO),
        1 => Just(DAY),
        1 => Just(Duration::MAX),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 1500 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_the_model_holds_on_any_clock(
        length in lengths(),
        buckets in prop_oneof![Just(10u32), 0..12u32, Just(u32::MAX)],
        grid in (0..3_000_000_000u64).prop_map(Duration::from_nanos),
        steps in steps(),
    ) {
        // A clock that begins at `base`; `now` is what it shows.
        let base = clock::now();
        let at = |now: Duration| base.checked_add(now);
        let mut now = Duration::from_secs(1);
        let mut window = TimeWindow::with_buckets(length, buckets, base + grid);
        let mut naive = Naive::new(length, buckets, grid);
        for step in steps {
            let before = now;
            match step {
                Step::Forward(by) => now = now.saturating_add(by.min(1_000_000 * DAY)),
                Step::Widths(n, off) => {
                    let whole = now.saturating_add(window.width().saturating_mul(n));
                    now = match off {
                        ..0 => whole.saturating_sub(Duration::from_nanos(1)),
                        0 => whole,
                        1.. => whole.saturating_add(Duration::from_nanos(1)),
                    };
                }
                Step::Back(by) => now = now.saturating_sub(by),
                Step::Record(sample) => {
                    window.record(at(now).expect("was checked"), sample);
                    naive.record(now, sample);
                }
                Step::Clear => {
                    window.clear();
                    naive.results.clear();
                }
            }
            // No farther than the clock of this platform goes.
            if at(now).is_none() {
                now = before;
            }
            prop_assert_eq!(window.counts(at(now).expect("was checked")), naive.counts(now));
        }
        let mut sum = Counts::default();
        for bucket in &window.buckets {
            sum.calls += u64::from(bucket.calls);
            sum.failed += u64::from(bucket.failed);
            sum.slow += u64::from(bucket.slow);
            sum.slow_failed += u64::from(bucket.slow_failed);
        }
        prop_assert_eq!(sum, window.total);
    }

    #[test]
    fn it_is_as_long_as_it_says(
        length in (10_000_000..20_000_000_000u64).prop_map(Duration::from_nanos),
        buckets in 1..=10u32,
        born in 0..5_000_000_000u64,
        pauses in prop::collection::vec(0..3_000_000_000u64, 1..60),
    ) {
        // One failure at `born`, successes at any pace after it. By time alone: it counts until all but one width of
        // the length has passed, and never longer than the length.
        let start = clock::now();
        let mut window = TimeWindow::with_buckets(length, buckets, start);
        let born = start + Duration::from_nanos(born);
        window.record(born, Sample::FAILED);
        let mut now = born;
        for pause in pauses {
            now += Duration::from_nanos(pause);
            window.record(now, Sample::OK);
            let failed = window.counts(now).failed;
            if now - born < window.width() * (buckets - 1) {
                prop_assert_eq!(failed, 1);
            }
            if now - born >= window.width() * buckets {
                prop_assert_eq!(failed, 0);
            }
        }
    }
}
