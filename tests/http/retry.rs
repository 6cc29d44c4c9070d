//! The retry of HTTP on a paused clock: waits, budgets, what is kept and what is let go.

use axum::body::Body;
use buttress::{
    Deadline, Lifted,
    backoff::Backoff,
    breaker::{BreakerLayer, Circuit, Policy as Breaking, Trip},
    budget::{Bucket, Budget, Extra, KeyedBudgets},
    bulkhead::{BulkheadLayer, Slots},
    clock,
    http::{Attempt, ByStatus, ForRetry, NoReplay, ReplayBody, Resend, retry, retry_by},
    over,
    rejected::{BoxError, Reason},
    retry::{Hints, Policy},
    timeout::TimeoutLayer,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request, Response, response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::time::Instant;
use tower::{Service, ServiceExt, service_fn};

type Sent = Request<ReplayBody<Full<Bytes>>>;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A service that answers the nth attempt by that, and counts them.
fn answers(
    head: impl Fn(u32) -> response::Builder + Clone + Send + Sync + 'static,
) -> (
    impl Service<Sent, Response = Response<Body>, Error = io::Error, Future: Send> + Clone + Send,
    Arc<AtomicU32>,
) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let service = service_fn(move |_: Sent| {
        let head = head(count.fetch_add(1, SeqCst));
        ready(head.body(Body::empty()).map_err(io::Error::other))
    });
    (service, asked)
}

fn status(status: u16) -> response::Builder {
    Response::builder().status(status)
}

fn request(method: Method) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri("http://shop.test/orders");
    request.body(Full::from("pay 5")).expect("a request")
}

