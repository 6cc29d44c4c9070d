//! Law 11: nothing is allocated on the admitted path. Counted by an allocator, exact, call by call.

mod counting;

use buttress::{
    Deadline,
    breaker::{KeyedBreakerLayer, Policy},
    bulkhead::{BulkheadLayer, Queue, Slots},
    clock, grpc,
    http::{self as b_http, BodyTimeoutLayer, DeadlineLayer, IdempotencyLayer, Unscoped},
    idempotency::Effects,
    lift, over,
    store::memory::MemoryStore,
    timeout::{TimeoutLayer, TotalLayer},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service, ServiceBuilder, service_fn};

/// Allocations of a hundred runs, after one to warm up.
fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    let before = counting::made();
    for _ in 0..100 {
        run();
    }
    counting::made() - before
}

/// Echoes at once, or after it was pending once.
#[derive(Clone)]
struct Echo {
    pends: bool,
}

impl<Req> Service<Req> for Echo {
    type Response = Req;
    type Error = Infallible;
    type Future = futures_util::future::Either<Ready<Result<Req, Infallible>>, Once<Req>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: Req) -> Self::Future {
        match self.pends {
            false => futures_util::future::Either::Left(ready(Ok(request))),
            true => futures_util::future::Either::Right(Once { request: Some(request), asked: false }),
        }
    }
}

struct Once<Req> {
    request: Option<Req>,
    asked: bool,
}

impl<Req> Unpin for Once<Req> {}

impl<Req> Future for Once<Req> {
    type Output = Result<Req, Infallible>;
    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !std::mem::replace(&mut self.asked, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(self.request.take().expect("polled once more than needed")))
    }
}

/// Drives a call to its end by polling: no executor of its own that could allocate.
fn drive<S: Service<Req>, Req>(svc: &mut S, request: Req) -> S::Response {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(svc.poll_ready(&mut cx).is_ready());
    let mut call = pin!(svc.call(request));
    loop {
        if let Poll::Ready(answer) = call.as_mut().poll(&mut cx) {
            return answer.ok().expect("an answer");
        }
    }
}

fn in_a_runtime(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async { test() });
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1u64)))), 100);
}

#[test]
fn a_timeout_allocates_nothing_whether_the_inside_is_ready_or_pends() {
    in_a_runtime(|| {
        for pends in [false, true] {
            let mut svc = over(TimeoutLayer::new(Duration::from_secs(1)), Echo { pends });
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc, 7), 7)), 0, "pends: {pends}");
        }
    });
}

#[test]
fn a_timeout_under_a_deadline_allocates_nothing() {
    in_a_runtime(|| {
        let mut svc = over(TimeoutLayer::new(Duration::from_secs(1)), Echo { pends: true });
        Deadline::after(clock::now(), Duration::from_secs(9)).sync_scope(|| {
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc, 7), 7)), 0);
        });
    });
}

#[test]
fn a_refusal_allocates_nothing_either() {
    in_a_runtime(|| {
        let mut svc = over(TimeoutLayer::new(Duration::from_secs(1)), Echo { pends: true });
        Deadline::at(clock::now()).sync_scope(|| {
            assert_eq!(allocations(|| assert!(svc.call(7).now_or_never().expect("refused").is_err())), 0);
        });
    });
}

#[test]
fn cloning_a_stack_for_each_request_allocates_nothing() {
    in_a_runtime(|| {
        let svc = over((TimeoutLayer::new(Duration::from_secs(1)), lift()), Echo { pends: false });
        assert_eq!(allocations(|| assert_eq!(drive(&mut svc.clone(), 7), 7)), 0);
    });
}

fn to(host: &str) -> Request<()> {
    Request::get(format!("http://{host}/")).body(()).expect("a request")
}

