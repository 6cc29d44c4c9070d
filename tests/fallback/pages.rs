//! Last good responses, with their bodies.

use crate::{DAY, MS};
use buttress::{
    fallback::Bounds,
    http::{Degraded, KeepBody, last_good, last_good_by},
    outcome::Class,
    rejected::Reason,
    telemetry::FallbackKind,
};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};

/// A body in frames; `None` is a break.
#[derive(Clone, Debug, Default)]
struct Frames {
    data: VecDeque<Option<&'static str>>,
    trailers: Option<(&'static str, &'static str)>,
    knows_its_end: bool,
    /// What it says that it is at least.
    least: u64,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.data.pop_front() {
            Some(Some(text)) => Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
            Some(None) => Some(Err(io::ErrorKind::ConnectionReset.into())),
            None => self.trailers.take().map(|(name, value)| {
                let mut trailers = HeaderMap::new();
                trailers.insert(name, value.parse().expect("a value"));
                Ok(Frame::trailers(trailers))
            }),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.data.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::default();
        hint.set_lower(self.least);
        hint
    }
}

fn frames(data: impl IntoIterator<Item = &'static str>) -> Frames {
    Frames { data: data.into_iter().map(Some).collect(), ..Frames::default() }
}

type Says = Arc<Mutex<Response<Frames>>>;
type Error = buttress::Lifted<io::Error>;

/// A server that says what it is told, under a last-good fallback for failures too.
fn server(
    bounds: Bounds,
) -> (impl Service<Request<()>, Response = Response<KeepBody<Frames>>, Error = Error> + Clone, Says) {
    let says = Says::default();
    let said = Arc::clone(&says);
    let svc = service_fn(move |_: Request<()>| {
        let answer = said.lock().expect("not poisoned").clone();
        async move { Ok::<_, Error>(answer) }
    });
    (last_good(bounds.refresh(Duration::ZERO)).also_on([Class::Failed]).layer(svc), says)
}

fn say(says: &Says, response: Response<Frames>) {
    *says.lock().expect("not poisoned") = response;
}

fn down(says: &Says) {
    say(says, Response::builder().status(503).body(frames(["down"])).expect("valid"));
}

async fn get(
    svc: &(impl Service<Request<()>, Response = Response<KeepBody<Frames>>, Error = Error> + Clone),
    uri: &str,
) -> Response<KeepBody<Frames>> {
    svc.clone().oneshot(Request::get(uri).body(()).expect("valid")).await.expect("a response")
}

async fn text(response: Response<KeepBody<Frames>>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(bytes.to_vec()).expect("text"))
}

