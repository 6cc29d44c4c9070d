//! Calls by a service config, over a server that answers what it is told.

use buttress::{
    Deadline, Lifted,
    budget::{Budget, Throttle},
    grpc::{self, CallsLayer, ServiceConfig},
    over,
    rejected::{Reason, Rejected},
    telemetry::Event,
    timeout::TimeoutLayer,
};
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Collected, Full, StreamBody};
use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tonic::{Status, body::Body};
use tower::{Service, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

const RETRY: &str = r#""retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.01s",
    "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}"#;
const HEDGE: &str = r#""hedgingPolicy": {"maxAttempts": 3, "hedgingDelay": "0.1s"}"#;

/// For every method.
fn layer(config: &str) -> CallsLayer {
    grpc::calls(&config_of(config))
}

fn config_of(config: &str) -> ServiceConfig {
    format!(r#"{{"methodConfig": [{{"name": [{{}}], {config}}}]}}"#).parse().expect("a good config")
}

/// What arrived at the server.
#[derive(Clone, Debug, PartialEq)]
struct Arrived {
    at: Duration,
    path: String,
    headers: HeaderMap,
    /// `None` where the body broke off.
    message: Option<Bytes>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Arrived>>>);

impl Log {
    fn all(&self) -> Vec<Arrived> {
        self.0.lock().expect("not poisoned").clone()
    }

    fn messages(&self) -> Vec<Option<Bytes>> {
        self.all().into_iter().map(|arrived| arrived.message).collect()
    }
}

/// Reads the whole request, then answers as `answer` says for that attempt.
fn server<F, Fut>(
    answer: F,
) -> (impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone, Log)
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send,
{
    let log = Log::default();
    let start = Instant::now();
    let seen = log.clone();
    let service = service_fn(move |request: Request<Body>| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let at = start.elapsed();
            let message = body.collect().await.ok().map(Collected::to_bytes);
            let path = parts.uri.path().to_owned();
            let number = {
                let mut seen = seen.0.lock().expect("not poisoned");
                seen.push(Arrived { at, path, headers: parts.headers, message });
                seen.len() - 1
            };
            Ok(answer(number).await)
        }
    });
    (service, log)
}

fn status(code: &str) -> Response<Body> {
    Response::builder().header("grpc-status", code).body(Body::empty()).expect("valid")
}

/// A response that has begun: its status comes in the trailers.
fn begun(code: &'static str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().expect("a value"));
    let frames =
        [Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"data"))), Ok(Frame::trailers(trailers))];
    Response::new(Body::new(StreamBody::new(stream::iter(frames))))
}

fn asks(message: &'static str) -> Request<Body> {
    Request::post("/a.A/One").body(Body::new(Full::from(message))).expect("valid")
}

fn code(answer: &Result<Response<Body>, Lifted<Infallible>>) -> String {
    match answer {
        Ok(response) => response.headers()["grpc-status"].to_str().expect("ASCII").to_owned(),
        Err(Lifted::Rejected(no)) => format!("{:?} by {}", no.reason(), no.name()),
        Err(Lifted::Inner(never)) => match *never {},
    }
}

#[tokio::test(start_paused = true)]
async fn a_resend_is_the_same_call_and_says_how_many_there_were_before() {
    let (service, log) = server(|at| async move { status(if at < 2 { "14" } else { "0" }) });
    let mut request = asks("pay 5");
    request.headers_mut().insert("x-user", "me".parse().expect("a value"));
    let answer = over(layer(RETRY), service).oneshot(request).await;
    assert_eq!(code(&answer), "0");
    assert_eq!(log.messages(), [Some("pay 5".into()), Some("pay 5".into()), Some("pay 5".into())]);
    let said: Vec<_> =
        log.all().iter().map(|arrived| arrived.headers.get("grpc-previous-rpc-attempts").cloned()).collect();
    assert_eq!(said, [None, Some("1".parse().expect("a value")), Some("2".parse().expect("a value"))]);
    assert!(log.all().iter().all(|arrived| arrived.path == "/a.A/One" && arrived.headers["x-user"] == "me"));
}

