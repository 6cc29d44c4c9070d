//! The states of a record against a naive model of what its owners may believe; stored bytes against what was written.

mod model;
mod record;
mod stored;
