//! An axum handler in process, as a server calls it: the router is cloned, asked once, and its answer dropped.

use crate::{Bar, Batch, Row, batch};
use axum::{Router, body::Body, extract::Request, response::Response, routing::get};
use buttress::{
    Lifted,
    breaker::{BreakerLayer, Circuit, Policy},
    http::{ByStatus, guard},
    outcome::Outcome,
};
use std::{
    convert::{Infallible, identity},
    hint::black_box,
};
use tower::{ServiceExt, util::MapRequestLayer};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("axum handler behind a breaker")
            .floor("a layer that does nothing", || {
                answers(app().layer(MapRequestLayer::new(identity::<Request>)))
            })
            .ours("buttress guard, judged by the head", || {
                let layer = BreakerLayer::new(&circuit()).classify_by(
                    |result: Result<&Response, &Lifted<Infallible>>| {
                        result.map_or(Outcome::FAILED, |response| ByStatus::outcome(response.status()))
                    },
                );
                answers(app().layer(guard(layer)))
            })
            .bar(bar())
            .ours("buttress guard, judged to the end of the body", || {
                answers(app().layer(guard(BreakerLayer::new(&circuit()).classify(ByStatus))))
            }),
    ]
}

fn bar() -> Bar {
    Bar { more_instructions: Some(120.0), ..Bar::default() }
}

fn circuit() -> Circuit {
    Circuit::new("bench", &Policy::new())
}

fn app() -> Router {
    Router::new().route("/", get(async || "hello"))
}

fn answers(router: Router) -> Batch {
    // As `axum::serve` does for each connection; without it the layers would be put around the handler anew for each request.
    let router: Router = router.with_state(());
    batch(async move |_| {
        let answered = black_box(&router).clone().oneshot(Request::new(Body::empty())).await;
        crate::answer(answered.map(|response| assert_eq!(response.status(), 200)));
    })
}