#[test]
fn a_breaker_by_authority_allocates_nothing_for_a_host_that_it_knows() {
    in_a_runtime(|| {
        let layer = KeyedBreakerLayer::per_authority(1, &Policy::new());
        let circuits = layer.circuits().clone();
        let answer = |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new())));
        let mut svc = over(layer, tower::service_fn(answer));
        // However it is written, and as cloned for each request.
        for host in ["one.test", "ONE.test:80"] {
            let mut requests: Vec<_> = (0..101).map(|_| to(host)).collect();
            let call = || drop(drive(&mut svc.clone(), requests.pop().expect("enough")));
            assert_eq!(allocations(call), 0, "{host}");
        }
        // Refused, and sharing the circuit of those without a place: `drive` wants an answer.
        circuits.get("one.test").force_open();
        let mut requests: Vec<_> = (0..101).map(|_| to("one.test")).collect();
        let call = || {
            let request = requests.pop().expect("enough");
            assert!(svc.call(request).now_or_never().expect("refused").is_err());
        };
        assert_eq!(allocations(call), 0, "refused");
        let mut requests: Vec<_> = (0..101).map(|_| to("two.test")).collect();
        assert_eq!(
            allocations(|| drop(drive(&mut svc, requests.pop().expect("enough")))),
            0,
            "without a place"
        );
        assert_eq!(circuits.len(), 1);
    });
}

#[test]
fn a_guarded_server_allocates_nothing_for_a_request_that_is_let_through() {
    fn page(_: Request<()>) -> Ready<Result<Response<Full<bytes::Bytes>>, Infallible>> {
        ready(Ok(Response::new(Full::default())))
    }
    in_a_runtime(|| {
        let stack = || {
            ServiceBuilder::new()
                .layer(DeadlineLayer::new().trust_deadline(Duration::from_secs(9)))
                .layer(TimeoutLayer::new(Duration::from_secs(1)))
        };
        let mut http = b_http::guard(stack()).layer(tower::service_fn(page));
        assert_eq!(allocations(|| assert_eq!(drive(&mut http, Request::new(())).status(), 200)), 0);
        let mut grpc = grpc::guard(stack()).layer(tower::service_fn(page));
        assert_eq!(allocations(|| assert_eq!(drive(&mut grpc, Request::new(())).status(), 200)), 0);
    });
}

#[test]
fn a_limited_body_allocates_nothing() {
    in_a_runtime(|| {
        let limits = BodyTimeoutLayer::new().to_end(Duration::from_secs(9)).idle(Duration::from_secs(1));
        let mut svc = limits.layer(tower::service_fn(|_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new())))
        }));
        let read = || {
            let mut body = pin!(drive(&mut svc, Request::new(())).into_body());
            assert!(body.frame().now_or_never().expect("at once").is_none());
        };
        assert_eq!(allocations(read), 0);
    });
}

#[test]
fn a_bulkhead_allocates_nothing_with_or_without_a_queue_whether_the_inside_is_ready_or_pends() {
    in_a_runtime(|| {
        for pends in [false, true] {
            let layer = BulkheadLayer::new(&Slots::new("x", 2));
            let mut svc = over(layer.clone(), Echo { pends });
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc, 7), 7)), 0, "pends: {pends}");
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc.clone(), 7), 7)), 0, "pends: {pends}");
            let mut svc = over(layer.queue(9), Echo { pends });
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc, 7), 7)), 0, "pends: {pends}");
        }
    });
}

#[test]
fn a_full_bulkhead_refuses_without_an_allocation_under_a_name_made_at_run_time_too() {
    in_a_runtime(|| {
        let slots = Slots::new(String::from("made at run time"), 1);
        let _held = slots.try_acquire().expect("free");
        let mut svc = over(BulkheadLayer::new(&slots), Echo { pends: false });
        assert_eq!(allocations(|| assert!(svc.call(7).now_or_never().expect("refused").is_err())), 0);
    });
}

#[test]
fn a_queue_that_has_been_as_long_allocates_nothing_for_who_waits() {
    in_a_runtime(|| {
        let slots = Slots::new("x", 1);
        let queue = Queue::new(9);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let run = || {
            let held = slots.try_acquire().expect("free");
            let (mut one, mut two) = (pin!(slots.acquire(queue)), pin!(slots.acquire(queue)));
            assert!(one.as_mut().poll(&mut cx).is_pending() && two.as_mut().poll(&mut cx).is_pending());
            drop(held);
            assert!(one.as_mut().poll(&mut cx).is_ready());
        };
        assert_eq!(allocations(run), 0);
    });
}

