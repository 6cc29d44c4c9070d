//! Small sources that break one rule each, and some that look as if they did. A rule that lets its own pass checks nothing.

use crate::{floors, judged, shape, source::Source, source::compiled, waits};

#[track_caller]
fn imports(path: &str, text: &str) -> Vec<String> {
    floors::check(&compiled(vec![Source::new(path, text)]))
}

#[track_caller]
fn refused(path: &str, text: &str, message: &str) {
    let found = imports(path, text);
    assert!(found.iter().any(|found| found.contains(message)), "{path}: {text}\nsays {found:?}");
    let line = 1 + text.lines().position(|line| line.contains("// here")).unwrap_or(0);
    assert!(
        found.iter().any(|found| found.starts_with(&format!("{path}:{line}: "))),
        "line {line}: {found:?}"
    );
}

#[track_caller]
fn allowed(path: &str, text: &str) {
    assert_eq!(imports(path, text), [""; 0], "{path}: {text}");
}

const NEIGHBOUR: &str = "names `retry`, its neighbour on floor 2";
const UPWARD: &str = "imports go only downward";

#[test]
fn a_neighbour_is_found_however_it_is_named() {
    for text in [
        "use crate::retry::Policy;",
        "use crate::retry as again;",
        "use super::super::retry::Policy;",
        "use self::super::super::retry;",
        "use crate::{clock, retry::{self, Policy as P}};",
        "pub(crate) use crate::{outcome::Outcome, retry::*};",
        "fn f(policy: &crate::retry::Policy) {}",
        "fn f() -> Vec<Option<super::super::retry::Policy>> { todo() }",
        "fn f() { crate::retry::run(); }",
        "fn f() { use crate::retry::run; run() }",
        "impl crate::retry::Policy for () {}",
        "fn f<T: crate::retry::Policy>() where T: Sized {}",
        "mod inner { use super::super::super::retry; }",
        "pub(in crate::retry) fn f() {}",
        "macro_rules! m { () => { $crate::retry::run() }; }",
        "fn f() { assert!(matches!(x, crate::retry::Policy::Once)); }",
        "pin_project! { struct F { policy: crate::retry::Policy, } }",
        "pin_project! { struct F { #[pin] a: Vec<super::super::retry::Policy>, } }",
        "thing! { use crate::{clock, retry::{Policy, run}}; }",
        "#[derive(crate::retry::Derived)] struct S;",
        "use crate as house; fn f() { house::retry::run(); }",
        "use crate::{self as house}; use house::retry::run;",
        "use crate as house; use house as home; use home::retry::run;",
        "use super::super as up; fn f(_: up::retry::Policy) {}",
        "extern crate self as house; use house::retry::run;",
        "#[cfg(any(test, feature = \"http\"))] use crate::retry::Policy;",
        "#[cfg(not(test))] use crate::retry::Policy;",
    ] {
        refused("src/breaker/layer.rs", text, NEIGHBOUR);
    }
}

#[test]
fn the_line_of_a_path_is_the_one_it_stands_on() {
    refused("src/breaker/layer.rs", "use crate::{\n    clock,\n    retry, // here\n};", NEIGHBOUR);
    refused("src/breaker/layer.rs", "\n\nm! {\n  a,\n  crate::retry::X // here\n}", NEIGHBOUR);
}

#[test]
fn nothing_leans_on_what_stands_above_it() {
    refused("src/clock/mod.rs", "use crate::breaker::Permit;", UPWARD);
    refused("src/timeout/layer.rs", "use crate::http::Guard;", UPWARD);
    refused("src/http/guard.rs", "use crate::grpc::Code;", UPWARD);
    refused("src/store/memory.rs", "use crate::testing::Probe;", UPWARD);
    refused("src/breaker/layer.rs", "use crate::testing::Probe;", UPWARD);
}

#[test]
fn neighbours_stay_apart_on_every_higher_floor() {
    refused("src/grpc/code.rs", "use crate::hyper::never_sent;", "its neighbour on floor 4");
    refused("src/stack/client.rs", "use crate::reqwest::Service;", "its neighbour on floor 5");
    refused("src/testing/laws.rs", "use crate::stack::Stack;", "its neighbour on floor 5");
}

#[test]
fn the_ground_floor_leans_upward_in_its_list_only() {
    refused("src/cause/mod.rs", "use crate::deadline::Deadline;", "stands below it in ROOMS");
    refused("src/clock/mod.rs", "use super::cause::Cause;", "stands below it in ROOMS");
    allowed("src/deadline/mod.rs", "use crate::{cause::Cause, clock};");
}

