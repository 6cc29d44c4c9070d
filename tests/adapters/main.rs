//! Real clients over real sockets: what passes through an adapter, and what its errors mean.

mod hyper_stack;
mod refusing;
mod reqwest_client;
mod reqwest_errors;

use axum::{Router, body::Body, extract::Request, response::Response, routing::any};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Serves `app` on a port of its own, for as long as the test runs.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Gives back the body as it comes in, its method and its length as headers.
fn echo() -> Router {
    let answer = |request: Request| async move {
        let length = request.headers().get("content-length").cloned();
        let mut answer = Response::builder().header("x-method", request.method().as_str());
        if let Some(length) = length {
            answer = answer.header("x-length", length);
        }
        answer.body(Body::new(request.into_body())).expect("a response")
    };
    Router::new().route("/", any(answer))
}
