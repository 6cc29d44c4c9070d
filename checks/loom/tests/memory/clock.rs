//! What the files of the library need of its clock, without tokio.

use std::time::Duration;
pub(crate) use std::time::Instant;

pub(crate) const GRAIN: Duration = Duration::from_millis(1);

/// For names of claims only: no model asks the time.
#[expect(clippy::disallowed_methods, reason = "what the library's clock gives without tokio")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
