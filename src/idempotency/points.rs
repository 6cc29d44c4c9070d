//! Which phases of an operation are finished, and what they gave: the payload of a recovery point.

use super::Recovery;

/// Finished phases, in order, each with its output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Points(Vec<(String, Vec<u8>)>);

impl Points {
    pub(super) fn of(recovery: Option<&Recovery>) -> Self {
        // What was not written here is another's, and says nothing of our phases.
        recovery.and_then(|recovery| decode(&recovery.payload)).map_or_else(Self::default, Self)
    }

    pub(super) fn get(&self, step: &str) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| name == step).map(|(_, output)| &output[..])
    }

    pub(super) fn push(&mut self, step: &str, output: Vec<u8>) {
        self.0.push((step.to_owned(), output));
    }

    pub(super) fn recovery(&self) -> Recovery {
        let mut payload = Vec::new();
        for (name, output) in &self.0 {
            for bytes in [name.as_bytes(), output] {
                payload.extend((bytes.len() as u64).to_le_bytes());
                payload.extend_from_slice(bytes);
            }
        }
        Recovery::new(self.0.last().map_or("", |(name, _)| name), payload)
    }
}

fn decode(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut points = Vec::new();
    while !bytes.is_empty() {
        let name = take(&mut bytes)?;
        points.push((String::from_utf8(name.to_vec()).ok()?, take(&mut bytes)?.to_vec()));
    }
    Some(points)
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (taken, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 4 } else { 256 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_was_finished_comes_back_and_any_bytes_are_read_or_passed_over(
            phases in vec(("[a-z]{0,8}", vec(any::<u8>(), 0..20)), 0..6),
            noise in vec(any::<u8>(), 0..60),
        ) {
            let mut points = Points::default();
            for (name, output) in phases {
                points.push(&name, output);
            }
            let recovery = points.recovery();
            prop_assert_eq!(Points::of(Some(&recovery)), points);
            let _ = Points::of(Some(&Recovery::new("x", noise)));
        }
    }

    #[test]
    fn the_point_is_the_last_phase() {
        let mut points = Points::default();
        points.push("order", vec![1]);
        points.push("charge", vec![2]);
        assert_eq!(points.recovery().point, "charge");
        assert_eq!(points.get("order"), Some(&[1][..]));
        assert_eq!(points.get("mail"), None);
        assert_eq!(Points::of(None), Points::default());
    }
}
