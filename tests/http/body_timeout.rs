//! Limits on bodies: to the end, between frames, and by the deadline of the request.

use crate::frames::{Frames, Step};
use buttress::{
    Deadline, Lifted, Rejected,
    cause::{self, Cause},
    http::BodyTimeoutLayer,
    rejected::Reason,
    telemetry::Event,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    future::ready,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

const S: Duration = Duration::from_secs(1);

async fn read(layer: BodyTimeoutLayer, steps: Vec<Step>) -> (Result<Bytes, Lifted<io::Error>>, Duration) {
    let start = Instant::now();
    let mut frames = Some(Frames::new(steps));
    let svc = layer.layer(service_fn(move |_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(frames.take().expect("one call"))))
    }));
    let response = svc.oneshot(Request::new(())).await.expect("infallible");
    let read = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    (read, start.elapsed())
}

fn reason(read: Result<Bytes, Lifted<io::Error>>) -> Reason {
    let error = read.expect_err("cut");
    Rejected::find(&error).expect("a rejection").reason()
}

fn trickle(frames: usize, every: Duration) -> Vec<Step> {
    (0..frames).flat_map(|_| [Step::Wait(every), Step::Data("x")]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_body_in_time_passes_untouched() {
    let layer = BodyTimeoutLayer::new().to_end(10 * S).idle(2 * S);
    let (read, took) = read(layer, trickle(5, S)).await;
    assert_eq!((read.expect("in time"), took), (Bytes::from_static(b"xxxxx"), 5 * S));
}

#[tokio::test(start_paused = true)]
async fn a_silence_over_the_idle_limit_is_cut_and_each_frame_ends_a_silence() {
    let mut steps = trickle(5, 2 * S);
    steps.push(Step::Hang);
    let (read, took) = read(BodyTimeoutLayer::new().idle(3 * S), steps).await;
    assert_eq!((reason(read), took), (Reason::TimedOut, 10 * S + 3 * S));
}

#[tokio::test(start_paused = true)]
async fn a_trickle_that_never_pauses_long_is_cut_at_the_limit_to_its_end() {
    let (read, took) = read(BodyTimeoutLayer::new().to_end(10 * S).idle(3 * S), trickle(1000, S)).await;
    assert_eq!((reason(read), took), (Reason::TimedOut, 10 * S));
}

#[tokio::test(start_paused = true)]
async fn without_limits_only_the_deadline_of_the_request_cuts() {
    let (free, took) = read(BodyTimeoutLayer::new(), trickle(100, S)).await;
    assert_eq!((free.expect("no limit").len(), took), (100, 100 * S));
    let late = Deadline::after(Instant::now(), 7 * S).scope(read(BodyTimeoutLayer::new(), trickle(100, S)));
    let (late, took) = late.await;
    assert_eq!((reason(late), took), (Reason::DeadlinePassed, 7 * S));
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_limit_and_deadline_names_the_reason() {
    for (to_end, left, then, at) in [
        (5 * S, 7 * S, Reason::TimedOut, 5 * S),
        (7 * S, 5 * S, Reason::DeadlinePassed, 5 * S),
        (5 * S, 5 * S, Reason::TimedOut, 5 * S),
        (Duration::MAX, 5 * S, Reason::DeadlinePassed, 5 * S),
    ] {
        let layer = BodyTimeoutLayer::new().to_end(to_end);
        let (read, took) = Deadline::after(Instant::now(), left).scope(read(layer, vec![Step::Hang])).await;
        assert_eq!((reason(read), took), (then, at), "{to_end:?} {left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn zero_is_a_millisecond_and_max_is_no_limit() {
    let (zero, took) = read(BodyTimeoutLayer::new().idle(Duration::ZERO), vec![Step::Hang]).await;
    assert_eq!((reason(zero), took), (Reason::TimedOut, Duration::from_millis(1)));
    let free = BodyTimeoutLayer::new().to_end(Duration::MAX).idle(Duration::MAX);
    let (free, _) = read(free, trickle(3, Duration::from_secs(86_400))).await;
    assert_eq!(free.expect("no limit").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_body_comes_back_as_it_was() {
    let (read, _) = read(BodyTimeoutLayer::new().idle(S), vec![Step::Data("x"), Step::Reset]).await;
    match read {
        Err(Lifted::Inner(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        other => panic!("not the inner error: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_does_not_use_up_the_senders_idle_time() {
    let layer = BodyTimeoutLayer::new().idle(3 * S);
    let svc = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Frames::new(trickle(3, S)))))
    }));
    let mut body = Box::pin(svc.oneshot(Request::new(())).await.expect("infallible").into_body());
    for _ in 0..3 {
        tokio::time::advance(60 * S).await;
        body.frame().await.expect("a frame").expect("not the sender's fault");
    }
}

/// A body that always has a frame, and says what dropped it.
struct Flood(Arc<Mutex<Option<Cause>>>);

impl Body for Flood {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        *self.0.lock().expect("not poisoned") = Some(cause::current());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_never_pending_is_cut_too_and_the_inside_goes_first() {
    let seen = Arc::new(Mutex::new(None));
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (held, ears) = (Arc::clone(&seen), Arc::clone(&heard));
    let layer = BodyTimeoutLayer::new().to_end(5 * S).name("downloads").observe(move |event: &Event<'_>| {
        ears.lock().expect("not poisoned").push(format!("{event:?}"));
    });
    let svc = layer.layer(service_fn(move |_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Flood(Arc::clone(&held)))))
    }));
    let mut body = Box::pin(svc.oneshot(Request::new(())).await.expect("infallible").into_body());
    for _ in 0..1000 {
        body.frame().await.expect("a frame").expect("in time");
    }
    tokio::time::advance(5 * S).await;
    body.frame().await.expect("a frame").expect("at the very instant it is in time");
    assert_eq!(*seen.lock().expect("not poisoned"), None);
    tokio::time::advance(Duration::from_nanos(1)).await;
    let error = body.frame().await.expect("an end").expect_err("cut");
    assert_eq!(
        *seen.lock().expect("not poisoned"),
        Some(Cause::Cut),
        "while the body around it still stands"
    );
    assert_eq!(Rejected::find(&error).map(|why| why.name().to_owned()).as_deref(), Some("downloads"));
    assert!(body.frame().await.is_none());
    assert!(body.is_end_stream());
    assert_eq!(*heard.lock().expect("not poisoned"), [r#"TimedOut { name: "downloads", limit: Body }"#]);
}
