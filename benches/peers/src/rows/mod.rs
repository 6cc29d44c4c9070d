//! Every row, in the order of the table: one file a group.

mod breaker;
mod fallback;
mod ground;
mod http;
mod prices;
mod timeout;

use crate::Row;

/// All of them.
#[must_use]
pub fn all() -> Vec<Row> {
    [ground::rows(), timeout::rows(), breaker::rows(), fallback::rows(), http::rows(), prices::rows()]
        .into_iter()
        .flatten()
        .collect()
}
