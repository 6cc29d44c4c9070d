//! Every row, in the order of the table: one file a group.

mod axum;
mod breaker;
mod bulkhead;
mod fallback;
mod ground;
mod hedge;
mod http;
mod idempotency;
mod keyed;
mod prices;
mod retry;
mod shipped;
mod stack;
mod timeout;
mod total;

use crate::Row;

/// All of them.
#[must_use]
pub fn all() -> Vec<Row> {
    [
        ground::rows(),
        timeout::rows(),
        total::rows(),
        stack::rows(),
        breaker::rows(),
        bulkhead::rows(),
        fallback::rows(),
        hedge::rows(),
        retry::rows(),
        shipped::rows(),
        http::rows(),
        axum::rows(),
        idempotency::rows(),
        keyed::rows(),
        prices::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
