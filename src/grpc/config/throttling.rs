//! `retryThrottling`: when a server fails so often that nobody should call it again.

use super::{ConfigError, at::At};

/// `retryThrottling`: so many tokens; a failure costs one, a success gives a part of one back, and only while more than half
/// of them are left is a call made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttling {
    max_tokens: u32,
    thousandths: u32,
}

impl Throttling {
    pub(super) fn read(at: &At<'_, '_>) -> Result<Self, ConfigError> {
        at.object(&["maxTokens", "tokenRatio"], &[], &mut Vec::new())?;
        let tokens = at.need("maxTokens")?;
        let max_tokens = tokens.whole()?;
        let ratio = at.need("tokenRatio")?;
        let Some(max_tokens) = u32::try_from(max_tokens).ok().filter(|tokens| (1..=1000).contains(tokens))
        else {
            return Err(tokens.wrong("must be from 1 to 1000"));
        };
        match thousandths(ratio.number()?) {
            Some(thousandths) if thousandths > 0 => Ok(Self { max_tokens, thousandths }),
            _ => Err(ratio.wrong("must be 0.001 or more: decimals beyond the third do not count")),
        }
    }

    /// How many tokens there are at most, and at the beginning.
    #[must_use]
    pub const fn max_tokens(&self) -> u32 {
        self.max_tokens
    }

    /// How many thousandths of a token a success gives back.
    #[must_use]
    pub const fn ratio_in_thousandths(&self) -> u32 {
        self.thousandths
    }
}

/// Truncated after the third decimal, by its digits: times a thousand, .29 would be 289. What a `u32` does not hold
/// fills every bucket at once.
fn thousandths(ratio: f64) -> Option<u32> {
    if !ratio.is_finite() || ratio < 0.0 {
        return None;
    }
    let text = ratio.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let first_three: String = decimals.chars().chain("000".chars()).take(3).collect();
    Some(format!("{whole}{first_three}").parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_beyond_the_third_do_not_count() {
        for (ratio, expected) in [
            (0.5466, 546),
            (0.29, 290),
            (0.1, 100),
            (1.0, 1000),
            (0.0009999, 0),
            (2.5, 2500),
            (1e300, u32::MAX),
        ] {
            assert_eq!(thousandths(ratio), Some(expected), "{ratio}");
        }
        assert_eq!(
            (thousandths(-0.1), thousandths(f64::NAN), thousandths(f64::INFINITY)),
            (None, None, None)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn three_decimals_are_kept_as_they_are(whole in 0..1000_u32, decimals in 0..1000_u32) {
            let ratio: f64 = format!("{whole}.{decimals:03}").parse().expect("a number");
            prop_assert_eq!(thousandths(ratio), Some(whole * 1000 + decimals));
        }
    }
}