#[test]
fn a_slot_held_to_the_end_of_the_body_allocates_nothing() {
    in_a_runtime(|| {
        let layer = BulkheadLayer::new(&Slots::new("x", 1)).hold(b_http::ToEnd);
        let page = |_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(b"a page")))))
        };
        let mut svc = over(layer, tower::service_fn(page));
        let read = || {
            let mut body = pin!(drive(&mut svc, Request::new(())).into_body());
            assert!(body.frame().now_or_never().expect("at once").is_some());
        };
        assert_eq!(allocations(read), 0);
    });
}

#[test]
fn telling_the_next_hop_what_is_left_allocates_the_header_value_and_nothing_else() {
    fn hop<W>(layer: b_http::SendDeadlineLayer<W>) -> u64
    where
        W: b_http::ReadTimeout + b_http::WriteTimeout + Clone,
    {
        let answer = |request: Request<()>| ready(Ok::<_, Infallible>(request.headers().len()));
        let mut svc = over(layer, tower::service_fn(answer));
        // With room for a header more, as requests have that say anything at all.
        let said = || {
            let mut request = to("one.test");
            request.headers_mut().reserve(8);
            request.headers_mut().insert("te", http::HeaderValue::from_static("trailers"));
            request
        };
        let mut requests: Vec<_> = (0..101).map(|_| said()).collect();
        allocations(|| {
            drive(&mut svc, requests.pop().expect("enough"));
        })
    }
    in_a_runtime(|| {
        assert_eq!(hop(b_http::SendDeadlineLayer::new()), 0, "nothing to tell");
        Deadline::after(clock::now(), Duration::from_secs(9)).sync_scope(|| {
            assert_eq!(hop(b_http::SendDeadlineLayer::new()), 100);
            assert_eq!(hop(grpc::send_deadline()), 100);
        });
    });
}

#[test]
fn a_total_allocates_nothing_with_or_without_an_attempt_inside() {
    in_a_runtime(|| {
        let (total, attempt) =
            (TotalLayer::new(Duration::from_secs(9)), TimeoutLayer::new(Duration::from_secs(1)));
        for pends in [false, true] {
            let mut svc = over(total.clone(), Echo { pends });
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc, 7), 7)), 0, "pends: {pends}");
            let mut svc = over((total.clone(), attempt.clone()), Echo { pends });
            assert_eq!(allocations(|| assert_eq!(drive(&mut svc, 7), 7)), 0, "pends: {pends}");
        }
    });
}

#[test]
fn a_grpc_call_that_is_made_once_allocates_nothing_and_one_that_is_kept_half_a_dozen_times_at_most() {
    let config = r#"{"methodConfig": [
        {"name": [{"service": "a.A", "method": "Once"}], "timeout": "9s"},
        {"name": [{"service": "a.A", "method": "Again"}], "retryPolicy": {
            "maxAttempts": 2, "initialBackoff": "1s", "maxBackoff": "1s", "backoffMultiplier": 1,
            "retryableStatusCodes": ["UNAVAILABLE"]}}
    ]}"#;
    let layer = grpc::calls(&config.parse().expect("a good config"));
    in_a_runtime(|| {
        let answer = |_: Request<tonic::body::Body>| {
            ready(Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(b"a message")))))
        };
        let mut svc = over(layer, tower::service_fn(answer));
        let mut made = |method: &str| {
            let request = || {
                let body = tonic::body::Body::new(Full::new(bytes::Bytes::from_static(b"a message")));
                let post = Request::post(format!("http://one.test/a.A/{method}")).header("te", "trailers");
                post.body(body).expect("a request")
            };
            let mut requests: Vec<_> = (0..101).map(|_| request()).collect();
            allocations(|| drop(drive(&mut svc, requests.pop().expect("enough"))))
        };
        assert_eq!((made("Once"), made("Other")), (0, 0));
        let kept = made("Again");
        assert!((100..=600).contains(&kept), "{kept}");
    });
}

/// Takes the whole of a request, at once.
#[derive(Clone)]
struct Takes;

impl<B: http_body::Body + Unpin> Service<Request<B>> for Takes {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let body = request.body_mut();
        while !body.is_end_stream() {
            assert!(pin!(&mut *body).poll_frame(&mut cx).is_ready());
        }
        ready(Ok(Response::new(())))
    }
}

