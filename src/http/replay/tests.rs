//! What is kept, against a plain list of bytes.

use super::kept::{Kept, Place};
use bytes::Bytes;
use proptest::prelude::*;

/// Bytes that tell where they stand.
fn chunk(from: usize, len: usize) -> Bytes {
    (from..from + len).map(|n| (n % 251) as u8).collect()
}

#[derive(Clone, Copy, Debug)]
enum Do {
    Add(usize),
    /// One piece, by this reader.
    Read(usize),
    /// A new reader in this one's place.
    Restart(usize),
    /// This reader has had what was added last from elsewhere.
    AtTheEnd(usize),
}

fn steps() -> impl Strategy<Value = Vec<Do>> {
    let len = prop_oneof![Just(0), 1..4_usize, 1000..1050_usize, 4000..5000_usize];
    let step = prop_oneof![
        3 => len.prop_map(Do::Add),
        3 => (0..3_usize).prop_map(Do::Read),
        1 => (0..3_usize).prop_map(Do::Restart),
        1 => (0..3_usize).prop_map(Do::AtTheEnd),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 512 }, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_reads_what_was_added_in_its_order(steps in steps(), most in 0..20_000_usize) {
        let (mut kept, mut all) = (Kept::default(), Vec::new());
        let mut readers = [(Place::default(), 0); 3];
        for step in steps {
            match step {
                Do::Add(len) => {
                    let data = chunk(all.len(), len);
                    let fits = all.len() + len <= most;
                    prop_assert_eq!(kept.add(&data, most), fits);
                    if fits {
                        all.extend_from_slice(&data);
                    }
                }
                Do::Read(n) => {
                    let (place, at) = &mut readers[n];
                    match kept.read(place) {
                        Some(data) => {
                            prop_assert!(!data.is_empty());
                            prop_assert_eq!(&data[..], &all[*at..*at + data.len()]);
                            *at += data.len();
                        }
                        None => prop_assert_eq!(*at, all.len()),
                    }
                    prop_assert_eq!(place.at(), *at);
                }
                Do::Restart(n) => readers[n] = (Place::default(), 0),
                Do::AtTheEnd(n) => {
                    let (place, at) = &mut readers[n];
                    place.skip(all.len() - *at);
                    *at = all.len();
                }
            }
            prop_assert_eq!(kept.len(), all.len());
        }
    }

    /// However small the chunks are, there are few of them.
    #[test]
    fn what_is_kept_of_small_chunks_is_not_much_more_than_their_bytes(len in 1..1500_usize) {
        let mut kept = Kept::default();
        let mut all = 0;
        while kept.add(&chunk(all, len), 65_536) {
            all += len;
        }
        let (mut place, mut pieces) = (Place::default(), 0);
        while kept.read(&mut place).is_some() {
            pieces += 1;
        }
        prop_assert!(pieces <= 65_536 / 1024 + 1, "{pieces} pieces");
    }
}

#[test]
fn trailers_count_towards_the_cap_and_are_read_once_by_each() {
    let mut trailers = ::http::HeaderMap::new();
    trailers.insert("x-sum", ::http::HeaderValue::from_static("42"));
    let mut kept = Kept::default();
    assert!(kept.add(&chunk(0, 5), 12));
    assert!(!kept.end_with(&trailers, 11));
    assert!(kept.end_with(&trailers, 12));
    for _ in 0..2 {
        let mut place = Place::default();
        assert!(!kept.is_end(&place));
        assert!(kept.read(&mut place).is_some());
        assert!(!kept.is_end(&place));
        assert_eq!(kept.read_trailers(&mut place), Some(trailers.clone()));
        assert!(kept.is_end(&place));
        assert_eq!(kept.read_trailers(&mut place), None);
    }
}