#[tokio::test(start_paused = true)]
async fn once_a_response_has_begun_nothing_is_sent_again() {
    for config in [RETRY, HEDGE] {
        let (service, log) = server(|_| async { begun("14") });
        let response = over(layer(config), service).oneshot(asks("x")).await.expect("has begun");
        let body = response.into_body().collect().await.expect("complete");
        assert_eq!(body.trailers().expect("at its end")["grpc-status"], "14");
        assert_eq!(log.all().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_that_is_not_named_is_the_answer_and_costs_no_token() {
    let budget = Budget::of(Throttle::new(10, 0.5));
    for said in ["13", "5", "1", "8", "4", "2"] {
        let (service, log) = server(move |_| async move { status(said) });
        let answer = over(layer(RETRY).budget(&budget), service).oneshot(asks("x")).await;
        assert_eq!((code(&answer).as_str(), log.all().len()), (said, 1));
    }
    assert_eq!(budget.tokens(), Some(10.0));
    let (service, _) = server(|_| async { status("14") });
    drop(over(layer(RETRY).budget(&budget), service).oneshot(asks("x")).await);
    assert_eq!(budget.tokens(), Some(6.0), "four failures");
    let (service, _) = server(|_| async { status("13") });
    drop(over(layer(RETRY).budget(&budget), service).oneshot(asks("x")).await);
    assert_eq!(budget.tokens(), Some(6.0), "neither a failure nor a success");
    let (service, _) = server(|_| async {
        let mut no = status("13");
        no.headers_mut().insert("grpc-retry-pushback-ms", "-1".parse().expect("a value"));
        no
    });
    drop(over(layer(RETRY).budget(&budget), service).oneshot(asks("x")).await);
    assert_eq!(budget.tokens(), Some(5.0), "the server asks for less");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_a_proxy_has_the_code_that_it_stands_for() {
    let (service, log) = server(|at| async move {
        let (status, body) = if at == 0 { (503, Body::empty()) } else { (404, Body::empty()) };
        Response::builder().status(status).body(body).expect("valid")
    });
    let answer = over(layer(RETRY), service).oneshot(asks("x")).await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), log.all().len()),
        (404, 2),
        "UNAVAILABLE is named, UNIMPLEMENTED is not"
    );
    let (service, log) = server(|_| async { Response::new(Body::empty()) });
    drop(over(layer(RETRY), service).oneshot(asks("x")).await);
    assert_eq!(log.all().len(), 1, "neither a status nor a body is UNKNOWN");
}

#[tokio::test(start_paused = true)]
async fn each_method_has_its_own_limit() {
    let config = r#"{"methodConfig": [
        {"name": [{"service": "a.A", "method": "One"}], "timeout": "0.2s"},
        {"name": [{"service": "a.A"}], "timeout": "0.3s"}
    ]}"#;
    let client = |service| over(grpc::calls(&config.parse().expect("a good config")), service);
    for (path, left, expected, at) in [
        ("/a.A/One", None, "DeadlinePassed by calls", 200),
        ("/a.A/Two", None, "DeadlinePassed by calls", 300),
        ("/a.A/Two", Some(100), "DeadlinePassed by calls", 100),
        ("/b.B/One", Some(100), "DeadlinePassed by calls", 100),
        ("/b.B/One", None, "0", 1000),
    ] {
        let (service, _) = server(|_| async {
            sleep(1000 * MS).await;
            status("0")
        });
        let start = Instant::now();
        let request = Request::post(path).body(Body::empty()).expect("valid");
        let call = client(service).oneshot(request);
        let answer = match left {
            Some(left) => Deadline::after(start, MS * left).scope(call).await,
            None => call.await,
        };
        assert_eq!((code(&answer).as_str(), start.elapsed()), (expected, MS * at), "{path} {left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_of_the_method_has_set_only_shortens() {
    for (said, at) in [("100m", 100), ("1S", 200), ("soon", 200), ("0m", 0)] {
        let (service, log) = server(|_| std::future::pending());
        let mut request = asks("x");
        request.headers_mut().insert("grpc-timeout", said.parse().expect("a value"));
        let start = Instant::now();
        let answer = over(layer(r#""timeout": "0.2s""#), service).oneshot(request).await;
        assert_eq!((code(&answer).as_str(), start.elapsed()), ("DeadlinePassed by calls", MS * at), "{said}");
        assert_eq!(log.all().len(), usize::from(at > 0), "what is over is not sent");
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_that_of_all_attempts_together_and_no_wait_goes_over_it() {
    // Spread by a fifth: each wait is 80 to 100 ms, and after the second attempt less than 80 are left.
    let config = r#""timeout": "0.2s", "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "0.1s",
        "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}"#;
    let (service, log) = server(|_| async {
        sleep(20 * MS).await;
        status("14")
    });
    let start = Instant::now();
    let answer = over(layer(config), service).oneshot(asks("x")).await;
    assert_eq!(code(&answer), "14", "the last answer, since there was no time for another attempt");
    assert!(start.elapsed() <= 141 * MS && log.all().len() == 2, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_cut_is_made_again_where_deadline_exceeded_is_named() {
    for (codes, attempts) in [("[14]", 1), (r#"["UNAVAILABLE", "DEADLINE_EXCEEDED"]"#, 3)] {
        let config = RETRY.replace(r#"["UNAVAILABLE"]"#, codes).replace(r#"s": 4"#, r#"s": 3"#);
        let (service, log) = server(|_| std::future::pending());
        let stack = (layer(&config), TimeoutLayer::new(50 * MS));
        let answer = over(stack, service).oneshot(asks("x")).await;
        assert_eq!((code(&answer).as_str(), log.all().len()), ("TimedOut by timeout", attempts), "{codes}");
    }
}

/// As an interceptor gives it, and a service of one's own.
#[tokio::test(start_paused = true)]
async fn a_status_in_the_place_of_a_response_has_its_own_code_lifted_or_not() {
    for (status, calls) in [(Status::unavailable("x"), 4), (Status::invalid_argument("x"), 1)] {
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let (wanted, says) = (status.code(), status.clone());
        let fails = service_fn(move |_: Request<Body>| {
            *count.lock().expect("not poisoned") += 1;
            std::future::ready(Err::<Response<Body>, _>(says.clone()))
        });
        let answer = tower::Layer::layer(&layer(RETRY), fails.clone()).oneshot(asks("x")).await;
        assert_eq!(answer.expect_err("it failed").code(), wanted);
        assert_eq!(std::mem::take(&mut *asked.lock().expect("not poisoned")), calls, "{wanted:?}");
        let answer = over(layer(RETRY), fails).oneshot(asks("x")).await;
        assert!(matches!(answer, Err(Lifted::Inner(status)) if status.code() == wanted));
        assert_eq!(*asked.lock().expect("not poisoned"), calls, "{wanted:?}, lifted");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_inside_refused_reached_nothing_and_is_made_again() {
    let refusals = Arc::new(Mutex::new(2));
    let refuses = service_fn(move |_: Request<Body>| {
        let mut left = refusals.lock().expect("not poisoned");
        let refused = *left > 0;
        *left -= i32::from(refused);
        std::future::ready(if refused {
            Err(Rejected::new(Reason::Full, "x", false))
        } else {
            Ok(status("0"))
        })
    });
    let mut svc = tower::Layer::layer(&layer(RETRY), refuses);
    assert_eq!(
        svc.ready().await.expect("ready").call(asks("x")).await.expect("at last").headers()["grpc-status"],
        "0"
    );
}

#[tokio::test(start_paused = true)]
async fn messages_are_kept_up_to_a_bound_and_what_is_longer_is_sent_once_and_whole() {
    for config in [RETRY, &HEDGE.replace("0.1s", "0s")] {
        let (service, log) = server(|_| async { status("14") });
        drop(over(layer(config).keep(4), service).oneshot(asks("hello")).await);
        assert_eq!(log.messages(), [Some("hello".into())], "{config}");
    }
    let (service, log) = server(|_| async { status("14") });
    drop(over(layer(RETRY).keep(5), service).oneshot(asks("hello")).await);
    assert_eq!(log.messages().len(), 4);
}

/// A stream of messages, of which the second comes later.
fn streams() -> Request<Body> {
    let frames = stream::iter(["one ", "two"]).then_later();
    Request::post("/a.A/One").body(Body::new(StreamBody::new(frames))).expect("valid")
}

trait ThenLater {
    fn then_later(self)
    -> impl futures_util::Stream<Item = Result<Frame<Bytes>, io::Error>> + Send + 'static;
}

impl<S: futures_util::Stream<Item = &'static str> + Send + 'static> ThenLater for S {
    fn then_later(
        self,
    ) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, io::Error>> + Send + 'static {
        futures_util::StreamExt::then(self, |text| async move {
            if text == "two" {
                sleep(50 * MS).await;
            }
            Ok(Frame::data(Bytes::from_static(text.as_bytes())))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_messages_is_retried_and_is_never_hedged() {
    let (service, log) = server(|at| async move { status(if at == 0 { "14" } else { "0" }) });
    assert_eq!(code(&over(layer(RETRY), service).oneshot(streams()).await), "0");
    assert_eq!(log.messages(), [Some("one two".into()), Some("one two".into())]);

    let (service, log) = server(|_| async {
        sleep(1000 * MS).await;
        status("0")
    });
    assert_eq!(code(&over(layer(HEDGE), service).oneshot(streams()).await), "0");
    assert_eq!(log.messages(), [Some("one two".into())], "what was taken in is not lost");
}

#[tokio::test(start_paused = true)]
async fn attempts_side_by_side_all_send_the_whole_message() {
    let (service, log) = server(|at| async move {
        sleep(if at == 2 { 10 * MS } else { 5000 * MS }).await;
        status("0")
    });
    let start = Instant::now();
    assert_eq!(code(&over(layer(HEDGE), service).oneshot(asks("hello")).await), "0");
    assert_eq!(start.elapsed(), 210 * MS);
    let hello = || Some(Bytes::from_static(b"hello"));
    assert_eq!(log.messages(), [hello(), hello(), hello()]);
    let said: Vec<_> =
        log.all().iter().map(|arrived| arrived.headers.get("grpc-previous-rpc-attempts").cloned()).collect();
    assert_eq!(said, [None, Some("1".parse().expect("a value")), Some("2".parse().expect("a value"))]);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_told_when_to_come_again_starts_no_other() {
    let (service, log) = server(|_| async {
        let mut later = status("14");
        later.headers_mut().insert("grpc-retry-pushback-ms", "20".parse().expect("a value"));
        later
    });
    let config =
        r#""hedgingPolicy": {"maxAttempts": 3, "hedgingDelay": "0.1s", "nonFatalStatusCodes": [14]}"#;
    assert_eq!(code(&over(layer(config), service).oneshot(asks("x")).await), "14");
    assert_eq!(log.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_throttling_in_the_config_there_is_a_budget_all_the_same() {
    let (service, log) = server(|_| async { status("14") });
    let mut client = over(layer(RETRY), service);
    for _ in 0..100 {
        drop(client.ready().await.expect("ready").call(asks("x")).await);
    }
    let sent = log.all().len();
    assert!((100..=121).contains(&sent), "10 tokens, and a tenth of one for each call: {sent}");
}

#[tokio::test(start_paused = true)]
async fn all_methods_of_a_layer_share_its_budget_and_so_do_its_services() {
    let (service, log) = server(|_| async { status("14") });
    let config = format!(
        r#"{{"methodConfig": [{{"name": [{{"service": "a.A"}}], {RETRY}}}, {{"name": [{{"service": "b.B"}}], {RETRY}}}],
            "retryThrottling": {{"maxTokens": 4, "tokenRatio": 0.1}}}}"#
    );
    let layer = grpc::calls(&config.parse().expect("a good config"));
    drop(over(layer.clone(), service.clone()).oneshot(asks("x")).await);
    assert_eq!(log.all().len(), 2, "two tokens gone are half of them");
    let other = Request::post("/b.B/One").body(Body::empty()).expect("valid");
    drop(over(layer, service).oneshot(other).await);
    assert_eq!(log.all().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_is_refused_and_inside_is_not_even_asked() {
    #[derive(Clone)]
    struct Untouched;
    impl Service<Request<Body>> for Untouched {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            panic!("asked whether it is ready")
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            panic!("called")
        }
    }
    let mut svc = over(layer(RETRY), Untouched);
    let now = Deadline::at(Instant::now());
    let answer = now.scope(svc.clone().oneshot(asks("x"))).await;
    assert_eq!(code(&answer), "DeadlinePassed by calls");
    // What was found too late stays so, though it be called outside of the deadline.
    now.scope(async { svc.ready().await.map(drop) }).await.expect("answers ready");
    assert_eq!(code(&svc.call(asks("x")).await), "DeadlinePassed by calls");
}

#[test]
fn a_method_that_is_called_once_needs_no_timer_and_is_passed_on_as_it_is() {
    let service = service_fn(|request: Request<Body>| {
        assert!(request.extensions().get::<u8>().is_some() && request.extensions().len() == 1);
        std::future::ready(Ok::<_, Infallible>(status("0")))
    });
    let mut request = asks("x");
    request.extensions_mut().insert(7_u8);
    let answer = over(grpc::calls(&ServiceConfig::default()), service).oneshot(request).now_or_never();
    assert_eq!(code(&answer.expect("at once")), "0");
}

#[tokio::test(start_paused = true)]
async fn one_observer_hears_all_of_it_under_one_name() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let config = r#""timeout": "0.3s", "retryPolicy": {"maxAttempts": 2, "initialBackoff": "0.01s", "maxBackoff": "0.01s",
        "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}"#;
    let layer = layer(config).name("pay").observe(move |event: &Event<'_>| {
        ears.lock().expect("not poisoned").push(match event {
            Event::Retry { name, attempt, .. } => format!("{name}: attempt {attempt} failed"),
            Event::TimedOut { name, .. } => format!("{name}: cut"),
            other => format!("{}: something else", other.name()),
        });
    });
    let (service, _) = server(|at| async move {
        if at == 1 {
            std::future::pending::<()>().await;
        }
        status("14")
    });
    assert_eq!(code(&over(layer, service).oneshot(asks("x")).await), "DeadlinePassed by pay");
    assert_eq!(*heard.lock().expect("not poisoned"), ["pay: attempt 1 failed", "pay: cut"]);
}