/// What a retry of HTTP adds to a call that goes well, in allocations: the copy of the head, and a hold on the body.
#[test]
fn a_retry_of_http_allocates_for_what_it_has_to_keep_and_for_nothing_else() {
    type Page = Full<bytes::Bytes>;
    let request = |headers: bool, body: Page| {
        let mut request = Request::put("/a").body(body).expect("a request");
        if headers {
            for name in ["accept", "content-type", "user-agent", "x-trace"] {
                request.headers_mut().insert(name, http::HeaderValue::from_static("x"));
            }
        }
        request
    };
    let counted = |headers, body: fn() -> Page| {
        let mut requests: Vec<_> = (0..101).map(|_| request(headers, body())).collect();
        let mut svc = over(b_http::retry(buttress::retry::Policy::new()), Takes);
        allocations(|| drop(drive(&mut svc, requests.pop().expect("enough")))) / 100
    };
    in_a_runtime(|| {
        let (none, small) = (Page::default as fn() -> Page, || Page::from("three apples"));
        let large = || Page::from(bytes::Bytes::from_static(&[7; 5000]));
        // The path, which is shared from the first copy on.
        assert_eq!(counted(false, none), 1, "a bare head");
        // The three tables of a header map.
        assert_eq!(counted(true, none), 1 + 3, "a head with headers");
        // The shared hold, the body in it, and the list or the block of what is kept.
        assert_eq!(counted(false, small), 1 + 3, "a small body");
        assert_eq!(counted(false, large), 1 + 3, "a large body");
    });
}

/// A body over the cap is often a long one: what was kept of it is given back while it goes on.
#[test]
fn over_the_cap_what_was_kept_of_a_body_is_given_back_at_once() {
    let chunk = || Ok::<_, Infallible>(http_body::Frame::data(bytes::Bytes::from(vec![7; 40_000])));
    let body = http_body_util::StreamBody::new(futures_util::stream::repeat_with(chunk));
    let before = counting::live();
    let mut body = b_http::ReplayBody::with_cap(body, 64 * 1024);
    let kept = body.clone();
    let mut held = [(); 3].map(|()| {
        drop(body.frame().now_or_never().expect("at once"));
        counting::live() - before
    });
    held[0] -= 40_000;
    assert!(held.iter().all(|bytes| (0..1000).contains(bytes)), "{held:?}");
    drop(kept);
}

/// A key is not free: its record, its answer, and what waits for them. So much for the first request of a key, and so much for the
/// same again. Neither of the two boxes (what waits, and what runs) reaches a kibibyte, from which on glibc takes the long way.
#[test]
fn a_key_costs_nine_allocations_and_five_when_it_comes_again() {
    const KIB: i64 = 1024;
    in_a_runtime(|| {
        let inside = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&inside);
        let handler = service_fn(move |_: Request<Full<Bytes>>| {
            seen.store(counting::live(), Relaxed);
            ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
        });
        let mut svc = IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Plain).layer(handler);
        // How many there are, the bytes of what waits, and the bytes of what runs with all that it holds.
        let mut cost = |key: u32| {
            let mut request = Request::post("/").body(Full::<Bytes>::default()).expect("a request");
            request.headers_mut().insert("idempotency-key", HeaderValue::from(key));
            let (made, live) = (counting::made(), counting::live());
            let call = svc.call(request);
            let called = counting::live();
            let answer = call.now_or_never().expect("nothing waits").expect("never an error");
            let made = counting::made() - made;
            drop(answer);
            (made, called - live, inside.load(Relaxed) - called)
        };
        // Now and then a map or a queue of the store grows.
        let firsts: Vec<_> = (0..200).map(&mut cost).collect();
        let least = |of: fn(&(u64, i64, i64)) -> i64| firsts.iter().map(of).min();
        assert_eq!(least(|cost| cost.0 as i64), Some(9));
        // Beside the boxes are the key (24), and what the handler holds of its operation (484).
        assert!(least(|cost| cost.1) <= Some(KIB + 24), "{firsts:?}");
        assert!(least(|cost| cost.2) <= Some(KIB + 484), "{firsts:?}");
        assert_eq!(cost(199).0, 5);
    });
}
