//! The answer of an operation as a store keeps it: bytes in a written-down, versioned form.

use super::decode::{self, Fields};
use std::{fmt, sync::Arc, time::SystemTime};

/// An answer, encoded. A clone counts a reference; `Debug` shows the size only, since an answer may hold anything.
///
/// Stores take it as the bytes that it is. Who replays it reads it with [`open`](Self::open), which looks at all of it and
/// copies none.
///
/// ```
/// use std::time::SystemTime;
/// use buttress::idempotency::{Body, Stored};
///
/// let stored = Stored::encode(
///     201,
///     SystemTime::UNIX_EPOCH,
///     [("location", "/payments/7")],
///     Body::Kept(b"{}"),
///     [("", ""); 0],
/// );
/// let read = Stored::from_bytes(stored.as_bytes().to_vec());
/// let answer = read.open()?;
/// assert_eq!((answer.status(), answer.body()), (201, Body::Kept(b"{}")));
/// assert_eq!(answer.headers().collect::<Vec<_>>(), [(b"location".as_slice(), b"/payments/7".as_slice())]);
/// # Ok::<(), buttress::idempotency::Unreadable>(())
/// ```
///
/// # The form
///
/// | bytes | what |
/// |---|---|
/// | 1 | the version: 1 |
/// | 2 | the status |
/// | 8 | when it was made, in seconds since 1970 |
/// | 4, then each | headers: how many; of each the length of its name (4), the name, the length of its value (4), the value |
/// | 1 | the body: 1 kept, 2 too large to keep |
/// | 8, then | kept: its length, and the bytes. Too large: how much was read of it, and 32 bytes of BLAKE3 |
/// | 4, then each | trailers, as headers |
///
/// Numbers are little endian. A version that is not known is refused ([`Unreadable::Version`]), never guessed at.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored(Arc<Vec<u8>>);

/// The body of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// All of it.
    Kept(&'a [u8]),
    /// It was more than is kept.
    TooLarge {
        /// How many bytes were read of it before that was known.
        len: u64,
        /// BLAKE3 of these.
        digest: [u8; 32],
    },
}

/// Why stored bytes are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreadable {
    /// Of a version that is not known here: a newer one has written it, or it is sealed.
    Version(u8),
    /// Damaged.
    Damaged,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "a stored answer of the unknown version {version}"),
            Self::Damaged => f.write_str("a damaged stored answer"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl Stored {
    /// The version that is written.
    pub const VERSION: u8 = 1;

    /// The bytes of an answer.
    ///
    /// Lengths that do not fit (a header of over 4 GiB) cannot come from any protocol that is spoken here; such a field is
    /// left out.
    pub fn encode<N: AsRef<[u8]>, V: AsRef<[u8]>, M: AsRef<[u8]>, W: AsRef<[u8]>>(
        status: u16,
        made_at: SystemTime,
        headers: impl IntoIterator<Item = (N, V)>,
        body: Body<'_>,
        trailers: impl IntoIterator<Item = (M, W)>,
    ) -> Self {
        let made_at = made_at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let body_len = match body {
            Body::Kept(bytes) => bytes.len(),
            Body::TooLarge { .. } => 32,
        };
        let (headers, trailers) = (headers.into_iter(), trailers.into_iter());
        // It is kept for long: where there are no headers it has no room for any.
        let most = [headers.size_hint(), trailers.size_hint()].map(|(least, most)| most.unwrap_or(least));
        let room =
            most.into_iter().map(|fields| fields.saturating_mul(FIELD)).fold(FIXED, usize::saturating_add);
        let mut out = Vec::with_capacity(room.min(ROOM).saturating_add(body_len));
        out.push(Self::VERSION);
        out.extend(status.to_le_bytes());
        out.extend(made_at.to_le_bytes());
        fields(&mut out, headers);
        match body {
            Body::Kept(bytes) => {
                out.push(decode::KEPT);
                out.extend((bytes.len() as u64).to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Body::TooLarge { len, digest } => {
                out.push(decode::TOO_LARGE);
                out.extend(len.to_le_bytes());
                out.extend_from_slice(&digest);
            }
        }
        fields(&mut out, trailers);
        Self(Arc::new(out))
    }

    /// Bytes as a store has kept them. They are looked at by [`open`](Self::open).
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }

    /// Bytes for a store to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads it.
    ///
    /// # Errors
    /// Where the bytes are no answer of a known version. Any bytes are refused or read; none panics.
    pub fn open(&self) -> Result<Answer<'_>, Unreadable> {
        decode::answer(&self.0)
    }
}

/// What stands there without a header and without a body.
const FIXED: usize = 28;
/// A header of the usual length.
const FIELD: usize = 48;
/// For so much there is room beforehand, however many headers there may be.
const ROOM: usize = 1024;

fn fields<N: AsRef<[u8]>, V: AsRef<[u8]>>(out: &mut Vec<u8>, fields: impl IntoIterator<Item = (N, V)>) {
    let count_at = out.len();
    out.extend([0; 4]);
    let mut count = 0_u32;
    for (name, value) in fields {
        let (name, value) = (name.as_ref(), value.as_ref());
        if let (Ok(name_len), Ok(value_len)) = (u32::try_from(name.len()), u32::try_from(value.len())) {
            out.extend(name_len.to_le_bytes());
            out.extend_from_slice(name);
            out.extend(value_len.to_le_bytes());
            out.extend_from_slice(value);
            count = count.saturating_add(1);
        }
    }
    out[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
}

impl AsRef<[u8]> for Stored {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({} bytes)", self.0.len())
    }
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(bytes) => write!(f, "Kept({} bytes)", bytes.len()),
            Self::TooLarge { len, .. } => write!(f, "TooLarge({len} bytes)"),
        }
    }
}

/// A stored answer, read. It borrows from the [`Stored`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    pub(super) status: u16,
    pub(super) made_at: SystemTime,
    pub(super) headers: Fields<'a>,
    pub(super) body: Body<'a>,
    pub(super) trailers: Fields<'a>,
}

impl<'a> Answer<'a> {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// When it was made, to the second, by the clock of the node that made it: to be shown, not to be compared.
    #[must_use]
    pub const fn made_at(&self) -> SystemTime {
        self.made_at
    }

    /// The headers, in order.
    #[must_use]
    pub const fn headers(&self) -> Fields<'a> {
        self.headers
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> Body<'a> {
        self.body
    }

    /// The trailers, in order.
    #[must_use]
    pub const fn trailers(&self) -> Fields<'a> {
        self.trailers
    }
}
