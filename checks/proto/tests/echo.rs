//! Generates the gRPC code of the tests anew and compares it with what is checked in.
//!
//! `BUTTRESS_WRITE=1 cargo test -p buttress-proto` writes it instead.

use std::{env, fs, path::Path};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/errors");

#[test]
fn the_checked_in_code_is_what_the_proto_says() {
    let proto = Path::new(HERE).join("proto");
    let descriptors = protox::compile([proto.join("echo.proto")], [&proto]).expect("the proto compiles");

    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tonic_prost_build::configure().out_dir(out).compile_fds(descriptors).expect("code for it");
    let made = fs::read_to_string(out.join("echo.v1.rs")).expect("one file a package");

    let kept = Path::new(HERE).join("echo.rs");
    if env::var_os("BUTTRESS_WRITE").is_some() {
        fs::write(&kept, made).expect("may write");
        return;
    }
    let kept = fs::read_to_string(kept).unwrap_or_default();
    assert!(kept == made, "tests/errors/echo.rs is old: BUTTRESS_WRITE=1 cargo test -p buttress-proto");
}
