//! The gRPC service that the examples call: what tonic makes of a `.proto`, and a server of it that can be down.

#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_qualifications, dead_code, clippy::all, clippy::pedantic, reason = "generated")]
#[path = "../../tests/errors/echo.rs"]
mod generated;

use generated::echo_server::{Echo, EchoServer};
pub(crate) use generated::{SayReply, SayRequest, echo_client::EchoClient};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use tokio::net::TcpListener;
use tokio_stream::{Iter, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};

/// While it is down, its streams begin well and break off. `busy` is told once to come again a little later, `stuck` is never
/// answered, and `how long?` is answered with the time that the caller gives.
struct Parrot {
    well: Arc<AtomicBool>,
}

type Replies = Iter<std::vec::IntoIter<Result<SayReply, Status>>>;

#[tonic::async_trait]
impl Echo for Parrot {
    async fn say(&self, request: Request<SayRequest>) -> Result<Response<SayReply>, Status> {
        let told = request.metadata().get("grpc-timeout").and_then(|told| told.to_str().ok());
        let told = told.unwrap_or("no end").to_owned();
        match request.into_inner().text {
            text if text == "busy" && !self.well.swap(true, Relaxed) => {
                let mut later = Status::unavailable("not now");
                later.metadata_mut().insert("grpc-retry-pushback-ms", 100.into());
                Err(later)
            }
            text if text == "stuck" => std::future::pending().await,
            text if text == "how long?" => Ok(Response::new(SayReply { text: told })),
            text => Ok(Response::new(SayReply { text })),
        }
    }

    type TailStream = Replies;

    async fn tail(&self, request: Request<SayRequest>) -> Result<Response<Replies>, Status> {
        let mut replies = vec![Ok(SayReply { text: request.into_inner().text })];
        if !self.well.load(Relaxed) {
            replies.push(Err(Status::unavailable("the disk is gone")));
        }
        Ok(Response::new(tokio_stream::iter(replies)))
    }

    type ChatStream = Replies;

    async fn chat(&self, _: Request<Streaming<SayRequest>>) -> Result<Response<Replies>, Status> {
        Err(Status::unimplemented("not in this example"))
    }
}

/// Serves it on a free port of this machine; gives a channel to it.
pub(crate) async fn serve(well: &Arc<AtomicBool>) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let server = Server::builder().add_service(EchoServer::new(Parrot { well: Arc::clone(well) }));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Endpoint::from_shared(url).expect("a URL").connect_lazy()
}
