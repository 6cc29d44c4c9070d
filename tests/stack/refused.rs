//! What a file may not say, and by which path that is told.

use buttress::{
    stack::{Config, Window},
    window::Ratio,
};
use proptest::prelude::*;
use std::time::Duration;

/// The text, where it is wrong, and a word of what is.
const WRONG: &[(&str, &str, &str)] = &[
    ("[client.retry]\nattempts = 0", "client.retry.attempts", "at least 1"),
    ("[client.retry]\nattempts = -1", "client.retry.attempts", "-1"),
    ("[client.retry]\nattempts = \"three\"", "client.retry.attempts", "three"),
    ("[client.retry]\nattempts = 5000000000", "client.retry.attempts", "5000000000"),
    ("[client.retry]\natempts = 3", "client.retry.atempts", "unknown field"),
    ("[cleint]\ntotal = \"1s\"", "cleint", "unknown field"),
    ("[client]\nattempt = \"4s\"\ntotal = \"3s\"", "client.attempt", "more than the whole call"),
    ("[client]\nattempt = \"3s\"\ntotal = \"3s\"", "client.attempt", "no time is left"),
    ("[client]\ntotal = 3", "client.total", "with its unit"),
    ("[client]\ntotal = \"3\"", "client.total", "with its unit"),
    ("[client]\ntotal = \"-3s\"", "client.total", "with its unit"),
    ("[client]\ntotal = \"0ms\"", "client.total", "no time"),
    ("[client]\ntotal = true", "client.total", "with its unit"),
    ("[client]\nhosts = 0", "client.hosts", "at least 1"),
    ("[client]\nhosts = 2000000", "client.hosts", "at most"),
    ("[client]\nretry = { backoff = \"5s\" }", "client.retry.max_backoff", "less than the first wait"),
    ("[client]\nretry = 3", "client.retry", "expected a table"),
    ("client = []", "client", "expected a table"),
    ("client = [\"5s\", \"1s\"]", "client", "expected a table"),
    ("[[server]]\ntotal = \"5s\"", "server", "expected a table"),
    ("[client]\nretry = [4]", "client.retry", "expected a table"),
    ("{ \"server\": { \"bulkhead\": [64, 0] } }", "server.bulkhead", "expected a table"),
    ("[client.budget]\nshare = nan", "client.budget.share", "between 0 and 1"),
    ("[client.budget]\nshare = inf", "client.budget.share", "between 0 and 1"),
    ("[client.budget]\nshare = 1.5", "client.budget.share", "between 0 and 1"),
    ("[client.budget]\nshare = 0", "client.budget.share", "must be more"),
    ("[client.budget]\nshare = 0.0009", "client.budget.share", "at least 0.001"),
    ("[client.budget]\ntokens = 0", "client.budget.tokens", "at least 1"),
    ("[client.breaker]\nfailure_rate = -0.5", "client.breaker.failure_rate", "between 0 and 1"),
    ("[client.breaker]\nfailure_rate = 50", "client.breaker.failure_rate", "between 0 and 1"),
    ("[client.breaker]\nwindow = 0", "client.breaker.window", "at least 1"),
    ("[client.breaker]\nwindow = 5000", "client.breaker.window", "at most 4095"),
    ("[client.breaker]\nwindow = -5", "client.breaker.window", "number of calls"),
    ("[client.breaker]\nwindow = \"0s\"", "client.breaker.window", "no time"),
    ("[client.breaker]\nwindow = \"9ms\"", "client.breaker.window", "at least 10ms"),
    ("[client.breaker]\nwindow = 10\nmin_calls = 11", "client.breaker.min_calls", "more calls than"),
    ("[client.breaker]\nconsecutive = 0", "client.breaker.consecutive", "at least 1"),
    ("[client.breaker]\nopen = \"0s\"", "client.breaker.open", "no time"),
    ("[client.breaker]\nprobes = 2000", "client.breaker.probes", "at most 1024"),
    ("[client.bulkhead]\nlimit = 0", "client.bulkhead.limit", "at least 1"),
    ("[server]\ntrust_deadline = \"0s\"", "server.trust_deadline", "no time"),
    ("[server.bulkhead]\nlimit = 0", "server.bulkhead.limit", "at least 1"),
    ("[server.bulkhead]\nqueue = 1048577", "server.bulkhead.queue", "at most 1048576"),
    ("[server.bulkhead]\nmax_wait = \"0s\"", "server.bulkhead.max_wait", "no time"),
    ("[server.bulkhead]\nmax_wait = \"30s\"", "server.bulkhead.max_wait", "the whole call"),
    ("[client]\ntotal = \"5s", "", "cannot be read"),
    ("[client", "", "cannot be read"),
    ("{ \"client\": { \"total\": \"5s\" }", "", "cannot be read"),
    ("{ \"client\": {} } x", "", "after its end"),
    ("{ \"client\": { \"retry\": { \"attempts\": 0 } } }", "client.retry.attempts", "at least 1"),
    ("{ \"client\": { \"retry\": { \"atempts\": 3 } } }", "client.retry.atempts", "unknown field"),
    ("{ \"client\": { \"budget\": { \"share\": null } } }", "client.budget.share", "between 0 and 1"),
    ("{ \"server\": { \"total\": \"forever\" } }", "server.total", "with its unit"),
];

