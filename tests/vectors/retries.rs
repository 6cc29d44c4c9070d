//! RB: retry quotas and budgets. The rows of AWS's adaptive mode (RB-40, RB-43) are of a rate limit, and stand with it.

use buttress::{
    Lifted,
    backoff::{Backoff, Jitter},
    budget::{Budget, Extra, Quota, Rule, Share, Throttle, Window},
    outcome::{By, Outcome},
    over,
    retry::{Hints, Policy, RetryLayer, Retrying},
    telemetry::{Event, RetryResult},
    window::Ratio,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, advance};
use tower::{ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

/// What a server answers: a status, throttling, and the hint that comes with it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Status(u16),
    Throttling,
    /// A failure, and after how many milliseconds to come again.
    Hint(u64),
    /// A failure, and not to come again.
    Not,
}
use Answer::{Status, Throttling};

fn read(result: Result<&Answer, &Lifted<std::convert::Infallible>>) -> Outcome {
    match result {
        Ok(Status(status)) if *status < 500 => Outcome::OK,
        Ok(Throttling) => Outcome::THROTTLED,
        Ok(Answer::Hint(millis)) => Outcome::FAILED.hint(MS * *millis as u32),
        Ok(Answer::Not) => Outcome::FAILED.do_not_retry(),
        _ => Outcome::FAILED,
    }
}

/// What came of one call: each wait in milliseconds with the tokens after it was paid, and the end with the tokens then.
#[derive(Debug, PartialEq)]
struct Seen {
    waits: Vec<(u64, f64)>,
    end: (RetryResult, f64),
}

/// One call by the rules of AWS, jitter fixed to its upper end.
struct Aws {
    budget: Budget,
    attempts: u32,
    cap: u64,
}

impl Aws {
    fn new(tokens: u32, attempts: u32) -> Self {
        Self { budget: Budget::of(Quota::new().capacity(tokens)), attempts, cap: 20_000 }
    }

