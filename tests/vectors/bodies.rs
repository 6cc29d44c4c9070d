//! BR: request bodies that are sent again.

use buttress::http::{NoReplay, ReplayBody};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;

fn frames(chunks: &[&'static str], trailers: Option<&HeaderMap>) -> StreamBody<Frames> {
    let data: Vec<_> =
        chunks.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))).collect();
    let end = trailers.map(|trailers| Ok(Frame::trailers(trailers.clone())));
    StreamBody::new(stream::iter(data.into_iter().chain(end)).boxed())
}

async fn next<B: Body<Data = Bytes, Error: Into<buttress::rejected::BoxError>>>(
    body: &mut ReplayBody<B>,
) -> Bytes {
    let frame = body.frame().await.expect("a frame").expect("no error");
    frame.into_data().expect("data")
}

/// linkerd2-proxy, `http/retry/src/replay/tests.rs`.
#[tokio::test]
async fn br_01_a_body_as_large_as_the_cap_is_kept_and_one_byte_more_is_not() {
    let full = ReplayBody::with_cap(frames(&["abcdefgh"], None), 8);
    let replay = full.clone();
    assert_eq!(full.collect().await.expect("whole").to_bytes(), "abcdefgh");
    assert!(replay.can_replay());
    assert_eq!(replay.collect().await.expect("whole").to_bytes(), "abcdefgh");

    let mut over = ReplayBody::with_cap(frames(&["abcdefgh", "i", "and on"], None), 8);
    let replay = over.clone();
    assert_eq!(next(&mut over).await, "abcdefgh");
    assert!(replay.can_replay());
    assert_eq!(next(&mut over).await, "i");
    assert!(!replay.can_replay());
    assert_eq!(over.collect().await.expect("it goes on").to_bytes(), "and on");
    let error = replay.collect().await.expect_err("it was not kept");
    assert_eq!(error.downcast_ref(), Some(&NoReplay::NotKept));
}

/// Only its hint.
struct Hint(SizeHint);

impl Body for Hint {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"1")))))
    }

    fn size_hint(&self) -> SizeHint {
        self.0
    }
}

/// The same. Where the hint says that it will be too much, ours keeps nothing from the first byte on; an attempt that asked
/// for nothing can still be made again.
#[tokio::test]
async fn br_03_a_size_hint_over_the_cap_is_refused_up_front() {
    let mut range = SizeHint::new();
    range.set_lower(8);
    for (hint, accepted) in [
        (SizeHint::with_exact(9), false),
        (SizeHint::with_exact(8), true),
        (SizeHint::with_exact(1), true),
        (SizeHint::new(), true),
        (range, true),
    ] {
        let mut body = ReplayBody::with_cap(Hint(hint), 8);
        let replay = body.clone();
        assert_eq!(next(&mut body).await, "1");
        assert_eq!(replay.can_replay(), accepted, "{hint:?}");
    }
    let empty = ReplayBody::with_cap(Empty::<Bytes>::new(), 0);
    let replay = empty.clone();
    assert!(empty.collect().await.expect("nothing").to_bytes().is_empty());
    assert!(replay.can_replay());
}

/// The same.
#[test]
fn br_04_an_empty_body_is_at_its_end_for_every_clone() {
    let body = ReplayBody::new(Empty::<Bytes>::new());
    let (one, two) = (body.clone(), body.clone());
    assert!(body.is_end_stream() && one.is_end_stream());
    drop((body, one));
    assert!(two.is_end_stream() && two.clone().is_end_stream());
}

/// The same.
#[tokio::test]
async fn br_04_the_size_hint_stays_right_over_replays() {
    let body = ReplayBody::new(Full::<Bytes>::from("hello"));
    let (one, two) = (body.clone(), body.clone());
    assert_eq!(body.size_hint().exact(), Some(5));
    assert_eq!(body.collect().await.expect("whole").to_bytes(), "hello");
    assert_eq!(one.size_hint().exact(), Some(5));
    assert_eq!(one.collect().await.expect("whole").to_bytes(), "hello");
    assert_eq!(two.size_hint().exact(), Some(5));
}

/// The same.
#[tokio::test]
async fn br_04_trailers_are_replayed_alone_and_after_data() {
    let trailers = HeaderMap::from_iter([(http::header::ETAG, http::HeaderValue::from_static("x"))]);
    for chunks in [&[][..], &["hello ", "world"]] {
        let body = ReplayBody::new(frames(chunks, Some(&trailers)));
        let replays = [body.clone(), body.clone(), body];
        for replay in replays {
            let whole = replay.collect().await.expect("whole");
            assert_eq!(whole.trailers(), Some(&trailers));
            assert_eq!(whole.to_bytes(), chunks.concat());
        }
    }
}

/// The same.
#[tokio::test]
async fn br_04_a_replay_begun_in_the_middle_switches_to_the_live_remainder() {
    let (sender, live) = tokio::sync::mpsc::unbounded_channel();
    let send = |text: &'static str| {
        sender
            .send(Ok::<_, Infallible>(Frame::data(Bytes::from_static(text.as_bytes()))))
            .expect("it listens");
    };
    let live = StreamBody::new(tokio_stream::wrappers::UnboundedReceiverStream::new(live));
    let mut first = ReplayBody::new(live);
    let mut replay = first.clone();
    send("one");
    send("two");
    assert_eq!((next(&mut first).await, next(&mut first).await), ("one".into(), "two".into()));
    drop(first);
    // Small chunks come back as one.
    assert_eq!(next(&mut replay).await, "onetwo");
    send("three");
    assert_eq!(next(&mut replay).await, "three");
    drop(sender);
    assert!(replay.frame().await.is_none());
    assert_eq!(replay.clone().collect().await.expect("whole").to_bytes(), "onetwothree");
}

/// The same.
#[tokio::test]
async fn br_04_an_early_drop_of_a_clone_is_harmless() {
    let mut first = ReplayBody::new(frames(&["one", "two"], None));
    drop(first.clone());
    let mut begun = first.clone();
    assert_eq!(next(&mut first).await, "one");
    assert_eq!(next(&mut begun).await, "one");
    drop(begun);
    drop(first.clone());
    let last = first.clone();
    drop(first);
    assert_eq!(last.collect().await.expect("whole").to_bytes(), "onetwo");
}
