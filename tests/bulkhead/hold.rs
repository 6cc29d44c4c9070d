//! A slot that is held to the end of the body.

use crate::frames::{Frames, Step};
use buttress::{
    Lifted,
    bulkhead::{BulkheadLayer, Slots},
    cause::{self, Cause},
    http as b_http, over,
};
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use std::{convert::Infallible, io, panic::AssertUnwindSafe, time::Duration};
use tower::{Layer, Service, ServiceExt, service_fn};

type Answer<B> = Result<Response<B>, Lifted<Infallible>>;

/// A response through a bulkhead for one call that holds its slot to the end of the body.
async fn through(
    slots: &Slots,
    body: impl IntoIterator<Item = Step>,
) -> Answer<impl Body<Data = bytes::Bytes, Error = io::Error> + Unpin> {
    let mut frames = Some(Frames::new(body));
    let service = service_fn(move |_: Request<()>| {
        let frames = frames.take().expect("called once");
        async move { Ok::<_, Infallible>(Response::new(frames)) }
    });
    over(BulkheadLayer::new(slots).hold(b_http::ToEnd), service).oneshot(Request::new(())).await
}

#[tokio::test]
async fn the_slot_is_held_to_the_last_frame_and_not_after() {
    let slots = Slots::new("x", 1);
    let mut response = through(&slots, [Step::Data("a"), Step::Data("b")]).await.expect("a head");
    for _ in 0..2 {
        assert_eq!(slots.in_flight(), 1);
        response.frame().await.expect("a frame").expect("data");
    }
    assert_eq!(slots.in_flight(), 1);
    assert!(response.frame().await.is_none());
    assert_eq!(slots.in_flight(), 0, "the body itself is still there");
}

#[tokio::test(start_paused = true)]
async fn it_is_held_while_the_body_is_silent() {
    let slots = Slots::new("x", 1);
    let body = [Step::Data("a"), Step::Wait(Duration::from_secs(3600)), Step::Data("b")];
    let mut response = through(&slots, body).await.expect("a head");
    response.frame().await.expect("a frame").expect("data");
    assert!(response.frame().now_or_never().is_none());
    assert_eq!(slots.in_flight(), 1);
    assert_eq!(response.collect().await.expect("a body").to_bytes(), "b");
    assert_eq!(slots.in_flight(), 0);
}

#[tokio::test]
async fn trailers_end_it() {
    let slots = Slots::new("x", 1);
    let mut response =
        through(&slots, [Step::Data("m"), Step::Trailers("grpc-status", "0")]).await.expect("a head");
    response.frame().await.expect("a frame").expect("data");
    assert_eq!(slots.in_flight(), 1);
    response.frame().await.expect("a frame").expect("trailers");
    assert_eq!(slots.in_flight(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_dropped_or_panics_gives_the_slot_back() {
    let slots = Slots::new("x", 1);
    let response = through(&slots, [Step::Data("a"), Step::Reset]).await.expect("a head");
    response.collect().await.expect_err("reset");
    assert_eq!(slots.in_flight(), 0);

    for cause in [Cause::Gone, Cause::Cut, Cause::Lost] {
        let response = through(&slots, [Step::Hang]).await.expect("a head");
        assert_eq!(slots.in_flight(), 1);
        cause::during(cause, || drop(response));
        assert_eq!(slots.in_flight(), 0, "{cause:?}");
    }

    let mut response = through(&slots, [Step::Panic]).await.expect("a head");
    AssertUnwindSafe(response.frame()).catch_unwind().await.expect_err("passed on");
    drop(response);
    assert_eq!(slots.in_flight(), 0);
}

#[tokio::test]
async fn a_response_without_a_body_gives_the_slot_back_with_its_head() {
    let slots = Slots::new("x", 1);
    let service = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new()))
    });
    let layer = BulkheadLayer::new(&slots).hold(b_http::ToEnd);
    let response = over(layer, service).oneshot(Request::new(())).await.expect("a head");
    assert_eq!(slots.in_flight(), 0);
    drop(response);
}

#[tokio::test]
async fn an_error_has_no_body_to_wait_for() {
    let slots = Slots::new("x", 1);
    let service = service_fn(|_: Request<()>| async { Err::<Response<Frames>, _>("no route to host") });
    let mut svc = over(BulkheadLayer::new(&slots).hold(b_http::ToEnd).queue(3), service);
    let answer = svc.ready().await.expect("ready").call(Request::new(())).await;
    assert_eq!(answer.map(|_| ()), Err(Lifted::Inner("no route to host")));
    assert_eq!(slots.in_flight(), 0);
}

#[tokio::test]
async fn without_it_the_slot_is_given_back_with_the_head_and_the_response_keeps_its_type() {
    let slots = Slots::new("x", 1);
    let service =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Frames::new([Step::Hang]))) });
    let response: Response<Frames> =
        over(BulkheadLayer::new(&slots), service).oneshot(Request::new(())).await.expect("a head");
    assert_eq!(slots.in_flight(), 0);
    drop(response);
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_its_turn_when_the_body_before_it_has_ended() {
    let slots = Slots::new("x", 1);
    let service = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Frames::new([Step::Data("a"), Step::Data("b")])))
    });
    let client = over(BulkheadLayer::new(&slots).queue(1).hold(b_http::ToEnd), service);
    let first = client.clone().oneshot(Request::new(())).await.expect("a head");
    let second = tokio::spawn(client.oneshot(Request::new(())));
    tokio::task::yield_now().await;
    assert_eq!(slots.waiting(), 1);
    assert_eq!(first.into_body().collect().await.expect("a body").to_bytes(), "ab");
    let second = second.await.expect("no panic").expect("its turn");
    assert_eq!((slots.waiting(), slots.in_flight()), (0, 1));
    drop(second);
    assert_eq!(slots.in_flight(), 0);
}

#[tokio::test]
async fn under_a_guard_it_answers_503_while_a_body_is_being_read() {
    let slots = Slots::new("x", 1);
    let guard = b_http::guard(BulkheadLayer::new(&slots).hold(b_http::ToEnd));
    let svc = guard.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(b"a page"))))
    }));
    let reading = svc.clone().oneshot(Request::new(())).await.expect("answered");
    assert_eq!(reading.status(), 200);
    assert_eq!(svc.clone().oneshot(Request::new(())).await.expect("answered").status(), 503);
    drop(reading);
    assert_eq!(svc.oneshot(Request::new(())).await.expect("answered").status(), 200);
}
