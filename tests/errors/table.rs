//! The table of the eight stacks: what each costs in lines, and what a caller sees. Printed, and kept in `docs/stacks.md`.

use crate::{
    axum_server, buffer, hyper_client, hyper_server, own_enum, reqwest_client, tonic_client, tonic_server,
};

const KEPT: &str = include_str!("../../docs/stacks.md");

/// Between the marks, without empty lines.
fn lines(source: &str) -> usize {
    let begin = source.split_once("// [what a user writes\n").expect("a first mark").1;
    let user = begin.split_once("// what a user writes]").expect("a last mark").0;
    user.lines().filter(|line| !line.trim().is_empty()).count()
}

macro_rules! stack {
    ($name:literal, $module:ident) => {
        ($name, lines(include_str!(concat!(stringify!($module), ".rs"))), $module::seen().await)
    };
}

#[tokio::test]
async fn every_stack_takes_at_most_fifteen_lines_and_its_caller_sees_what_the_docs_say() {
    let stacks = [
        stack!("axum, server", axum_server),
        stack!("tonic, server", tonic_server),
        stack!("tonic, client", tonic_client),
        stack!("reqwest, client", reqwest_client),
        stack!("hyper-util, client", hyper_client),
        stack!("hyper-util, server", hyper_server),
        stack!("tower's `Buffer`", buffer),
        stack!("an error enum of one's own", own_enum),
    ];
    let mut table = vec![
        "| stack | lines of user code | what the caller sees on a timeout |".into(),
        "|---|---|---|".into(),
    ];
    for (name, lines, seen) in &stacks {
        assert!(*lines <= 15, "{name}: {lines} lines");
        table.push(format!("| {name} | {lines} | {seen} |"));
    }
    let table = table.join("\n");
    println!("{table}");
    assert!(KEPT.contains(&table), "docs/stacks.md says something else; this is so:\n{table}");
}
