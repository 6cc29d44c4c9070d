//! The retry in its HTTP form: requests that may be served twice, and requests that may not.

use crate::{
    adapters::of_http,
    affairs::{ALLOCATING, CUTTING, REFUSING, STATE, TIME, TURN, VERDICT, assert_all_but},
};
use buttress::{
    backoff::Backoff,
    http::retry,
    retry::Policy,
    testing::{Judgeable, Law, Subject, deadline_in},
};
use bytes::Bytes;
use http::Method;
use http_body_util::Full;
use std::time::Duration;
use tower::layer::util::Stack;

/// As of any other retry, and more: an HTTP request is kept with a copy of its head, which is allocated where it has headers
/// or, as here, extensions.
const NOT_ITS_AFFAIR: [&[Law]; 7] = [REFUSING, VERDICT, TURN, CUTTING, STATE, TIME, ALLOCATING];

fn form(method: &Method, attempts: u32, wait: Duration) -> impl Judgeable {
    let (method, policy) =
        (method.clone(), Policy::new().attempts(attempts).backoff(Backoff::constant(wait)));
    of_http!(method.clone(), Full::<Bytes>::from("a body"), retry(policy))
}

fn judge<L: Judgeable>(make: impl Fn() -> L + 'static) {
    let report = Subject::new(make).named("http::retry").calls_again().judge();
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

const WAIT: Duration = Duration::from_millis(50);

#[test]
fn a_retry_of_http_keeps_the_laws() {
    judge(|| form(&Method::PUT, 3, WAIT));
    judge(|| form(&Method::PUT, 5, Duration::ZERO));
}

#[test]
fn a_retry_of_what_may_not_be_served_twice_keeps_the_laws() {
    judge(|| form(&Method::POST, 3, WAIT));
}

#[test]
fn a_retry_of_http_under_a_deadline_keeps_the_laws() {
    for left in [Duration::ZERO, Duration::from_millis(75), Duration::from_secs(60)] {
        judge(move || Stack::new(form(&Method::GET, 3, WAIT), deadline_in(left)));
    }
}
