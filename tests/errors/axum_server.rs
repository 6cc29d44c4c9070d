//! axum: a guard on a router, over real connections.

// [what a user writes
use axum::{Router, routing::get};
use buttress::{http, timeout::TimeoutLayer};
use std::{future::pending, time::Duration};

fn app(limit: Duration) -> Router {
    Router::new()
        .route("/fast", get(|| async { "fast" }))
        .route("/stuck", get(pending::<()>))
        .layer(http::guard(TimeoutLayer::new(limit)))
}
// what a user writes]

use crate::{
    gate::{Gate, GateLayer},
    net::{LONG, SHORT, reqwest_client, serve},
};
use axum::{body::Body, extract::Request, response::Response};
use buttress::{
    Rejected,
    http::{ByStatus, DeadlineLayer, Guard},
    outcome::Class,
    rejected::Reason,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, util::MapResponseLayer};

/// What the caller of the stack sees on a timeout, over a connection of its own.
pub(crate) async fn seen() -> String {
    tell(reqwest_client().get(url(serve(app(SHORT)).await, "/stuck")).send().await.expect("an answer")).await
}

pub(crate) async fn tell(answer: reqwest::Response) -> String {
    let status = answer.status().as_u16();
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    format!("HTTP {status}, `{kind}`: `{}`", answer.text().await.expect("a body"))
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

/// The answer of the router itself, without a socket: for the paused clock.
async fn ask(app: &Router, path: &str) -> Response {
    app.clone().oneshot(Request::get(path).body(Body::empty()).expect("a request")).await.expect("infallible")
}

/// Of a router, or of one of its routes: this compiles only while the error stays what it was.
fn never_fails<S: Service<Request, Error = Infallible>>(_: &S) {}

#[tokio::test]
async fn a_timeout_is_a_504_with_a_problem_document_and_the_server_lives_on() {
    assert_eq!(
        seen().await,
        r#"HTTP 504, `application/problem+json`: `{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"timed out"}`"#
    );

    let address = serve(app(LONG)).await;
    let answer = reqwest_client().get(url(address, "/fast")).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "fast");
}

#[test]
fn the_error_of_a_router_under_a_guard_stays_infallible() {
    never_fails(&app(LONG));
    never_fails(&http::guard(TimeoutLayer::new(LONG)).layer(app(LONG)));
}

/// Counts how often axum calls `layer()`.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl<S> Layer<S> for Counted {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        self.0.fetch_add(1, Relaxed);
        inner
    }
}

/// Two good routes and a bad one, behind one gate.
fn gated() -> (Router, Gate, Arc<AtomicUsize>) {
    let (layer, counted) = (GateLayer::reading(ByStatus), Counted::default());
    let (gate, count) = (layer.gate(), Arc::clone(&counted.0));
    let app = Router::new()
        .route("/one", get(|| async { "one" }))
        .route("/two", get(|| async { "two" }))
        .route("/fail", get(|| async { axum::http::StatusCode::BAD_GATEWAY }))
        .layer(http::guard((layer, counted, TimeoutLayer::new(LONG))));
    (app, gate, count)
}

#[tokio::test]
async fn all_routes_and_connections_share_one_state_though_each_gets_a_layer_of_its_own() {
    let (app, gate, count) = gated();
    let at_build = count.load(Relaxed);
    assert!(at_build >= 3, "once a route: {at_build}");

    let address = serve(app).await;
    for _ in 0..3 {
        // A client each, so a connection each.
        let answer = reqwest_client().get(url(address, "/fail")).send().await.expect("an answer");
        assert_eq!(answer.status(), 502, "an inner answer is passed on as it is");
    }
    let answer = reqwest_client().get(url(address, "/two")).send().await.expect("an answer");
    assert_eq!(answer.status(), 503, "another route, another connection");
    assert_eq!(answer.headers()["retry-after"], "30");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");

    // The regression: state that is made in `layer()` would have been new for each of these.
    let served = count.load(Relaxed);
    assert!(served >= at_build + 4, "four connections: {at_build} at build, {served} after");
    assert_eq!(gate.classes(), [Class::Failed; 3]);
}

#[tokio::test]
async fn a_good_answer_is_counted_once_its_body_is_out() {
    let (app, gate, _) = gated();
    let address = serve(app).await;
    let answer = reqwest_client().get(url(address, "/one")).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "one");
    assert_eq!(gate.ended(1).await, [Class::Ok]);
}

/// A guard that stands in a field has a name, and so has one with our own layers in a tuple.
struct House {
    outer: Guard<TimeoutLayer>,
    inner: Guard<(GateLayer<ByStatus>, TimeoutLayer)>,
}

impl House {
    fn new(limit: Duration) -> Self {
        let inner = http::guard((GateLayer::reading(ByStatus), TimeoutLayer::new(limit)));
        Self { outer: http::guard(TimeoutLayer::new(LONG)), inner }
    }
}

fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/stuck", get(pending::<()>)).route("/fast", get(|| async { "fast" }))
}

