//! A server of HTTP/2, frame by frame: for what no well-behaved server can be made to say.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Say {
    /// This status, without a body.
    Status(u16),
    /// `RST_STREAM` with this code.
    Reset(u32),
    /// `GOAWAY` that names the stream before this one as the last, with this code.
    GoAwayBefore(u32),
    /// `GOAWAY` that names this stream, so that it will be served; and then the connection closes.
    GoAwayAfterAndClose(u32),
    /// The connection closes.
    Close,
}

pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// The server; `said` requests were answered by what the plan says, one after the other, and then with 200.
pub(crate) struct Two {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Two {
    pub(crate) async fn saying(plan: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(AtomicUsize::new(0));
        let (count, plan) = (Arc::clone(&requests), Arc::new(plan));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (count, plan) = (Arc::clone(&count), Arc::clone(&plan));
                tokio::spawn(async move {
                    let _ = serve(socket, &count, &plan).await;
                });
            }
        });
        Self { address, requests }
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 1 | 4;

async fn serve(mut socket: TcpStream, count: &AtomicUsize, plan: &[Say]) -> std::io::Result<()> {
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await?;
    frame(&mut socket, SETTINGS, 0, 0, &[]).await?;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        socket.read_exact(&mut payload).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => frame(&mut socket, SETTINGS, ACK, 0, &[]).await?,
            PING if flags & ACK == 0 => frame(&mut socket, PING, ACK, 0, &payload).await?,
            HEADERS => {
                let say = plan.get(count.fetch_add(1, SeqCst)).copied().unwrap_or(Say::Status(200));
                match say {
                    Say::Status(status) => {
                        // A literal `:status`, whose name is number 8 of the static table.
                        let block = [&[0x08, 3], status.to_string().as_bytes()].concat();
                        frame(&mut socket, HEADERS, END_STREAM_AND_HEADERS, stream, &block).await?;
                    }
                    Say::Reset(code) => {
                        frame(&mut socket, RST_STREAM, 0, stream, &code.to_be_bytes()).await?;
                    }
                    Say::GoAwayBefore(code) => go_away(&mut socket, stream.saturating_sub(2), code).await?,
                    Say::GoAwayAfterAndClose(code) => {
                        go_away(&mut socket, stream, code).await?;
                        return socket.shutdown().await;
                    }
                    Say::Close => return socket.shutdown().await,
                }
            }
            _ => {}
        }
    }
}

async fn go_away(socket: &mut TcpStream, last: u32, code: u32) -> std::io::Result<()> {
    frame(socket, GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat()).await
}

async fn frame(
    socket: &mut TcpStream,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    let head = [&length[1..], &[kind, flags][..], &stream.to_be_bytes()].concat();
    socket.write_all(&[&head, payload].concat()).await
}