/// Three attempts, 50 ms apart.
fn policy() -> Policy {
    Policy::new().backoff(Backoff::constant(50 * MS))
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_two_seconds_is_waited_for_to_the_millisecond() {
    for (header, waited) in [
        ("2", 2 * SECOND),
        ("Mon, 02 Nov 2026 10:00:07 GMT", 7 * SECOND),
        ("Mon, 02 Nov 2026 09:59:59 GMT", Duration::ZERO),
        ("soon", 50 * MS),
        ("-2", 50 * MS),
    ] {
        for (code, heard) in [(503, true), (429, true), (500, false)] {
            let (service, asked) = answers(move |n| match n {
                0 => {
                    status(code).header("date", "Mon, 02 Nov 2026 10:00:00 GMT").header("retry-after", header)
                }
                _ => status(200),
            });
            let start = Instant::now();
            let answer =
                over(retry(policy()), service).oneshot(request(Method::GET)).await.expect("an answer");
            assert_eq!((answer.status().as_u16(), asked.load(SeqCst)), (200, 2));
            assert_eq!(start.elapsed(), if heard { waited } else { 50 * MS }, "{code}, {header}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_over_the_cap_ends_the_call_with_that_answer() {
    for (header, cap) in [("31", None), ("99999999999999999999", None), ("3", Some(2 * SECOND))] {
        let (service, asked) = answers(move |_| status(503).header("retry-after", header));
        let policy = match cap {
            Some(cap) => policy().hints(Hints::up_to(cap)),
            None => policy(),
        };
        let start = Instant::now();
        let answer = over(retry(policy), service).oneshot(request(Method::GET)).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), asked.load(SeqCst)), (503, 1));
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(answer.headers()["retry-after"], header);
    }
}

/// A peer: the header is ignored, and a total limit of 200 ms takes three seconds.
#[tokio::test(start_paused = true)]
async fn a_deadline_of_200_ms_returns_at_200_ms_whatever_the_server_asks_for() {
    let under = |limit| Deadline::after(clock::now(), limit);
    // It never answers: cut at the deadline.
    let hangs = service_fn(|_: Sent| pending::<Result<Response<Body>, io::Error>>());
    let start = Instant::now();
    let client = over((TimeoutLayer::new(SECOND), retry(policy())), hangs);
    match under(200 * MS).scope(client.oneshot(request(Method::GET))).await {
        Err(Lifted::Rejected(why)) => assert_eq!(why.reason(), Reason::DeadlinePassed),
        other => panic!("there is none: {other:?}"),
    }
    assert_eq!(start.elapsed(), 200 * MS);
    // It asks for more time than there is: the answer comes out at once, not a timeout later.
    let (service, asked) = answers(|_| status(503).header("retry-after", "3"));
    let start = Instant::now();
    let answer = under(200 * MS).scope(over(retry(policy()), service).oneshot(request(Method::GET))).await;
    assert_eq!((answer.expect("an answer").status().as_u16(), asked.load(SeqCst)), (503, 1));
    assert_eq!(start.elapsed(), Duration::ZERO);
    // It fails all the time: the last attempt that has time is the last.
    let (service, asked) = answers(|_| status(503));
    let start = Instant::now();
    let client = over(retry(policy().attempts(100)), service);
    let answer = under(200 * MS).scope(client.oneshot(request(Method::GET))).await;
    assert_eq!((answer.expect("an answer").status().as_u16(), asked.load(SeqCst)), (503, 4));
    assert_eq!(start.elapsed(), 150 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_heeds_the_retry_after_up_to_its_own_cap() {
    for (header, open) in [("12", 12 * SECOND), ("120", 30 * SECOND)] {
        let breaking = Breaking::new().trip(Trip::consecutive(1)).open_for(SECOND);
        let circuit = Circuit::new("shop", &breaking);
        let (service, _) = answers(move |_| status(503).header("retry-after", header));
        let client = over(BreakerLayer::new(&circuit).classify(ByStatus), service);
        let get = || request(Method::GET).map(ReplayBody::new);
        assert!(client.clone().oneshot(get()).await.is_ok());
        let Err(Lifted::Rejected(why)) = client.oneshot(get()).await else { panic!("it is open") };
        assert_eq!(why.retry_after(), Some(open), "{header}");
    }
}

/// Our own layers say that nothing was reached, and when to come again: so that may be a `POST`.
#[tokio::test(start_paused = true)]
async fn what_a_layer_of_ours_refuses_is_sent_again_whatever_its_method() {
    let circuit = Circuit::new("shop", &Breaking::new().trip(Trip::consecutive(1)).open_for(SECOND));
    circuit.trip();
    let wait = {
        let Err(why) = circuit.admit() else { panic!("it is open") };
        why.retry_after().expect("it says how long")
    };
    let (service, asked) = answers(|_| status(200));
    let start = Instant::now();
    let client = over((retry(policy()), BreakerLayer::new(&circuit).classify(ByStatus)), service);
    let answer = client.oneshot(request(Method::POST)).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), asked.load(SeqCst)), (200, 1));
    // tokio's timers are whole milliseconds.
    assert!((wait..wait + 2 * MS).contains(&start.elapsed()), "{:?}, not {wait:?}", start.elapsed());

    let slots = Slots::new("shop", 1);
    let taken = slots.try_acquire().expect("it is free");
    let (service, asked) = answers(|_| status(200));
    let client = over((retry(policy()), BulkheadLayer::new(&slots)), service);
    let call = tokio::spawn(client.oneshot(request(Method::POST)));
    tokio::time::sleep(70 * MS).await;
    drop(taken);
    assert_eq!(call.await.expect("no panic").expect("an answer").status(), 200);
    assert_eq!(asked.load(SeqCst), 1);
}

