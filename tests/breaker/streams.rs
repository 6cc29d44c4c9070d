//! Answers that take long to end: what they come to, and that no probe waits for their end.

use crate::{
    echo::{
        SayReply, SayRequest,
        echo_client::EchoClient,
        echo_server::{Echo, EchoServer},
    },
    frames::{Frames, Step},
    rig::{Heard, OPEN_FOR, SECOND, policy},
};
use buttress::{
    Rejected,
    breaker::{Breaker, BreakerLayer, Circuit, Permit, Policy, State, Trip},
    grpc,
    http::{ByStatus, Rest, SettleBody},
    rejected::Reason,
};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    future::ready,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{io::DuplexStream, net::TcpListener, sync::mpsc, time::sleep};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{
    Code, Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Does what the words of a request say, one after the other: `gone` ends with that status, a number waits so many seconds,
/// every other word is said back. Counts the calls.
#[derive(Clone, Default)]
struct Parrot(Arc<AtomicU32>);

type Replies = Pin<Box<dyn Stream<Item = Result<SayReply, Status>> + Send>>;

impl Parrot {
    fn say_all(&self, words: &str) -> Replies {
        self.0.fetch_add(1, SeqCst);
        let words: Vec<String> = words.split_whitespace().map(Into::into).collect();
        Box::pin(stream::iter(words).filter_map(|word| async move {
            match (word.as_str(), word.parse()) {
                (_, Ok(seconds)) => {
                    sleep(Duration::from_secs(seconds)).await;
                    None
                }
                ("gone", _) => Some(Err(Status::unavailable("gone"))),
                _ => Some(Ok(SayReply { text: word })),
            }
        }))
    }
}

#[tonic::async_trait]
impl Echo for Parrot {
    async fn say(&self, request: Request<SayRequest>) -> Result<Response<SayReply>, Status> {
        let said = self.say_all(&request.into_inner().text).next().await;
        said.unwrap_or_else(|| Err(Status::internal("nothing to say"))).map(Response::new)
    }

    type TailStream = Replies;

    async fn tail(&self, request: Request<SayRequest>) -> Result<Response<Replies>, Status> {
        Ok(Response::new(self.say_all(&request.into_inner().text)))
    }

    type ChatStream = Replies;

    async fn chat(&self, _: Request<Streaming<SayRequest>>) -> Result<Response<Replies>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}

fn words(text: &str) -> SayRequest {
    SayRequest { text: text.into() }
}

/// Over a real socket.
async fn over_tcp(parrot: &Parrot) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let server = Server::builder().add_service(EchoServer::new(parrot.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Endpoint::from_shared(url).expect("a URL").connect_lazy()
}

/// Over pipes in memory, for a paused clock: it would run away while it waits for a socket.
fn over_pipes(parrot: &Parrot) -> Channel {
    let (send, accepted) = mpsc::unbounded_channel::<Result<DuplexStream, io::Error>>();
    let server = Server::builder().add_service(EchoServer::new(parrot.clone()));
    tokio::spawn(server.serve_with_incoming(UnboundedReceiverStream::new(accepted)));
    Endpoint::from_static("http://pipe").connect_with_connector_lazy(service_fn(move |_: http::Uri| {
        let (here, there) = tokio::io::duplex(1 << 16);
        ready(send.send(Ok(there)).map(|()| TokioIo::new(here)).map_err(io::Error::other))
    }))
}

type Client = EchoClient<Breaker<grpc::StatusLift<Channel>, grpc::ByStatus>>;

fn client(circuit: &Circuit, channel: Channel) -> Client {
    let breaker = BreakerLayer::new(circuit).classify(grpc::ByStatus);
    EchoClient::new(ServiceBuilder::new().layer(breaker).layer(grpc::lift()).service(channel))
}

fn heard(policy: Policy) -> (Circuit, Heard) {
    let heard = Heard::default();
    (Circuit::new("echo", &policy.observe(heard.clone())), heard)
}

/// Has the circuit half-open, with no probe out.
async fn half_open(circuit: &Circuit) {
    circuit.trip();
    tokio::time::advance(OPEN_FOR).await;
    drop(circuit.admit().expect("the time has come"));
    assert_eq!(circuit.state(), State::HalfOpen);
}

#[tokio::test]
async fn streams_that_begin_well_and_end_badly_trip_it() {
    let (circuit, heard) = heard(policy().trip(Trip::consecutive(5)));
    let parrot = Parrot::default();
    let mut client = client(&circuit, over_tcp(&parrot).await);
    for n in 0..5 {
        assert_eq!(circuit.state(), State::Closed, "after {n}");
        let mut replies = client.tail(words("one gone")).await.expect("a good head").into_inner();
        assert_eq!(replies.message().await.expect("one").expect("one").text, "one");
        assert_eq!(replies.message().await.expect_err("gone").code(), Code::Unavailable);
    }
    assert_eq!(circuit.state(), State::Open);
    assert_eq!(heard.take()[1..6], ["failed"; 5]);
    let status = client.tail(words("six")).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
    let why = Rejected::find(&status).expect("in its chain");
    assert_eq!((why.reason(), why.name(), why.reached()), (Reason::Open, "echo", false));
    assert!(why.retry_after().is_some_and(|wait| wait <= OPEN_FOR));
    assert_eq!(parrot.0.load(SeqCst), 5, "the sixth was not sent");
}

#[tokio::test]
async fn unary_calls_and_answers_of_trailers_only_count_by_their_status() {
    let (circuit, heard) = heard(policy());
    let mut client = client(&circuit, over_tcp(&Parrot::default()).await);
    assert_eq!(client.say(words("hello")).await.expect("answers").into_inner().text, "hello");
    let status = client.chat(stream::empty()).await.expect_err("not there");
    assert_eq!(status.code(), Code::Unimplemented);
    for _ in 0..3 {
        assert_eq!(client.say(words("gone")).await.expect_err("gone").code(), Code::Unavailable);
    }
    assert_eq!(heard.take()[1..], ["ok", "ok", "failed", "failed", "failed", "open by consecutive"]);
}

#[tokio::test]
async fn a_channel_that_cannot_connect_trips_it_though_it_is_never_ready() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    let circuit = Circuit::new("nobody", &policy());
    let mut client = client(&circuit, Endpoint::from_shared(url).expect("a URL").connect_lazy());
    for _ in 0..3 {
        let status = client.say(words("hello")).await.expect_err("nobody listens");
        assert_eq!((status.code(), Rejected::find(&status)), (Code::Unavailable, None));
    }
    let status = client.say(words("hello")).await.expect_err("refused");
    assert!(Rejected::find(&status).is_some(), "{status:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_an_hour_holds_no_probe_after_its_first_message() {
    let (circuit, heard) = heard(policy());
    let mut client = client(&circuit, over_pipes(&Parrot::default()));
    client.say(words("connects")).await.expect("answers");
    half_open(&circuit).await;
    heard.take();
    let hour = "tick 1 ".repeat(3600) + "gone";
    let mut ticks = client.tail(words(&hour)).await.expect("a good head").into_inner();
    assert_eq!(circuit.state(), State::HalfOpen);
    assert!(client.say(words("refused")).await.is_err(), "it is the probe");
    assert_eq!(heard.take(), ["rejected: Open"]);
    ticks.message().await.expect("a tick").expect("a tick");
    assert_eq!(
        (circuit.state(), heard.take()),
        (State::Closed, vec!["ok".into(), "closed by probes".into()])
    );
    for _ in 1..3600 {
        ticks.message().await.expect("a tick").expect("a tick");
    }
    assert_eq!(ticks.message().await.expect_err("gone").code(), Code::Unavailable);
    assert_eq!(
        (circuit.state(), circuit.snapshot().failed, heard.take()),
        (State::Closed, 0, vec![]),
        "told already"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_silent_for_an_hour_holds_its_probe_until_its_head_is_old_enough() {
    let settle_after = OPEN_FOR / 2;
    let (circuit, heard) = heard(policy());
    let mut client = client(&circuit, over_pipes(&Parrot::default()));
    client.say(words("connects")).await.expect("answers");
    half_open(&circuit).await;
    let head = tokio::time::Instant::now();
    let mut silent = client.tail(words("3600 late")).await.expect("a good head").into_inner();
    heard.take();
    loop {
        let answer = client.say(words("hello")).await;
        let age = head.elapsed();
        match answer {
            Err(status) => {
                let why = Rejected::find(&status).expect("refused while the probe is out");
                assert_eq!(why.retry_after(), Some(settle_after - age), "{age:?}");
            }
            Ok(_) => break assert_eq!(age, settle_after),
        }
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(circuit.state(), State::Closed);
    let told = heard.take();
    assert_eq!(told.iter().filter(|said| said.contains(" by ")).collect::<Vec<_>>(), ["closed by probes"]);
    assert_eq!(silent.message().await.expect("late").expect("late").text, "late");
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_streams_that_are_left_at_their_heads_give_their_places_back() {
    let (circuit, heard) = heard(policy());
    let mut client = client(&circuit, over_pipes(&Parrot::default()));
    client.say(words("connects")).await.expect("answers");
    half_open(&circuit).await;
    heard.take();
    for _ in 0..1000 {
        drop(client.tail(words("3600")).await.expect("the probe"));
        assert_eq!((circuit.state(), heard.take()), (State::HalfOpen, vec!["cancelled".into()]));
    }
    client.say(words("hello")).await.expect("the probe");
    assert_eq!(circuit.state(), State::Closed);
}

/// One call that is answered with a good head and then these frames.
async fn page(circuit: &Circuit, steps: Vec<Step>) -> http::Response<SettleBody<Frames, Rest, Permit>> {
    let mut steps = Some(steps);
    let service = service_fn(move |()| {
        ready(Ok::<_, Infallible>(http::Response::new(Frames::new(steps.take().expect("one call")))))
    });
    let breaker = BreakerLayer::new(circuit).classify(ByStatus);
    buttress::over(breaker, service).oneshot(()).await.expect("a good head")
}

#[tokio::test(start_paused = true)]
async fn an_http_probe_is_answered_by_the_first_frame_of_its_body() {
    let (circuit, heard) = heard(policy());
    half_open(&circuit).await;
    heard.take();
    let download = vec![Step::Data("a"), Step::Wait(3600 * SECOND), Step::Reset];
    let mut body = page(&circuit, download).await.into_body();
    assert_eq!((circuit.state(), heard.take()), (State::HalfOpen, vec![]));
    body.frame().await.expect("a").expect("a");
    assert_eq!(
        (circuit.state(), heard.take()),
        (State::Closed, vec!["ok".into(), "closed by probes".into()])
    );
    body.frame().await.expect("a reset").expect_err("a reset");
    assert_eq!((circuit.snapshot().failed, heard.take()), (0, vec![]), "told already");
}

#[tokio::test(start_paused = true)]
async fn an_http_probe_whose_body_does_not_begin_is_settled_by_the_age_of_its_head() {
    let circuit = Circuit::new("http", &policy().settle_after(3 * SECOND));
    half_open(&circuit).await;
    let response = page(&circuit, vec![Step::Hang]).await;
    tokio::time::advance(3 * SECOND - Duration::from_millis(1)).await;
    assert!(circuit.admit().is_err());
    assert_eq!(circuit.state(), State::HalfOpen);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(circuit.state(), State::HalfOpen, "no timer turns it");
    assert!(circuit.admit().is_ok());
    assert_eq!(circuit.state(), State::Closed);
    drop(response);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn while_closed_a_body_that_breaks_off_after_good_frames_is_a_failure() {
    let circuit = Circuit::new("http", &policy());
    for _ in 0..3 {
        let response = page(&circuit, vec![Step::Data("a"), Step::Reset]).await;
        response.collect().await.expect_err("a reset");
    }
    assert_eq!(circuit.state(), State::Open);
}
