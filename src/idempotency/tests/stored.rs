//! Stored bytes: what was written comes back, and nothing else is taken for an answer.

use crate::idempotency::{Body, Stored, Unreadable};
use proptest::{collection::vec, prelude::*};
use std::time::{Duration, SystemTime};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn pairs() -> impl Strategy<Value = Pairs> {
    vec((vec(any::<u8>(), 0..20), vec(any::<u8>(), 0..40)), 0..5)
}

#[derive(Clone, Debug)]
enum Content {
    Kept(Vec<u8>),
    TooLarge(u64, [u8; 32]),
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        vec(any::<u8>(), 0..300).prop_map(Content::Kept),
        (any::<u64>(), any::<[u8; 32]>()).prop_map(|(len, digest)| Content::TooLarge(len, digest)),
    ]
}

fn encode(status: u16, seconds: u32, headers: &Pairs, content: &Content, trailers: &Pairs) -> Stored {
    let body = match content {
        Content::Kept(bytes) => Body::Kept(bytes),
        Content::TooLarge(len, digest) => Body::TooLarge { len: *len, digest: *digest },
    };
    let made_at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
    let both = |pairs: &Pairs| pairs.clone();
    Stored::encode(status, made_at, both(headers), body, both(trailers))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_written_comes_back_and_any_part_of_it_is_refused(
        (status, seconds) in any::<(u16, u32)>(),
        headers in pairs(),
        content in content(),
        trailers in pairs(),
        cut in any::<prop::sample::Index>(),
    ) {
        let stored = encode(status, seconds, &headers, &content, &trailers);
        let read = Stored::from_bytes(stored.as_bytes().to_vec());
        let answer = read.open().expect("written here");
        prop_assert_eq!(answer.status(), status);
        prop_assert_eq!(answer.made_at(), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into()));
        prop_assert_eq!(answer.headers().size_hint(), (headers.len(), Some(headers.len())));
        prop_assert_eq!(answer.trailers().size_hint(), (trailers.len(), Some(trailers.len())));
        let owned = |fields: crate::idempotency::Fields<'_>| -> Pairs {
            fields.map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
        };
        prop_assert_eq!(owned(answer.headers()), headers);
        prop_assert_eq!(owned(answer.trailers()), trailers);
        match (&content, answer.body()) {
            (Content::Kept(bytes), Body::Kept(read)) => prop_assert_eq!(&bytes[..], read),
            (Content::TooLarge(len, digest), body) => {
                prop_assert_eq!(body, Body::TooLarge { len: *len, digest: *digest });
            }
            (content, body) => panic!("{content:?} came back as {body:?}"),
        }

        let len = cut.index(stored.as_bytes().len());
        let part = Stored::from_bytes(stored.as_bytes()[..len].to_vec());
        prop_assert_eq!(part.open(), Err(Unreadable::Damaged));
        let more = Stored::from_bytes([stored.as_bytes(), &[0]].concat());
        prop_assert_eq!(more.open(), Err(Unreadable::Damaged));
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in vec(any::<u8>(), 0..200), version in any::<bool>()) {
        if let (true, Some(first)) = (version, bytes.first_mut()) {
            *first = Stored::VERSION;
        }
        let stored = Stored::from_bytes(bytes.clone());
        match stored.open() {
            Ok(answer) => {
                prop_assert_eq!(answer.headers().count(), answer.headers().size_hint().0);
                prop_assert_eq!(answer.trailers().count(), answer.trailers().size_hint().0);
            }
            Err(Unreadable::Version(version)) => prop_assert_ne!(version, Stored::VERSION),
            Err(Unreadable::Damaged) => {}
        }
    }
}

#[test]
fn a_newer_version_is_refused_by_its_number() {
    assert_eq!(Stored::from_bytes(vec![2, 0, 0]).open(), Err(Unreadable::Version(2)));
    assert_eq!(Stored::from_bytes(Vec::new()).open(), Err(Unreadable::Damaged));
}

#[test]
fn nothing_of_what_it_holds_is_shown() {
    let stored = encode(
        200,
        1,
        &vec![(b"x-token".to_vec(), b"secret".to_vec())],
        &Content::Kept(b"secret".into()),
        &Vec::new(),
    );
    let answer = stored.open().expect("written here");
    let shown = format!("{stored:?} {answer:?}");
    assert!(shown.contains("x-token") && !shown.contains("secret"), "{shown}");
}
