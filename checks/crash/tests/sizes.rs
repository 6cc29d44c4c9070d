//! F10: more keys than a store may hold, and ten thousand callers of one key: memory has the bound that was set, and what is beyond
//! it is refused at once.
//!
//! Each load is a process of its own, whose memory is measured from outside of the load.

use buttress_crash::load::Load;
use std::process::Command;

/// `None`, said aloud, where nobody can say how large a process is.
fn load(words: &[&str]) -> Option<Load> {
    if !std::path::Path::new("/proc/self/status").exists() {
        println!("skipped: there is no /proc");
        return None;
    }
    let said = Command::new(env!("CARGO_BIN_EXE_load")).args(words).output().expect("it runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let load = Load::heard(&String::from_utf8_lossy(&said.stdout));
    println!("{words:?}: {load:?}");
    Some(load)
}

/// What a process may grow by for a record of a short answer, all told: the store counts 384 bytes and the answer, and a map that has
/// just doubled has a place and a half for each.
const KIB_A_RECORD: usize = 1;
/// What 64 calls under way take, and what an allocator keeps.
const KIB_AT_WORK: usize = 32 << 10;
/// A caller that waits: its request, its task and its place in the line.
const KIB_A_WAITER: usize = 8;

#[track_caller]
fn keys_that_stay(keys: usize, records: usize) {
    let words = ["keys", &keys.to_string(), &records.to_string()];
    let Some(load) = load(&words) else { return };
    assert_eq!((load.answered, load.refused, load.runs), (records, keys - records, records));
    assert!(load.kib <= records * KIB_A_RECORD + KIB_AT_WORK, "{} KiB", load.kib);
}

#[track_caller]
fn keys_that_pass(keys: usize, records: usize) {
    let words = ["passing", &keys.to_string(), &records.to_string()];
    let Some(load) = load(&words) else { return };
    assert_eq!(load.answered + load.refused, keys);
    assert!(load.answered > keys / 2 && load.runs == load.answered);
    assert!(load.kib <= records * KIB_A_RECORD + KIB_AT_WORK, "{} KiB", load.kib);
}

#[track_caller]
fn one_hot_key(waiters: usize) {
    let Some(load) = load(&["hot", &waiters.to_string()]) else { return };
    // The one who runs, and all who wait.
    assert_eq!((load.answered, load.refused, load.runs), (waiters + 1, waiters / 10, 1));
    assert!(load.kib <= waiters * KIB_A_WAITER + KIB_AT_WORK, "{} KiB", load.kib);
}

#[test]
fn more_keys_than_there_is_room_for_are_refused_and_take_no_room() {
    keys_that_stay(20_000, 5_000);
}

#[test]
fn keys_that_are_forgotten_leave_nothing_behind() {
    keys_that_pass(20_000, 5_000);
}

#[test]
fn all_who_wait_for_one_key_get_its_one_answer_and_no_more_may_wait() {
    one_hot_key(1_000);
}

#[test]
#[ignore = "a million keys"]
fn full_size_a_million_keys() {
    keys_that_stay(1_000_000, 100_000);
    keys_that_pass(1_000_000, 20_000);
}

#[test]
#[ignore = "ten thousand waiters"]
fn full_size_ten_thousand_callers_of_one_key() {
    one_hot_key(10_000);
}
