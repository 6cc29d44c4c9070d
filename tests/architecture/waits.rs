//! Who reads the clock, and who waits for it.

use crate::{
    CLOCKS,
    names::{Target, targets},
    source::Source,
};

/// Reads of the clock outside the rooms that may.
pub(crate) fn clocks(sources: &[Source]) -> Vec<String> {
    let free = |source: &&Source| !source.room().is_some_and(|room| CLOCKS.contains(&room));
    let says =
        "reads the clock: take `now` as an argument, or call `clock::now()` where the policy needs it.";
    sources.iter().filter(free).flat_map(|source| named(source, says, is_clock)).collect()
}

fn is_clock(path: &[String], _: bool) -> bool {
    matches!(ends(path), (Some("Instant" | "SystemTime"), Some("now")))
}

/// Waits for real, outside the files of `allowed`; and files of `allowed` that do not need to be there.
///
/// On a paused clock a sleep takes no time, so a file in which every async test is on one may sleep by tokio.
pub(crate) fn sleeps(sources: &[Source], allowed: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let paused = !source.read.paused.is_empty() && source.read.paused.iter().all(|paused| *paused);
        let says = "waits for real: hold the clock still (`start_paused = true`) and move it by hand; a test whose point is a \
                    real process or socket goes into REAL_WAITS, at the top of tests/architecture.rs.";
        let waits = named(source, says, |path, glob| {
            is_thread_sleep(path, glob) || !paused && is_tokio_sleep(path, glob)
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

fn is_thread_sleep(path: &[String], glob: bool) -> bool {
    ends(path) == (Some("thread"), Some("sleep")) || glob && ends(path) == (Some("std"), Some("thread"))
}

fn is_tokio_sleep(path: &[String], glob: bool) -> bool {
    ends(path) == (Some("time"), Some("sleep")) || glob && ends(path) == (Some("tokio"), Some("time"))
}

/// The last two names of a path.
fn ends(path: &[String]) -> (Option<&str>, Option<&str>) {
    let mut names = path.iter().rev().map(String::as_str);
    let last = names.next();
    (names.next(), last)
}

/// Where a file names a path of that kind, also by a name that `use` gave to a part of it.
fn named(source: &Source, says: &str, is: impl Fn(&[String], bool) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for mention in &source.read.mentions {
        let (own, through) = targets(mention, &source.read);
        let through = through.into_iter().map(|through| through.target);
        let hit = std::iter::once(own).chain(through).any(|target| match target {
            Target::Inside(path) | Target::Outside(path) => is(&path, mention.path.glob),
        });
        if hit {
            found.push(source.at(mention.path.line, says));
        }
    }
    found.dedup();
    found
}
