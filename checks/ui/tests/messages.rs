//! What the compiler says to a user who forgets the lift: it has to name the cures.
//!
//! The texts are those of one compiler version. Under another the comparison is skipped, says so, and passes:
//! `cargo +1.95.0 test -p buttress-ui` runs it anywhere. `TRYBUILD=overwrite` writes the texts anew.

use std::{env, fs, path::Path, process::Command};

/// The compiler whose words are kept.
const KEPT: &str = "rustc 1.95.";

const CARRY: [&str; 4] = [
    "cannot carry a buttress rejection",
    "a foreign service: `buttress::over(stack, service)`, or `.layer(buttress::lift())` last",
    "an axum router or a tonic server: `buttress::http::guard(stack)` or `buttress::grpc::guard(stack)`; a tonic client: `buttress::grpc::lift()` last",
    "an error type of your own: a variant `Rejected(#[from] Rejected)` and `impl Rejectable`",
];
const APART: [&str; 3] = [
    "cannot be taken apart into a rejection and a rest",
    "`buttress::http::guard(stack)` or `buttress::grpc::guard(stack)` lift and answer in one word",
    "with `respond()` by hand: `.layer(buttress::lift())` last in the same stack",
];

/// Each case, and what its text must say.
const SAYS: [(&str, &[&str]); 8] = [
    ("axum_layer", &CARRY),
    ("checked", &CARRY),
    ("returned_service", &CARRY),
    ("tonic_client", &CARRY),
    ("respond_without_lift", &APART),
    // Of a method that is not there rustc prints no cause, which is why `checked` exists, and why the docs begin with `over`.
    ("call", &["no method named `call` found"]),
    ("oneshot", &["the method `oneshot` exists", "its trait bounds were not satisfied"]),
    ("guarded_body", &["needs a response body that is `From<Bytes>`", "stands outside the guard"]),
];

fn version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc).arg("--version").output().expect("a compiler");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}

#[test]
fn the_compiler_says_what_is_kept() {
    let version = version();
    if !version.starts_with(KEPT) {
        println!("skipped: the texts are those of {KEPT}x, and this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn what_is_kept_names_the_cures_wherever_rustc_can() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    for (case, says) in SAYS {
        let text = fs::read_to_string(folder.join(case).with_extension("stderr")).expect(case);
        for words in says {
            assert!(text.contains(words), "{case} does not say: {words}\n{text}");
        }
    }
    let files = fs::read_dir(folder).expect("the cases").count();
    assert_eq!(files, 2 * SAYS.len(), "a case and its text each, and each is listed here");
}
