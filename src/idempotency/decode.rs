//! Reads stored bytes: all of them are looked at once, before anything is believed.

use super::{
    Answer, Body, Stored, Unreadable,
    Unreadable::{Damaged, Version},
};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

pub(super) const KEPT: u8 = 1;
pub(super) const TOO_LARGE: u8 = 2;

/// The rest of the bytes.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn len(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn field(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let len = self.len()?;
        let name = self.take(len)?;
        let len = self.len()?;
        Some((name, self.take(len)?))
    }

    /// Walks over all of them, so that whoever iterates later finds each.
    fn fields(&mut self) -> Option<Fields<'a>> {
        let left = u32::from_le_bytes(self.array()?);
        let fields = Fields { rest: self.0, left };
        for _ in 0..left {
            self.field()?;
        }
        Some(fields)
    }

    fn body(&mut self) -> Option<Body<'a>> {
        let [tag] = self.array()?;
        let len = u64::from_le_bytes(self.array()?);
        match tag {
            KEPT => self.take(usize::try_from(len).ok()?).map(Body::Kept),
            TOO_LARGE => Some(Body::TooLarge { len, digest: self.array()? }),
            _ => None,
        }
    }
}

pub(super) fn answer(bytes: &[u8]) -> Result<Answer<'_>, Unreadable> {
    match bytes.split_first() {
        Some((&Stored::VERSION, rest)) => version_1(Reader(rest)).ok_or(Damaged),
        Some((&version, _)) => Err(Version(version)),
        None => Err(Damaged),
    }
}

fn version_1(mut rest: Reader<'_>) -> Option<Answer<'_>> {
    let status = u16::from_le_bytes(rest.array()?);
    let seconds = Duration::from_secs(u64::from_le_bytes(rest.array()?));
    let answer = Answer {
        status,
        // What no clock can hold was never written here.
        made_at: SystemTime::UNIX_EPOCH.checked_add(seconds)?,
        headers: rest.fields()?,
        body: rest.body()?,
        trailers: rest.fields()?,
    };
    rest.0.is_empty().then_some(answer)
}

/// Headers or trailers: names and values, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader(self.rest);
        let field = reader.field();
        self.rest = reader.0;
        field
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.left as usize;
        (left, Some(left))
    }
}

/// Names only: a value may be a secret.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.map(|(name, _)| String::from_utf8_lossy(name))).finish()
    }
}