    async fn call(&self, answers: &[Answer]) -> Seen {
        let waits = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(Mutex::new(None));
        let from = |millis| Backoff::exponential(MS * millis).cap(MS * self.cap as u32).jitter(Jitter::None);
        let (noted, ended, of) = (Arc::clone(&waits), Arc::clone(&end), self.budget.clone());
        let policy = Policy::new()
            .all_safe()
            .attempts(self.attempts)
            .backoff(from(50))
            .backoff_throttled(from(1000))
            .hints(Hints::near(Duration::from_secs(5)))
            .budget(&self.budget)
            .classify(By(read))
            .on_retry(move |retrying: &Retrying| {
                let millis = retrying.wait.as_millis() as u64;
                noted.lock().expect("not poisoned").push((millis, of.tokens().expect("counts tokens")));
            })
            .observe(move |event: &Event<'_>| {
                if let Event::RetryEnded { result, .. } = event {
                    *ended.lock().expect("not poisoned") = Some(*result);
                }
            });
        let answers = Arc::new(Mutex::new(Vec::from(answers).into_iter()));
        let all = Arc::clone(&answers);
        let server = service_fn(move |()| {
            let answer = answers.lock().expect("not poisoned").next().expect("no more attempts than answers");
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        let started = Instant::now();
        over(RetryLayer::new(policy), server).oneshot(()).await.expect("an answer");
        let waits = std::mem::take(&mut *waits.lock().expect("not poisoned"));
        let waited: u64 = waits.iter().map(|(millis, _)| millis).sum();
        assert_eq!(started.elapsed(), MS * waited as u32, "waits what it says");
        assert_eq!(all.lock().expect("not poisoned").next(), None, "an answer was not asked for");
        let end = end.lock().expect("not poisoned").expect("an end was told");
        Seen { waits, end: (end, self.budget.tokens().expect("counts tokens")) }
    }
}

fn seen(waits: &[(u64, f64)], end: (RetryResult, f64)) -> Seen {
    Seen { waits: waits.to_vec(), end }
}

/// aws-sdk-go-v2 `retry2026_test.go` and smithy-rs; so are the next seven.
#[tokio::test(start_paused = true)]
async fn rb_01_success_at_the_third_attempt_gives_the_last_cost_back() {
    let got = Aws::new(500, 3).call(&[Status(500), Status(500), Status(200)]).await;
    assert_eq!(got, seen(&[(50, 486.0), (100, 472.0)], (RetryResult::Recovered, 486.0)));
}

#[tokio::test(start_paused = true)]
async fn rb_02_attempts_run_out() {
    let got = Aws::new(500, 3).call(&[Status(502); 3]).await;
    assert_eq!(got, seen(&[(50, 486.0), (100, 472.0)], (RetryResult::Exhausted, 472.0)));
}

#[tokio::test(start_paused = true)]
async fn rb_03_the_quota_runs_out() {
    let got = Aws::new(14, 3).call(&[Status(500); 2]).await;
    assert_eq!(got, seen(&[(50, 0.0)], (RetryResult::NoBudget, 0.0)));
}

#[tokio::test(start_paused = true)]
async fn rb_05_four_retries_double_their_waits() {
    let got = Aws::new(500, 5).call(&[Status(500); 5]).await;
    let waits = [(50, 486.0), (100, 472.0), (200, 458.0), (400, 444.0)];
    assert_eq!(got, seen(&waits, (RetryResult::Exhausted, 444.0)));
}

#[tokio::test(start_paused = true)]
async fn rb_06_the_cap_holds() {
    let got = Aws { cap: 200, ..Aws::new(500, 5) }.call(&[Status(500); 5]).await;
    let waits = [(50, 486.0), (100, 472.0), (200, 458.0), (200, 444.0)];
    assert_eq!(got, seen(&waits, (RetryResult::Exhausted, 444.0)));
}

#[tokio::test(start_paused = true)]
async fn rb_09_throttling_waits_longer_and_costs_less() {
    let got = Aws::new(500, 3).call(&[Throttling, Status(200)]).await;
    assert_eq!(got, seen(&[(1000, 495.0)], (RetryResult::Recovered, 500.0)));
}

#[tokio::test(start_paused = true)]
async fn rb_13_the_servers_word_is_waited_for() {
    let got = Aws::new(500, 3).call(&[Answer::Hint(1500), Status(200)]).await;
    assert_eq!(got, seen(&[(1500, 486.0)], (RetryResult::Recovered, 500.0)));
}

/// By `Hints::near`; by our default such a hint is waited for as it is, up to 30 s.
#[tokio::test(start_paused = true)]
async fn rb_15_the_servers_word_is_followed_for_five_seconds_more() {
    let got = Aws::new(500, 3).call(&[Answer::Hint(10_000), Status(200)]).await;
    assert_eq!(got, seen(&[(5050, 486.0)], (RetryResult::Recovered, 500.0)));
    let got = Aws::new(500, 3).call(&[Answer::Hint(1), Status(200)]).await;
    assert_eq!(got, seen(&[(50, 486.0)], (RetryResult::Recovered, 500.0)));
}

/// grpc/proposal A6 and grpc-go `test/retry_test.go`. The tokens are those of the specification.
#[tokio::test(start_paused = true)]
async fn rb_50_throttling_by_the_specification() {
    let good = [0, 3, 6, 10, 11, 12, 13, 14, 16, 18];
    let budget = Budget::of(Throttle::new(10, 0.5));
    let next = Arc::new(Mutex::new(0));
    let asked = Arc::clone(&next);
    let server = service_fn(move |()| {
        let mut next = next.lock().expect("not poisoned");
        let status = if good.contains(&*next) { 200 } else { 503 };
        *next += 1;
        async move { Ok::<_, std::convert::Infallible>(Status(status)) }
    });
    let policy = Policy::new().all_safe().attempts(4).backoff(Backoff::constant(10 * MS));
    let layer = RetryLayer::new(policy.budget(&budget).classify(By(read)));
    let client = over(layer, server);
    let expected = [
        (true, 0, 10.0),
        (true, 3, 8.5),
        (true, 6, 7.0),
        (false, 8, 5.0),
        (false, 9, 4.0),
        (true, 10, 4.5),
        (true, 11, 5.0),
        (true, 12, 5.5),
        (true, 13, 6.0),
        (true, 14, 6.5),
        (true, 16, 6.0),
        (false, 17, 5.0),
    ];
    for (call, (good, last, tokens)) in expected.into_iter().enumerate() {
        let answer = client.clone().oneshot(()).await.expect("an answer");
        let last_asked = *asked.lock().expect("not poisoned") - 1;
        let got = (answer == Status(200), last_asked, budget.tokens());
        assert_eq!(got, (good, last, Some(tokens)), "call {call}");
    }
}

/// A6. What it says of `maxAttempts` and of the fields of the backoff is a matter of whoever reads the configuration.
#[test]
fn rb_52_a_token_ratio_is_cut_off_after_three_decimals() {
    assert_eq!(Throttle::new(100, 0.5466), Throttle::new(100, 0.546));
    assert_ne!(Throttle::new(100, 0.547), Throttle::new(100, 0.546));
    assert_eq!(Throttle::new(1001, 0.1), Throttle::new(1000, 0.1));
    for thousandths in 1..2000 {
        let budget = Budget::of(Throttle::new(1000, f64::from(thousandths) / 1000.0));
        let mut call = budget.open();
        (0..3).for_each(|_| call.answered(&Outcome::FAILED));
        call.answered(&Outcome::OK);
        let left = (997_000.0 + f64::from(thousandths)) / 1000.0;
        assert_eq!(budget.tokens(), Some(left), "{thousandths}");
    }
}

/// A6: a pushback that is no time means not to retry (and takes a token); one that is a time is waited for, and then the
/// backoff begins anew.
#[tokio::test(start_paused = true)]
async fn rb_55_pushback() {
    let call = |answers: &'static [Answer]| {
        let waits = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&waits);
        let budget = Budget::of(Throttle::new(100, 0.1));
        let policy = Policy::new()
            .all_safe()
            .attempts(5)
            .backoff(Backoff::exponential(10 * MS).jitter(Jitter::None))
            .budget(&budget)
            .classify(By(read))
            .on_retry(move |retrying: &Retrying| {
                noted.lock().expect("not poisoned").push(retrying.wait.as_millis() as u64);
            });
        let left = Arc::new(Mutex::new(answers.iter()));
        let server = service_fn(move |()| {
            let answer = *left.lock().expect("not poisoned").next().expect("no more attempts than answers");
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        let client = over(RetryLayer::new(policy), server);
        async move {
            let answer = client.oneshot(()).await.expect("an answer");
            let waits = waits.lock().expect("not poisoned").clone();
            (answer, waits, budget.tokens().expect("counts tokens"))
        }
    };
    const UNAVAILABLE: Answer = Status(503);
    assert_eq!(call(&[Answer::Not]).await, (Answer::Not, vec![], 99.0));
    let answers = &[UNAVAILABLE, UNAVAILABLE, Answer::Hint(1000), UNAVAILABLE, Status(200)];
    assert_eq!(call(answers).await, (Status(200), vec![10, 20, 1000, 10], 96.1));
}

/// Finagle, `RetryBudgetTest`. Truncated to whole deposits, tower grants one for each at 0.6.
#[tokio::test(start_paused = true)]
async fn rb_60_a_share_of_the_calls_is_exact() {
    for share in [0.1, 0.5, 0.25, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001, 0.6, 0.0] {
        let budget = Budget::of(Window::new(share).per_second(0));
        let mut granted = 0;
        for _ in 0..10_000 {
            if budget.open().take(Extra::Retry) {
                granted += 1;
            } else {
                assert!(budget.tokens().expect("counts tokens") < 1.0);
            }
        }
        let exact = (10_000.0 * share).round() as i32;
        assert!((granted - exact).abs() <= 1, "{share}: {granted}");
    }
}

/// Finagle, `RetryBudgetTest`.
#[tokio::test(start_paused = true)]
async fn rb_61_more_than_one_for_each() {
    let budget = Budget::of(Window::new(2.0).per_second(0));
    (0..10_000).for_each(|_| drop(budget.open()));
    assert_eq!(budget.tokens(), Some(20_000.0));
}

/// Derived from what tower's budget gets wrong: its window of ten seconds is empty after six.
#[tokio::test(start_paused = true)]
async fn rb_64_a_window_is_as_long_as_it_says_under_traffic() {
    for (after, granted) in [(9_000, true), (9_990, true), (11_000, false)] {
        let budget = Budget::of(Window::new(1.0).per_second(0));
        drop(budget.open());
        // Traffic that leaves nothing: each call is retried.
        for _ in 0..after / 10 {
            advance(10 * MS).await;
            assert!(budget.open().take(Extra::Retry));
        }
        assert!(budget.open().take(Extra::Retry), "its own deposit");
        let mut call = budget.open();
        assert!(call.take(Extra::Retry));
        assert_eq!(call.take(Extra::Retry), granted, "after {after} ms");
    }
}

/// failsafe-go, `budget_test.go`: the share of what runs, before the newcomer is counted, may be as high as the limit.
#[test]
fn rb_70_a_share_of_what_runs() {
    let budget = Budget::of(Rule::from(Share::new(Ratio::percent(50)).floor(1)));
    let mut call = budget.open();
    assert!(call.take(Extra::Retry)); // two run, one of them extra
    assert!(call.take(Extra::Retry));
    assert!(!call.take(Extra::Retry));
    call.ended();
    assert!(call.take(Extra::Retry));
    assert!(!call.take(Extra::Retry));
    call.ended();
    call.ended();
    assert!(call.take(Extra::Retry) && call.take(Extra::Retry));
    assert!(!call.take(Extra::Retry));
}