#[test]
fn what_lies_below_may_be_named_and_so_may_the_own_room() {
    allowed(
        "src/breaker/layer.rs",
        "use super::{Permit, super::breaker::circuit}; use crate::{breaker, clock, outcome::*};",
    );
    allowed("src/breaker/mod.rs", "mod retry; use self::retry::Again; pub use retry::Again as Anew;");
    allowed(
        "src/breaker/trip/rate.rs",
        "use super::super::circuit::State; use super::super::super::window::Ratio;",
    );
    allowed("src/grpc/code.rs", "use crate::http::Guard; use ::http::HeaderMap; use tonic::Status;");
    allowed("src/lib.rs", "pub mod retry; pub use retry::Policy; pub use crate::http::guard;");
}

#[test]
fn a_room_without_a_floor_says_how_to_get_one() {
    refused("src/pantry/mod.rs", "", "give it one in ROOMS");
    refused("src/pantry.rs", "", "give it one in ROOMS");
    refused("src/breaker/layer.rs", "use crate::pantry::Jam;", "`crate::pantry` is no room");
    // The root re-exports for users; inside, the room is said.
    refused("src/breaker/layer.rs", "use crate::Deadline;", "`crate::Deadline` is no room");
    refused("src/breaker/layer.rs", "use crate::*;", "names every room");
    refused("src/breaker/mod.rs", "use super::*;", "names every room");
}

#[test]
fn only_the_upper_floors_know_http() {
    for text in [
        "use ::http::Request;",
        "use http::Request;",
        "use http;",
        "use http as web;",
        "extern crate http;",
        "fn f(_: &::http::HeaderMap) {}",
        "fn f() { http::Request::new(()); }",
        "fn f() { m!(a, ::http::Request::new(())); }",
        "pin_project! { struct F { request: http::Request<()>, } }",
        "use {std::fmt, http::{Request, Response}};",
    ] {
        refused("src/retry/policy.rs", text, "names the crate `http`");
    }
    for name in ["http_body", "bytes", "hyper", "reqwest", "tonic", "http_body_util", "hyper_util"] {
        refused("src/retry/policy.rs", &format!("use {name}::Thing;"), &format!("names the crate `{name}`"));
    }
    allowed("src/http/guard.rs", "use ::http::Request; use bytes::Bytes; use http_body::Body;");
    refused("src/http/guard.rs", "use tonic::Status;", "names the crate `tonic`, which floor 4");
    refused("src/http/guard.rs", "#[tonic::async_trait] impl S for () {}", "names the crate `tonic`");
}

#[test]
fn words_that_only_look_like_a_crate_are_none() {
    allowed(
        "src/retry/policy.rs",
        "fn f(bytes: &[u8]) -> usize { let http = bytes.len(); self::bytes::len(http) }",
    );
    allowed("src/retry/policy.rs", "mod bytes; use bytes::Count; use self::bytes::Other;");
    allowed(
        "src/retry/policy.rs",
        "//! See [`crate::http`] and `::http::Request`.\n/// [http](crate::http)\nfn f() {}",
    );
    allowed("src/retry/policy.rs", "const A: &str = \"crate::http::X\"; fn f() { m!(\"::http::X\"); }");
    allowed("src/retry/policy.rs", "pin_project! { struct F { bytes: usize, http: ::std::vec::Vec<u8>, } }");
}

#[test]
fn what_only_tests_compile_may_lean_on_anything() {
    allowed(
        "src/clock/mod.rs",
        "#[cfg(test)] use crate::http::X; #[cfg(test)] mod tests { use crate::testing::Probe; }",
    );
    allowed("src/clock/mod.rs", "#[cfg(all(test, feature = \"http\"))] fn f() { http::f(); }");
    allowed("src/clock/mod.rs", "struct S; impl S { #[cfg(test)] fn f() { crate::http::f() } }");
    allowed("src/clock/mod.rs", "#![cfg(test)]\nuse crate::http::X;");
    let outside = vec![
        Source::new("src/clock/mod.rs", "#[cfg(test)] mod tests;"),
        Source::new("src/clock/tests.rs", "mod more; use crate::http::X;"),
        Source::new("src/clock/tests/more.rs", "use crate::http::X;"),
    ];
    assert_eq!(floors::check(&compiled(outside)), [""; 0]);
}

#[test]
fn a_file_that_is_not_where_its_module_says_is_refused() {
    refused("src/clock/mod.rs", "#[path = \"../http/x.rs\"] mod x;", "`#[path]`");
}