#[test]
fn each_wrong_field_is_named_by_its_path_and_by_what_is_wrong() {
    for (text, path, word) in WRONG {
        let error = Config::read(text).expect_err(text);
        assert_eq!(error.path(), *path, "{text}: {error}");
        assert!(error.to_string().contains(word), "{text}: {error}");
    }
}

const WHOLE: &str = r#"
[client]
total = "8s"
attempt = "2.5s"
hosts = 10
retry = { attempts = 4, backoff = "20ms", max_backoff = "1s", max_hint = "1m" }
budget = { tokens = 20, share = 0.2 }
bulkhead = { limit = 50 }

[client.breaker]
window = 100
min_calls = 10
failure_rate = 1
consecutive = 3
open = "10s"
probes = 2

[server]
total = "20s"
trust_deadline = "10s"
bulkhead = { limit = 64, queue = 0, max_wait = "100ms" }
"#;

#[test]
fn every_field_is_read() {
    let mut config = Config::default();
    (config.client.total, config.client.attempt) = (Duration::from_secs(8), Duration::from_millis(2500));
    config.client.hosts = 10;
    config.client.retry.attempts = 4;
    config.client.retry.backoff = Duration::from_millis(20);
    config.client.retry.max_backoff = Duration::from_secs(1);
    config.client.retry.max_hint = Duration::from_secs(60);
    config.client.budget.tokens = 20;
    config.client.budget.share = Ratio::percent(20);
    config.client.bulkhead.limit = 50;
    config.client.breaker.window = Window::Calls(100);
    config.client.breaker.min_calls = 10;
    config.client.breaker.failure_rate = Ratio::ONE;
    config.client.breaker.consecutive = 3;
    config.client.breaker.open = Duration::from_secs(10);
    config.client.breaker.probes = 2;
    config.server.total = Duration::from_secs(20);
    config.server.trust_deadline = Some(Duration::from_secs(10));
    config.server.bulkhead.limit = 64;
    config.server.bulkhead.queue = 0;
    config.server.bulkhead.max_wait = Duration::from_millis(100);
    assert_eq!(Config::read(WHOLE).expect("good"), config);
}

#[test]
fn what_is_left_out_is_as_by_default() {
    assert_eq!(Config::read("").expect("nothing is said"), Config::default());
    assert_eq!(Config::read(" {} ").expect("nothing is said"), Config::default());
    let null = Config::read(r#"{ "server": { "trust_deadline": null } }"#).expect("good");
    assert_eq!(null, Config::default());
    assert!(Config::default().check().is_ok());
}

/// As some editors put it there.
#[test]
fn a_mark_of_the_byte_order_before_the_text_says_nothing() {
    for text in ["\u{feff}[client]\nhosts = 7", "\u{feff}{ \"client\": { \"hosts\": 7 } }"] {
        assert_eq!(Config::read(text).expect(text).client.hosts, 7);
    }
}

#[test]
fn the_file_in_the_docs_is_the_default_but_for_whom_it_trusts() {
    let docs = include_str!("../../src/stack/mod.rs");
    let lines = docs.lines().skip_while(|line| *line != "//! ```toml").skip(1);
    let lines = lines.take_while(|line| *line != "//! ```");
    let text: String = lines.map(|line| format!("{}\n", line.trim_start_matches("//!"))).collect();
    let mut read = Config::read(&text).expect("what the docs say is good");
    assert_eq!(read.server.trust_deadline.take(), Some(Duration::from_secs(10)));
    assert_eq!(read, Config::default());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_was_cut_is_refused_or_says_nothing_that_was_not_in_it(at in 0..WHOLE.len()) {
        let (whole, default) = (Config::read(WHOLE).expect("good"), Config::default());
        if let Ok(part) = Config::read(&WHOLE[..at]) {
            prop_assert!(part.client.total == whole.client.total || part.client.total == default.client.total);
            prop_assert!(part.server.total == whole.server.total || part.server.total == default.server.total);
        }
    }

    #[test]
    fn a_file_of_json_that_was_cut_is_refused(share in 0.0_f64..1.0) {
        let json = r#"{ "client": { "total": "8s", "retry": { "attempts": 4 } }, "server": {} }"#;
        let at = 1 + ((json.len() - 1) as f64 * share) as usize;
        prop_assert!(Config::read(&json[..at]).is_err());
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = Config::read(&text);
    }
}