#[tokio::test(start_paused = true)]
async fn a_body_is_given_again_whole_with_its_headers_and_its_age() {
    for knows_its_end in [false, true] {
        let (svc, says) = server(Bounds::age(DAY));
        let body = Frames { knows_its_end, ..frames(["hello", " ", "world"]) };
        let good = Response::builder().header("etag", "7").header("connection", "close").body(body);
        say(&says, good.expect("valid"));
        let answer = get(&svc, "/a").await;
        assert!(answer.extensions().get::<Degraded>().is_none());
        assert_eq!(text(answer).await, (200, "hello world".into()));
        down(&says);
        advance(3000 * MS).await;
        let answer = get(&svc, "/a").await;
        let degraded = answer.extensions().get::<Degraded>().expect("marked");
        assert_eq!((degraded.class(), degraded.reason()), (Class::Failed, None));
        assert_eq!((degraded.kind(), degraded.age()), (FallbackKind::LastGood, Some(3000 * MS)));
        assert_eq!(answer.headers().get("etag").map(http::HeaderValue::as_bytes), Some(&b"7"[..]));
        assert!(!answer.headers().contains_key("connection"));
        assert_eq!(answer.body().size_hint().exact(), Some(11));
        assert_eq!(text(answer).await, (200, "hello world".into()));
        assert_eq!(text(get(&svc, "/b").await).await, (503, "down".into()), "another page");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_streams_through_and_is_not_kept() {
    let key = 200; // what a key and its URI count for, at the least and at the most
    let (svc, says) = server(Bounds::age(DAY).each(key + 10));
    say(&says, Response::new(frames(["0123456789"; 30])));
    let answer = get(&svc, "/a").await;
    assert_eq!(text(answer).await, (200, "0123456789".repeat(30)));
    down(&says);
    assert_eq!(text(get(&svc, "/a").await).await.0, 503);
    say(&says, Response::new(frames(["0123"])));
    assert_eq!(text(get(&svc, "/a").await).await.0, 200);
    down(&says);
    assert_eq!(text(get(&svc, "/a").await).await, (200, "0123".into()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_or_is_not_read_to_its_end_is_not_kept() {
    let (svc, says) = server(Bounds::age(DAY));
    let mut broken = frames(["half"]);
    broken.data.push_back(None);
    say(&says, Response::new(broken));
    get(&svc, "/a").await.into_body().collect().await.expect_err("it breaks off");
    say(&says, Response::new(frames(["one", "two"])));
    let mut body = get(&svc, "/a").await.into_body();
    body.frame().await.expect("a frame").expect("good");
    drop(body);
    drop(get(&svc, "/a").await);
    down(&says);
    assert_eq!(text(get(&svc, "/a").await).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_passed_on_frame_by_frame_and_not_collected_first() {
    let (svc, says) = server(Bounds::age(DAY));
    say(&says, Response::new(frames(["one", "two"])));
    let mut body = get(&svc, "/a").await.into_body();
    for expected in ["one", "two"] {
        let frame = body.frame().await.expect("a frame").expect("good");
        assert_eq!(frame.into_data().expect("data"), expected);
    }
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn trailers_come_again_and_bad_ones_are_not_kept() {
    for (status, kept) in [("0", true), ("14", false)] {
        let (svc, says) = server(Bounds::age(DAY));
        say(&says, Response::new(Frames { trailers: Some(("grpc-status", status)), ..frames(["x"]) }));
        get(&svc, "/a").await.into_body().collect().await.expect("a body");
        down(&says);
        let answer = get(&svc, "/a").await;
        assert_eq!(answer.status() == 200, kept);
        let trailers = answer.into_body().collect().await.expect("a body").trailers().cloned();
        assert_eq!(trailers.is_some_and(|trailers| trailers["grpc-status"] == "0"), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_response_is_kept_at_its_head() {
    let (svc, says) = server(Bounds::age(DAY));
    say(
        &says,
        Response::builder()
            .header("x", "y")
            .body(Frames { knows_its_end: true, ..frames([]) })
            .expect("valid"),
    );
    drop(get(&svc, "/a").await);
    down(&says);
    let answer = get(&svc, "/a").await;
    assert!(answer.body().is_end_stream() && answer.headers().contains_key("x"));
    assert_eq!(text(answer).await, (200, String::new()));
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_one_caller_is_never_given_to_another() {
    let (svc, says) = server(Bounds::age(DAY));
    let ask = |name: &'static str| {
        let svc = svc.clone();
        async move {
            let request = Request::get("/me").header(name, "alice").body(()).expect("valid");
            text(svc.oneshot(request).await.expect("a response")).await
        }
    };
    say(&says, Response::new(frames(["alice's"])));
    for name in ["authorization", "cookie"] {
        assert_eq!(ask(name).await.0, 200);
    }
    let private = |name: &str, value: &str| Response::builder().header(name, value).body(frames(["alice's"]));
    for (name, value) in [
        ("cache-control", "private"),
        ("cache-control", "no-store"),
        ("set-cookie", "a=b"),
        ("vary", "x-user"),
    ] {
        say(&says, private(name, value).expect("valid"));
        assert_eq!(text(get(&svc, "/me").await).await.0, 200);
    }
    down(&says);
    assert_eq!(text(get(&svc, "/me").await).await.0, 503);
    assert_eq!(ask("authorization").await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_gone_does_not_come_back() {
    let (svc, says) = server(Bounds::age(DAY));
    say(&says, Response::new(frames(["there"])));
    text(get(&svc, "/a").await).await;
    say(&says, Response::builder().status(404).body(frames(["gone"])).expect("valid"));
    assert_eq!(text(get(&svc, "/a").await).await.0, 404);
    down(&says);
    assert_eq!(text(get(&svc, "/a").await).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn a_503_passes_where_failed_is_not_named() {
    let svc = service_fn(|request: Request<()>| async move {
        let status = if request.headers().contains_key("x-down") { 503 } else { 200 };
        Ok::<_, Error>(Response::builder().status(status).body(frames(["x"])).expect("valid"))
    });
    let svc = last_good(Bounds::age(DAY)).layer(svc);
    assert_eq!(text(get(&svc, "/").await).await.0, 200);
    let request = Request::get("/").header("x-down", "1").body(()).expect("valid");
    assert_eq!(text(svc.oneshot(request).await.expect("a response")).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_answered_by_key_and_the_marker_says_why() {
    let svc = service_fn(|request: Request<Option<Reason>>| async move {
        match request.into_body() {
            None => Ok(Response::new(Full::from("page"))),
            Some(reason) => Err(Error::from(buttress::Rejected::new(reason, "inside", false))),
        }
    });
    let layer = last_good_by(Bounds::age(DAY), |request: &Request<Option<Reason>>| {
        request.headers().get("x-tenant").cloned()
    });
    let svc = layer.layer(svc);
    let ask = |tenant: &'static str, body| {
        let request = Request::post("/").header("x-tenant", tenant).body(body).expect("valid");
        svc.clone().oneshot(request)
    };
    let page = ask("a", None).await.expect("a page");
    page.into_body().collect().await.expect("a body");
    let answer = ask("a", Some(Reason::Open)).await.expect("kept");
    assert_eq!(answer.extensions().get::<Degraded>().and_then(Degraded::reason), Some(Reason::Open));
    ask("b", Some(Reason::Open)).await.expect_err("nothing for that tenant");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_being_collected_have_a_bound_together() {
    let (svc, says) = server(Bounds::age(DAY).size(1000));
    let body = "0123456789".repeat(40);
    let body: &'static str = body.leak();
    say(&says, Response::new(frames([body, "!"])));
    // Three are read by half: there is room for two to be collected.
    let mut halves = Vec::new();
    for uri in ["/a", "/b", "/c"] {
        let mut half = get(&svc, uri).await.into_body();
        half.frame().await.expect("a frame").expect("good");
        halves.push(half);
    }
    let last = halves.pop().expect("three");
    assert_eq!(last.collect().await.expect("a body").to_bytes(), "!");
    drop(halves);
    down(&says);
    assert_eq!(text(get(&svc, "/c").await).await.0, 503, "there was no room for it");
    // Those that were dropped have given their room back.
    say(&says, Response::new(frames([body, "!"])));
    text(get(&svc, "/d").await).await;
    down(&says);
    assert_eq!(text(get(&svc, "/d").await).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_trusts_the_end_of_the_stream_has_read_it() {
    let (svc, says) = server(Bounds::age(DAY));
    say(&says, Response::new(Frames { knows_its_end: true, ..frames(["one", "two"]) }));
    let mut body = get(&svc, "/a").await.into_body();
    while !body.is_end_stream() {
        body.frame().await.expect("a frame").expect("good");
    }
    drop(body);
    down(&says);
    assert_eq!(text(get(&svc, "/a").await).await, (200, "onetwo".into()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_says_it_is_too_large_is_not_even_copied() {
    for (least, copied) in [(1000, true), (100_000, false)] {
        let (svc, says) = server(Bounds::age(DAY));
        say(&says, Response::new(Frames { least, ..frames(["x"]) }));
        let body = get(&svc, "/a").await.into_body();
        assert_eq!(format!("{body:?}").contains("collects: true"), copied);
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_can_be_cloned_is_marked_with_its_age_too() {
    let svc = service_fn(|down: bool| async move {
        if down {
            Err(Error::from(buttress::Rejected::new(Reason::Open, "inside", false)))
        } else {
            Ok(Response::new("page"))
        }
    });
    let layer = buttress::fallback::FallbackLayer::last_good(Bounds::age(DAY), |_: &bool| Some(())).http();
    let svc = layer.classify(buttress::outcome::ErrorsFail).layer(svc);
    svc.clone().oneshot(false).await.expect("good");
    advance(7 * MS).await;
    let kept = svc.oneshot(true).await.expect("kept");
    assert_eq!(kept.extensions().get::<Degraded>().and_then(Degraded::age), Some(7 * MS));
}

#[test]
fn the_body_has_the_conversions_that_a_guard_needs() {
    let made = KeepBody::<Full<Bytes>>::from(Bytes::from_static(b"abc"));
    assert_eq!(made.size_hint().exact(), Some(3));
    assert!(KeepBody::<Full<Bytes>>::default().is_end_stream());
}
