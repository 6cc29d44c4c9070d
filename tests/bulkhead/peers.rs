//! Faults that other bulkheads have been seen with, one test each.

use crate::{
    Inside,
    frames::{Frames, Step},
    lifted,
};
use axum::{Router, body::Body, extract::Request, routing::get};
use buttress::{
    bulkhead::{BulkheadLayer, Slots},
    http as b_http, over,
    rejected::Reason,
};
use futures_util::{FutureExt, poll};
use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll},
};
use tower::{Service, ServiceExt, service_fn};

/// Seen: state made in `layer()`, which axum calls for each route: a bulkhead for one let three in.
#[tokio::test]
async fn one_slot_on_three_axum_routes_lets_one_in() {
    let slots = Slots::new("x", 1);
    let inside = Inside::default();
    let page = || {
        let inside = inside.clone();
        get(move || {
            let here = inside.enter();
            async move {
                std::future::pending::<()>().await;
                drop(here);
            }
        })
    };
    let one_layer = b_http::guard(BulkheadLayer::new(&slots));
    let app: Router = Router::new()
        .route("/a", page())
        .route("/b", page())
        .route("/c", page().layer(one_layer.clone()))
        .layer(one_layer);
    let ask = |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("valid");
        app.clone().oneshot(request)
    };
    let mut first = Box::pin(ask("/a"));
    assert!(poll!(first.as_mut()).is_pending());
    for path in ["/a", "/b", "/c"] {
        let refused = ask(path).await.expect("answered");
        assert_eq!(refused.status(), 503);
        assert!(!refused.headers().contains_key("retry-after"), "nobody knows when");
    }
    assert_eq!((inside.most(), inside.all(), slots.in_flight()), (1, 1, 1));
    drop(first);
    assert!(ask("/b").now_or_never().is_none(), "it is in, and hangs");
}

/// Seen: the same, for every connection.
#[tokio::test]
async fn one_slot_is_one_slot_for_every_service_of_the_layer() {
    let layer = BulkheadLayer::new(&Slots::new("x", 1));
    let service = service_fn(|()| std::future::pending::<Result<(), Infallible>>());
    let mut first = pin!(over(layer.clone(), service).oneshot(()));
    assert!(poll!(first.as_mut()).is_pending());
    assert_eq!(over(layer, service).oneshot(()).now_or_never().map(lifted), Some(Reason::Full));
}

/// Seen: the permit is freed at the head of the response, while its body is still being sent.
#[tokio::test]
async fn a_slot_can_be_held_to_the_end_of_the_body() {
    let slots = Slots::new("x", 1);
    let service =
        service_fn(|()| async { Ok::<_, Infallible>(http::Response::new(Frames::new([Step::Hang]))) });
    let client = over(BulkheadLayer::new(&slots).hold(b_http::ToEnd), service);
    let response = client.clone().oneshot(()).await.expect("a head");
    assert_eq!(client.clone().oneshot(()).now_or_never().map(lifted), Some(Reason::Full));
    drop(response);
    assert!(client.oneshot(()).await.is_ok());
}

/// Seen: whoever finds no permit waits, and so do all the others, in a queue without an end.
#[tokio::test]
async fn nobody_waits_unless_it_is_asked_for_and_then_no_more_than_were_asked_for() {
    let hangs = service_fn(|()| std::future::pending::<Result<(), Infallible>>());
    for len in [None, Some(5)] {
        let slots = Slots::new("x", 1);
        let held = slots.try_acquire().expect("free");
        let mut waiting = Vec::new();
        for _ in 0..100 {
            let mut call = match len {
                None => over(BulkheadLayer::new(&slots), hangs).oneshot(()).boxed(),
                Some(len) => over(BulkheadLayer::new(&slots).queue(len), hangs).oneshot(()).boxed(),
            };
            match poll!(call.as_mut()) {
                Poll::Ready(answer) => assert_eq!(lifted(answer), Reason::Full),
                Poll::Pending => waiting.push(call),
            }
        }
        assert_eq!(waiting.len() as u32, len.unwrap_or(0));
        assert_eq!(slots.waiting(), len.unwrap_or(0));
        drop(held);
    }
}

/// Seen: the call waits for its permit with the readiness of the inner service in hand, which nobody else can use.
#[tokio::test]
async fn who_waits_holds_no_readiness_of_the_inside() {
    /// A pool of one connection: ready takes it, and a drop gives it back.
    struct Pool(Inside, Option<crate::Leave>);
    impl Clone for Pool {
        fn clone(&self) -> Self {
            Self(self.0.clone(), None)
        }
    }
    impl Service<()> for Pool {
        type Response = ();
        type Error = Infallible;
        type Future = std::future::Ready<Result<(), Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if self.1.is_none() {
                self.1 = Some(self.0.enter());
            }
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            self.1 = None;
            std::future::ready(Ok(()))
        }
    }
    let slots = Slots::new("x", 1);
    let pool = Pool(Inside::default(), None);
    let held = slots.try_acquire().expect("free");
    let mut client = over(BulkheadLayer::new(&slots).queue(9), pool.clone());
    let mut calls = Vec::new();
    for _ in 0..3 {
        let mut call = Box::pin(client.ready().await.expect("ready").call(()));
        assert!(poll!(call.as_mut()).is_pending());
        calls.push(call);
    }
    assert_eq!((slots.waiting(), pool.0.all()), (3, 0));
    drop(held);
    for call in calls {
        call.await.expect("its turn");
    }
    assert_eq!((pool.0.most(), pool.0.all()), (1, 3));
}

/// Seen: a limit of nothing, under which nothing ever works.
#[tokio::test]
async fn a_limit_of_nothing_still_lets_one_in() {
    let service = service_fn(|()| async { Ok::<_, Infallible>(()) });
    assert_eq!(over(BulkheadLayer::new(&Slots::new("x", 0)), service).oneshot(()).await, Ok(()));
}
