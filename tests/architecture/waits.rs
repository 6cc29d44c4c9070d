//! Who reads the clock, and who waits for it.

use crate::{
    CLOCKS,
    names::{Target, targets},
    reader::{Clock, Mention},
    source::Source,
};

/// Reads of the clock outside the rooms that may.
pub(crate) fn clocks(sources: &[Source]) -> Vec<String> {
    let free = |source: &&Source| !source.room().is_some_and(|room| CLOCKS.contains(&room));
    let says =
        "reads the clock: take `now` as an argument, or call `clock::now()` where the policy needs it.";
    sources.iter().filter(free).flat_map(|source| named(source, says, is_clock)).collect()
}

fn is_clock(path: &[String], _: &Mention) -> bool {
    matches!(ends(path), (Some("Instant" | "SystemTime"), Some("now")))
}

/// Waits for real, outside the files of `allowed`; and files of `allowed` that do not need to be there.
///
/// On a paused clock a sleep by tokio takes no time. So a test on one may sleep, and so may what stands beside tests, as
/// long as some test of the same binary is on a paused clock to call it.
pub(crate) fn sleeps(sources: &[Source], allowed: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let beside_paused = sources.iter().any(|other| other.read.pauses && binary(other) == binary(source));
        let waits = named(source, SLEEPS, |path, mention| match ends(path) {
            (Some("thread"), Some("sleep")) => true,
            (Some("time"), Some("sleep")) if !mention.import => match mention.clock {
                Clock::Paused => false,
                Clock::Running => true,
                Clock::Unsaid => !beside_paused,
            },
            // What a glob brings in is not seen where it is called.
            (Some("std"), Some("thread")) | (Some("tokio"), Some("time")) => mention.path.glob,
            _ => false,
        });
        match allowed.iter().find(|(path, _)| *path == source.path) {
            None => found.extend(waits),
            Some(_) if waits.is_empty() => {
                found.push(source.at(1, "in REAL_WAITS, but waits for nothing: strike it out."));
            }
            Some((_, "")) => found.push(source.at(1, "in REAL_WAITS without a reason: give it one.")),
            Some(_) => {}
        }
    }
    let gone = allowed.iter().filter(|(path, _)| !sources.iter().any(|source| source.path == *path));
    found.extend(gone.map(|(path, _)| format!("{path}:1: in REAL_WAITS, but not there: strike it out.")));
    found
}

const SLEEPS: &str = "waits for real: hold the clock still (`start_paused = true`) and move it by hand; a test whose point \
                      is a real process or socket goes into REAL_WAITS, at the top of tests/architecture.rs.";

/// `tests/http/body.rs` is of the binary `http`.
fn binary(source: &Source) -> &str {
    let inside = source.path.split('/').nth(1).unwrap_or_default();
    inside.strip_suffix(".rs").unwrap_or(inside)
}

/// The last two names of a path.
fn ends(path: &[String]) -> (Option<&str>, Option<&str>) {
    let mut names = path.iter().rev().map(String::as_str);
    let last = names.next();
    (names.next(), last)
}

/// Where a file names a path of that kind, also by a name that `use` gave to a part of it.
fn named(source: &Source, says: &str, is: impl Fn(&[String], &Mention) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for mention in &source.read.mentions {
        let (own, through) = targets(mention, &source.read);
        let through = through.into_iter().map(|through| through.target);
        let hit = std::iter::once(own).chain(through).any(|target| match target {
            Target::Inside(path) | Target::Outside(path) => is(&path, mention),
        });
        if hit {
            found.push(source.at(mention.path.line, says));
        }
    }
    found.dedup();
    found
}
