//! Answers to rejections, and what passes through untouched.

use buttress::{Lifted, Rejected, grpc, http as b_http, rejected::Reason};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    io,
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service, ServiceExt, service_fn};

type Page = Response<Full<Bytes>>;

fn says(
    result: Result<Page, Rejected>,
) -> impl Fn(Request<()>) -> Ready<Result<Page, Lifted<io::Error>>> + Clone {
    move |_| ready(result.clone().map_err(Lifted::Rejected))
}

fn open() -> Rejected {
    Rejected::new(Reason::Open, "payments", false).after(Duration::from_millis(2500))
}

#[tokio::test]
async fn a_rejection_is_answered_and_the_error_is_what_it_was_inside() {
    let svc = b_http::respond().layer(service_fn(says(Err(open()))));
    let answer: Result<Page, io::Error> = svc.oneshot(Request::new(())).await;
    let answer = answer.expect("answered");
    assert_eq!(
        (answer.status(), &answer.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"3".parse().unwrap())
    );
}

#[tokio::test]
async fn a_response_and_an_error_of_the_service_pass_untouched() {
    let svc = b_http::respond().layer(service_fn(says(Ok(Page::new("fine".into())))));
    assert_eq!(svc.oneshot(Request::new(())).await.expect("fine").status(), 200);
    let fails = service_fn(|_: Request<()>| ready(Err::<Page, _>(Lifted::Inner(io::Error::other("mine")))));
    let error = b_http::respond().layer(fails).oneshot(Request::new(())).await.expect_err("its own");
    assert_eq!(error.to_string(), "mine");
}

#[tokio::test]
async fn answers_can_be_the_users_own() {
    let stack = b_http::guard(tower::layer::util::Identity::new()).render(|why: &Rejected| {
        Response::builder().status(599).body(Full::from(why.name().to_owned())).expect("valid")
    });
    let svc = stack.layer(service_fn(|_: Request<()>| ready(Ok::<Page, Infallible>(Page::default()))));
    assert_eq!(svc.oneshot(Request::new(())).await.expect("infallible").status(), 200);

    let respond = b_http::RespondLayer::with(|why: &Rejected| {
        Response::builder().status(599).body(Full::from(why.name().to_owned())).expect("valid")
    });
    let answer =
        respond.layer(service_fn(says(Err(open())))).oneshot(Request::new(())).await.expect("answered");
    assert_eq!(answer.status(), 599);
}

/// A foreign layer that breaks the first law: it rejects while being asked whether it is ready.
#[derive(Clone)]
struct RejectsEarly;

impl Service<Request<()>> for RejectsEarly {
    type Response = Page;
    type Error = Rejected;
    type Future = Ready<Result<Page, Rejected>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Err(open()))
    }
    fn call(&mut self, _: Request<()>) -> Self::Future {
        panic!("called though it was not ready")
    }
}

#[tokio::test]
async fn a_foreign_layer_that_rejects_in_poll_ready_is_answered_and_not_called() {
    let answer: Result<Page, Infallible> =
        b_http::respond().layer(RejectsEarly).oneshot(Request::new(())).await;
    let Ok(answer) = answer;
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_grpc_call_is_answered_by_trailers_only() {
    let grpc = b_http::RespondLayer::with(grpc::TrailersOnly::default());
    let answer = grpc.layer(service_fn(says(Err(open())))).oneshot(Request::new(())).await.expect("answered");
    let header = |name: &str| answer.headers()[name].to_str().expect("text");
    assert_eq!(answer.status(), 200);
    assert_eq!(header("content-type"), "application/grpc");
    assert_eq!(header("grpc-status"), "14");
    assert_eq!(header("grpc-message"), "the circuit is open");
    assert_eq!(header("grpc-retry-pushback-ms"), "2500");
}

#[tokio::test]
async fn pushback_is_rounded_up_and_fits_its_header() {
    for (wait, millis) in [
        (Duration::ZERO, "0"),
        (Duration::from_nanos(1), "1"),
        (Duration::from_micros(1500), "2"),
        (Duration::MAX, "2147483647"),
    ] {
        let answer: Page = b_http::Render::render(
            grpc::TrailersOnly::default(),
            &Rejected::new(Reason::Shed, "x", false).after(wait),
        );
        assert_eq!(answer.headers()["grpc-retry-pushback-ms"], millis);
    }
}

#[tokio::test]
async fn no_content_type_is_sniffed_unless_asked() {
    let asks = |kind: &str| Request::builder().header("content-type", kind).body(()).expect("valid");
    let plain = b_http::respond().layer(service_fn(says(Err(open()))));
    assert_eq!(plain.oneshot(asks("application/grpc")).await.expect("answered").status(), 503);
    let stuck = service_fn(|_: Request<()>| std::future::pending::<Result<Page, Infallible>>());
    tokio::time::pause();
    let mixed = grpc::mixed_guard(buttress::timeout::TimeoutLayer::new(Duration::from_secs(1))).layer(stuck);
    let answer = mixed.clone().oneshot(asks("application/grpc+proto")).await.expect("answered");
    assert_eq!((answer.status(), &answer.headers()["grpc-status"]), (StatusCode::OK, &"4".parse().unwrap()));
    let answer = mixed.oneshot(asks("application/json")).await.expect("answered");
    assert_eq!(answer.status(), 504);
}
