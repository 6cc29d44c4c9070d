//! What is hashed, against the formula as it is written down.

use super::config;
use crate::key::{Context, context, hash::Parts};
use blake3::Hasher;
use proptest::{collection::vec, prelude::*};

const NAME: &str = "buttress tests of parts";
static HERE: Context = context!("buttress tests of parts");

proptest! {
    #![proptest_config(config())]

    /// Nothing made beforehand, nothing gathered: the plain hash function over lengths and bytes.
    #[test]
    fn parts_are_hashed_as_their_lengths_and_bytes(
        parts in vec(vec(any::<u8>(), 0..150), 0..6),
        at in 0..=150_usize,
    ) {
        let (mut plain, mut hasher) = (Hasher::new_derive_key(NAME), HERE.hasher());
        let mut made = Parts::of(&mut hasher);
        for part in &parts {
            plain.update(&(part.len() as u64).to_le_bytes()).update(part);
            let (one, other) = part.split_at(at.min(part.len()));
            made.add(&[one, other]);
        }
        prop_assert_eq!(made.digest(), *plain.finalize().as_bytes());
    }
}
