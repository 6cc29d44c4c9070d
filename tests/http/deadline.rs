//! Deadlines in: trusted only where said, only ever shorter, and carried over whatever forgets them.

use buttress::{
    Deadline, grpc,
    http::{DeadlineLayer, ReadTimeout},
};
use http::{HeaderName, Request};
use std::{convert::Infallible, time::Duration};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

/// Answers with the time that is left: as seen in `call`, and in a later poll.
async fn left<R: ReadTimeout + Clone>(layer: DeadlineLayer<R>, request: Request<()>) -> Option<Duration> {
    let remaining = || Deadline::current().map(|deadline| deadline.remaining(Instant::now()));
    let svc = layer.layer(service_fn(move |_: Request<()>| {
        let in_call = remaining();
        async move {
            tokio::task::yield_now().await;
            assert_eq!(in_call, remaining(), "the same for the call and for its polls");
            Ok::<_, Infallible>(in_call)
        }
    }));
    svc.oneshot(request).await.expect("infallible")
}

fn asks(name: &'static str, value: &str) -> Request<()> {
    Request::builder().header(name, value).body(()).expect("valid")
}

const HEADER: &str = "x-request-timeout-ms";

#[tokio::test(start_paused = true)]
async fn a_header_is_not_believed_unless_said() {
    assert_eq!(left(DeadlineLayer::new(), asks(HEADER, "250")).await, None);
    let trusting = DeadlineLayer::new().trust_deadline(1000 * MS);
    assert_eq!(left(trusting, asks(HEADER, "250")).await, Some(250 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_header_is_believed_no_longer_than_the_maximum() {
    let trusting = DeadlineLayer::new().trust_deadline(1000 * MS);
    for long in ["1001", "86400000", "18446744073709551615", "99999999999999999999999999"] {
        assert_eq!(left(trusting.clone(), asks(HEADER, long)).await, Some(1000 * MS), "{long}");
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_counts_as_no_deadline_and_zero_as_one_that_has_passed() {
    let trusting = DeadlineLayer::new().trust_deadline(1000 * MS);
    for nonsense in ["", " ", "-1", "+5", "1.5", "1e3", "NaN", "ten", "0x10", "5s", "1,000"] {
        assert_eq!(left(trusting.clone(), asks(HEADER, nonsense)).await, None, "{nonsense:?}");
    }
    assert_eq!(left(trusting.clone(), asks(HEADER, "0")).await, Some(Duration::ZERO));
    assert_eq!(left(trusting, asks(HEADER, " 30 ")).await, Some(30 * MS));
}

#[tokio::test(start_paused = true)]
async fn another_header_can_be_named() {
    let envoy = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
    let layer = DeadlineLayer::new().header(envoy).trust_deadline(1000 * MS);
    assert_eq!(left(layer, asks("x-envoy-expected-rq-timeout-ms", "40")).await, Some(40 * MS));
}

#[tokio::test(start_paused = true)]
async fn grpc_timeout_is_read_in_every_unit_and_capped() {
    for (value, expected) in [
        ("250m", Some(250 * MS)),
        ("1S", Some(1000 * MS)),
        ("250000u", Some(250 * MS)),
        ("250000000n", None),
        ("25000000n", Some(25 * MS)),
        ("99999999H", Some(5000 * MS)),
        ("1M", Some(5000 * MS)),
        ("soon", None),
        ("1s", None),
    ] {
        let found = left(grpc::deadline(5000 * MS), asks("grpc-timeout", value)).await;
        assert_eq!(found, expected, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_stands_there_twice_cannot_be_read_whatever_it_says() {
    for (one, two) in [("250", "250"), ("250", "10"), ("10", "250"), ("250", "soon"), ("soon", "250")] {
        let twice = |name: &'static str, unit: &str| {
            let mut request = asks(name, &format!("{one}{unit}"));
            request.headers_mut().append(name, format!("{two}{unit}").parse().expect("a value"));
            request
        };
        let trusting = DeadlineLayer::new().trust_deadline(1000 * MS);
        assert_eq!(left(trusting, twice(HEADER, "")).await, None, "{one}, {two}");
        let found = left(grpc::deadline(1000 * MS), twice("grpc-timeout", "m")).await;
        assert_eq!(found, None, "{one}, {two}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_grpc_timeout_that_cannot_be_read_counts_as_none_and_zero_has_passed() {
    for nonsense in
        ["", "m", "-1m", "+1m", " 1m", "1 m", "1m ", "100000000m", "1.5S", "1s", "1h", "1mm", "0x1m", "1"]
    {
        let found = left(grpc::deadline(1000 * MS), asks("grpc-timeout", nonsense)).await;
        // What stands at the ends of a header value the parser of HTTP has taken off already; here nobody has.
        assert_eq!(found, None, "{nonsense:?}");
    }
    assert_eq!(left(grpc::deadline(1000 * MS), asks("grpc-timeout", "0m")).await, Some(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn who_brings_none_or_nonsense_has_as_long_as_everybody_has_at_most() {
    let at_most = DeadlineLayer::new().trust_deadline(1000 * MS).at_most(300 * MS);
    for (value, expected) in [("200", 200), ("400", 300), ("soon", 300), ("0", 0)] {
        assert_eq!(left(at_most.clone(), asks(HEADER, value)).await, Some(MS * expected), "{value}");
    }
    assert_eq!(left(at_most, Request::new(())).await, Some(300 * MS));
    let believes_nobody = DeadlineLayer::new().at_most(300 * MS);
    assert_eq!(left(believes_nobody, asks(HEADER, "5")).await, Some(300 * MS), "not believed");
    let found = left(grpc::deadline(9000 * MS).at_most(300 * MS), asks("grpc-timeout", "1H")).await;
    assert_eq!(found, Some(300 * MS));
}

#[tokio::test(start_paused = true)]
async fn no_setting_can_be_wrong() {
    for (set, expected) in [(Duration::ZERO, MS), (Duration::MAX, 250 * MS)] {
        let trusting = DeadlineLayer::new().trust_deadline(set);
        assert_eq!(left(trusting, asks(HEADER, "250")).await, Some(expected));
    }
    assert_eq!(left(DeadlineLayer::new().at_most(Duration::ZERO), Request::new(())).await, Some(MS));
    let far = left(DeadlineLayer::new().at_most(Duration::MAX), Request::new(())).await;
    assert!(far > Some(Duration::from_secs(86_400 * 365 * 20)), "{far:?}");
}

#[tokio::test(start_paused = true)]
async fn it_only_ever_shortens() {
    let trusting = DeadlineLayer::new().trust_deadline(1000 * MS);
    for (header, in_force, in_request, expected) in
        [("300", 200, 400, 200), ("300", 400, 200, 200), ("100", 400, 200, 100), ("900", 500, 600, 500)]
    {
        let now = Instant::now();
        let mut request = asks(HEADER, header);
        request.extensions_mut().insert(Deadline::after(now, MS * in_request));
        let found = Deadline::after(now, MS * in_force).scope(left(trusting.clone(), request)).await;
        assert_eq!(found, Some(MS * expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_survives_a_buffer_where_a_second_layer_picks_it_up() {
    let inside = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Deadline::current().map(|deadline| deadline.remaining(Instant::now())))
    });
    let forgets = ServiceBuilder::new()
        .layer(DeadlineLayer::new().trust_deadline(1000 * MS))
        .buffer(4)
        .map_future(|call| async move { tokio::spawn(call).await.expect("runs") })
        .service(inside);
    assert_eq!(forgets.oneshot(asks(HEADER, "250")).await.expect("answers"), None);

    let carries = ServiceBuilder::new()
        .layer(DeadlineLayer::new().trust_deadline(1000 * MS))
        .buffer(4)
        .map_future(|call| async move { tokio::spawn(call).await.expect("runs") })
        .layer(DeadlineLayer::new())
        .service(inside);
    assert_eq!(carries.clone().oneshot(asks(HEADER, "250")).await.expect("answers"), Some(250 * MS));
    // One that was only in force, and came by no header, is carried as well.
    let in_force = Deadline::after(Instant::now(), 90 * MS);
    let found = in_force.scope(carries.oneshot(Request::new(()))).await.expect("answers");
    assert_eq!(found, Some(90 * MS));
}

#[tokio::test(start_paused = true)]
async fn readiness_passes_through() {
    let mut svc = DeadlineLayer::new().layer(service_fn(|_: Request<()>| async { Ok::<_, Infallible>(()) }));
    svc.ready().await.expect("ready").call(Request::new(())).await.expect("answers");
}
