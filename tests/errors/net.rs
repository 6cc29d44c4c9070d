//! The other ends of the sockets.

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::Empty;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{future::pending, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    sync::Semaphore,
};

/// The limit of calls that nobody will ever answer.
pub(crate) const SHORT: Duration = Duration::from_millis(30);
/// The limit of calls that are answered at once, however slow the machine.
pub(crate) const LONG: Duration = Duration::from_secs(600);

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// `axum::serve`, plain; gives the address.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A server without any layer: what the clients call.
pub(crate) async fn bare() -> SocketAddr {
    let app = Router::new()
        .route("/fast", get(|| async { "fast" }))
        .route("/stuck", get(pending::<()>))
        .route("/fail", get(|| async { axum::http::StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/busy", get(|| async { axum::http::StatusCode::TOO_MANY_REQUESTS }))
        .route("/none", get(|| async {}));
    serve(app).await
}

/// An address where nobody listens, and nobody else will: the port is held to the end of the process.
pub(crate) async fn nobody() -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("bound");
    std::mem::forget(socket);
    address
}

/// A server that answers every connection with these bytes and hangs up.
pub(crate) async fn says(bytes: &'static [u8]) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            // The whole request first: what is left unread would turn the hang-up into a reset that may overtake the answer.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if socket.read_exact(&mut byte).await.is_err() {
                    break;
                }
                request.push(byte[0]);
            }
            let _ = socket.write_all(bytes).await;
        }
    });
    address
}

pub(crate) type HyperClient = Client<HttpConnector, Empty<Bytes>>;

pub(crate) fn hyper_client() -> HyperClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// A client of its own, with connections of its own.
pub(crate) fn reqwest_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("nothing to go wrong")
}

pub(crate) fn get_of(address: SocketAddr, path: &str) -> http::Request<Empty<Bytes>> {
    http::Request::get(format!("http://{address}{path}")).body(Empty::new()).expect("a good request")
}

/// A body whose sender breaks it off once it is told to: over HTTP/2 the stream is reset. Told after the reader has its first
/// chunk, so that no reset overtakes the head.
pub(crate) fn torn(first: &'static [u8], tear: &Arc<Semaphore>) -> Body {
    let tear = Arc::clone(tear);
    let error = async move {
        tear.acquire().await.expect("open").forget();
        Err(io::Error::other("torn"))
    };
    Body::from_stream(stream::iter([Ok(Bytes::from_static(first))]).chain(stream::once(error)))
}
