//! What the compiler does not check about the house: which room may lean on which, and what a file may hold.
//!
//! The tables are here; how the source is read, and what each rule says, stands beside. Every message names the place, the
//! rule and the cure. That the rules can refuse anything at all is shown by `wrong`, on small sources that break them.

#[path = "architecture/floors.rs"]
mod floors;
#[path = "architecture/judged.rs"]
mod judged;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/reader.rs"]
mod reader;
#[path = "architecture/shape.rs"]
mod shape;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tokens.rs"]
mod tokens;
#[path = "architecture/waits.rs"]
mod waits;
#[path = "architecture/wrong.rs"]
mod wrong;

use source::Source;

/// The rooms of the house and their floors. A room of the ground floor may use those above it in this list; any other
/// room those of lower floors. A folder of `src` that is missing here has no place yet: give it one.
const ROOMS: &[(&str, u8)] = &[
    ("clock", 0),
    ("cause", 0),
    ("rejected", 0),
    ("outcome", 0),
    ("telemetry", 0),
    ("window", 0),
    ("backoff", 0),
    ("deadline", 0),
    ("keyed", 0),
    ("budget", 0),
    ("replay", 0),
    ("key", 0),
    ("breaker", 2),
    ("retry", 2),
    ("timeout", 2),
    ("bulkhead", 2),
    ("limit", 2),
    ("hedge", 2),
    ("fallback", 2),
    ("balance", 2),
    ("chaos", 2),
    ("idempotency", 2),
    ("saga", 2),
    ("http", 3),
    ("grpc", 4),
    ("hyper", 4),
    ("store", 4),
    // Over `hyper`, whose errors are inside of its own.
    ("reqwest", 5),
    ("stack", 5),
    ("testing", 5),
    ("guide", 5),
];

/// Crates that only the upper floors know, and the lowest of them that does.
const CRATES: &[(&str, u8)] = &[
    ("http", 3),
    ("http_body", 3),
    ("http_body_util", 3),
    ("bytes", 3),
    ("hyper", 3),
    ("hyper_util", 3),
    ("reqwest", 3),
    ("h2", 4),
    ("tonic", 4),
];

/// Rooms that may ask what time it is: the clock itself, and stores, which have a clock of their own.
const CLOCKS: &[&str] = &["clock", "store"];

/// Tests that wait for real, and why nothing else shows what they show.
const REAL_WAITS: &[(&str, &str)] = &[
    ("tests/breaker/hangs.rs", "a listener that accepts and never answers, and is found once it is well"),
    ("tests/calls/faults.rs", "a peer that is slow on a socket"),
    ("tests/store/postgres/in_tx.rs", "a lease on the server's clock, and a claim that waits there"),
    ("tests/store/postgres/server.rs", "a connection that the server cuts"),
    ("tests/store/redis/mod.rs", "records that vanish by the server's clock, and a server that starts"),
    ("tests/store/sqlite/file.rs", "another thread lets go of a file"),
    ("tests/store/sqlite/in_tx.rs", "a lease in a file whose clock runs"),
    ("tests/store/sqlx/in_tx.rs", "a lease on the server's clock, and a claim that waits there"),
];

/// Every finding of `rule` about the house, as one message.
#[track_caller]
fn nothing(found: &[String]) {
    assert!(found.is_empty(), "{} found:\n\n{}\n", found.len(), found.join("\n"));
}

fn house() -> Vec<Source> {
    source::compiled(source::read("src"))
}

#[test]
fn the_table_of_the_house_in_contributing_is_that_of_the_source() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CONTRIBUTING.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?.parse().ok()?, cells.nth(1)?))
    });
    // Every other piece between backticks is a name; `hyper` is also spoken of on the floor above its own.
    let told: Vec<(&str, u8)> = rows
        .flat_map(|(floor, rooms)| rooms.split('`').skip(1).step_by(2).map(move |room| (room, floor)))
        .filter(|room| *room != ("hyper", 5))
        .collect();
    let there = |(room, _): &&(&str, u8)| {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room).is_dir()
    };
    assert_eq!(told, ROOMS.iter().filter(there).copied().collect::<Vec<_>>());
}

#[test]
fn imports_go_only_downward() {
    nothing(&floors::check(&house()));
}

#[test]
fn the_mod_rs_of_a_pattern_holds_docs_and_re_exports_only() {
    nothing(&shape::mod_files(&house()));
}

#[test]
fn no_file_is_longer_than_one_idea() {
    nothing(&shape::lengths(&house()));
}

#[test]
fn every_layer_is_judged_by_the_laws() {
    nothing(&judged::layers(&house(), &source::read("tests/contract")));
}

#[test]
fn only_the_clock_reads_the_clock() {
    nothing(&waits::clocks(&house()));
}

#[test]
fn tests_move_the_clock_by_hand() {
    nothing(&waits::sleeps(&source::read("tests"), REAL_WAITS));
}

#[test]
fn the_tables_name_everything_once() {
    for table in [ROOMS, CRATES] {
        let mut names: Vec<_> = table.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), table.len());
        assert!(table.is_sorted_by_key(|(_, floor)| floor), "from the ground up");
    }
}
