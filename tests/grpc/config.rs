//! Service configs: who finds what, and what is refused, by the path of the field.

use buttress::grpc::{Code, Codes, ConfigError, MethodConfig, Plan, ServiceConfig};
use proptest::prelude::*;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

const RETRY: [&str; 5] = [
    r#""maxAttempts": 3"#,
    r#""initialBackoff": "0.1s""#,
    r#""maxBackoff": "1s""#,
    r#""backoffMultiplier": 2"#,
    r#""retryableStatusCodes": ["UNAVAILABLE"]"#,
];

/// A config with one method config for all.
fn of_all(fields: &str) -> Result<ServiceConfig, ConfigError> {
    ServiceConfig::parse(&format!(r#"{{"methodConfig": [{{"name": [{{}}], {fields}}}]}}"#))
}

fn plan(fields: &str) -> Plan {
    *of_all(fields).expect("a good config").method("/any/Method").expect("for all").plan()
}

/// The path and the problem.
fn wrong(json: &str) -> String {
    ServiceConfig::parse(json).expect_err(json).to_string()
}

fn timeout(config: &ServiceConfig, path: &str) -> Option<Duration> {
    config.method(path).and_then(MethodConfig::timeout)
}

#[test]
fn the_method_goes_before_the_service_and_the_service_before_all() {
    let config: ServiceConfig = r#"{"methodConfig": [
        {"name": [{}], "timeout": "1s"},
        {"name": [{"service": "a.A"}, {"service": "b.B", "method": ""}], "timeout": "2s"},
        {"name": [{"service": "a.A", "method": "One"}, {"service": "c.C", "method": "One"}], "timeout": "3s"}
    ]}"#
    .parse()
    .expect("a good config");
    for (path, seconds) in [
        ("/a.A/One", 3),
        ("/a.A/Two", 2),
        ("/b.B/One", 2),
        ("/c.C/One", 3),
        ("/c.C/Two", 1),
        ("/d.D/One", 1),
        ("/a.A", 1),
        ("a.A/One", 1),
        ("/", 1),
        ("", 1),
        ("/x/a.A/One", 1),
    ] {
        assert_eq!(timeout(&config, path), Some(Duration::from_secs(seconds)), "{path:?}");
    }
    assert_eq!(config.methods().len(), 3);
}

#[test]
fn without_one_for_all_a_method_that_is_not_named_finds_nothing() {
    let config = r#"{"methodConfig": [{"name": [{"service": "a.A", "method": "One"}], "timeout": "1s"}]}"#;
    let config: ServiceConfig = config.parse().expect("a good config");
    assert!(config.method("/a.A/One").is_some());
    assert!(config.method("/a.A/Two").is_none() && config.method("/b.B/One").is_none());
    let empty: ServiceConfig = "{}".parse().expect("nothing is said");
    assert!(empty.method("/a.A/One").is_none() && empty.throttling().is_none() && empty.ignored().is_empty());
}

#[test]
fn what_a_config_says_is_what_is_read() {
    let config = r#"{
        "methodConfig": [{"name": [{}], "timeout": "2.5s", "waitForReady": true, "retryPolicy": {
            "maxAttempts": 4, "initialBackoff": "0.05s", "maxBackoff": "3s", "backoffMultiplier": 1.5,
            "retryableStatusCodes": ["unavailable", "ABORTED", 8]}}],
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.5},
        "loadBalancingConfig": [{"round_robin": {}}]
    }"#;
    let config: ServiceConfig = config.parse().expect("a good config");
    let method = config.method("/a.A/One").expect("for all");
    assert_eq!(method.timeout(), Some(2500 * MS));
    let Plan::Retry(retry) = method.plan() else { panic!("{:?}", method.plan()) };
    assert_eq!((retry.max_attempts(), retry.multiplier()), (4, 1.5));
    assert_eq!((retry.initial_backoff(), retry.max_backoff()), (50 * MS, 3000 * MS));
    let codes: Codes = [Code::UNAVAILABLE, Code::ABORTED, Code::RESOURCE_EXHAUSTED].into_iter().collect();
    assert_eq!(retry.codes(), codes);
    assert_eq!(format!("{codes:?}"), r#"{"RESOURCE_EXHAUSTED", "ABORTED", "UNAVAILABLE"}"#);
    let throttling = config.throttling().expect("said");
    assert_eq!((throttling.max_tokens(), throttling.ratio_in_thousandths()), (10, 500));
    assert_eq!(config.ignored(), ["loadBalancingConfig", "methodConfig[0].waitForReady"]);
}

