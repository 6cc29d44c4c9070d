//! Bytes in letters and digits: base32 by RFC 4648, in small letters, without padding.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The text of `GROUPS` times five bytes, eight characters each. Whole groups only, so nothing is ever padded.
pub(super) fn encode(bytes: &[[u8; 5]]) -> String {
    bytes.iter().flat_map(group).collect()
}

fn group(&[a, b, c, d, e]: &[u8; 5]) -> impl Iterator<Item = char> {
    let bits = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    (0..8).rev().map(move |place| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_examples_of_rfc_4648() {
        assert_eq!(encode(&[*b"fooba"]), "mzxw6ytb");
        assert_eq!(encode(&[[0; 5], [255; 5]]), "aaaaaaaa77777777");
        assert_eq!(encode(&[]), "");
    }
}
