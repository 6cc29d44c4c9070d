//! What a file may hold.

use crate::{ROOMS, source::Source, tokens};
use std::collections::BTreeSet;
use syn::{Item, Visibility, spanned::Spanned};

/// Lines of code in one file: more is more than one idea.
pub(crate) const LONGEST: usize = 350;

/// In the folder of a pattern, and of whatever stands above the patterns, `mod.rs` is where a reader begins: it holds docs,
/// `mod` and re-exports, and nothing that would have to be looked for.
pub(crate) fn mod_files(sources: &[Source]) -> Vec<String> {
    let is_above = |room: &str| ROOMS.iter().any(|(name, floor)| *name == room && *floor > 0);
    let mut found = Vec::new();
    for source in sources {
        if source.path.ends_with("/mod.rs") && source.room().is_some_and(is_above) {
            let lines =
                source.file.items.iter().filter(|item| !belongs(item)).map(|item| item.span().start().line);
            found.extend(lines.filter(|line| !is_test(source, *line)).map(|line| {
                source.at(
                    line,
                    "code in the `mod.rs` of a pattern: it holds docs, `mod` and `pub use`. Give it a file.",
                )
            }));
        }
    }
    found
}

fn belongs(item: &Item) -> bool {
    match item {
        // An empty module is a page of docs.
        Item::Mod(module) => module.content.as_ref().is_none_or(|(_, items)| items.is_empty()),
        Item::Use(item) => !matches!(item.vis, Visibility::Inherited),
        _ => false,
    }
}

/// Files above [`LONGEST`].
pub(crate) fn lengths(sources: &[Source]) -> Vec<String> {
    let too_long = |source: &Source| {
        let lines = code(source);
        let says = format!(
            "{} lines of code, at most {LONGEST}: its second idea has earned its own file.",
            lines.len()
        );
        lines.get(LONGEST).map(|line| source.at(*line, &says))
    };
    sources.iter().filter_map(too_long).collect()
}

/// The lines of code: no blank ones, no comments, nothing that only tests compile.
pub(crate) fn code(source: &Source) -> Vec<usize> {
    let mut lines = BTreeSet::new();
    tokens::lines(source.text.parse().expect("syn has read it"), &mut lines);
    lines.into_iter().filter(|line| !is_test(source, *line)).collect()
}

fn is_test(source: &Source, line: usize) -> bool {
    source.read.test_lines.iter().any(|lines| lines.contains(&line))
}
