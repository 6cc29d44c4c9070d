//! What a record is and what becomes of it: the library's own files.

#[path = "../../../../src/idempotency/claim.rs"]
mod claim;
#[path = "../../../../src/idempotency/decode.rs"]
mod decode;
#[path = "../../../../src/idempotency/effects.rs"]
mod effects;
#[path = "../../../../src/idempotency/ending.rs"]
mod ending;
#[path = "../../../../src/idempotency/error.rs"]
mod error;
#[path = "../../../../src/idempotency/fingerprint.rs"]
mod fingerprint;
#[path = "../../../../src/idempotency/id.rs"]
mod id;
#[path = "../../../../src/idempotency/moment.rs"]
mod moment;
#[path = "../../../../src/idempotency/nonce.rs"]
mod nonce;
#[path = "../../../../src/idempotency/outcome.rs"]
mod outcome;
#[path = "../../../../src/idempotency/record.rs"]
mod record;
#[path = "../../../../src/idempotency/stored.rs"]
mod stored;

pub(crate) use claim::{Attempt, Claim, Hold, Quota, Terms};
pub(crate) use decode::Fields;
pub(crate) use effects::{Effects, OnLeaseOver};
pub(crate) use ending::{Parked, Recovery};
pub(crate) use error::{Lost, Trouble};
pub(crate) use fingerprint::{Fingerprint, Match};
pub(crate) use id::{RecordId, Scope};
pub(crate) use moment::Moment;
pub(crate) use nonce::Nonce;
pub(crate) use outcome::Outcome;
pub(crate) use record::{OnClaim, OnHold, Record, State};
pub(crate) use stored::{Answer, Body, Stored, Unreadable};
