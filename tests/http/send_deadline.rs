//! Deadlines out: the next hop is told what is left, never more; and what comes too late is not sent.

use buttress::{
    Deadline, Lifted, grpc,
    http::{DeadlineLayer, ReadTimeout, SendDeadlineLayer, WriteTimeout},
    over,
    rejected::Reason,
    telemetry::Event,
    timeout::TimeoutLayer,
};
use http::{HeaderMap, HeaderName, Request};
use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);
const HEADER: &str = "x-request-timeout-ms";
const GRPC: &str = "grpc-timeout";

/// What the next hop gets to see, or why it does not.
type Told = Result<HeaderMap, (Reason, bool)>;

/// Answers with the headers that arrive.
fn next_hop() -> impl Service<Request<()>, Response = HeaderMap, Error = Infallible, Future: Send> + Clone {
    service_fn(|request: Request<()>| async move { Ok(request.into_parts().0.headers) })
}

async fn told<W>(layer: SendDeadlineLayer<W>, request: Request<()>) -> Told
where
    W: ReadTimeout + WriteTimeout + Clone,
{
    match over(layer, next_hop()).oneshot(request).await {
        Ok(headers) => Ok(headers),
        Err(Lifted::Rejected(no)) => Err((no.reason(), no.reached())),
        Err(Lifted::Inner(never)) => match never {},
    }
}

fn of(told: &Told, name: &str) -> Option<String> {
    let headers = told.as_ref().expect("was sent");
    assert!(headers.get_all(name).iter().count() <= 1, "said once");
    headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned())
}

fn left(time: Duration) -> Deadline {
    Deadline::after(Instant::now(), time)
}

const PASSED: Told = Err((Reason::DeadlinePassed, false));

