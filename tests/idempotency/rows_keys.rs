//! Rows 1 to 19: what a key is, whose it is, and what it belongs to.

use super::rig::{Ledger, Store, answering, layer, orders, plain, post, request, send, serve, tenant};
use axum::{
    Router,
    http::{HeaderName, Method},
    response::IntoResponse as _,
    routing,
};
use buttress::{
    http::{IdempotencyLayer, Unscoped},
    idempotency::Effects,
    key::Syntax,
};

async fn statuses(app: &Router, keys: &[&str]) -> Vec<u16> {
    let mut all = Vec::new();
    for key in keys {
        all.push(post(app, key, "1").await.status);
    }
    all
}

#[tokio::test]
async fn row_01_a_key_is_raw_or_a_string_and_each_can_be_insisted_on() {
    let (app, _) = orders(plain());
    assert_eq!(statuses(&app, &["a1", "\"a2\"", "\"a\\x\"", "\"a"]).await, [201, 201, 400, 400]);
    let (app, _) = orders(plain().syntax(Syntax::Strict));
    assert_eq!(statuses(&app, &["a1", "\"a2\""]).await, [400, 201]);
    let (app, _) = orders(plain().syntax(Syntax::Raw));
    assert_eq!(statuses(&app, &["a1", "\"a2\"", "\"a"]).await, [201, 201, 201]);
}

