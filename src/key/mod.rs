//! Idempotency keys: one operation, one key, however often it is sent.
//!
//! The trouble: the answer to a `POST /payments` is lost on the way back. The client cannot tell "not done" from "done
//! and not heard", so it sends the request again, and somebody pays twice. A key that stays the same over all attempts
//! lets the service see that it is the same operation. But clients write keys in two ways, raw and quoted, keys end up in
//! logs, and a service that calls others needs keys for those calls too, the same ones on every attempt.
//!
//! ```
//! use buttress::key::{Invalid, Key, Syntax};
//!
//! # fn main() -> Result<(), Invalid> {
//! // as payment SDKs send it, and as the standard writes it: the same key
//! let raw = Key::parse(Syntax::Lenient, b"stripe-node-retry-7f3c")?;
//! let quoted = Key::parse(Syntax::Lenient, br#""stripe-node-retry-7f3c";v=1"#)?;
//! assert_eq!(raw, quoted);
//!
//! // a key of ours for the call that the operation makes downstream: the same on every attempt, on every node
//! let charge = raw.children(b"tenant 7").child("charge");
//! assert_eq!(charge, quoted.children(b"tenant 7").child("charge"));
//! assert_ne!(charge, raw.children(b"tenant 8").child("charge"));
//!
//! // what a log shows is not the key
//! assert!(!format!("{raw:?}").contains("stripe"));
//! # Ok(())
//! # }
//! ```
//!
//! - [`Key`]: 1 to 255 bytes of printable ASCII, cheap to clone, never printed.
//! - [`Syntax`] and [`Rules`]: how strictly a header field is read; [`Invalid`]: why it was refused.
//! - [`Children`], [`Step`], [`Secret`]: keys for the calls downstream, by a formula that is written down.

mod base32;
mod child;
mod hash;
mod invalid;
mod parameters;
mod parse;
mod random;
mod rules;
mod step;
mod value;

#[cfg(test)]
mod tests;

pub use child::{Children, Secret};
// For what else is hashed around a key.
pub(crate) use hash::{Context, context, named};
pub use invalid::Invalid;
pub use rules::{Rules, Syntax};
pub use step::Step;
pub use value::Key;