#[test]
fn code_in_the_mod_rs_of_a_pattern_is_refused() {
    let found = |path: &str, text: &str| shape::mod_files(&[Source::new(path, text)]);
    for text in [
        "mod layer;\npub struct Breaker;",
        "mod layer;\nfn help() {}",
        "mod layer;\nuse crate::clock;",
        "mod layer;\nmod inline { fn f() {} }",
        "mod layer;\npub type Short = u8;",
        "mod layer;\nm! {}",
        "mod layer;\nimpl Drop for X {}",
    ] {
        for path in ["src/breaker/mod.rs", "src/http/mod.rs", "src/limit/rate/mod.rs"] {
            let found = found(path, text);
            assert!(
                found.len() == 1 && found[0].starts_with(&format!("{path}:2: code in")),
                "{text}: {found:?}"
            );
        }
    }
    let fine = "//! Docs.\n\nmod layer;\n#[cfg(feature = \"x\")]\nmod x;\npub mod y;\npub use layer::Layer;\n\
                pub(crate) use x::X;\n#[cfg(test)]\nmod tests { fn f() {} }\n/// A page.\npub mod page {}";
    assert_eq!(found("src/breaker/mod.rs", fine), [""; 0]);
    // A room of the ground floor is often one file.
    assert_eq!(found("src/clock/mod.rs", "pub fn now() {}"), [""; 0]);
    assert_eq!(found("src/breaker/layer.rs", "pub fn now() {}"), [""; 0]);
}

#[test]
fn lines_of_code_are_counted_without_what_is_none() {
    let count = |text: &str| shape::code(&Source::new("src/testing/x.rs", text)).len();
    assert_eq!(
        count("//! Docs.\n\n// why\n/* more\n than that */\nfn f() {\n\n    // why\n    g();\n}\n"),
        3
    );
    assert_eq!(count("/// Docs.\n/// More.\n#[inline]\nfn f() {}\n"), 2);
    assert_eq!(count("#![forbid(unsafe_code)]\n//! Docs.\n#[doc = \"x\"]\nfn f() {}\n"), 2);
    assert_eq!(count("const A: &str = \"one\ntwo\nthree\";\n"), 3);
    assert_eq!(count("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\nfn h() {}\n"), 2);
    assert_eq!(count("fn f() { g() } // why\n"), 1);
    assert_eq!(count("#[\n    inline\n]\nfn f(\n    a: u8,\n) {}\n"), 6);
}

#[test]
fn a_file_of_more_than_350_lines_is_refused() {
    let file = |lines: usize| Source::new("src/testing/x.rs", &"fn f() {}\n// why\n\n".repeat(lines));
    assert_eq!(shape::lengths(&[file(shape::LONGEST)]), [""; 0]);
    let found = shape::lengths(&[file(shape::LONGEST + 1)]);
    assert!(
        found.len() == 1 && found[0].starts_with("src/testing/x.rs:1051: 351 lines of code, at most 350"),
        "{found:?}"
    );
}

#[test]
fn a_layer_that_nobody_judges_is_found() {
    let house = "struct OneLayer;\nimpl<S> tower_layer::Layer<S> for OneLayer { type Service = S; }\nimpl Debug for Two {}";
    let found = |contract| {
        judged::layers(
            &[Source::new("src/one/layer.rs", house)],
            &[Source::new("tests/contract/one.rs", contract)],
        )
    };
    for judged in [
        "fn f() { Subject::new(|| OneLayer::new()); }",
        "fn f() -> OneLayer { m!(one()) }",
        "m!(OneLayer::new());",
    ] {
        assert_eq!(found(judged), [""; 0], "{judged}");
    }
    let unjudged = found("//! OneLayer\nfn f() { Subject::new(|| TwoLayer::new(\"OneLayer\")); }");
    assert_eq!(unjudged.len(), 1, "{unjudged:?}");
    assert!(
        unjudged[0].starts_with("src/one/layer.rs:2: the layer `OneLayer` is judged by no test"),
        "{unjudged:?}"
    );
}

#[test]
fn a_clock_that_is_read_elsewhere_is_found() {
    let found = |path: &str, text: &str| waits::clocks(&[Source::new(path, text)]);
    for text in [
        "fn f() { Instant::now(); }",
        "fn f() { std::time::SystemTime::now(); }",
        "fn f() { clock::Instant::now(); }",
        "use tokio::time::Instant as Tick; fn f() { Tick::now(); }",
        "fn f() { start.get_or_insert_with(Instant::now); }",
        "fn f() { <tokio::time::Instant>::now(); }",
        "fn f() { m!(now = Instant::now()); }",
    ] {
        for path in ["src/breaker/layer.rs", "src/testing/probe.rs", "src/lib.rs"] {
            assert_eq!(found(path, text).len(), 1, "{path}: {text}");
        }
        assert_eq!(found("src/clock/mod.rs", text), [""; 0]);
        assert_eq!(found("src/store/sqlite.rs", text), [""; 0]);
    }
    for text in [
        "fn f() { clock::now(); now(); }",
        "use tokio::time::Instant; fn f(now: Instant) {}",
        "#[cfg(test)] mod tests { fn f() { Instant::now(); } }",
        "/// Not `Instant::now()`.\nfn f() {}",
    ] {
        assert_eq!(found("src/breaker/layer.rs", text), [""; 0], "{text}");
    }
}