#[tokio::test(start_paused = true)]
async fn the_next_hop_is_told_what_is_left_by_then() {
    left(200 * MS)
        .scope(async {
            sleep(50 * MS).await;
            let http = told(SendDeadlineLayer::new(), Request::new(())).await;
            assert_eq!(of(&http, HEADER).as_deref(), Some("150"));
            let grpc = told(grpc::send_deadline(), Request::new(())).await;
            assert_eq!(of(&grpc, GRPC).as_deref(), Some("150000u"));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_nothing_is_said_and_nothing_changed() {
    assert_eq!(told(SendDeadlineLayer::new(), Request::new(())).await, Ok(HeaderMap::new()));
    let request = Request::builder().header(HEADER, "soon").body(()).expect("valid");
    assert_eq!(of(&told(SendDeadlineLayer::new(), request).await, HEADER).as_deref(), Some("soon"));
}

#[tokio::test(start_paused = true)]
async fn never_more_than_is_left_to_the_nanosecond() {
    for (nanos, http, grpc) in [
        (1_999_999, Some("1"), Some("1999999n")),
        (1_000_000, Some("1"), Some("1000000n")),
        (999_999, None, Some("999999n")),
        (1, None, Some("1n")),
        (0, None, None),
    ] {
        // A runtime's paused clock stands still while this goes on.
        let deadline = left(Duration::from_nanos(nanos));
        let said = deadline.scope(told(SendDeadlineLayer::new(), Request::new(()))).await;
        assert_eq!(said.as_ref().ok().and_then(|_| of(&said, HEADER)).as_deref(), http, "{nanos}");
        let said = deadline.scope(told(grpc::send_deadline(), Request::new(()))).await;
        assert_eq!(said.as_ref().ok().and_then(|_| of(&said, GRPC)).as_deref(), grpc, "{nanos}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_margin_is_held_back() {
    let layer = SendDeadlineLayer::new().margin(30 * MS);
    let said = left(100 * MS).scope(told(layer.clone(), Request::new(()))).await;
    assert_eq!(of(&said, HEADER).as_deref(), Some("70"));
    for gone in [30 * MS, 29 * MS, MS, Duration::ZERO] {
        assert_eq!(left(gone).scope(told(layer.clone(), Request::new(()))).await, PASSED, "{gone:?}");
    }
    let said = left(31 * MS).scope(told(layer, Request::new(()))).await;
    assert_eq!(of(&said, HEADER).as_deref(), Some("1"));
    let all = SendDeadlineLayer::new().margin(Duration::MAX);
    assert_eq!(left(Duration::MAX).scope(told(all.clone(), Request::new(()))).await, PASSED);
    assert!(told(all, Request::new(())).await.is_ok(), "no deadline, nothing to hold back from");
}

#[tokio::test(start_paused = true)]
async fn the_call_inside_runs_under_the_deadline_that_was_told() {
    let remaining = |_: Request<()>| async {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Deadline::current().map(|deadline| deadline.remaining(Instant::now())))
    };
    let call =
        over(SendDeadlineLayer::new().margin(30 * MS), service_fn(remaining)).oneshot(Request::new(()));
    assert_eq!(left(100 * MS).scope(call).await, Ok(Some(70 * MS)));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_ones_own_is_told_where_it_is_smaller_or_alone() {
    let layer = SendDeadlineLayer::new().at_most(80 * MS);
    assert_eq!(of(&told(layer.clone(), Request::new(())).await, HEADER).as_deref(), Some("80"));
    let said = left(50 * MS).scope(told(layer.clone(), Request::new(()))).await;
    assert_eq!(of(&said, HEADER).as_deref(), Some("50"));
    let said = left(100 * MS).scope(told(layer, Request::new(()))).await;
    assert_eq!(of(&said, HEADER).as_deref(), Some("80"));
    let zero = SendDeadlineLayer::new().at_most(Duration::ZERO);
    assert_eq!(
        of(&told(zero, Request::new(())).await, HEADER).as_deref(),
        Some("1"),
        "the smallest that works"
    );
    let max = grpc::send_deadline().at_most(Duration::MAX);
    assert_eq!(of(&told(max, Request::new(())).await, GRPC).as_deref(), Some("99999999H"));
}

#[tokio::test(start_paused = true)]
async fn what_the_request_says_already_is_only_ever_shortened() {
    for (says, expected) in [
        ("40", Ok("40")),
        ("100", Ok("100")),
        ("101", Ok("100")),
        ("99999999999999999999999", Ok("100")),
        ("soon", Ok("100")),
        ("-1", Ok("100")),
        ("0", Err(())),
    ] {
        let request = Request::builder().header(HEADER, says).body(()).expect("valid");
        let said = left(100 * MS).scope(told(SendDeadlineLayer::new(), request)).await;
        match expected {
            Ok(expected) => assert_eq!(of(&said, HEADER).as_deref(), Some(expected), "{says}"),
            Err(()) => assert_eq!(said, PASSED, "{says}"),
        }
    }
    let twice = Request::builder().header(HEADER, "5").header(HEADER, "7").body(()).expect("valid");
    let said = left(100 * MS).scope(told(SendDeadlineLayer::new(), twice)).await;
    assert_eq!(of(&said, HEADER).as_deref(), Some("100"), "what cannot be read is replaced, all of it");
}

#[tokio::test(start_paused = true)]
async fn another_header_can_be_named_and_both_sides_of_a_hop_agree() {
    let name = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
    let said = left(40 * MS).scope(told(SendDeadlineLayer::new().header(name), Request::new(()))).await;
    assert_eq!(of(&said, "x-envoy-expected-rq-timeout-ms").as_deref(), Some("40"));

    let server = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Deadline::current().map(|deadline| deadline.remaining(Instant::now())))
    });
    // As over a wire: what the task knew does not get there.
    let wire = service_fn(move |request: Request<()>| async move {
        let served = DeadlineLayer::new().trust_deadline(1000 * MS).layer(server).oneshot(request);
        tokio::spawn(served).await.expect("runs")
    });
    let call = over(SendDeadlineLayer::new(), wire).oneshot(Request::new(()));
    assert_eq!(left(40 * MS).scope(call).await, Ok(Some(40 * MS)));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_extensions_counts_too_and_reaches_the_inside() {
    let mut request = Request::new(());
    request.extensions_mut().insert(left(60 * MS));
    let inside = service_fn(|request: Request<()>| async move {
        tokio::task::yield_now().await;
        let left = Deadline::current().map(|deadline| deadline.remaining(Instant::now()));
        Ok::<_, Infallible>((request.headers()[HEADER].clone(), left))
    });
    let mut svc = over(SendDeadlineLayer::new(), inside);
    let (said, in_force) = svc.call(request.clone()).await.expect("sent");
    assert_eq!((said.as_bytes(), in_force), (&b"60"[..], Some(60 * MS)));
    let (said, _) = left(50 * MS).scope(async { svc.call(request.clone()).await }).await.expect("sent");
    assert_eq!(said, "50", "the earlier of the two");
    advance(60 * MS).await;
    assert_eq!(told(SendDeadlineLayer::new(), request).await, PASSED);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_has_passed_is_refused_and_inside_is_not_even_asked() {
    #[derive(Clone)]
    struct Untouched;
    impl Service<Request<()>> for Untouched {
        type Response = ();
        type Error = Infallible;
        type Future = std::future::Ready<Result<(), Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            panic!("asked whether it is ready")
        }
        fn call(&mut self, _: Request<()>) -> Self::Future {
            panic!("called")
        }
    }
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let layer = SendDeadlineLayer::new().name("payments").observe(move |event: &Event<'_>| {
        ears.lock().expect("not poisoned").push(format!("{event:?}"));
    });
    let call = over(layer, Untouched).oneshot(Request::new(()));
    let Err(Lifted::Rejected(no)) = left(Duration::ZERO).scope(call).await else { panic!("sent") };
    assert_eq!((no.name(), no.reason(), no.reached()), ("payments", Reason::DeadlinePassed, false));
    assert_eq!(
        *heard.lock().expect("not poisoned"),
        [r#"Rejected { name: "payments", reason: DeadlinePassed }"#]
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_between_ready_and_call_refuses_the_call() {
    let mut svc = over(SendDeadlineLayer::new(), next_hop());
    left(MS)
        .scope(async {
            svc.ready().await.expect("ready");
            advance(MS).await;
            assert!(matches!(svc.call(Request::new(())).await, Err(Lifted::Rejected(no)) if !no.reached()));
        })
        .await;
    let headers = svc.ready().await.expect("ready").call(Request::new(())).await.expect("the next is well");
    assert!(headers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_200_ms_returns_at_200_ms_and_the_next_hop_was_told_the_time_left() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let hangs = service_fn(move |request: Request<()>| {
        let said = request.headers()[HEADER].to_str().expect("ASCII").to_owned();
        noted.lock().expect("not poisoned").push(said);
        pending::<Result<(), Infallible>>()
    });
    let client = over(SendDeadlineLayer::new(), hangs);
    let handler = service_fn(move |_: Request<()>| {
        let client = client.clone();
        async move {
            sleep(160 * MS).await; // what is done here before the call goes out
            client.oneshot(Request::new(())).await
        }
    });
    let stack = ServiceBuilder::new()
        .layer(DeadlineLayer::new().trust_deadline(Duration::from_secs(30)))
        .layer(TimeoutLayer::new(Duration::from_secs(3)));
    let started = Instant::now();
    let request = Request::builder().header(HEADER, "200").body(()).expect("valid");
    let Err(Lifted::Rejected(no)) = stack.service(handler).oneshot(request).await else { panic!("it hangs") };
    assert_eq!(started.elapsed(), 200 * MS);
    assert_eq!((no.reason(), no.reached()), (Reason::DeadlinePassed, true));
    assert_eq!(*seen.lock().expect("not poisoned"), ["40"]);
}
