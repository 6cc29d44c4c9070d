//! The floor under every other row, and what it costs to make room for rejections.

use crate::{
    Row, calls, pending_calls,
    service::{Echo, PendsOnce},
};
use tower::ServiceBuilder;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("bare loop").floor("no layer", || calls(Echo)),
        Row::new("bare loop, inner pends once").floor("no layer", || pending_calls(PendsOnce)),
        // The nearest thing that tower has.
        Row::new("lift alone")
            .floor("no layer", || calls(Echo))
            .peer("tower map_err", || {
                calls(ServiceBuilder::new().map_err(buttress::Lifted::Inner).service(Echo))
            })
            .ours("buttress", || calls(buttress::over(tower::layer::util::Identity::new(), Echo))),
    ]
}
