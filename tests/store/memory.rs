//! Records in memory: every fact, and the bounds.

mod bounds;
mod facts;