#[tokio::test(start_paused = true)]
async fn a_stack_may_be_written_in_every_way_that_tower_and_axum_know() {
    let limit = || TimeoutLayer::new(Duration::from_secs(3));
    let gate = || GateLayer::reading(ByStatus);
    let house = House::new(Duration::from_secs(3));
    let handler = Router::new()
        .route("/stuck", get(pending::<()>).layer(http::guard(limit())))
        .route("/fast", get(|| async { "fast" }));
    let ways: [(&str, Router); 12] = [
        ("a single layer", routes().layer(http::guard(limit()))),
        ("a tuple", routes().layer(http::guard((gate(), limit())))),
        ("a builder", routes().layer(http::guard(ServiceBuilder::new().layer(gate()).layer(limit())))),
        ("nested guards", routes().layer(http::guard(limit())).layer(http::guard(gate()))),
        (
            "an empty builder around",
            routes().layer(http::guard(limit())).layer(http::guard(ServiceBuilder::new())),
        ),
        ("route_layer", routes().route_layer(http::guard(limit()))),
        ("a method's own layer", handler),
        ("with_state", routes::<u8>().layer(http::guard(limit())).with_state(3)),
        (
            "option_layer",
            routes().layer(http::guard(
                ServiceBuilder::new().option_layer(Some(limit())).option_layer(None::<TimeoutLayer>),
            )),
        ),
        (
            "tower's concurrency_limit inside",
            routes().layer(http::guard(ServiceBuilder::new().layer(limit()).concurrency_limit(5))),
        ),
        ("named in a struct", routes().layer(house.inner).layer(house.outer)),
        (
            "respond and lift by hand",
            routes()
                .layer(ServiceBuilder::new().layer(http::respond()).layer(limit()).layer(buttress::lift())),
        ),
    ];
    for (way, app) in ways {
        let late = ask(&app, "/stuck").await;
        assert_eq!(late.status(), 504, "{way}");
        assert_eq!(late.headers()["content-type"], "application/problem+json", "{way}");
        assert_eq!(ask(&app, "/fast").await.status(), 200, "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_without_layers_changes_nothing() {
    let app: Router = routes().layer(http::guard(ServiceBuilder::new()));
    assert_eq!(ask(&app, "/fast").await.into_body().collect().await.expect("a body").to_bytes(), "fast");
}

pin_project! {
    /// What a tracing or compressing layer makes of a body: a type of its own, without `From<Bytes>`.
    struct Watched<B> { #[pin] body: B }
}

impl<B: http_body::Body> http_body::Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_wraps_the_body_stands_outside_or_is_mapped_back_right_above_it() {
    let watch = || MapResponseLayer::new(|response: Response| response.map(|body| Watched { body }));
    let limit = || TimeoutLayer::new(Duration::from_secs(3));
    let outside: Router = routes().layer((watch(), http::guard(limit())));
    let mapped = ServiceBuilder::new()
        .layer(limit())
        .map_response(|response: ::http::Response<Watched<Body>>| response.map(Body::new))
        .layer(watch());
    let inside: Router = routes().layer(http::guard(mapped));
    for app in [outside, inside] {
        assert_eq!(ask(&app, "/stuck").await.status(), 504);
        assert_eq!(ask(&app, "/fast").await.status(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_layer_inside_turns_the_rest_into_a_box_and_our_rejections_are_answered_all_the_same() {
    // tower's own timeout: its error is boxed, so axum wants it handled, as always.
    let boxed = http::guard((
        TimeoutLayer::new(Duration::from_secs(3)),
        tower::timeout::TimeoutLayer::new(Duration::from_secs(9)),
    ));
    let svc = boxed.layer(routes());
    let asked = svc.clone().oneshot(Request::get("/stuck").body(Body::empty()).expect("a request"));
    let answer: Result<Response, tower::BoxError> = asked.await;
    assert_eq!(answer.expect("ours is answered").status(), 504);

    let handled = axum::error_handling::HandleErrorLayer::new(|_: tower::BoxError| async { "handled" });
    let app: Router = routes().layer((
        handled,
        http::guard((TimeoutLayer::new(LONG), tower::timeout::TimeoutLayer::new(Duration::from_secs(3)))),
    ));
    let body = ask(&app, "/stuck").await.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, Bytes::from_static(b"handled"));
}

#[tokio::test]
async fn the_deadline_that_a_caller_brings_along_cuts_before_the_layers_own_limit() {
    let deadlines = DeadlineLayer::new().trust_deadline(LONG);
    let app = routes().layer((deadlines, http::guard(TimeoutLayer::new(LONG))));
    let address = serve(app).await;
    for millis in ["20", "0"] {
        let asked = reqwest_client().get(url(address, "/stuck")).header("x-request-timeout-ms", millis);
        let answer = asked.send().await.expect("an answer");
        assert_eq!(
            tell(answer).await,
            r#"HTTP 504, `application/problem+json`: `{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"the deadline has passed"}`"#
        );
    }
}

#[tokio::test]
async fn a_page_of_ones_own_is_a_function_of_the_rejection() {
    let page = |why: &Rejected| {
        assert_eq!((why.reason(), why.name()), (Reason::TimedOut, "orders"));
        Response::builder().status(599).body(Body::from("later")).expect("a response")
    };
    let app = routes().layer(http::guard(TimeoutLayer::new(SHORT).name("orders")).render(page));
    let answer = reqwest_client().get(url(serve(app).await, "/stuck")).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.text().await.expect("a body").as_str()), (599, "later"));
}
