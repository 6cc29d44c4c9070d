//! The gRPC service behind the tonic stacks: it does what the request says.

use crate::{
    echo::{
        SayReply, SayRequest,
        echo_client::EchoClient,
        echo_server::{Echo, EchoServer},
    },
    net::listen,
};
use futures_util::{Stream, StreamExt, stream};
use std::{future::pending, pin::Pin};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};

/// Does what the words of the text say, one after the other: `stuck` never comes, `unavailable` ends with that status,
/// every other word is said back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parrot;

async fn word(word: String) -> Result<SayReply, Status> {
    match word.as_str() {
        "stuck" => pending().await,
        "unavailable" => Err(Status::unavailable("gone")),
        _ => Ok(SayReply { text: word }),
    }
}

type Replies = Pin<Box<dyn Stream<Item = Result<SayReply, Status>> + Send>>;

#[tonic::async_trait]
impl Echo for Parrot {
    async fn say(&self, request: Request<SayRequest>) -> Result<Response<SayReply>, Status> {
        word(request.into_inner().text).await.map(Response::new)
    }

    type TailStream = Replies;

    async fn tail(&self, request: Request<SayRequest>) -> Result<Response<Replies>, Status> {
        let words: Vec<String> = request.into_inner().text.split(' ').map(Into::into).collect();
        Ok(Response::new(Box::pin(stream::iter(words).then(word))))
    }

    type ChatStream = Replies;

    async fn chat(&self, request: Request<Streaming<SayRequest>>) -> Result<Response<Replies>, Status> {
        let heard = request.into_inner();
        Ok(Response::new(Box::pin(heard.then(|request| async { word(request?.text).await }))))
    }
}

pub(crate) fn say(text: &str) -> SayRequest {
    SayRequest { text: text.into() }
}

/// A server without any layer, and a channel to it.
pub(crate) async fn bare() -> Channel {
    let (listener, address) = listen().await;
    let server = Server::builder().add_service(EchoServer::new(Parrot));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    channel(address)
}

pub(crate) fn channel(address: std::net::SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy()
}

/// A plain client of a server.
pub(crate) fn client(address: std::net::SocketAddr) -> EchoClient<Channel> {
    EchoClient::new(channel(address))
}
