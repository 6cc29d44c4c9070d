//! Service configs and pushback as gRPC's own proposals have them.

use buttress::grpc::{Plan, ServiceConfig};

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