/// A peer: every error is retried, `POST` included; one became four.
#[tokio::test(start_paused = true)]
async fn a_post_that_may_have_arrived_is_sent_once_unless_it_carries_a_key() {
    for (method, key, received) in [
        (Method::POST, None, 1),
        (Method::PATCH, None, 1),
        (Method::POST, Some(""), 1),
        (Method::POST, Some("k-1"), 3),
        (Method::PATCH, Some("k-1"), 3),
        (Method::PUT, None, 3),
    ] {
        for error in [false, true] {
            let asked = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&asked);
            let service = service_fn(move |_: Sent| {
                count.fetch_add(1, SeqCst);
                ready(match error {
                    true => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                    false => Ok(status(503).body(Body::empty()).expect("fine")),
                })
            });
            let mut request = request(method.clone());
            if let Some(key) = key {
                request.headers_mut().insert("idempotency-key", key.parse().expect("a value"));
            }
            let answer = over(retry(policy()), service).oneshot(request).await;
            assert_eq!(answer.is_err(), error);
            assert_eq!(asked.load(SeqCst), received, "{method} {key:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_user_says_is_safe_is_sent_again() {
    let (service, asked) = answers(|_| status(503));
    let resend = Resend::new().also_safe(|head| head.uri.path() == "/orders");
    let client = over(retry_by(policy(), ForRetry::new(), resend), service);
    assert_eq!(client.oneshot(request(Method::POST)).await.expect("an answer").status(), 503);
    assert_eq!(asked.load(SeqCst), 3);
}

/// A peer: the failed response is held over the wait, and pins its connection.
#[tokio::test(start_paused = true)]
async fn a_failed_response_is_gone_before_the_wait() {
    struct Held(Arc<AtomicBool>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.store(false, SeqCst);
        }
    }
    let held = Arc::new(AtomicBool::new(false));
    let holds = Arc::clone(&held);
    let service = service_fn(move |_: Sent| {
        assert!(!holds.swap(true, SeqCst), "one connection, and it is taken");
        let held = Held(Arc::clone(&holds));
        let body = stream::once(async move {
            drop(held);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"busy")))
        });
        ready(Ok::<_, io::Error>(status(503).body(StreamBody::new(body.boxed())).expect("fine")))
    });
    let call = tokio::spawn(over(retry(policy()), service).oneshot(request(Method::GET)));
    tokio::time::sleep(10 * MS).await;
    assert!(!held.load(SeqCst), "in the wait");
    let last = call.await.expect("no panic").expect("an answer");
    assert!(held.load(SeqCst), "the last one is the caller's");
    assert_eq!(BodyExt::collect(last.into_body()).await.expect("a body").to_bytes(), "busy");
}

/// A peer: a request has to be `Clone`, and a streaming body fails before it is sent.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_a_stream_is_sent_as_it_comes_and_sent_again() {
    type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let service = service_fn(move |request: Request<ReplayBody<StreamBody<Frames>>>| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
            let mut seen = seen.lock().expect("no panic");
            seen.push(body);
            Ok::<_, io::Error>(status(if seen.len() < 3 { 503 } else { 200 }).body(()).expect("fine"))
        }
    });
    let part = |text: &'static str| async move {
        tokio::time::sleep(MS).await;
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    };
    let body: StreamBody<Frames> = StreamBody::new(stream::iter(["three ", "apples"]).then(part).boxed());
    let put = Request::put("http://shop.test/basket").body(body).expect("a request");
    assert_eq!(over(retry(policy()), service).oneshot(put).await.expect("an answer").status(), 200);
    assert_eq!(*bodies.lock().expect("no panic"), ["three apples"; 3]);
}

