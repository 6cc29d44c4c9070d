//! Which stores keep their word when a server dies.

use super::KeyStore;

/// A store that has what it has answered, also after the death of the host that has answered: a second execution takes more
/// than a crash.
///
/// A file is one, and a database server with synchronous replicas. One that acknowledges before it is safe, as Redis does, is not:
/// after a failover a key may be claimed that was done. Ask for this where a record is all that stands between a crash and a
/// second charge:
///
/// ```
/// use buttress::idempotency::{Durable, KeyStore};
///
/// fn for_payments<S: Durable>(store: S) -> impl KeyStore {
///     store
/// }
/// ```
pub trait Durable: KeyStore {}
