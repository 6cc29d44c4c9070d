//! A server that counts what it received, by the id that each call carries; and clients.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use buttress::{http::ReplayBody, over, rejected::BoxError, retry::Policy};
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::{TcpListener, TcpSocket};
use tower::{ServiceBuilder, ServiceExt};

/// What a server saw of one request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    /// Bytes of the body, once it has come to its end.
    pub(crate) bytes: Option<u64>,
}

#[derive(Default)]
struct Received {
    by_id: HashMap<String, Vec<Seen>>,
}

/// The server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

/// How a server answers the nth attempt of a call, counted from 0.
pub(crate) type Answer = fn(usize) -> Response;

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Received>>,
    answer: Answer,
    /// The first attempt is answered before its body is read.
    early: bool,
}

impl Server {
    /// Answers when it has read the body.
    pub(crate) async fn answering(answer: Answer) -> Self {
        Self::serving(answer, false).await
    }

    /// Answers the first attempt of a call by its head alone.
    pub(crate) async fn answering_early(answer: Answer) -> Self {
        Self::serving(answer, true).await
    }

    async fn serving(answer: Answer, early: bool) -> Self {
        let received = Arc::<Mutex<Received>>::default();
        let shared = Shared { received: Arc::clone(&received), answer, early };
        let app = Router::new().fallback(handle).with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, received }
    }

    /// Every attempt of the call of that id that has arrived, in its order.
    pub(crate) fn seen(&self, id: &str) -> Vec<Seen> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.by_id.get(id).cloned().unwrap_or_default()
    }

    /// How many have arrived.
    pub(crate) fn count(&self, id: &str) -> usize {
        self.seen(id).len()
    }

    pub(crate) fn url(&self, id: &str) -> String {
        url(self.address, id)
    }
}

pub(crate) fn url(address: SocketAddr, id: &str) -> String {
    format!("http://{address}/{id}")
}

/// Counts a request by its head, and reads its body to the end before it answers.
async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let id = request.uri().path().trim_start_matches('/').to_owned();
    let (head, body) = request.into_parts();
    let lock = || shared.received.lock().unwrap_or_else(PoisonError::into_inner);
    let n = {
        let mut received = lock();
        let attempts = received.by_id.entry(id.clone()).or_default();
        attempts.push(Seen { headers: head.headers, bytes: None });
        attempts.len() - 1
    };
    if shared.early && n == 0 {
        return (shared.answer)(n);
    }
    let mut data = body.into_data_stream();
    let mut bytes = 0;
    while let Some(chunk) = data.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len() as u64,
            Err(_) => return status(400),
        }
    }
    if let Some(seen) = lock().by_id.get_mut(&id).and_then(|attempts| attempts.get_mut(n)) {
        seen.bytes = Some(bytes);
    }
    (shared.answer)(n)
}

pub(crate) fn status(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).expect("a response")
}

/// An address where nobody listens, and nobody else will: the port is held to the end of the process.
pub(crate) async fn nobody() -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("bound");
    std::mem::forget(socket);
    address
}

/// The clients that everything is tried with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Hyper,
    Reqwest,
}

/// Each of them, over HTTP/1 and over HTTP/2.
pub(crate) const CLIENTS: [(Kind, bool); 4] =
    [(Kind::Hyper, false), (Kind::Hyper, true), (Kind::Reqwest, false), (Kind::Reqwest, true)];

/// A client under a retry by that policy; gives the status and the body of the answer.
pub(crate) async fn send<B>(
    (kind, two): (Kind, bool),
    policy: &Policy,
    request: http::Request<B>,
) -> Result<(u16, Bytes), BoxError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let layer = buttress::hyper::retry(policy.clone());
    let (status, body) = match kind {
        Kind::Hyper => {
            let answer = over(layer, hyper::<ReplayBody<B>>(two)).oneshot(request).await?;
            (answer.status(), answer.into_body().collect().await?.to_bytes())
        }
        Kind::Reqwest => {
            let reqwest = ServiceBuilder::new()
                .map_response(http::Response::<reqwest::Body>::from)
                .map_request(|request: http::Request<ReplayBody<B>>| {
                    reqwest::Request::try_from(request.map(reqwest::Body::wrap)).expect("a url")
                })
                .service(reqwest(two));
            let answer = over(layer, reqwest).oneshot(request).await?;
            (answer.status(), answer.into_body().collect().await?.to_bytes())
        }
    };
    Ok((status.as_u16(), body))
}

pub(crate) fn hyper<B>(two: bool) -> Client<HttpConnector, B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new()).http2_only(two).build_http()
}

/// Without the retries of its own: of refused streams, and of those past a `GOAWAY`.
pub(crate) fn reqwest(two: bool) -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never());
    if two { builder.http2_prior_knowledge() } else { builder }.build().expect("a client")
}
