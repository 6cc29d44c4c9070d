//! A server by axum, and a client whose bodies are reqwest's.

use crate::{DAY, MS};
use axum::{
    Router,
    body::{Body, to_bytes},
    routing::get,
};
use buttress::{
    fallback::{Bounds, FallbackLayer},
    http::{self as b_http, Degraded},
    outcome::Class,
    rejected::Reason,
    timeout::TimeoutLayer,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};
use tower::{Service, ServiceExt, service_fn};

/// Answers as it is told: 0 well, 1 with a 503, 2 never.
fn app(state: &Arc<AtomicU32>) -> Router {
    let state = Arc::clone(state);
    Router::new().route(
        "/offers",
        get(move || {
            let state = state.load(Relaxed);
            async move {
                match state {
                    0 => Ok("three for two"),
                    1 => Err(StatusCode::SERVICE_UNAVAILABLE),
                    _ => pending().await,
                }
            }
        }),
    )
}

async fn page(app: &Router) -> (u16, String, Option<Degraded>) {
    let request = Request::get("/offers").body(Body::empty()).expect("valid");
    let answer = app.clone().oneshot(request).await.expect("infallible");
    let (status, degraded) = (answer.status().as_u16(), answer.extensions().get().copied());
    let body = to_bytes(answer.into_body(), 1000).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"), degraded)
}

#[tokio::test(start_paused = true)]
async fn an_axum_server_answers_with_its_last_good_page_while_a_handler_is_down_or_hangs() {
    let state = Arc::new(AtomicU32::new(0));
    let stack = (b_http::last_good(Bounds::age(DAY)).also_on([Class::Failed]), TimeoutLayer::new(100 * MS));
    let app = app(&state).layer(b_http::guard(stack));
    assert_eq!(page(&app).await, (200, "three for two".into(), None));
    for (down, class, reason) in [(1, Class::Failed, None), (2, Class::TimedOut, Some(Reason::TimedOut))] {
        state.store(down, Relaxed);
        let (status, body, degraded) = page(&app).await;
        assert_eq!((status, body), (200, "three for two".into()));
        let degraded = degraded.expect("marked");
        assert_eq!((degraded.class(), degraded.reason()), (class, reason));
    }
}

#[tokio::test(start_paused = true)]
async fn the_guard_answers_what_no_fallback_could() {
    let state = Arc::new(AtomicU32::new(2));
    let stack = (b_http::last_good(Bounds::age(DAY)), TimeoutLayer::new(100 * MS));
    let app = app(&state).layer(b_http::guard(stack));
    let (status, body, degraded) = page(&app).await;
    assert_eq!((status, degraded), (504, None));
    assert!(body.contains("\"status\":504"), "{body}");
    state.store(1, Relaxed);
    assert_eq!(page(&app).await.0, 503, "a failure is not hidden");
}

#[tokio::test(start_paused = true)]
async fn an_axum_server_answers_with_a_page_made_for_the_purpose() {
    let state = Arc::new(AtomicU32::new(2));
    let plain = FallbackLayer::function(|_| Response::new(Body::from("no offers today"))).http();
    let app = app(&state).layer(b_http::guard((plain, TimeoutLayer::new(100 * MS))));
    let (status, body, degraded) = page(&app).await;
    assert_eq!((status, body.as_str()), (200, "no offers today"));
    assert_eq!(degraded.map(|degraded| degraded.age()), Some(None));
    state.store(1, Relaxed);
    assert_eq!(page(&app).await.0, 503);
}

/// A client as reqwest's is one for tower, over the app in this process.
fn client(
    app: Router,
) -> impl Service<Request<reqwest::Body>, Response = Response<reqwest::Body>, Error = Infallible, Future: Send>
+ Clone {
    service_fn(move |request: Request<reqwest::Body>| {
        let app = app.clone();
        async move {
            let answer = app.oneshot(request.map(Body::new)).await?;
            let (head, body) = answer.into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            Ok(Response::from_parts(head, reqwest::Body::from(bytes)))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_client_asks_the_replica_while_the_first_hangs_and_the_bodies_are_reqwests() {
    let (first, replica) = (Arc::new(AtomicU32::new(2)), Arc::new(AtomicU32::new(0)));
    let again = |request: &Request<reqwest::Body>| {
        let mut copy = Request::new(reqwest::Body::default());
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy
    };
    let other = FallbackLayer::service_with(client(app(&replica)), again).http();
    let kept = b_http::last_good(Bounds::age(DAY));
    // outermost the last good page, then the replica, then the limit
    let svc = buttress::over((kept, other, TimeoutLayer::new(100 * MS)), client(app(&first)));
    let ask = || async {
        let request = Request::get("http://shop/offers").body(reqwest::Body::default()).expect("valid");
        let answer = svc.clone().oneshot(request).await?;
        let kind = answer.extensions().get::<Degraded>().map(|degraded| degraded.kind().as_str());
        let text = answer.into_body().collect().await.expect("a body").to_bytes();
        Ok::<_, buttress::Lifted<Infallible>>((text, kind))
    };
    assert_eq!(ask().await, Ok(("three for two".into(), Some("service"))));
    replica.store(1, Relaxed);
    assert_eq!(
        ask().await,
        Ok(("three for two".into(), Some("last_good"))),
        "what the replica said was kept"
    );
    first.store(0, Relaxed);
    assert_eq!(ask().await, Ok(("three for two".into(), None)));
}
