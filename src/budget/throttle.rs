//! The rule of gRPC's retry throttling.

/// The retry throttling of a gRPC service config: failures take a token, successes give a share of one, and extra attempts
/// are sent only while more than half are left.
///
/// Attempts are not paid for themselves: it counts what comes back. So it gives out where the server fails more often than
/// the ratio makes up for, whether or not anybody retries. [`Class::Ok`](crate::outcome::Class::Ok) is a success; a failure,
/// a timeout, throttling, and whatever the server says is not to be retried, is a failure.
///
/// ```
/// use buttress::{budget::{Budget, Extra, Throttle}, outcome::Outcome};
///
/// let budget = Budget::of(Throttle::new(4, 0.5));
/// let mut call = budget.open();
/// call.answered(&Outcome::FAILED);
/// assert!(call.take(Extra::Retry)); // 3 of 4 are left
/// call.answered(&Outcome::FAILED);
/// assert!(!call.take(Extra::Retry)); // 2 of 4: no more than half
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    pub(super) max: u32,
    /// Thousandths.
    pub(super) ratio: u32,
}

impl Throttle {
    /// `maxTokens`, from 1 to 1000, and `tokenRatio`, cut off after three decimals; what is outside is taken as the nearest
    /// inside, a ratio that is no number as the smallest, 0.001.
    #[must_use]
    pub const fn new(max_tokens: u32, token_ratio: f64) -> Self {
        let max = match max_tokens {
            0 => 1,
            1..=1000 => max_tokens,
            _ => 1000,
        };
        // What is written with three decimals may lie a step of a float below. The cast takes NaN to 0, and saturates.
        let ratio = (token_ratio * 1000.0 + 1e-7) as u32;
        Self { max, ratio: if ratio == 0 { 1 } else { ratio } }
    }
}
