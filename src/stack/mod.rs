//! The right layers in the right order, with numbers that suit most services; and one file that tunes them while they run.
//!
//! # The trouble
//!
//! Each layer is a good thing, and in the wrong order they do harm: a retry inside a breaker is not seen by it, a bulkhead
//! around a retry holds its slots through the waits, an attempt that may take as long as the whole call leaves no time for
//! another. And the numbers that looked right on the day of the release are wrong at three in the morning, when nobody wants to
//! build anew to change one.
//!
//! # The call
//!
//! ```
//! use buttress::{http, over, stack};
//! # use std::convert::Infallible;
//! # use ::http::{Request, Response};
//! # use axum::{Router, routing::get};
//! # use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! # type Body = http::ReplayBody<String>;
//! # let any_client = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(String::from("a page"))) });
//! let client = over(stack::client(), any_client);
//! let request = Request::get("https://example.com/").body(String::new()).unwrap();
//! assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
//!
//! let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(http::guard(stack::server()));
//! # drop(app);
//! println!("{}", stack::client()); // each layer, its numbers, and why it stands there
//! # }
//! ```
//!
//! # What stands where
//!
//! A client, from the outside in:
//!
//! | layer | why there |
//! |---|---|
//! | [the whole call](crate::timeout::TotalLayer) | all attempts and waits are within it, and know what is left; it needs no timer while one of them has one |
//! | [retry](crate::http::retry) | each attempt asks the circuit anew, and holds no slot while it waits for the next |
//! | [breaker](crate::breaker), by authority | it sees every attempt, what the limit inside cuts, and what the bulkhead refuses for what it is |
//! | [bulkhead](crate::bulkhead), by authority | what the circuit refuses takes no slot; what hangs is cut inside, and gives it back |
//! | [one attempt](crate::timeout) | cuts what hangs |
//!
//! A server, under [`http::guard`](crate::http::guard):
//!
//! | layer | why there |
//! |---|---|
//! | [the caller's deadline](crate::http::DeadlineLayer) | all inside know how long the caller waits, and the calls that go out from there, too |
//! | [the whole call](crate::timeout::TotalLayer) | the wait for a slot is part of it |
//! | [bulkhead](crate::bulkhead), with a bounded queue | next to the handlers, which are what is scarce |
//!
//! Between the last two there is room for shedding. To tell the next hop what is left, put
//! [`SendDeadlineLayer`](crate::http::SendDeadlineLayer) inside: `(stack::client(), SendDeadlineLayer::new())`.
//!
//! # Over which client
//!
//! reqwest's stands in the [`client`]'s own example. hyper-util's, whose body is what the retry keeps:
//!
//! ```
//! use buttress::{http::ReplayBody, over, stack};
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! # let host = listener.local_addr().unwrap();
//! # tokio::spawn(async { axum::serve(listener, axum::Router::new().route("/basket", axum::routing::put("taken"))).await });
//! let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody<Full<Bytes>>>();
//! let client = over(stack::client().over_hyper(), client);
//!
//! let request = http::Request::put(format!("http://{host}/basket")).body(Full::from("two apples")).unwrap();
//! assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
//! # }
//! ```
//!
//! A tonic channel. The breaker reads what gRPC says of a call, `grpc::lift` makes a `Status` of what is refused, and between the
//! two the body that is kept becomes tonic's again:
//!
//! ```
//! use buttress::{grpc, http::ReplayBody, stack};
//! use tonic::{body::Body, transport::Endpoint};
//! use tower::ServiceBuilder;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let payments = Endpoint::from_static("http://payments.internal");
//! let service = ServiceBuilder::new()
//!     .layer(stack::client().over_hyper().classify(grpc::ByStatus))
//!     .map_request(|request: http::Request<ReplayBody<Body>>| request.map(Body::new))
//!     .layer(grpc::lift())
//!     .service(payments.connect_lazy());
//! // let client = PaymentsClient::with_origin(service, payments.uri().clone());
//! # drop(buttress::checked::<http::Request<Body>, _>(service));
//! # }
//! ```
//!
//! `with_origin`, and not `new`: circuits, slots and budgets are by authority, and the channel writes its own into requests only
//! behind all layers. A gRPC call is a `POST`, so this stack sends it again only where nothing was sent. To retry by gRPC's
//! codes put [`grpc::calls`](crate::grpc::calls) around it, with `.attempts(1)` here: one retry in a stack is enough.
//!
//! # The file
//!
//! With the feature `config`, `Live` reads both stacks from TOML or JSON, and goes by the file whenever it changes:
//!
//! ```toml
//! [client]
//! total = "10s"                # times have a unit: ns, us, ms, s, m, h
//! attempt = "3s"
//! hosts = 1000                 # the one number that needs a restart
//! retry = { attempts = 3, backoff = "50ms", max_backoff = "2s", max_hint = "30s" }
//! budget = { tokens = 10, share = 0.1 }
//! bulkhead = { limit = 100 }
//!
//! [client.breaker]
//! window = "10s"               # or a number of calls: window = 100
//! min_calls = 20
//! failure_rate = 0.5
//! consecutive = 5
//! open = "30s"
//! probes = 1
//!
//! [server]
//! total = "30s"
//! trust_deadline = "10s"       # leave it out, and callers are not believed
//! bulkhead = { limit = 512, queue = 256, max_wait = "500ms" }
//! ```
//!
//! What is left out is as above. A file that is wrong is refused as a whole, with the path of the field
//! (`client.retry.attempts: is 0, and must be at least 1`), and the former configuration stays: unknown fields, times without
//! a unit, shares that are none, an attempt longer than the whole, a file that is gone, empty or cut in half.
//!
//! | changed while it runs | what becomes of what is there |
//! |---|---|
//! | limits of time | calls under way keep theirs |
//! | attempts, backoff | hold for attempts that end from then on; a backoff that has begun goes on |
//! | the budget | each host gets a new one, full; calls under way pay from theirs |
//! | rules of the breaker | open circuits stay open as long as they would have, failures and openings in a row stay; with another kind or length of window, what was counted is forgotten, and calls under way count for nothing |
//! | calls at once | those who wait get the new slots at once; nobody is thrown out |
//! | the queue | who waits stays |
//!
//! # The lint
//!
//! [`lint`] finds orders that do harm, in these stacks and in those of your own: see [`Harm`].
//!
//! # Cancel and clone
//!
//! As in the layers. Clones of a [`ClientLayer`] or a [`ServerLayer`] are one stack, with one state, and so are all services that
//! they make. A setter makes another one, which no file speaks to, but for those that say how answers and errors are read
//! (`classify`, `boxed`, `never_sent`, `over_hyper`): that is the same stack.

mod check;
mod client;
mod config;
mod describe;
mod ears;
mod error;
#[cfg(feature = "config")]
mod humane;
mod lint;
#[cfg(feature = "config")]
mod live;
mod part;
#[cfg(feature = "config")]
mod read;
mod server;
mod trust;
#[cfg(feature = "config")]
mod watch;

pub use client::{Client, ClientLayer, OneHost, client};
pub use config::{
    BreakerConfig, BudgetConfig, ClientConfig, Config, HostConfig, QueueConfig, RetryConfig, ServerConfig,
    Window,
};
pub use describe::Describe;
pub use error::ConfigError;
pub use lint::{Finding, Harm, lint};
#[cfg(feature = "config")]
pub use live::Live;
pub use part::{Description, Part, Payer};
pub use server::{Server, ServerLayer, server};
pub use trust::LiveTrust;
#[cfg(feature = "config")]
pub use watch::Watching;
