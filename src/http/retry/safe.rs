//! Which requests may be sent again after they may have been served, and which answers ask for it.

use crate::{
    http::{carries_key::carries_key, retry_after},
    outcome::Outcome,
};
use ::http::{Extensions, HeaderMap, Method, StatusCode};

/// Whether a request that may have been served may be sent again: its method is idempotent, or it carries a key.
pub(super) fn may_be_served_twice(method: &Method, headers: &HeaderMap, extensions: &Extensions) -> bool {
    method.is_idempotent() || carries_key(headers, extensions)
}

/// What an answer means for whether to ask again. Two more than for a breaker are no good answers: 408, where the server did
/// not wait for the request, and 425, where it came too early.
pub(super) fn outcome(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let outcome = match status.as_u16() {
        408 | 425 | 500 | 502 | 503 | 504 => Outcome::FAILED,
        429 => Outcome::THROTTLED,
        _ => return Outcome::OK,
    };
    match retry_after::of_answer(status, headers) {
        Some(wait) => outcome.hint(wait),
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::carries_key::IDEMPOTENCY_KEY, outcome::Class};

    fn may_be_served_twice(method: &Method, headers: &HeaderMap) -> bool {
        super::may_be_served_twice(method, headers, &Extensions::new())
    }

    #[test]
    fn idempotent_methods_may_be_served_twice_and_no_others() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert!(may_be_served_twice(&method.parse().expect("a method"), &HeaderMap::new()), "{method}");
        }
        for method in ["POST", "PATCH", "CONNECT", "PURGE", "get"] {
            assert!(!may_be_served_twice(&method.parse().expect("a method"), &HeaderMap::new()), "{method}");
        }
    }

    #[test]
    fn with_a_key_any_method_may_be_and_an_empty_key_is_none() {
        for (value, is) in
            [("x", true), ("\"8e03978e\"", true), (" x ", true), ("", false), (" ", false), ("\"\"", false)]
        {
            let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, value.parse().expect("a value"))]);
            assert_eq!(may_be_served_twice(&Method::POST, &headers), is, "{value:?}");
        }
    }

    #[test]
    fn seven_answers_ask_for_another_attempt_and_no_others() {
        for status in (100..1000).filter_map(|status| StatusCode::from_u16(status).ok()) {
            let class = match status.as_u16() {
                408 | 425 | 500 | 502 | 503 | 504 => Class::Failed,
                429 => Class::Throttled,
                _ => Class::Ok,
            };
            assert_eq!(outcome(status, &HeaderMap::new()).class(), class, "{status}");
        }
    }
}