#[tokio::test]
async fn row_02_parameters_of_a_string_mean_nothing() {
    let (app, ledger) = orders(plain());
    assert!(!post(&app, "\"a1\";v=1;w", "1").await.is_replay());
    assert!(post(&app, "\"a1\"", "1").await.is_replay());
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_03_quoted_and_raw_are_one_key() {
    let (app, ledger) = orders(plain());
    post(&app, "a1", "1").await;
    assert!(post(&app, "\"a1\"", "1").await.is_replay());
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_04_two_lines_are_refused_even_if_equal() {
    let (app, ledger) = orders(plain());
    let twice = [("idempotency-key", "a1"), ("idempotency-key", "a1")];
    let answer = send(&app, request(Method::POST, "/orders", &twice, "1")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("more than one"), "{}", answer.text());
    assert_eq!(post(&app, "a1, a2", "1").await.status, 400);
    assert_eq!(ledger.effects(), 0);
}

#[tokio::test]
async fn row_05_a_key_has_1_to_255_bytes_and_a_least_length_can_be_asked_for() {
    let (app, _) = orders(plain());
    let (longest, longer) = ("k".repeat(255), "k".repeat(256));
    assert_eq!(statuses(&app, &["k", &longest, &longer]).await, [201, 201, 400]);
    let (app, _) = orders(plain().syntax(Syntax::Lenient.min_len(16)));
    assert_eq!(statuses(&app, &["0123456789abcde", "0123456789abcdef"]).await, [400, 201]);
}

#[tokio::test]
async fn row_06_only_visible_ascii_is_a_raw_key_and_a_string_may_hold_spaces() {
    let (app, _) = orders(plain());
    assert_eq!(
        statuses(&app, &["a~!'", "a b", "\"a b\"", "a,b", "\"a,b\""]).await,
        [201, 400, 201, 400, 201]
    );
    let mut odd = request(Method::POST, "/orders", &[], "1");
    odd.headers_mut().insert("idempotency-key", "schl\u{fc}ssel".parse().expect("a header"));
    assert_eq!(send(&app, odd).await.status, 400);
}

#[tokio::test]
async fn row_07_case_counts_and_white_space_around_does_not() {
    let (app, ledger) = orders(plain());
    post(&app, "aB", "1").await;
    assert!(!post(&app, "ab", "1").await.is_replay());
    assert!(post(&app, "  aB\t", "1").await.is_replay());
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test]
async fn row_08_a_check_of_the_services_own_refuses_weak_keys() {
    let (app, ledger) = orders(plain().check(|key| key.as_str().contains('-')));
    assert_eq!(statuses(&app, &["weak", "8e03978e-40d5"]).await, [400, 201]);
    assert_eq!(ledger.effects(), 1);
    let (app, _) = orders(plain().check(|_| false).described_by("https://docs.example/keys"));
    let refused = post(&app, "weak", "1").await;
    assert_eq!(refused.header("link"), Some("<https://docs.example/keys>; rel=\"describedby\""));
}

#[tokio::test]
async fn row_09_keys_mean_something_on_post_and_patch_and_elsewhere_nothing() {
    let (app, ledger) = orders(plain());
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
        for key in ["a1", "", "not, a key"] {
            let answer =
                send(&app, request(method.clone(), "/orders", &[("idempotency-key", key)], "")).await;
            assert_eq!((answer.status, answer.is_replay()), (201, false), "{method} {key:?}");
        }
    }
    assert_eq!(ledger.effects(), 15);
    for method in [Method::POST, Method::PATCH] {
        let path = format!("/{method}");
        let key = format!("k{method}");
        for replayed in [false, true] {
            let answer = send(&app, request(method.clone(), &path, &[("idempotency-key", &key)], "")).await;
            assert_eq!(answer.is_replay(), replayed, "{method}");
        }
    }
    let (app, _) = orders(plain().methods([Method::PUT]));
    for replayed in [false, true] {
        let put = request(Method::PUT, "/orders", &[("idempotency-key", "a1")], "");
        assert_eq!(send(&app, put).await.is_replay(), replayed);
    }
}

#[tokio::test]
async fn row_10_where_a_key_is_required_its_absence_is_400_with_a_link() {
    let layer = plain()
        .required()
        .problem_base("https://docs.example/errors/")
        .described_by("https://docs.example/keys");
    let (app, ledger) = orders(layer);
    let answer = send(&app, request(Method::POST, "/orders", &[], "1")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("link"), Some("<https://docs.example/keys>; rel=\"describedby\""));
    assert!(
        answer.text().contains(r#""type":"https://docs.example/errors/idempotency-key-missing""#),
        "{}",
        answer.text()
    );
    assert_eq!(ledger.effects(), 0);
}

#[tokio::test]
async fn row_10_each_route_says_for_itself_over_the_same_records() {
    let optional = plain();
    let ledger = Ledger::default();
    let handler = {
        let ledger = ledger.clone();
        move || async move { ledger.effect().to_string() }
    };
    let app: Router = Router::new()
        .route("/pay", routing::post(handler.clone()).layer(optional.clone().required()))
        .route("/note", routing::post(handler).layer(optional));
    let send = async |path: &str, headers: &[(&str, &str)]| {
        super::rig::send(&app, request(Method::POST, path, headers, "1")).await.status
    };
    assert_eq!(send("/pay", &[]).await, 400);
    assert_eq!(send("/note", &[]).await, 200);
    assert_eq!(send("/pay", &[("idempotency-key", "a1")]).await, 200);
    assert_eq!(send("/note", &[("idempotency-key", "a1")]).await, 422, "one record, two routes");
}

#[tokio::test]
async fn row_11_where_none_is_required_a_request_without_one_runs_and_is_counted() {
    let heard = super::rig::Heard::default();
    let (app, ledger) = orders(plain().observe(heard.ears()));
    for _ in 0..2 {
        assert_eq!(send(&app, request(Method::POST, "/orders", &[], "1")).await.status, 201);
    }
    assert_eq!(ledger.effects(), 2);
    assert_eq!(heard.take(), ["bypassed", "bypassed"]);
}

#[tokio::test]
async fn row_12_what_is_no_key_is_400_before_the_handler() {
    let (app, ledger) = orders(plain());
    let answer = post(&app, "\"open", "1").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("not a valid idempotency key"), "{}", answer.text());
    assert_eq!(ledger.effects(), 0);
}

#[tokio::test]
async fn row_13_an_empty_key_is_no_key_and_not_the_absence_of_one() {
    let (app, ledger) = orders(plain());
    assert_eq!(statuses(&app, &["", "   ", "\"\""]).await, [400, 400, 400]);
    assert_eq!(ledger.effects(), 0);
}

#[tokio::test]
async fn row_14_method_path_query_content_type_and_body_are_compared_and_no_other_header() {
    let (app, ledger) = orders(plain().fingerprint_headers([HeaderName::from_static("api-version")]));
    let send = async |method: Method, path: &str, headers: &[(&str, &str)], body: &'static str| {
        let headers = [&[("idempotency-key", "a1")], headers].concat();
        super::rig::send(&app, request(method, path, &headers, body)).await.status
    };
    let usual = [("content-type", "text/plain"), ("api-version", "1")];
    assert_eq!(send(Method::POST, "/orders?n=1", &usual, "1").await, 201);
    let telemetry =
        [&usual[..], &[("user-agent", "x/2"), ("x-retry-count", "1"), ("accept", "*/*")]].concat();
    assert_eq!(send(Method::POST, "/orders?n=1", &telemetry, "1").await, 201);
    for (method, path, headers, body) in [
        (Method::PATCH, "/orders?n=1", usual, "1"),
        (Method::POST, "/order?n=1", usual, "1"),
        (Method::POST, "/orders?n=2", usual, "1"),
        (Method::POST, "/orders", usual, "1"),
        (Method::POST, "/orders?n=1", [("content-type", "text/html"), usual[1]], "1"),
        (Method::POST, "/orders?n=1", [usual[0], ("api-version", "2")], "1"),
        (Method::POST, "/orders?n=1", usual, "2"),
        (Method::POST, "/orders?n=1", usual, ""),
    ] {
        assert_eq!(
            send(method.clone(), path, &headers, body).await,
            422,
            "{method} {path} {headers:?} {body}"
        );
    }
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_14_a_value_of_one_chosen_header_never_passes_for_another_header() {
    let names = ["api-version", "x-mode"].map(HeaderName::from_static);
    let (app, ledger) = orders(plain().fingerprint_headers(names));
    let send = async |chosen: [(&str, &str); 2]| {
        let headers = [&[("idempotency-key", "a1")], &chosen[..]].concat();
        super::rig::send(&app, request(Method::POST, "/orders", &headers, "1")).await.status
    };
    assert_eq!(send([("api-version", ""), ("api-version", "x-mode")]).await, 201);
    assert_eq!(send([("x-mode", ""), ("x-mode", "x-mode")]).await, 422);
    assert_eq!(send([("x-mode", "x-mode"), ("x-mode", "")]).await, 422);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_15_a_key_belongs_to_its_caller() {
    let (app, ledger) = orders(plain());
    let by = async |tenant: &str, body: &'static str| {
        send(&app, request(Method::POST, "/orders", &[("x-tenant", tenant), ("idempotency-key", "a1")], body))
            .await
    };
    assert_eq!(by("one", "1").await.text(), "order 1");
    assert_eq!(by("two", "other").await.text(), "order 2");
    assert_eq!(by("one", "1").await.text(), "order 1");
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test]
async fn row_15_a_key_of_nobody_is_refused_and_not_run_unprotected() {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let nobody = |_: &axum::http::request::Parts| None::<[u8; 0]>;
    let app = serve(IdempotencyLayer::new(Store::default(), nobody, Effects::Plain), move |_| {
        counted.effect();
        async { "x".into_response() }
    });
    let answer = post(&app, "a1", "1").await;
    assert_eq!((answer.status, ledger.effects()), (400, 0));

    let (app, _) = orders(IdempotencyLayer::new(Store::default(), Unscoped, Effects::Plain));
    let by = async |tenant: &str| {
        send(&app, request(Method::POST, "/orders", &[("x-tenant", tenant), ("idempotency-key", "a1")], "1"))
            .await
    };
    by("one").await;
    assert!(by("two").await.is_replay(), "callers are one, as was said");
}

#[tokio::test]
async fn row_15_services_that_share_a_store_do_not_share_keys() {
    let store = Store::default();
    let service =
        |name: &str| orders(IdempotencyLayer::new(store.clone(), tenant, Effects::Plain).namespace(name));
    let ((one, _), (two, _)) = (service("one"), service("two"));
    assert!(!post(&one, "a1", "1").await.is_replay());
    assert!(!post(&two, "a1", "1").await.is_replay());
    assert!(post(&one, "a1", "1").await.is_replay());
}

#[tokio::test]
async fn row_16_on_another_endpoint_a_key_is_a_mistake_or_another_operation() {
    let send = async |app: &Router, path: &str| {
        super::rig::send(app, request(Method::POST, path, &[("idempotency-key", "a1")], "1")).await
    };
    let (app, _) = orders(plain());
    assert_eq!(send(&app, "/orders").await.status, 201);
    assert_eq!(send(&app, "/refunds").await.status, 422);

    let (app, ledger) = orders(plain().per_operation());
    assert_eq!(send(&app, "/orders").await.text(), "order 1");
    assert_eq!(send(&app, "/refunds").await.text(), "order 2");
    assert_eq!(send(&app, "/orders").await.text(), "order 1");
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test]
async fn row_16_in_nested_routers_the_layer_outside_or_a_namespace_tells_endpoints_apart() {
    let version = |name: &'static str| Router::new().route("/orders", routing::post(async move || name));
    let outside = Router::new().nest("/v1", version("one")).nest("/v2", version("two")).layer(plain());
    let records = plain();
    let each = |name| version(name).layer(records.clone().namespace(name));
    let inside = Router::new().nest("/v1", each("one")).nest("/v2", each("two"));
    for (app, other) in [(outside, 422), (inside, 200)] {
        let ask =
            async |path| send(&app, request(Method::POST, path, &[("idempotency-key", "a1")], "")).await;
        assert_eq!(ask("/v1/orders").await.text(), "one");
        assert_eq!(ask("/v2/orders").await.status, other);
        assert!(ask("/v1/orders").await.is_replay());
    }
}

#[tokio::test]
async fn row_17_bodies_are_compared_by_their_bytes_or_as_the_service_says() {
    let (app, _) = orders(plain());
    post(&app, "a1", "{\"a\":1}").await;
    assert_eq!(post(&app, "a1", "{ \"a\": 1 }").await.status, 422);

    let without_space = |_: &axum::http::request::Parts, body: &bytes::Bytes| {
        body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
    };
    let (app, _) = orders(plain().canonical(without_space));
    post(&app, "a1", "{\"a\":1}").await;
    assert!(post(&app, "a1", "{ \"a\": 1 }").await.is_replay());
    assert_eq!(post(&app, "a1", "{ \"a\": 2 }").await.status, 422);
}

#[test]
fn row_18_the_fingerprint_is_blake3_over_fields_with_their_lengths_and_knows_its_rule() {
    use buttress::idempotency::Fingerprint;
    let one = Fingerprint::of(["ab", "c"]);
    assert_eq!(one.rule(), 1);
    assert_ne!(one.digest(), Fingerprint::of(["a", "bc"]).digest());
    assert_ne!(one.digest(), Fingerprint::of(["ab", "c", ""]).digest());
    // Fixed, so that no change of the rule goes unnoticed: the records of before would all be mismatches.
    let hex: String = one.digest()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "c72672dedfdce0f2");
}

