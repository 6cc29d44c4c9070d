//! Whose operation a record is of: what a store finds it by.

use crate::key::{Children, Context, Key, context};
use std::fmt;

static SCOPE: Context = context!("buttress idempotency scope v1");
static OPERATION: Context = context!("buttress idempotency operation v1");

/// Who a key belongs to: a service, and one of its tenants.
///
/// Two tenants may well send the same key, and must not meet: each has records of its own, and neither can find out whether
/// the other has used a key. 32 bytes of BLAKE3 over the parts, each with its length in front.
///
/// ```
/// use buttress::idempotency::Scope;
///
/// assert_ne!(Scope::new("payments", b"tenant 7"), Scope::new("payments", b"tenant 8"));
/// assert_ne!(Scope::new("payments", b""), Scope::unscoped("payments"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope([u8; 32]);

impl Scope {
    /// The tenant `principal` of the service `namespace`.
    #[must_use]
    pub fn new(namespace: &str, principal: impl AsRef<[u8]>) -> Self {
        Self(SCOPE.digest([namespace.as_bytes(), b"principal", principal.as_ref()]))
    }

    /// All callers of the service `namespace`, where they are not told apart.
    #[must_use]
    pub fn unscoped(namespace: &str) -> Self {
        Self(SCOPE.digest([namespace]))
    }

    /// As a store has kept it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As a store keeps it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", Short(&self.0))
    }
}

/// What a store finds a record by: a [`Scope`], and 32 bytes of the key. No store ever sees the key itself.
///
/// ```
/// use buttress::{idempotency::{RecordId, Scope}, key::Key};
///
/// let scope = Scope::new("payments", b"tenant 7");
/// let id = RecordId::new(scope, &Key::new("a1")?);
/// assert_eq!(id, RecordId::from_parts(scope, *id.key()));
/// // what a log shows of it is the front of the hash, the same as of the key
/// assert_eq!(id.to_string(), Key::new("a1")?.to_string());
/// # Ok::<(), buttress::key::Invalid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId {
    scope: Scope,
    key: [u8; 32],
}

impl RecordId {
    /// Of that key in that scope.
    #[must_use]
    pub fn new(scope: Scope, key: &Key) -> Self {
        Self { scope, key: key.digest() }
    }

    /// The same for one operation only: the same key sent to another is another record.
    ///
    /// Without it a key that is sent to two endpoints is one record, and the fingerprint tells that it is misused.
    #[must_use]
    pub fn of_operation(scope: Scope, operation: impl AsRef<[u8]>, key: &Key) -> Self {
        Self { scope, key: OPERATION.digest([operation.as_ref(), &key.digest()]) }
    }

    /// As a store has kept it.
    #[must_use]
    pub const fn from_parts(scope: Scope, key: [u8; 32]) -> Self {
        Self { scope, key }
    }

    /// Whose it is.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Which of theirs.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Keys for the calls that the operation makes downstream: from the record alone, so that whoever finishes it after a
    /// crash finds the same ones.
    ///
    /// ```
    /// # use buttress::{idempotency::{RecordId, Scope}, key::Key};
    /// let id = RecordId::new(Scope::new("payments", b"tenant 7"), &Key::new("a1")?);
    /// assert_eq!(id.children().child("charge"), id.children().child("charge"));
    /// # Ok::<(), buttress::key::Invalid>(())
    /// ```
    #[must_use]
    pub fn children(&self) -> Children<'_> {
        Children::of(self.scope.as_bytes(), self.key)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Short(&self.key).fmt(f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({}/{})", Short(&self.scope.0), Short(&self.key))
    }
}

/// The front of a hash, as 8 hex digits.
pub(super) struct Short<'a>(pub(super) &'a [u8; 32]);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
