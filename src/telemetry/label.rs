//! What stands in labels, as text: for a log line or a page of one's own.

use super::{CircuitState, Extra, FallbackKind, HedgeResult, IdempotencyOutcome, Limit, RetryResult, Why};
use crate::outcome::Class;
use std::fmt;

macro_rules! displayed {
    ($($label:ty),+ $(,)?) => {$(
        /// As in labels.
        impl fmt::Display for $label {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )+};
}

displayed!(
    CircuitState,
    Class,
    Extra,
    FallbackKind,
    HedgeResult,
    IdempotencyOutcome,
    Limit,
    RetryResult,
    Why
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_prints_as_in_its_label() {
        for state in CircuitState::ALL {
            assert_eq!(state.to_string(), state.as_str());
        }
        assert_eq!(
            format!("[{:>9}] {} {}", CircuitState::HalfOpen, Why::ByHand, Class::TimedOut),
            "[half_open] by_hand timed_out"
        );
        assert_eq!(format!("{:<6}|", CircuitState::Open), "open  |");
    }
}