#[test]
fn hedging_has_no_delay_and_no_code_unless_it_is_said() {
    let Plan::Hedge(hedging) = plan(r#""hedgingPolicy": {"maxAttempts": 2}"#) else { panic!("hedges") };
    assert_eq!(
        (hedging.max_attempts(), hedging.delay(), hedging.codes().is_empty()),
        (2, Duration::ZERO, true)
    );
    let said = r#""hedgingPolicy": {"maxAttempts": 9, "hedgingDelay": "0.5s", "nonFatalStatusCodes": [14]}"#;
    let Plan::Hedge(hedging) = plan(said) else { panic!("hedges") };
    assert_eq!((hedging.max_attempts(), hedging.delay()), (5, 500 * MS));
    assert!(hedging.codes().contains(Code::UNAVAILABLE));
}

#[test]
fn null_is_as_good_as_nothing() {
    assert_eq!(
        plan(r#""timeout": null, "retryPolicy": null, "hedgingPolicy": {"maxAttempts": 2}"#),
        plan(r#""hedgingPolicy": {"maxAttempts": 2}"#)
    );
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    for (fields, expected) in [
        (r#""timeout": "3""#, "methodConfig[0].timeout: is not a time"),
        (r#""timeout": 3"#, "methodConfig[0].timeout: is not a string"),
        (r#""timeout": "0s""#, "methodConfig[0].timeout: must be more than zero"),
        (r#""timeout": "-1s""#, "methodConfig[0].timeout: is not a time"),
        (r#""retries": 3"#, "methodConfig[0].retries: is no field"),
        (r#""retryPolicy": []"#, "methodConfig[0].retryPolicy: is not an object"),
        (r#""retryPolicy": {"maxAttempt": 3}"#, "methodConfig[0].retryPolicy.maxAttempt: is no field"),
        (r#""hedgingPolicy": {}"#, "methodConfig[0].hedgingPolicy.maxAttempts: is missing"),
        (
            r#""hedgingPolicy": {"maxAttempts": 2, "hedgingDelay": "soon"}"#,
            "methodConfig[0].hedgingPolicy.hedgingDelay: is not a time",
        ),
        (
            r#""hedgingPolicy": {"maxAttempts": 2, "nonFatalStatusCodes": ["UNAVAILABLE", "AWAY"]}"#,
            "methodConfig[0].hedgingPolicy.nonFatalStatusCodes[1]: is no status code",
        ),
        (
            r#""hedgingPolicy": {"maxAttempts": 2}, "retryPolicy": {}"#,
            "methodConfig[0].hedgingPolicy: stands beside a retryPolicy",
        ),
    ] {
        let error = of_all(fields).expect_err(fields).to_string();
        assert!(error.starts_with(expected), "{fields}: {error}");
    }
    for (json, expected) in [
        ("", "the service config is not JSON: "),
        ("{", "the service config is not JSON: "),
        ("[]", "the service config is not an object"),
        (r#"{"methodConfig": {}}"#, "methodConfig: is not a list"),
        (r#"{"methodConfig": [{"timeout": "1s"}]}"#, "methodConfig[0].name: is missing"),
        (r#"{"methodConfig": [{"name": []}]}"#, "methodConfig[0].name: names nothing"),
        (r#"{"methodConfig": [{"name": [{}, {}]}]}"#, "methodConfig[0].name[1]: stands there twice"),
        (
            r#"{"methodConfig": [{"name": [{"method": "One"}]}]}"#,
            "methodConfig[0].name[0]: names a method without",
        ),
        (
            r#"{"methodConfig": [{"name": [{"service": 7}]}]}"#,
            "methodConfig[0].name[0].service: is not a string",
        ),
        (r#"{"methodConfig": [{"name": [{"svc": "a.A"}]}]}"#, "methodConfig[0].name[0].svc: is no field"),
        (
            r#"{"methodConfig": [{"name": [{"service": "a.A"}]}, {"name": [{"service": "a.A"}]}]}"#,
            "methodConfig[1].name[0]: stands there twice",
        ),
        (
            r#"{"methodConfig": [{"name": [{"service": "a", "method": "b"}, {"service": "a", "method": "b"}]}]}"#,
            "methodConfig[0].name[1]: stands there twice",
        ),
        (r#"{"retryThrottle": {}}"#, "retryThrottle: is no field"),
        (r#"{"retryThrottling": {"maxTokens": 10}}"#, "retryThrottling.tokenRatio: is missing"),
        (
            r#"{"retryThrottling": {"maxTokens": 1.5, "tokenRatio": 1}}"#,
            "retryThrottling.maxTokens: is not a whole",
        ),
    ] {
        let error = wrong(json);
        assert!(error.starts_with(expected), "{json}: {error}");
    }
}

#[test]
fn every_field_of_a_retry_policy_has_to_be_there() {
    let of = |fields: &[&str]| of_all(&format!(r#""retryPolicy": {{{}}}"#, fields.join(",")));
    of(&RETRY).expect("complete");
    for missing in 0..RETRY.len() {
        let mut fields = RETRY.to_vec();
        let name = fields.remove(missing).split('"').nth(1).expect("a name");
        let error = of(&fields).expect_err(name);
        assert_eq!(error.to_string(), format!("methodConfig[0].retryPolicy.{name}: is missing"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = ServiceConfig::parse(&text);
    }

    /// Against a naive model: the list of names, searched three times.
    #[test]
    fn a_method_finds_the_nearest_of_those_that_name_it(
        names in prop::collection::hash_set((0..4_u8, 0..4_u8), 0..12),
        (service, method) in (1..5_u8, 1..5_u8),
    ) {
        // 0 stands for no name.
        let names: Vec<_> = names.into_iter().filter(|(service, method)| *service > 0 || *method == 0).collect();
        let name = |(service, method): &(u8, u8)| match (service, method) {
            (0, _) => "{}".to_owned(),
            (service, 0) => format!(r#"{{"service": "s{service}"}}"#),
            (service, method) => format!(r#"{{"service": "s{service}", "method": "m{method}"}}"#),
        };
        let methods: Vec<String> = names.iter().enumerate()
            .map(|(at, of)| format!(r#"{{"name": [{}], "timeout": "{}s"}}"#, name(of), at + 1))
            .collect();
        let config = format!(r#"{{"methodConfig": [{}]}}"#, methods.join(","));
        let config: ServiceConfig = config.parse().expect("a good config");
        let at = |wanted| names.iter().position(|of| *of == wanted);
        let expected = at((service, method)).or_else(|| at((service, 0))).or_else(|| at((0, 0)));
        let found = timeout(&config, &format!("/s{service}/m{method}"));
        prop_assert_eq!(found, expected.map(|at| Duration::from_secs(at as u64 + 1)));
    }
}
