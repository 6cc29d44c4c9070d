//! Conformance vectors: what other systems' own tests and specifications say, row by row, each by its id.

mod keys;
