//! One operation, one effect, one answer, however often it is asked for: records of operations, and the stores that keep them.
//!
//! The trouble: a client that hears nothing sends its request again, and the payment is made twice. An idempotency key
//! ([`key`](crate::key)) tells that it is the same operation; somebody has to remember which operations have begun, which
//! are done, and what the answer was. That memory is a record, and what becomes of it by every event is written once, in
//! [`Record`], whichever store keeps it.
//!
//! ```
//! use std::time::Duration;
//! use buttress::{
//!     idempotency::{Attempt, Fingerprint, Moment, OnClaim, OnLeaseOver, Record, Terms},
//! };
//!
//! let terms = Terms::new(Duration::from_secs(30), Duration::from_secs(86_400), OnLeaseOver::Takeover);
//! let pay = || Attempt::new(Fingerprint::of(["POST", "/payments", "10"]), terms);
//!
//! // the first claim begins, a second one meanwhile is told to wait
//! let now = Moment::default();
//! let OnClaim::Begin(record) = Record::claim(None, now, &pay()) else { panic!("there was none") };
//! let OnClaim::Busy(wait) = Record::claim(Some(&record), now, &pay()) else { panic!("it runs") };
//! assert_eq!(wait, Duration::from_secs(30));
//!
//! // its owner has vanished: the next one takes over, and the owner, should it come back, is fenced
//! let later = now.after(wait);
//! let OnClaim::Resume(next) = Record::claim(Some(&record), later, &pay()) else { panic!("lease over") };
//! assert_eq!((record.token, next.token), (1, 2));
//! ```
//!
//! - [`RecordId`], [`Scope`]: whose operation; [`Fingerprint`]: which request; [`Nonce`]: which claim.
//! - [`Effects`]: what running a handler again would do, the one word that nobody can guess.
//! - [`KeyStore`]: what a store promises; [`Durable`]: one that keeps its word when a host dies; [`InTx`]: one that takes part in transactions of the application.
//! - [`Stored`]: an answer as it is kept.
//! - [`Keeper`]: claims, keeps leases alive, writes down ends, and has what is parked [found out](Keeper::reconcile); [`Idem`]: what a handler holds of the operation that it runs.

mod ask;
mod claim;
mod crew;
mod decode;
mod durable;
mod effects;
mod ending;
mod error;
mod fingerprint;
mod id;
mod idem;
mod keeper;
mod line;
mod moment;
mod nonce;
mod outcome;
mod points;
mod reconcile;
mod record;
mod run;
mod store;
mod stored;
#[cfg(test)]
mod tests;
mod within;

pub use ask::Asked;
pub use claim::{Attempt, Claim, Hold, Quota, Terms};
// For stores that settle a record in a statement of their own.
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlx"))]
pub(crate) use claim::ttl as kept_for;
pub use decode::Fields;
pub use durable::Durable;
pub use effects::{Effects, OnLeaseOver};
pub use ending::{Ending, Parked, Recovery, Resolution};
pub use error::{Lost, StoreError, Trouble};
pub use fingerprint::{Fingerprint, Match};
pub use id::{RecordId, Scope};
pub use idem::{Idem, PhaseError, UsedTwice};
pub use keeper::Keeper;
pub use moment::Moment;
pub use nonce::Nonce;
pub use outcome::Outcome;
pub use reconcile::Reconciled;
pub use record::{OnClaim, OnHold, Record, State};
#[cfg(feature = "http")]
pub(crate) use run::Driving;
pub use run::{Ended, Run};
pub use store::{InTx, KeyStore};
pub use stored::{Answer, Body, Stored, Unreadable};
