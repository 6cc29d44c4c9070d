//! Service configs and pushback as gRPC's own proposals have them.

use buttress::{
    budget::{Budget, Throttle},
    grpc::{self, Plan, ServiceConfig},
    over,
};
use http::{Request, Response};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tonic::body::Body;
use tower::{Service, ServiceExt, service_fn};

fn retry(with: &[(&str, &str)]) -> Result<ServiceConfig, String> {
    let mut fields = [
        ("maxAttempts", "3"),
        ("initialBackoff", r#""0.1s""#),
        ("maxBackoff", r#""1s""#),
        ("backoffMultiplier", "2"),
        ("retryableStatusCodes", r#"["UNAVAILABLE"]"#),
    ];
    for (name, value) in with {
        for field in fields.iter_mut().filter(|(field, _)| field == name) {
            field.1 = value;
        }
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}": {value}"#)).collect();
    let json =
        format!(r#"{{"methodConfig": [{{"name": [{{}}], "retryPolicy": {{{}}}}}]}}"#, fields.join(","));
    ServiceConfig::parse(&json).map_err(|error| error.path().replace("methodConfig[0].retryPolicy.", ""))
}

fn attempts(max: &str) -> Result<u32, String> {
    let config = retry(&[("maxAttempts", max)])?;
    match config.method("/a.A/One").expect("for all").plan() {
        Plan::Retry(policy) => Ok(policy.max_attempts()),
        other => panic!("{other:?}"),
    }
}

fn throttling(max: &str, ratio: &str) -> Result<(u32, u32), String> {
    let json = format!(r#"{{"retryThrottling": {{"maxTokens": {max}, "tokenRatio": {ratio}}}}}"#);
    let config = ServiceConfig::parse(&json).map_err(|error| error.path().to_owned())?;
    let throttling = config.throttling().expect("said");
    Ok((throttling.max_tokens(), throttling.ratio_in_thousandths()))
}

#[test]
fn rb_52_more_than_five_attempts_are_five_and_one_is_invalid() {
    for (max, expected) in [("2", 2), ("5", 5), ("6", 5), ("99999999999", 5)] {
        assert_eq!(attempts(max), Ok(expected), "{max}");
    }
    for max in ["1", "0", "-1", "2.5", r#""3""#, "[]"] {
        assert_eq!(attempts(max), Err("maxAttempts".into()), "{max}");
    }
}

#[test]
fn rb_52_a_ratio_counts_to_its_third_decimal_and_is_more_than_zero() {
    assert_eq!(throttling("10", ".5466".replacen('.', "0.", 1).as_str()), Ok((10, 546)));
    assert_eq!(throttling("10", "0.1"), Ok((10, 100)));
    for ratio in ["0", "-0.5", "0.0009", r#""0.1""#] {
        assert_eq!(throttling("10", ratio), Err("retryThrottling.tokenRatio".into()), "{ratio}");
    }
}

#[test]
fn rb_52_tokens_are_from_one_to_a_thousand() {
    assert_eq!(throttling("1", "1"), Ok((1, 1000)));
    assert_eq!(throttling("1000", "1"), Ok((1000, 1000)));
    for max in ["0", "1001", "-1", "1e9"] {
        assert_eq!(throttling(max, "1"), Err("retryThrottling.maxTokens".into()), "{max}");
    }
}

#[test]
fn rb_52_every_field_of_the_backoff_is_more_than_zero() {
    for (field, wrong) in [
        ("initialBackoff", r#""0s""#),
        ("initialBackoff", r#""-1s""#),
        ("maxBackoff", r#""0s""#),
        ("maxBackoff", "1"),
        ("backoffMultiplier", "0"),
        ("backoffMultiplier", "-2"),
        ("backoffMultiplier", r#""2""#),
    ] {
        assert_eq!(retry(&[(field, wrong)]).err(), Some(field.into()), "{wrong}");
    }
    assert!(retry(&[("backoffMultiplier", "0.5")]).is_ok(), "a backoff that shrinks is odd, and allowed");
}

#[test]
fn rb_52_codes_are_named_or_numbered_and_there_is_one_at_least() {
    for good in [r#"["unavailable"]"#, "[14]", r#"["UNAVAILABLE", 8, "Aborted"]"#] {
        assert!(retry(&[("retryableStatusCodes", good)]).is_ok(), "{good}");
    }
    for (wrong, path) in [
        ("[]", "retryableStatusCodes"),
        ("14", "retryableStatusCodes"),
        (r#"["UNAVAILABLE", "GONE"]"#, "retryableStatusCodes[1]"),
        ("[17]", "retryableStatusCodes[0]"),
        (r#"["14"]"#, "retryableStatusCodes[0]"),
    ] {
        assert_eq!(retry(&[("retryableStatusCodes", wrong)]).err(), Some(path.into()), "{wrong}");
    }
}

const MS: Duration = Duration::from_millis(1);

/// What the server answers: a code, and after how long; and what it says of another attempt.
#[derive(Clone, Copy)]
struct Says {
    code: &'static str,
    after: Duration,
    pushback: &'static [&'static str],
}

const OK: Says = Says { code: "0", after: Duration::ZERO, pushback: &[] };
const UNAVAILABLE: Says = Says { code: "14", ..OK };
/// Longer than anybody waits.
const NEVER: Says = Says { after: Duration::from_secs(86_400), ..OK };

/// The status of a call, when it came, and when each attempt arrived at the server.
struct Call {
    code: String,
    took: u128,
    arrived: Vec<u128>,
}

async fn call(config: &str, server: impl Fn(usize) -> Says + Clone + Send + 'static) -> Call {
    let config: ServiceConfig =
        format!(r#"{{"methodConfig": [{{"name": [{{}}], {config}}}]}}"#).parse().expect("a good config");
    let start = Instant::now();
    let arrived: Arc<Mutex<Vec<u128>>> = Arc::default();
    let seen = Arc::clone(&arrived);
    let answers = service_fn(move |_: Request<Body>| {
        let said = {
            let mut seen = seen.lock().expect("not poisoned");
            seen.push(start.elapsed().as_millis());
            server(seen.len() - 1)
        };
        async move {
            sleep(said.after).await;
            Ok::<_, Infallible>(trailers_only(said))
        }
    });
    let client = over(grpc::calls(&config), answers);
    let request = Request::post("/a.A/One").body(Body::empty()).expect("valid");
    // Where nothing ends the call, a day does.
    let answer = tokio::time::timeout(Duration::from_secs(3600), client.oneshot(request)).await;
    let code = match answer {
        Ok(Ok(response)) => response.headers()["grpc-status"].to_str().expect("ASCII").to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "hangs".to_owned(),
    };
    let took = start.elapsed().as_millis();
    let arrived = arrived.lock().expect("not poisoned").clone();
    Call { code, took, arrived }
}

fn trailers_only(said: Says) -> Response<Body> {
    let mut response = Response::builder().header("grpc-status", said.code);
    for pushback in said.pushback {
        response = response.header("grpc-retry-pushback-ms", *pushback);
    }
    response.body(Body::empty()).expect("valid")
}

const RETRIES: &str = r#""retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.08s",
    "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}"#;

/// grpc-go, `retry_test.go`.
#[tokio::test(start_paused = true)]
async fn rb_50_a_server_that_fails_too_often_is_not_called_again() {
    let config: ServiceConfig = format!(
        r#"{{"methodConfig": [{{"name": [{{}}], {RETRIES}}}], "retryThrottling": {{"maxTokens": 10, "tokenRatio": 0.5}}}}"#
    )
    .parse()
    .expect("a good config");
    let called = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&called);
    let server = service_fn(move |_: Request<Body>| {
        let well = [0, 3, 6, 10, 11, 12, 13, 14, 16, 18].contains(&count.fetch_add(1, Relaxed));
        std::future::ready(Ok::<_, Infallible>(trailers_only(if well { OK } else { UNAVAILABLE })))
    });
    let budget = Budget::of(Throttle::new(10, 0.5));
    let by_config = grpc::calls(&config);
    for layer in [by_config.clone(), by_config.budget(&budget)] {
        called.store(0, Relaxed);
        let mut client = over(layer, server.clone());
        let mut seen = Vec::new();
        let mut tokens = Vec::new();
        for _ in 0..12 {
            let request = Request::post("/a.A/One").body(Body::empty()).expect("valid");
            let response = client.ready().await.expect("ready").call(request).await.expect("an answer");
            let well = response.headers()["grpc-status"] == "0";
            seen.push((well, called.load(Relaxed) - 1));
            tokens.push(budget.tokens().expect("counted"));
        }
        let expected = [
            (true, 0),
            (true, 3),
            (true, 6),
            (false, 8),
            (false, 9),
            (true, 10),
            (true, 11),
            (true, 12),
            (true, 13),
            (true, 14),
            (true, 16),
            (false, 17),
        ];
        assert_eq!(seen, expected);
        if tokens[1] < 10.0 {
            assert_eq!(tokens, [10.0, 8.5, 7.0, 5.0, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 6.0, 5.0]);
        }
    }
    assert_eq!(budget.tokens(), Some(5.0), "the second was paid from it");
}

#[tokio::test(start_paused = true)]
async fn rb_55_a_pushback_that_is_no_time_ends_the_retries() {
    for pushback in [&["-1"][..], &["xxx"], &["1000", "1000"], &[""], &["2147483648"]] {
        let pushed = call(RETRIES, move |_| Says { pushback, ..UNAVAILABLE }).await;
        assert_eq!((pushed.code.as_str(), pushed.arrived.len()), ("14", 1), "{pushback:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rb_55_a_pushback_is_waited_for_and_the_backoff_begins_anew_after_it() {
    let pushed = call(RETRIES, |at| match at {
        1 => Says { pushback: &["1000"], ..UNAVAILABLE },
        0 | 2 => UNAVAILABLE,
        _ => OK,
    })
    .await;
    assert_eq!((pushed.code.as_str(), pushed.arrived.len()), ("0", 4));
    let waits: Vec<_> = pushed.arrived.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A fifth either way, and a millisecond for the grain of the timer.
    assert!((8..=13).contains(&waits[0]), "{waits:?}");
    assert!((1000..=1001).contains(&waits[1]), "{waits:?}");
    assert!((8..=13).contains(&waits[2]), "from the beginning: {waits:?}");
}

/// gRPC's proposal A6, the chapter on hedging.
#[tokio::test(start_paused = true)]
async fn hg_01_one_attempt_more_after_each_delay_up_to_the_maximum() {
    let hedges = r#""timeout": "3s", "hedgingPolicy": {"maxAttempts": 4, "hedgingDelay": "0.5s"}"#;
    let hedged = call(hedges, |_| NEVER).await;
    assert_eq!(hedged.arrived, [0, 500, 1000, 1500]);
    assert_eq!((hedged.code.as_str(), hedged.took), ("the deadline has passed", 3000));
    let at_once = r#""timeout": "3s", "hedgingPolicy": {"maxAttempts": 4, "hedgingDelay": "0s"}"#;
    assert_eq!(call(at_once, |_| NEVER).await.arrived, [0, 0, 0, 0]);
    let unsaid = r#""timeout": "3s", "hedgingPolicy": {"maxAttempts": 4}"#;
    assert_eq!(call(unsaid, |_| NEVER).await.arrived, [0, 0, 0, 0]);
}

const HEDGES: &str = r#""timeout": "9s", "hedgingPolicy": {"maxAttempts": 4, "hedgingDelay": "0.5s",
    "nonFatalStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]}"#;

#[tokio::test(start_paused = true)]
async fn hg_02_after_a_code_that_is_not_fatal_the_next_starts_at_once_and_later_ones_keep_the_delay() {
    for code in ["14", "8"] {
        let hedged = call(HEDGES, move |at| match at {
            0 => Says { code, after: 100 * MS, ..OK },
            _ => NEVER,
        })
        .await;
        assert_eq!(hedged.arrived, [0, 100, 600, 1100], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn hg_02_a_fatal_code_ends_them_all_and_is_the_answer() {
    let hedged = call(HEDGES, |at| match at {
        1 => Says { code: "13", after: 100 * MS, ..OK },
        _ => NEVER,
    })
    .await;
    assert_eq!((hedged.code.as_str(), hedged.took, hedged.arrived), ("13", 600, vec![0, 500]));
}

#[tokio::test(start_paused = true)]
async fn hg_02_a_success_ends_the_others() {
    let hedged = call(HEDGES, |at| match at {
        2 => Says { after: 100 * MS, ..OK },
        _ => NEVER,
    })
    .await;
    assert_eq!((hedged.code.as_str(), hedged.took, hedged.arrived), ("0", 1100, vec![0, 500, 1000]));
}
