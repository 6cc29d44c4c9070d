//! The way in for protocols: a request that is no clone, is numbered, may be lost, and responses that are drained.

use crate::MS;
use buttress::{
    backoff::Backoff,
    budget::Extra,
    outcome::{By, Outcome},
    replay::Replay,
    retry::{Dispose, Policy, RetryLayer},
};
use futures_util::poll;
use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll},
};
use tokio::time::{Sleep, advance, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

/// A request that can be read once, unless its text was kept.
#[derive(Debug)]
struct Letter(String);

/// As it is sent: with the number of the attempt.
#[derive(Debug)]
struct Numbered(String, u32);

/// Keeps what is short enough, and loses what is of one length; drains what failed.
#[derive(Clone, Default)]
struct Post {
    limit: usize,
    lost: usize,
    drain: bool,
    drained: Arc<Mutex<Vec<&'static str>>>,
}

/// A response, and whether it still holds its connection.
struct Reply {
    status: u16,
    connection: Arc<AtomicBool>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.connection.store(false, SeqCst);
    }
}

/// Reads for 20 ms.
struct Drain {
    reply: Option<Reply>,
    reading: Pin<Box<Sleep>>,
    post: Post,
}

impl Future for Drain {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.reading.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.reply = None;
        self.post.drained.lock().expect("not poisoned").push("to its end");
        Poll::Ready(())
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if self.reply.is_some() {
            self.post.drained.lock().expect("not poisoned").push("dropped");
        }
    }
}

impl Replay<Letter> for Post {
    type Sent = Numbered;
    type Kept = String;

    fn first(&self, letter: Letter, extra: Extra) -> (Numbered, Option<String>) {
        assert_eq!(extra, Extra::Retry);
        let kept = (letter.0.len() <= self.limit).then(|| letter.0.clone());
        (Numbered(letter.0, 1), kept)
    }

    fn is_safe(&self, _: &String, _: &Outcome) -> bool {
        true
    }

    fn again(&self, kept: &mut String, attempt: u32) -> Option<Numbered> {
        (kept.len() != self.lost).then(|| Numbered(kept.clone(), attempt))
    }
}

impl Dispose<Reply> for Post {
    type Disposal = Drain;

    fn dispose(&self, reply: Reply) -> Drain {
        let time = if self.drain { 20 * MS } else { 500 * MS };
        Drain { reply: Some(reply), reading: Box::pin(sleep(time)), post: self.clone() }
    }
}

fn read(result: Result<&Reply, &buttress::Lifted<Infallible>>) -> Outcome {
    match result {
        Ok(reply) if reply.status < 500 => Outcome::OK,
        _ => Outcome::FAILED,
    }
}

type Line = Arc<Mutex<Vec<String>>>;

/// Fails so many times; notes what arrived.
fn server(
    fails: u32,
    arrived: &Line,
    open: &Arc<AtomicBool>,
) -> impl Service<Numbered, Response = Reply, Error = Infallible, Future: Send> + Clone {
    let (arrived, open) = (Arc::clone(arrived), Arc::clone(open));
    service_fn(move |Numbered(text, attempt): Numbered| {
        arrived.lock().expect("not poisoned").push(format!("{attempt}: {text}"));
        open.store(true, SeqCst);
        let status = if attempt <= fails { 500 } else { 200 };
        let connection = Arc::clone(&open);
        async move { Ok(Reply { status, connection }) }
    })
}

fn client<S>(post: &Post, server: S) -> impl Service<Letter, Response = Reply, Error: std::fmt::Debug>
where
    S: Service<Numbered, Response = Reply, Error = Infallible> + Clone,
{
    let policy = Policy::new().replay(post.clone()).classify(By(read)).backoff(Backoff::constant(100 * MS));
    buttress::over(RetryLayer::new(policy), server)
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_no_clone_is_kept_and_numbered() {
    let (arrived, open) = Default::default();
    let post = Post { limit: 10, drain: true, ..Post::default() };
    let reply =
        client(&post, server(2, &arrived, &open)).oneshot(Letter("hello".into())).await.expect("answered");
    assert_eq!(reply.status, 200);
    assert_eq!(*arrived.lock().expect("not poisoned"), ["1: hello", "2: hello", "3: hello"]);
    assert_eq!(*post.drained.lock().expect("not poisoned"), ["to its end"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_kept_is_sent_once_and_costs_no_token() {
    let (arrived, open) = Default::default();
    let budget = buttress::budget::Budget::new();
    let post = Post { limit: 4, lost: 4, ..Post::default() };
    for text in ["too long", "lost"] {
        let policy = Policy::new().replay(post.clone()).classify(By(read)).budget(&budget);
        let client = buttress::over(RetryLayer::new(policy), server(9, &arrived, &open));
        let reply = client.oneshot(Letter(text.into())).await.expect("answered");
        assert_eq!(reply.status, 500, "the answer that there is");
        assert_eq!(std::mem::take(&mut *arrived.lock().expect("not poisoned")).len(), 1);
        assert_eq!((budget.tokens(), post.drained.lock().expect("not poisoned").len()), (Some(10.0), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_is_drained_while_the_wait_lasts_and_is_gone_before_it_ends() {
    let (arrived, open) = Default::default();
    let post = Post { limit: 10, drain: true, ..Post::default() };
    let mut call = pin!(client(&post, server(1, &arrived, &open)).oneshot(Letter("hello".into())));
    assert!(poll!(call.as_mut()).is_pending());
    assert!(open.load(SeqCst), "it is being read");
    advance(20 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    assert!(!open.load(SeqCst), "it was read, and has gone");
    advance(79 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(arrived.lock().expect("not poisoned").len(), 1, "the time it took counts");
    advance(MS).await;
    assert!(call.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_end_is_dropped_when_the_wait_does() {
    let (arrived, open) = Default::default();
    let post = Post { limit: 10, drain: false, ..Post::default() };
    let started = tokio::time::Instant::now();
    let reply =
        client(&post, server(1, &arrived, &open)).oneshot(Letter("hello".into())).await.expect("answered");
    assert_eq!((reply.status, started.elapsed()), (200, 100 * MS));
    assert_eq!(*post.drained.lock().expect("not poisoned"), ["dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_in_its_wait_drops_what_is_being_drained() {
    let (arrived, open) = Default::default();
    let post = Post { limit: 10, drain: true, ..Post::default() };
    let mut call = Box::pin(client(&post, server(1, &arrived, &open)).oneshot(Letter("hello".into())));
    assert!(poll!(call.as_mut()).is_pending());
    drop(call);
    assert!(!open.load(SeqCst));
    assert_eq!(*post.drained.lock().expect("not poisoned"), ["dropped"]);
}

/// `S` is cloned for each call; nothing else has to be.
#[tokio::test(start_paused = true)]
async fn a_layer_goes_over_any_service_that_is_clone() {
    let layer = RetryLayer::new(Policy::new());
    let echo = service_fn(|number: u32| async move { Ok::<_, buttress::Rejected>(number) });
    assert_eq!(layer.layer(echo).oneshot(7).await, Ok(7));
}
