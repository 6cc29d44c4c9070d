//! Keys for the calls downstream, derived so that every attempt and every node finds the same ones.

use super::{
    Key, Step, base32,
    hash::{Context, Parts, context},
    value::short,
};
use blake3::Hasher;
use std::fmt;

/// What every child key begins with: whose it is, and by which formula.
const PREFIX: &str = "btr1-";
/// The formula's name. It changes only together with the prefix.
static CONTEXT: Context = context!("buttress idempotency child v1");
const SECRET_CONTEXT: &str = "buttress idempotency child v1 secret";

/// The keys for the calls that one keyed operation makes downstream.
///
/// A handler that charges a card runs again when its first attempt died half-way. Sent with the same child key, the charge
/// is recognised downstream, and happens once. So a child key depends on whose operation it is (the scope), on its key and
/// on the step; never on the number of the attempt, the node or the payload.
///
/// ```
/// use buttress::key::{Key, Secret};
///
/// let secret = Secret::new("32 random bytes from the vault, say");
/// let key = Key::new("8e03978e-40d5-43dd-bc93-6894a57f9324")?;
/// let children = key.children(b"tenant 7").secret(&secret);
///
/// let charge = children.child("charge");
/// assert_eq!(charge.as_str().len(), 37);
/// assert_eq!(charge, children.child("charge"));
/// for line in 0..3 {
///     assert_ne!(children.child(("line", line)), charge);
/// }
/// # Ok::<(), buttress::key::Invalid>(())
/// ```
///
/// # The formula
///
/// A child key is `btr1-` and 32 characters: the first 20 bytes of a BLAKE3 output, in base32 (RFC 4648) with small
/// letters. That is 160 bits in 37 characters, legal raw and in quotes, and short enough for services that stop at 64.
/// Hashed are three parts, each with its length in bytes in front, as 8 bytes, little endian:
///
/// | part | bytes |
/// |---|---|
/// | scope | as given |
/// | key | the 32 bytes of [`Key::digest`] |
/// | step | the name in UTF-8; with a number: the name, the byte `FF`, the number as 8 bytes, little endian |
///
/// It is the digest that is hashed and not the key, because a store knows only the digest: who finishes an operation after
/// a crash, from its record alone, derives the same keys.
///
/// Without a secret the mode is `derive_key` with the context `buttress idempotency child v1`. With one it is the keyed
/// hash, under `derive_key("buttress idempotency child v1 secret", secret)`. `btr1` names this formula: it will never
/// change under this name.
#[derive(Clone, Copy)]
pub struct Children<'a> {
    scope: &'a [u8],
    parent: [u8; 32],
    secret: Option<&'a Secret>,
}

impl<'a> Children<'a> {
    /// From what a record keeps of the operation: its scope, and the [digest](Key::digest) of its key.
    ///
    /// ```
    /// # use buttress::key::{Children, Key};
    /// let key = Key::new("8e03978e")?;
    /// let from_record = Children::of(b"tenant 7", key.digest());
    /// assert_eq!(from_record.child("charge"), key.children(b"tenant 7").child("charge"));
    /// # Ok::<(), buttress::key::Invalid>(())
    /// ```
    #[must_use]
    pub const fn of(scope: &'a [u8], digest: [u8; 32]) -> Self {
        Self { scope, parent: digest, secret: None }
    }

    /// The same, with keys that only a holder of `secret` can foretell.
    ///
    /// Without one, a caller who knows its own key and scope can work out the keys that we use downstream, and use them up
    /// before we do. The secret is one per service, and stays: another secret means other keys.
    #[must_use]
    pub const fn secret(mut self, secret: &'a Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The key for one step. Two calls under one name would be one call to the service downstream: give every call of the
    /// operation its own name, and number those in a loop.
    #[must_use]
    pub fn child<'s>(&self, step: impl Into<Step<'s>>) -> Key {
        let mut hasher = match self.secret {
            None => CONTEXT.hasher(),
            Some(secret) => Hasher::new_keyed(&secret.0),
        };
        let mut parts = Parts::of(&mut hasher);
        step.into().hash(parts.add(&[self.scope]).add(&[&self.parent]));
        let digest = parts.digest();
        let mut taken = [[0; 5]; 4];
        taken.as_flattened_mut().copy_from_slice(&digest[..20]);
        Key::trusted(PREFIX.to_owned() + &base32::encode(&taken))
    }
}

/// Neither scope nor key: both may name a customer.
impl fmt::Debug for Children<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Children(of {:08x}, {})",
            short(&self.parent),
            if self.secret.is_some() { "keyed" } else { "plain" }
        )
    }
}

/// What a service mixes into the child keys it derives, so that nobody else can foretell them.
///
/// Any number of bytes, hashed at once; give it at least 16 random ones, from where your other secrets are kept. An
/// empty one is accepted, and protects nothing. `Debug` shows nothing of it.
///
/// ```
/// use buttress::key::Secret;
///
/// assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(..)");
/// ```
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// From the bytes of a secret.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(blake3::derive_key(SECRET_CONTEXT, bytes.as_ref()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
