//! A server's stack: what is refused or cut becomes an answer, so the error stays as it was.

use crate::{
    Bar, Batch, Row, requests,
    service::{Body, Page},
};
use buttress::{http::guard, timeout::TimeoutLayer};
use http::{Request, StatusCode};
use std::{fmt::Debug, time::Duration};
use tower::{Layer, Service};

const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("http: a timeout that answers, inner ready")
            .floor("no layer", || pages(Page))
            .peer("tower-http", || {
                let layer =
                    tower_http::timeout::TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, LIMIT);
                pages(layer.layer(Page))
            })
            .ours("buttress guard", || pages(guard(TimeoutLayer::new(LIMIT)).layer(Page)))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
    ]
}

fn pages<S>(service: S) -> Batch
where
    S: Service<Request<Body>> + 'static,
    S::Error: Debug,
{
    requests(service, |_| Request::new(Body::default()))
}
