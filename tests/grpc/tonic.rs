//! Calls by a service config through tonic: a real server, a real channel, and what each of them makes of it.

use crate::echo::{
    SayReply, SayRequest,
    echo_client::EchoClient,
    echo_server::{Echo, EchoServer},
};
use buttress::{
    Deadline, Rejected, clock,
    grpc::{self, Calls, ServiceConfig, StatusLift},
    http::SendDeadline,
    rejected::Reason,
    timeout::{Timeout, TimeoutLayer},
};
use futures_util::{Stream, stream};
use std::{
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, time::Instant};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Code, Request, Response, Status, Streaming,
    metadata::MetadataMap,
    transport::{Channel, Endpoint, Server},
};
use tower::ServiceBuilder;

const MS: Duration = Duration::from_millis(1);
/// The limit of calls that are answered at once, however slow the machine.
const LONG: Duration = Duration::from_secs(600);

/// Answers each call as its script says, and notes what arrives.
#[derive(Clone)]
pub(crate) struct Scripted {
    script: Arc<dyn Fn(usize) -> Said + Send + Sync>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

type Arrived = (MetadataMap, Option<Duration>);

pub(crate) enum Said {
    Well,
    Fails(Code),
    Pushback(&'static str),
    Stuck,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(usize) -> Said + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), arrived: Arc::default() }
    }

    pub(crate) fn arrived(&self) -> usize {
        self.arrived.lock().expect("not poisoned").len()
    }

    fn said(&self, at: usize, name: &str) -> Option<String> {
        let arrived = self.arrived.lock().expect("not poisoned");
        arrived[at].0.get(name).map(|value| value.to_str().expect("ASCII").to_owned())
    }

    async fn answer<T>(&self, request: Request<T>) -> Result<(), Status> {
        let at = {
            let left = Deadline::current().map(|deadline| deadline.remaining(clock::now()));
            let mut arrived = self.arrived.lock().expect("not poisoned");
            arrived.push((request.metadata().clone(), left));
            arrived.len() - 1
        };
        match (self.script)(at) {
            Said::Well => Ok(()),
            Said::Fails(code) => Err(Status::new(code, "as it was told")),
            Said::Pushback(value) => {
                let mut status = Status::unavailable("not now");
                status.metadata_mut().insert("grpc-retry-pushback-ms", value.parse().expect("a value"));
                Err(status)
            }
            Said::Stuck => pending().await,
        }
    }
}

type Replies = Pin<Box<dyn Stream<Item = Result<SayReply, Status>> + Send>>;

#[tonic::async_trait]
impl Echo for Scripted {
    async fn say(&self, request: Request<SayRequest>) -> Result<Response<SayReply>, Status> {
        let text = request.get_ref().text.clone();
        self.answer(request).await.map(|()| Response::new(SayReply { text }))
    }

    type TailStream = Replies;

    /// Begins well, whatever comes then.
    async fn tail(&self, request: Request<SayRequest>) -> Result<Response<Replies>, Status> {
        let first = SayReply { text: request.get_ref().text.clone() };
        let end = self.answer(request).await.err();
        let replies = std::iter::once(Ok(first)).chain(end.map(Err)).collect::<Vec<_>>();
        Ok(Response::new(Box::pin(stream::iter(replies))))
    }

    type ChatStream = Replies;

    /// Says all that it has heard, at the end.
    async fn chat(&self, request: Request<Streaming<SayRequest>>) -> Result<Response<Replies>, Status> {
        let (metadata, extensions, mut words) = request.into_parts();
        let mut text = String::new();
        while let Some(word) = words.message().await? {
            text.push_str(&word.text);
        }
        self.answer(Request::from_parts(metadata, extensions, ())).await?;
        Ok(Response::new(Box::pin(stream::iter([Ok(SayReply { text })]))))
    }
}

type Client = EchoClient<Calls<Timeout<SendDeadline<StatusLift<Channel>, grpc::GrpcTimeout>>>>;

pub(crate) async fn serve(server: &Scripted) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let server = Server::builder().layer(grpc::deadline(LONG)).add_service(EchoServer::new(server.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Endpoint::from_shared(url).expect("a URL")
}

fn client(config: &str, endpoint: &Endpoint) -> Client {
    let config: ServiceConfig = config.parse().expect("a good config");
    let stack = ServiceBuilder::new()
        .layer(grpc::calls(&config))
        .layer(TimeoutLayer::new(LONG))
        .layer(grpc::send_deadline())
        .layer(grpc::lift());
    EchoClient::new(stack.service(endpoint.connect_lazy()))
}

async fn of(config: &str, server: &Scripted) -> Client {
    client(config, &serve(server).await)
}

pub(crate) fn say(text: &str) -> SayRequest {
    SayRequest { text: text.into() }
}

/// Over real sockets the waits are real: short ones.
fn retries(more: &str) -> String {
    format!(
        r#"{{"methodConfig": [{{"name": [{{"service": "echo.v1.Echo"}}], "retryPolicy": {{
            "maxAttempts": 4, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
            "retryableStatusCodes": ["UNAVAILABLE"]}}}}]{more}}}"#
    )
}

