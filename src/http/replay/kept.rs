//! What is kept of a body, for those who send it again: chunks as they came, up to a cap.

use ::http::HeaderMap;
use bytes::{Bytes, BytesMut};

/// How much of a body is kept where nothing is said.
pub(in crate::http) const CAP: usize = 64 * 1024;

/// Chunks below this are copied together. One byte in a chunk of its own would take forty, and hold on to whatever buffer it
/// is a slice of.
const SMALL: usize = 1024;

/// As much as is copied into one block.
const BLOCK: usize = 4096;

/// The first bytes of a body.
#[derive(Debug, Default)]
pub(super) struct Kept {
    chunks: Vec<Bytes>,
    /// Small chunks, copied together; they come after `chunks`.
    tail: BytesMut,
    /// Bytes in both.
    len: usize,
    trailers: Option<HeaderMap>,
}

/// How far one reader has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Bytes read.
    at: usize,
    /// A chunk that begins here or before; to begin the search with.
    chunk: usize,
    /// Bytes before that chunk.
    before: usize,
    trailers: bool,
}

impl Kept {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Keeps a chunk too; false where that would be more than `most`.
    pub(super) fn add(&mut self, data: &Bytes, most: usize) -> bool {
        let Some(len) = self.len.checked_add(data.len()).filter(|len| *len <= most) else { return false };
        self.len = len;
        if data.len() >= SMALL {
            self.close_tail();
            self.chunks.push(data.clone());
        } else if !data.is_empty() {
            if self.tail.len() + data.len() > BLOCK {
                self.close_tail();
            }
            self.tail.extend_from_slice(data);
        }
        true
    }

    /// Keeps the trailers, which count like data; false where that would be more than `most`.
    pub(super) fn end_with(&mut self, trailers: &HeaderMap, most: usize) -> bool {
        let size: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let fits = self.len.checked_add(size).is_some_and(|size| size <= most);
        if fits {
            self.trailers = Some(trailers.clone());
        }
        fits
    }

    /// What comes after `place`, if it is here, and moves on behind it.
    pub(super) fn read(&mut self, place: &mut Place) -> Option<Bytes> {
        if place.at >= self.len {
            return None;
        }
        loop {
            if place.chunk == self.chunks.len() {
                // Not empty: there is more, and it is not in the chunks.
                self.close_tail();
            }
            let chunk = self.chunks.get(place.chunk)?;
            let end = place.before + chunk.len();
            if place.at < end {
                let rest = chunk.slice(place.at - place.before..);
                place.at = end;
                return Some(rest);
            }
            place.before = end;
            place.chunk += 1;
        }
    }

    /// The trailers, once for each place.
    pub(super) fn read_trailers(&self, place: &mut Place) -> Option<HeaderMap> {
        if std::mem::replace(&mut place.trailers, true) { None } else { self.trailers.clone() }
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push(self.tail.split().freeze());
        }
    }

    /// Whether nothing comes after `place`, where this is all of the body.
    pub(super) fn is_end(&self, place: &Place) -> bool {
        place.at >= self.len && (place.trailers || self.trailers.is_none())
    }
}

impl Place {
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Behind `bytes` more, which were not read from here.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    pub(super) fn skip_trailers(&mut self) {
        self.trailers = true;
    }
}