#[tokio::test(start_paused = true)]
async fn each_host_has_a_budget_of_its_own_unless_one_was_named() {
    let get = |host: &str| Request::get(format!("http://{host}/")).body(Full::default()).expect("a request");
    // Ten tokens each: eleven calls of three attempts use up what one host has.
    let (service, asked) = answers(|_| status(503));
    let client = over(retry(policy()), service);
    for _ in 0..30 {
        assert_eq!(client.clone().oneshot(get("down.test")).await.expect("an answer").status(), 503);
    }
    let spent = asked.swap(0, SeqCst);
    assert!((30 + 10..=30 + 13).contains(&spent), "{spent}");
    assert_eq!(client.oneshot(get("up.test")).await.expect("an answer").status(), 503);
    assert_eq!(asked.load(SeqCst), 3, "another host has its own");

    let one = Budget::of(Bucket::new().capacity(1));
    let (service, asked) = answers(|_| status(503));
    let client = over(retry(policy().budget(&one)), service);
    for host in ["down.test", "up.test"] {
        assert_eq!(client.clone().oneshot(get(host)).await.expect("an answer").status(), 503);
    }
    assert_eq!(asked.load(SeqCst), 3, "one more for both");

    let budgets = KeyedBudgets::new(10, Bucket::new().capacity(1));
    let (service, asked) = answers(|_| status(503));
    let resend = Resend::new().budgets(&budgets);
    let client = over(retry_by(policy(), ForRetry::new(), resend), service);
    assert_eq!(client.oneshot(get("Down.test:80")).await.expect("an answer").status(), 503);
    assert_eq!(asked.load(SeqCst), 2);
    assert!(!budgets.known("down.test").expect("by its host").open().take(Extra::Retry));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_carries_the_head_and_the_extensions_and_its_number() {
    #[derive(Clone, Debug, PartialEq)]
    struct Tenant(u32);
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let service = service_fn(move |request: Sent| {
        let (head, _) = request.into_parts();
        seen.lock().expect("no panic").push(head);
        ready(Ok::<_, io::Error>(status(503).body(()).expect("fine")))
    });
    let mut put = request(Method::PUT);
    put.headers_mut().insert("x-trace", "7".parse().expect("a value"));
    put.extensions_mut().insert(Tenant(3));
    assert!(over(retry(policy()), service).oneshot(put).await.is_ok());
    let heads = heads.lock().expect("no panic");
    for head in heads.iter() {
        assert_eq!((&head.method, head.uri.path()), (&Method::PUT, "/orders"));
        assert_eq!(
            (&head.headers["x-trace"], head.extensions.get()),
            (&"7".parse::<http::HeaderValue>().expect("a value"), Some(&Tenant(3)))
        );
    }
    let numbers: Vec<_> = heads.iter().map(|head| head.extensions.get::<Attempt>().copied()).collect();
    assert_eq!(numbers.iter().map(|n| n.map_or(1, Attempt::number)).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(numbers.iter().map(|n| n.map_or(0, Attempt::resends)).collect::<Vec<_>>(), [0, 1, 2]);
}

/// An upload that goes on when its answer is there.
#[tokio::test(start_paused = true)]
async fn nothing_more_is_kept_once_the_call_has_its_answer() {
    type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;
    let upload = Arc::new(Mutex::new(None));
    let hands = Arc::clone(&upload);
    let service = service_fn(move |request: Request<ReplayBody<StreamBody<Frames>>>| {
        *hands.lock().expect("no panic") = Some(request.into_body());
        ready(Ok::<_, io::Error>(status(200).body(()).expect("fine")))
    });
    let body: StreamBody<Frames> =
        StreamBody::new(stream::iter(["a", "b"]).map(|text| Ok(Frame::data(text.into()))).boxed());
    let put = Request::put("http://shop.test/").body(body).expect("a request");
    assert!(over(retry(policy()), service).oneshot(put).await.is_ok());
    let mut body = upload.lock().expect("no panic").take().expect("it was sent");
    assert!(body.can_replay());
    assert!(body.frame().await.is_some());
    assert!(!body.can_replay());
    let error = body.clone().collect().await.expect_err("nobody asked for it");
    assert_eq!(error.downcast_ref(), Some(&NoReplay::NotKept));
    assert_eq!(body.collect().await.expect("the rest").to_bytes(), "b");
}

/// The budget does not pay: the answer comes out, and the upload that it belongs to is not cut.
#[tokio::test(start_paused = true)]
async fn where_nobody_pays_the_upload_of_the_answer_that_comes_out_goes_on() {
    type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;
    let upload = Arc::new(Mutex::new(None));
    let hands = Arc::clone(&upload);
    let service = service_fn(move |request: Request<ReplayBody<StreamBody<Frames>>>| {
        let hands = Arc::clone(&hands);
        async move {
            let mut body = request.into_body();
            assert!(body.frame().await.is_some());
            *hands.lock().expect("no panic") = Some(body);
            Ok::<_, io::Error>(status(503).body(()).expect("fine"))
        }
    });
    let body: StreamBody<Frames> =
        StreamBody::new(stream::iter(["a", "b"]).map(|text| Ok(Frame::data(text.into()))).boxed());
    let put = Request::put("http://shop.test/").body(body).expect("a request");
    let none = Budget::of(Bucket::new().capacity(1));
    assert!(none.open().take(Extra::Retry));
    let client = over(retry(policy().budget(&none)), service);
    assert_eq!(client.oneshot(put).await.expect("an answer").status(), 503);
    let body = upload.lock().expect("no panic").take().expect("it was sent");
    assert_eq!(body.collect().await.expect("the rest").to_bytes(), "b");
}

#[tokio::test(start_paused = true)]
async fn stacks_of_boxed_errors_and_enums_of_ones_own_are_looked_into_too() {
    #[derive(Debug, thiserror::Error)]
    enum Own {
        #[error(transparent)]
        Rejected(#[from] buttress::Rejected),
        #[error("to the shop")]
        Shop(#[from] io::Error),
    }
    impl buttress::Rejectable for Own {
        fn as_rejected(&self) -> Option<buttress::Rejected> {
            buttress::Rejected::find(self)
        }
    }
    for (kind, received) in [(io::ErrorKind::ConnectionRefused, 3), (io::ErrorKind::ConnectionReset, 1)] {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let own = service_fn(move |_: Sent| {
            count.fetch_add(1, SeqCst);
            ready(Err::<Response<Body>, _>(Own::from(io::Error::from(kind))))
        });
        let boxed = own.clone().map_err(BoxError::from);
        let answer = tower::Layer::layer(&retry(policy()), own).oneshot(request(Method::POST)).await;
        assert!(matches!(answer, Err(Own::Shop(_))), "as it was");
        assert_eq!(asked.swap(0, SeqCst), received, "{kind:?}");
        let layer = retry_by(policy(), ForRetry::boxed(), Resend::new());
        let error =
            tower::Layer::layer(&layer, boxed).oneshot(request(Method::POST)).await.expect_err("no answer");
        assert!(error.is::<Own>(), "as it was");
        assert_eq!(asked.load(SeqCst), received, "{kind:?}");
    }
}

/// What is lifted is not among its own sources: `Lifted` speaks for it.
#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_seen_under_a_lift() {
    for (kind, received) in [(io::ErrorKind::ConnectionRefused, 3), (io::ErrorKind::ConnectionReset, 1)] {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let client = service_fn(move |_: Sent| {
            count.fetch_add(1, SeqCst);
            ready(Err::<Response<Body>, _>(io::Error::from(kind)))
        });
        let answer = over(retry(policy()), client.clone()).oneshot(request(Method::POST)).await;
        assert!(matches!(answer, Err(Lifted::Inner(error)) if error.kind() == kind), "as it was");
        assert_eq!(asked.swap(0, SeqCst), received, "{kind:?}");
        // the same in a box around the lift
        let boxed = over((), client).map_err(BoxError::from);
        let layer = retry_by(policy(), ForRetry::boxed(), Resend::new());
        tower::Layer::layer(&layer, boxed).oneshot(request(Method::POST)).await.expect_err("no answer");
        assert_eq!(asked.load(SeqCst), received, "{kind:?}");
    }
}

/// The caps: none, and all.
#[tokio::test(start_paused = true)]
async fn no_cap_is_wrong() {
    for (cap, received) in [(0, 1), (4, 1), (5, 3), (usize::MAX, 3)] {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let service = service_fn(move |request: Sent| {
            count.fetch_add(1, SeqCst);
            async move {
                let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
                assert_eq!(body, "pay 5");
                Ok::<_, io::Error>(status(503).body(()).expect("fine"))
            }
        });
        let client = over(retry_by(policy(), ForRetry::new(), Resend::new().cap(cap)), service);
        assert_eq!(client.oneshot(request(Method::PUT)).await.expect("an answer").status(), 503);
        assert_eq!(asked.load(SeqCst), received, "{cap}");
    }
}