#[tokio::test]
async fn rb_50_a_tonic_server_that_fails_too_often_is_not_called_again() {
    let server = Scripted::new(|at| match at {
        0 | 3 | 6 | 10..=14 | 16 | 18 => Said::Well,
        _ => Said::Fails(Code::Unavailable),
    });
    let throttling = r#", "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.5}"#;
    let mut client = of(&retries(throttling), &server).await;
    let mut seen = Vec::new();
    for _ in 0..12 {
        let code = client.say(say("hello")).await.map_or_else(|status| status.code(), |_| Code::Ok);
        seen.push((code, server.arrived() - 1));
    }
    let (ok, gone) = (Code::Ok, Code::Unavailable);
    let expected = [
        (ok, 0),
        (ok, 3),
        (ok, 6),
        (gone, 8),
        (gone, 9),
        (ok, 10),
        (ok, 11),
        (ok, 12),
        (ok, 13),
        (ok, 14),
        (ok, 16),
        (gone, 17),
    ];
    assert_eq!(seen, expected);
    let previous: Vec<_> = (0..9).map(|at| server.said(at, "grpc-previous-rpc-attempts")).collect();
    let say = |number: &str| Some(number.to_owned());
    assert_eq!(previous, [None, None, say("1"), say("2"), None, say("1"), say("2"), None, say("1")]);
}

#[tokio::test]
async fn rb_55_the_pushback_of_a_tonic_server_is_heard() {
    for no in ["-1", "xxx"] {
        let server = Scripted::new(move |_| Said::Pushback(no));
        let status = of(&retries(""), &server).await.say(say("hello")).await.expect_err("never");
        assert_eq!((status.code(), server.arrived()), (Code::Unavailable, 1), "{no}");
    }
    let server = Scripted::new(|at| if at == 0 { Said::Pushback("100") } else { Said::Well });
    let start = Instant::now();
    let answer = of(&retries(""), &server).await.say(say("hello")).await.expect("at last");
    assert_eq!((answer.into_inner().text.as_str(), server.arrived()), ("hello", 2));
    assert!(start.elapsed() >= 100 * MS, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_deadline_of_200_ms_ends_the_call_then_and_the_server_was_told_the_time_left() {
    let server = Scripted::new(|at| if at == 0 { Said::Well } else { Said::Stuck });
    let config = r#"{"methodConfig": [{"name": [{}], "timeout": "600s"}, {"name": [{"service": "echo.v1.Echo", "method": "Say"}], "timeout": "0.2s"}]}"#;
    let mut client = of(config, &server).await;
    // The connection stands before the time runs.
    client.tail(say("hello")).await.expect("well");
    let start = Instant::now();
    let status = client.say(say("hello")).await.expect_err("stuck");
    // Not before, but for the whole milliseconds of a channel's clock; and not as late as anything else would end it.
    let took = start.elapsed();
    assert!(took >= 198 * MS && took < LONG / 2, "{took:?}");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let why = Rejected::find(&status).expect("in its chain");
    assert_eq!((why.reason(), why.reached()), (Reason::DeadlinePassed, true));
    let arrived = server.arrived.lock().expect("not poisoned");
    let (metadata, left) = &arrived[1];
    let told = grpc::parse_timeout(metadata.get("grpc-timeout").expect("told").as_bytes()).expect("readable");
    assert!(told <= 200 * MS && told > Duration::ZERO, "{told:?}");
    assert!(left.is_some_and(|left| left <= told), "and is the deadline over there: {left:?}");
}

#[tokio::test]
async fn a_time_that_the_caller_of_a_method_sets_is_known_to_all_layers() {
    let server = Scripted::new(|_| Said::Stuck);
    let mut client = of(&retries(""), &server).await;
    let mut request = Request::new(say("hello"));
    request.set_timeout(100 * MS);
    let status = client.say(request).await.expect_err("stuck");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(Rejected::find(&status).map(|why| why.reason()), Some(Reason::DeadlinePassed));
}

#[tokio::test]
async fn what_the_channel_cuts_is_a_timeout_and_not_a_caller_who_has_left() {
    let server = Scripted::new(|_| Said::Stuck);
    let endpoint = serve(&server).await.timeout(50 * MS);
    let status = client("{}", &endpoint).say(say("hello")).await.expect_err("stuck");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let why = Rejected::find(&status).expect("in its chain");
    assert_eq!((why.reason(), why.name(), why.reached()), (Reason::TimedOut, "channel", true));
}

#[tokio::test]
async fn a_stream_that_has_begun_is_not_sent_again_and_one_that_has_not_is() {
    let server = Scripted::new(|_| Said::Fails(Code::Unavailable));
    let mut replies = of(&retries(""), &server).await.tail(say("hello")).await.expect("begins").into_inner();
    assert_eq!(replies.message().await.expect("well").expect("one").text, "hello");
    assert_eq!(replies.message().await.expect_err("then").code(), Code::Unavailable);
    assert_eq!(server.arrived(), 1);

    let server = Scripted::new(|at| if at < 2 { Said::Fails(Code::Unavailable) } else { Said::Well });
    let words = stream::iter(["a", "b", "c"].map(say));
    let mut replies = of(&retries(""), &server).await.chat(words).await.expect("at last").into_inner();
    assert_eq!(replies.message().await.expect("well").expect("one").text, "abc", "all words again");
    assert_eq!(server.arrived(), 3);
}

#[tokio::test]
async fn hedges_reach_a_tonic_server_with_the_whole_message() {
    let server = Scripted::new(|at| if at < 2 { Said::Stuck } else { Said::Well });
    let config =
        r#"{"methodConfig": [{"name": [{}], "hedgingPolicy": {"maxAttempts": 3, "hedgingDelay": "0.02s"}}]}"#;
    let answer = of(config, &server).await.say(say("hello")).await.expect("the third");
    assert_eq!((answer.into_inner().text.as_str(), server.arrived()), ("hello", 3));
}

#[tokio::test]
async fn the_stack_can_be_cloned_sent_and_shared() {
    fn fits<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let server = Scripted::new(|_| Said::Well);
    let mut client = of(&retries(""), &server).await;
    fits(&client);
    is_send(client.say(say("hello"))).await.expect("well");
}