/// `NAP` stands for the real word, so that a plain search for sleeps finds none here.
fn naps(files: &[(&str, &str)], allowed: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<_> =
        files.iter().map(|(path, text)| Source::new(path, &text.replace("NAP", "sleep"))).collect();
    waits::sleeps(&sources, allowed)
}

const RUNNING: &str = "#[tokio::test] async fn running() {}\n";
const PAUSED: &str = "#[tokio::test(start_paused = true)] async fn paused() {}\n";

#[test]
fn a_test_that_waits_for_real_is_found() {
    let found = |text: &str| naps(&[("tests/x.rs", text)], &[]).len();
    for (uses, body) in [
        ("", "tokio::time::NAP(MS).await;"),
        ("use tokio::time;", "time::NAP(MS).await;"),
        ("use tokio::time::NAP;", "NAP(MS).await;"),
        ("use tokio::time::{self as t};", "t::NAP(MS).await;"),
        ("use tokio::{fs, time::{NAP as doze}};", "doze(MS).await;"),
        ("", "use tokio::time::NAP; NAP(MS).await;"),
        ("", "tokio::select! { () = tokio::time::NAP(MS) => {} }"),
        ("use tokio::time::NAP;", "tokio::select! { () = NAP(MS) => {} }"),
        ("", "let f = async || tokio::time::NAP(MS).await;"),
    ] {
        let running =
            format!("{uses}\n{PAUSED}#[tokio::test(flavor = \"current_thread\")] async fn f() {{ {body} }}");
        assert_eq!(found(&running), 1, "{running}");
        let paused =
            format!("{uses}\n{RUNNING}#[tokio::test(start_paused = true)] async fn f() {{ {body} }}");
        assert_eq!(found(&paused), 0, "{paused}");
        // Beside the tests, it is a matter of who can call it.
        let beside = format!("{uses}\nasync fn f() {{ {body} }}");
        assert_eq!(found(&format!("{beside}\n{RUNNING}")), 1, "{beside}");
        assert_eq!(found(&format!("{beside}\n{RUNNING}{PAUSED}")), 0, "{beside}");
    }
    for text in ["use tokio::time::*;", "fn f() { use tokio::time::*; }"] {
        assert_eq!(found(&format!("{PAUSED}{text}")), 1, "{text}");
    }
    assert_eq!(
        found("async fn f() { tokio::time::advance(MS).await; asleep(); tokio::time::timeout(MS, f()); }"),
        0
    );
}

#[test]
fn no_paused_clock_excuses_a_thread_that_sleeps() {
    for text in [
        "fn f() { std::thread::NAP(MS); }",
        "use std::thread::NAP;",
        "use std::thread::*;",
        "use std::thread as t; fn f() { t::NAP(MS); }",
        "#[tokio::test(start_paused = true)] async fn f() { std::thread::NAP(MS) }",
    ] {
        assert_eq!(naps(&[("tests/x.rs", &format!("{PAUSED}{text}"))], &[]).len(), 1, "{text}");
    }
}

#[test]
fn files_of_one_test_binary_know_of_each_other() {
    let helper = "async fn f() { tokio::time::NAP(MS).await; }";
    assert_eq!(naps(&[("tests/x/help.rs", helper), ("tests/x/main.rs", PAUSED)], &[]), [""; 0]);
    assert_eq!(naps(&[("tests/x/help.rs", helper), ("tests/x/main.rs", RUNNING)], &[]).len(), 1);
    assert_eq!(naps(&[("tests/x/help.rs", helper), ("tests/y.rs", PAUSED)], &[]).len(), 1);
    let by_hand = "fn run() { Builder::new_current_thread().enable_time().start_paused(true).build(); }";
    assert_eq!(naps(&[("tests/x/help.rs", helper), ("tests/x/main.rs", by_hand)], &[]), [""; 0]);
}

#[test]
fn a_test_may_wait_for_real_with_a_reason_and_only_while_it_does() {
    let waits = [("tests/x.rs", "fn f() { std::thread::NAP(MS); }")];
    let not = [("tests/x.rs", "fn f() {}")];
    assert_eq!(naps(&waits, &[("tests/x.rs", "a child process")]), [""; 0]);
    assert!(naps(&waits, &[("tests/x.rs", "")])[0].contains("without a reason"));
    assert!(naps(&not, &[("tests/x.rs", "a child process")])[0].contains("waits for nothing"));
    assert!(naps(&not, &[("tests/y.rs", "a child process")])[0].contains("not there"));
}
