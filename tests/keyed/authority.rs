//! The key of an HTTP request.

use super::policy;
use buttress::{
    Lifted,
    breaker::{KeyedBreakerLayer, State},
    http::per_authority,
    keyed::KeyOf,
    over,
};
use http::{Request, Response, header::HOST};
use http_body_util::Empty;
use proptest::prelude::*;
use std::{convert::Infallible, future::ready};
use tower::{ServiceExt, service_fn};

fn key(request: &Request<()>) -> Option<String> {
    per_authority().with_key(request, |key| key.map(str::to_owned))
}

fn of_uri(uri: &str) -> Option<String> {
    key(&Request::get(uri).body(()).expect("a request"))
}

fn of_host(hosts: &[&str]) -> Option<String> {
    let mut request = Request::get("/a").body(()).expect("a request");
    for host in hosts {
        request.headers_mut().append(HOST, host.parse().expect("a header"));
    }
    key(&request)
}

#[test]
fn one_host_is_one_key_however_it_is_written() {
    for (uri, expected) in [
        ("https://example.com/a", "example.com"),
        ("https://EXAMPLE.com:443/a", "example.com"),
        ("https://user:secret@Example.Com/a", "example.com"),
        ("http://example.com:80", "example.com"),
        ("http://example.com:443", "example.com:443"),
        ("https://example.com:80", "example.com:80"),
        ("http://example.com:8080", "example.com:8080"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:80/", "[::1]"),
        ("http://[FE80::80]:81/", "[fe80::80]:81"),
        ("grpc://example.com:443/a", "example.com:443"),
    ] {
        assert_eq!(of_uri(uri).as_deref(), Some(expected), "{uri}");
    }
}

#[test]
fn where_the_uri_says_none_the_host_header_does() {
    for (host, expected) in
        [("example.com", "example.com"), ("Example.COM:81", "example.com:81"), ("[::1]:81", "[::1]:81")]
    {
        assert_eq!(of_host(&[host]).as_deref(), Some(expected));
    }
    let mut both = Request::get("http://of.uri/").body(()).expect("a request");
    both.headers_mut().insert(HOST, "of.header".parse().expect("a header"));
    assert_eq!(key(&both).as_deref(), Some("of.uri"));
}

#[test]
fn what_is_no_host_is_no_key() {
    assert_eq!(of_uri("/a"), None);
    let long = "a".repeat(260);
    for hosts in [
        &["one.test", "two.test"][..],
        &[""],
        &[":"],
        &["user@one.test"],
        &["one.test/path"],
        &["one test"],
        &["one.test\u{e4}"],
        &[&long],
    ] {
        assert_eq!(of_host(hosts), None, "{hosts:?}");
    }
    assert_eq!(of_host(&[&long[1..]]).as_deref(), Some(&long[1..]));
    assert_eq!(of_host(&[&long[1..].to_uppercase()]).as_deref(), Some(&long[1..]));
    for fits in [&long[1..], &long[1..].to_uppercase(), &format!("{}:80", &long[3..])] {
        assert_eq!(
            of_uri(&format!("http://user@{fits}/")).as_deref(),
            Some(fits.to_lowercase().trim_end_matches(":80"))
        );
    }
    assert_eq!(of_uri(&format!("http://{long}/")), None);
    assert_eq!(of_uri(&format!("http://{}/", long.to_uppercase())), None);
}

#[tokio::test]
async fn a_client_has_a_circuit_for_each_host_and_reads_answers_by_their_status() {
    let layer = KeyedBreakerLayer::per_authority(2, &policy());
    let circuits = layer.circuits().clone();
    let client = over(
        layer,
        service_fn(|request: Request<()>| {
            let status = if request.uri().path() == "/bad" { 503 } else { 200 };
            let answer = Response::builder().status(status).body(Empty::<bytes::Bytes>::new());
            ready(Ok::<_, Infallible>(answer.expect("an answer")))
        }),
    );
    let get = async |uri: &str| {
        let request = Request::get(uri).body(()).expect("a request");
        client.clone().oneshot(request).await.map(|answer| answer.status().as_u16())
    };
    assert_eq!(get("http://A.test/bad").await, Ok(503));
    assert_eq!(get("http://a.test:80/bad").await, Ok(503));
    let Err(Lifted::Rejected(why)) = get("http://a.test/good").await else { panic!("it is open") };
    assert_eq!(why.name(), "a.test");
    assert_eq!(get("http://b.test/good").await, Ok(200));
    assert_eq!(get("/bad").await, Ok(503));
    assert_eq!(circuits.len(), 2);
    assert_eq!(circuits.known("a.test").map(|circuit| circuit.state()), Some(State::Open));

    // A second client over the same circuits.
    let layer = KeyedBreakerLayer::over_authorities(&circuits);
    let other = over(
        layer,
        service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new())))),
    );
    let refused = other.oneshot(Request::get("http://a.test/").body(()).expect("a request")).await;
    assert!(matches!(refused, Err(Lifted::Rejected(_))));
}

/// The rules of the table, one after the other.
fn naive(uri: &http::Uri) -> Option<String> {
    let host = uri.authority()?.as_str().split('@').next_back()?.to_ascii_lowercase();
    let default = match uri.scheme_str()? {
        "http" => ":80",
        "https" => ":443",
        _ => ":",
    };
    let host = host.strip_suffix(default).or_else(|| host.strip_suffix(':')).unwrap_or(&host);
    (1..=259).contains(&host.len()).then(|| host.to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_is_what_the_rules_say_one_by_one(
        scheme in prop_oneof![Just("http"), Just("https"), Just("grpc")],
        user in prop_oneof![3 => Just(String::new()), 1 => "[aB:]{0,3}@"],
        host in prop_oneof!["[a-cA-C0-9.-]{0,40}", "[aB]{250,262}"],
        port in prop_oneof![Just(""), Just(":"), Just(":80"), Just(":443"), Just(":8443")],
    ) {
        if let Ok(uri) = format!("{scheme}://{user}{host}{port}/a").parse::<http::Uri>() {
            prop_assert_eq!(of_uri(&uri.to_string()), naive(&uri), "{}", uri);
        }
    }
}