#[tokio::test]
async fn row_18_a_record_by_another_rule_is_not_compared_and_an_event_says_so() {
    use buttress::{
        idempotency::{Attempt, Claim, Fingerprint, KeyStore as _, OnLeaseOver, RecordId, Scope, Terms},
        key::Key,
    };
    let heard = super::rig::Heard::default();
    let layer = plain().observe(heard.ears());
    let store = layer.keeper().store().clone();
    let id = RecordId::new(Scope::new("buttress", "t"), &Key::new("a1").expect("a key"));
    let terms = Terms::new(super::rig::secs(30), super::rig::secs(60), OnLeaseOver::Park);
    let old = Attempt::new(Fingerprint::from_parts(9, [7; 32]), terms);
    assert!(matches!(store.claim(id, old).await, Ok(Claim::Mine { .. })));
    let (app, ledger) = orders(layer);
    assert_eq!(post(&app, "a1", "1").await.status, 409, "in flight, whatever the fingerprint");
    assert_eq!(heard.take(), ["not_compared", "in_flight"]);
    assert_eq!(ledger.effects(), 0);
}

#[test]
fn row_19_fingerprints_are_compared_by_the_constant_time_comparison_of_blake3() {
    // What can be seen from outside: there is no `==` on a fingerprint that a hasty store could use; `against` is the only way.
    use buttress::idempotency::{Fingerprint, Match};
    let (one, other) = (Fingerprint::of(["1"]), Fingerprint::of(["2"]));
    assert_eq!(one.against(&one), Match::Same);
    assert_eq!(one.against(&other), Match::Different);
    let mut last = *one.digest();
    last[31] ^= 1;
    assert_eq!(one.against(&Fingerprint::from_parts(1, last)), Match::Different);
}

#[tokio::test]
async fn keys_of_three_effects_are_read_alike() {
    for effects in [Effects::Plain, Effects::Keyed, Effects::SameTx] {
        let (app, ledger) = answering(layer(effects), || "x".into_response());
        post(&app, "a1", "1").await;
        assert!(post(&app, "\"a1\"", "1").await.is_replay());
        assert_eq!(ledger.effects(), 1);
    }
}
