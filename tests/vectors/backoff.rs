//! BO: backoff and jitter.

use buttress::{
    backoff::{Backoff, Jitter, Rng},
    window::Ratio,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Polly's jitter: a quarter either way.
const QUARTER: Jitter = Jitter::Proportional(Ratio::percent(25));

fn kinds(base: Duration) -> [Backoff; 3] {
    [Backoff::constant(base), Backoff::linear(base), Backoff::exponential(base)]
}

fn millis(backoff: Backoff, attempt: u32, unit: f64) -> u128 {
    let delay = backoff.delay(attempt, &mut || unit);
    assert_eq!(delay.subsec_nanos() % 1_000_000, 0, "{delay:?} is not in whole milliseconds");
    delay.as_millis()
}

fn first_three(backoff: Backoff) -> [u128; 3] {
    [0, 1, 2].map(|attempt| millis(backoff.jitter(Jitter::None), attempt, 0.5))
}

/// Polly, `RetryHelperTests`.
#[test]
fn bo_01_a_constant_delay_with_jitter_strays_a_quarter() {
    let backoff = Backoff::constant(SECOND).jitter(QUARTER);
    for (unit, expected) in [(0.0, 750), (0.4, 950), (0.6, 1050), (1.0, 1250)] {
        assert_eq!(millis(backoff, 0, unit), expected);
        assert_eq!(millis(backoff, 7, unit), expected);
    }
    assert_eq!(first_three(backoff), [1000, 1000, 1000]);
}

/// Polly, `RetryHelperTests`.
#[test]
fn bo_02_a_linear_delay_is_one_two_three_steps() {
    let backoff = Backoff::linear(SECOND).jitter(QUARTER);
    for (unit, expected) in [(0.0, 2250), (0.4, 2850), (0.5, 3000), (0.6, 3150), (1.0, 3750)] {
        assert_eq!(millis(backoff, 2, unit), expected);
    }
    assert_eq!(first_three(backoff), [1000, 2000, 3000]);
}

/// Polly, `RetryHelperTests`.
#[test]
fn bo_03_an_exponential_delay_doubles_and_the_cap_holds_for_all_kinds() {
    assert_eq!(first_three(Backoff::exponential(SECOND)), [1000, 2000, 4000]);
    for backoff in kinds(Duration::ZERO) {
        assert_eq!(first_three(backoff), [0, 0, 0]);
    }
    for backoff in kinds(10 * SECOND) {
        assert_eq!(first_three(backoff.cap(SECOND)), [1000, 1000, 1000]);
    }
}

/// Polly, `RetryHelperTests`. Its default has no cap; ours has, so the first row asks for none.
#[test]
fn bo_04_a_base_of_a_day_saturates_and_jitter_never_makes_it_nothing() {
    let backoff = Backoff::exponential(DAY).jitter(Jitter::None);
    assert_eq!(backoff.cap(Duration::MAX).delay(1000, &mut || 0.5), Duration::MAX);
    assert_eq!(backoff.cap(2 * DAY).delay(1000, &mut || 0.5), 2 * DAY);
    let rng = &mut Rng::seeded(4);
    for jitter in [QUARTER, Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        for cap in [Duration::MAX, 2 * DAY] {
            let backoff = backoff.jitter(jitter).cap(cap);
            let mut delays = backoff.start();
            for attempt in 1..=1025 {
                let delay = backoff.delay(attempt, rng);
                assert!(delay > Duration::ZERO && delay <= cap, "{jitter:?}: {delay:?} at {attempt}");
                let delay = delays.next(rng);
                assert!(delay > Duration::ZERO && delay <= cap, "{jitter:?}: {delay:?} in a row");
            }
        }
    }
}

/// failsafe-go, `retryexecutor_test.go`.
#[test]
fn bo_06_two_seconds_doubling_to_thirty() {
    let backoff = Backoff::exponential(2 * SECOND).factor(2.0).cap(30 * SECOND).jitter(Jitter::None);
    let mut delays = backoff.start();
    let seconds = [0; 5].map(|_| delays.next(&mut || 0.5).as_secs());
    assert_eq!(seconds, [2, 4, 8, 16, 30]);
}

/// smithy-rs, `strategy/standard.rs`. Attempts are counted from 0 here.
#[test]
fn rb_26_an_attempt_of_any_number_waits_the_cap() {
    let backoff = Backoff::exponential(SECOND).cap(20 * SECOND).jitter(Jitter::None);
    for attempt in [32, 33, 34, 64, 1024, 100_000, u32::MAX] {
        assert_eq!(millis(backoff, attempt, 0.5), 20_000, "attempt {attempt}");
    }
    let mut delays = backoff.start();
    let last = (0..100_000).map(|_| delays.next(&mut || 0.5)).last();
    assert_eq!(last, Some(20 * SECOND));
    assert_eq!(first_three(Backoff::exponential(Duration::from_millis(30)).cap(20 * SECOND)), [30, 60, 120]);
    assert_eq!(first_three(Backoff::exponential(3 * SECOND).cap(20 * SECOND)), [3000, 6000, 12_000]);
}

/// linkerd2-proxy, `http/classify/retry_after.rs`. The cap is that of whoever waits: here a retry's, of 300 s.
#[tokio::test(start_paused = true)]
async fn bo_10_retry_after_is_read_of_429_and_503_in_seconds_and_dates_and_capped() {
    use buttress::{
        http::{ByStatus, ReplayBody, retry, retry_after},
        outcome::{Classify, Verdict},
        over,
        retry::{Hints, Policy},
    };
    use http::{Request, Response};
    use http_body_util::Empty;
    use tower::ServiceExt;

    let answer = |status: u16, value: &str| {
        let answer = Response::builder().status(status).header("retry-after", value);
        answer.body(Empty::<bytes::Bytes>::new()).expect("an answer")
    };
    for (value, expected) in [
        ("120", Some(120 * SECOND)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", Some(Duration::ZERO)),
        ("garbage", None),
        ("-1", None),
    ] {
        assert_eq!(retry_after(answer(503, value).headers()), expected);
        for status in [200, 301, 429, 500, 502, 503, 504] {
            let Verdict::Now(outcome) = ByStatus.classify(Ok::<_, &std::io::Error>(&answer(status, value)))
            else {
                panic!("there is no body to wait for");
            };
            let heard = [429, 503].contains(&status);
            assert_eq!(outcome.retry_after(), expected.filter(|_| heard), "{status}: {value}");
        }
    }

    for (value, waited) in [("300", Some(300 * SECOND)), ("301", None)] {
        let service = tower::service_fn(move |request: Request<ReplayBody<Empty<bytes::Bytes>>>| {
            let first = request.extensions().get::<buttress::http::Attempt>().is_none();
            std::future::ready(Ok::<_, std::io::Error>(answer(if first { 503 } else { 200 }, value)))
        });
        let client = over(retry(Policy::new().hints(Hints::up_to(300 * SECOND))), service);
        let start = tokio::time::Instant::now();
        let answer = client.oneshot(Request::new(Empty::new())).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), if waited.is_some() { 200 } else { 503 });
        assert_eq!(start.elapsed(), waited.unwrap_or_default(), "{value}");
    }
}
