//! Bodies that can be sent again: what is all there may be hedged, what is being sent is not.

use crate::MS;
use ::http::{Request, Response};
use buttress::{
    budget::Budget,
    hedge::HedgeLayer,
    http::{Attempt, ByStatus, NoReplay, ReplayBody, Resend},
    over,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Collected, StreamBody};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::sleep;
use tower::{Service, ServiceExt, service_fn};

type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;
type Upload = StreamBody<Frames>;

/// "a", "b", "c", each so long after the one before.
fn upload(pause: Duration) -> Upload {
    let part = move |text: &'static str| async move {
        sleep(pause).await;
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    };
    StreamBody::new(stream::iter(["a", "b", "c"]).then(part).boxed())
}

/// Takes a POST that is known by its key.
fn post<B>(body: B) -> Request<B> {
    Request::post("http://shop.test/").header("idempotency-key", "k-1").body(body).expect("valid")
}

/// What became of the bodies, attempt by attempt.
type Seen = Arc<Mutex<Vec<(u32, Result<Bytes, NoReplay>)>>>;

/// When an attempt comes to read its body, and how long it takes to answer after that.
type Takes = fn(u32) -> (Duration, Duration);

fn server<B>(
    takes: Takes,
) -> (Seen, impl Service<Request<B>, Response = Response<String>, Error = Infallible, Future: Send> + Clone)
where
    B: Body<Data = Bytes, Error = buttress::rejected::BoxError> + Send,
{
    let seen = Seen::default();
    let note = Arc::clone(&seen);
    let service = service_fn(move |request: Request<B>| {
        let note = Arc::clone(&note);
        let attempt = request.extensions().get::<Attempt>().map_or(1, |attempt| attempt.number());
        async move {
            let (before, after) = takes(attempt);
            sleep(before).await;
            let read = request.into_body().collect().await.map(Collected::to_bytes);
            let read = read.map_err(|error| *error.downcast_ref::<NoReplay>().expect("ours"));
            let status = if read.is_ok() { 200 } else { 500 };
            note.lock().expect("not poisoned").push((attempt, read));
            sleep(after).await;
            Ok(Response::builder().status(status).body(attempt.to_string()).expect("valid"))
        }
    });
    (seen, service)
}

const DELAY: Duration = Duration::from_millis(20);

/// Who answers, what became of the bodies, and how many tokens are left.
async fn call<B>(body: B, takes: Takes) -> (u32, Vec<(u32, Result<Bytes, NoReplay>)>, f64)
where
    B: Body<Data = Bytes, Error = buttress::rejected::BoxError> + Clone + Send + 'static,
{
    let budget = Budget::new();
    let (seen, service) = server(takes);
    let client = over(HedgeLayer::after(DELAY).http().budget(&budget), service);
    let answer = client.oneshot(post(body)).await.expect("answered").into_body();
    let answer = answer.parse().expect("a number");
    let seen = std::mem::take(&mut *seen.lock().expect("not poisoned"));
    (answer, seen, budget.tokens().expect("counts"))
}

fn all(attempt: u32) -> (u32, Result<Bytes, NoReplay>) {
    (attempt, Ok(Bytes::from_static(b"abc")))
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_to_its_end_is_sent_again() {
    let hangs = |attempt| (Duration::ZERO, if attempt == 1 { 900 * MS } else { MS });
    let (answer, seen, tokens) = call(ReplayBody::new(upload(MS)), hangs).await;
    assert_eq!((answer, seen, tokens), (2, vec![all(1), all(2)], 9.0));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_sent_is_not_and_nothing_is_paid() {
    let (answer, seen, tokens) = call(ReplayBody::new(upload(30 * MS)), |_| (Duration::ZERO, MS)).await;
    assert_eq!((answer, seen, tokens), (1, vec![all(1)], 10.0));
}

#[tokio::test(start_paused = true)]
async fn what_was_too_large_to_be_kept_is_not() {
    let hangs = |_| (Duration::ZERO, 900 * MS);
    let (answer, seen, tokens) = call(ReplayBody::with_cap(upload(MS), 2), hangs).await;
    assert_eq!((answer, seen, tokens), (1, vec![all(1)], 10.0));
}

/// The first attempt gets no connection. Should it get one after all, the rest goes to one of the two, and the other breaks off.
#[tokio::test(start_paused = true)]
async fn what_nobody_has_begun_to_send_is_sent_by_the_hedge() {
    let stuck = |attempt| (if attempt == 1 { 900 * MS } else { Duration::ZERO }, MS);
    let (answer, seen, tokens) = call(ReplayBody::new(upload(MS)), stuck).await;
    assert_eq!((answer, seen, tokens), (2, vec![all(2)], 9.0));

    let late = |attempt| (if attempt == 1 { 25 * MS } else { Duration::ZERO }, MS);
    let (answer, seen, _) = call(ReplayBody::new(upload(10 * MS)), late).await;
    assert_eq!((answer, seen), (1, vec![(2, Err(NoReplay::Replaced)), all(1)]));
}

/// A body of one's own, around one that can be sent again.
#[derive(Clone)]
struct Wrapped {
    name: String,
    body: ReplayBody<Upload>,
}

impl Body for Wrapped {
    type Data = Bytes;
    type Error = buttress::rejected::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        assert_eq!(self.name, "upload");
        Pin::new(&mut self.body).poll_frame(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_seen_through_what_is_around_it() {
    let wrapped = |pause| Wrapped { name: "upload".into(), body: ReplayBody::new(upload(pause)) };
    let hangs = |attempt| (Duration::ZERO, if attempt == 1 { 900 * MS } else { MS });
    assert_eq!(call(wrapped(MS), hangs).await.0, 2);
    assert_eq!(call(wrapped(30 * MS), hangs).await, (1, vec![all(1)], 10.0));
}

/// One that is not `Clone` is kept by the form that retries have.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_clone_is_hedged_by_the_same_rules() {
    let hangs = |attempt| (Duration::ZERO, if attempt == 1 { 900 * MS } else { MS });
    for (pause, key, expected) in [
        (MS, true, (2, vec![all(1), all(2)], 9.0)),
        (30 * MS, true, (1, vec![all(1)], 10.0)),
        (MS, false, (1, vec![all(1)], 10.0)),
    ] {
        let budget = Budget::new();
        let (seen, service) = server::<ReplayBody<Upload>>(hangs);
        let layer = HedgeLayer::after(DELAY).replay(Resend::new()).classify(ByStatus).budget(&budget);
        let mut request = post(upload(pause));
        if !key {
            request.headers_mut().clear();
        }
        let answer = over(layer, service).oneshot(request).await.expect("answered").into_body();
        let answer: u32 = answer.parse().expect("a number");
        let seen = std::mem::take(&mut *seen.lock().expect("not poisoned"));
        assert_eq!((answer, seen, budget.tokens().expect("counts")), expected, "{pause:?} {key}");
    }
}
