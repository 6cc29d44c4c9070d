//! A proxy over TCP that spoils connections, each by a plan that a seed repeats.

use buttress::backoff::{Random, Rng};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What becomes of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Reset as soon as it is accepted.
    ResetAtOnce,
    /// Reset once so many bytes have come from the client; they are passed on.
    ResetRequestAfter(usize),
    /// Reset once so many bytes of the answer were passed on.
    ResetAnswerAfter(usize),
    /// Closed in good order after so many bytes of the answer.
    CutAnswerAfter(usize),
    /// The answer comes, so many bytes at a time, with a pause after each.
    SlowAnswer(usize, Duration),
}

/// The faults of one connection after the other.
pub(crate) enum Plan {
    /// These first, then none.
    First(Vec<Fault>),
    /// About half of the connections are spoiled, somehow.
    Seeded(u64),
}

impl Plan {
    fn of_connection(&self, n: usize) -> Fault {
        match self {
            Self::First(faults) => faults.get(n).copied().unwrap_or(Fault::None),
            Self::Seeded(seed) => {
                let mut rng = Rng::seeded(seed.wrapping_add(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let mut below = |most: f64| (rng.unit() * most) as usize;
                match below(10.0) {
                    0 => Fault::ResetAtOnce,
                    1 => Fault::ResetRequestAfter(below(400.0)),
                    2 => Fault::ResetAnswerAfter(below(200.0)),
                    3 => Fault::CutAnswerAfter(below(200.0)),
                    4 => Fault::SlowAnswer(10 + below(40.0), Duration::from_millis(1)),
                    _ => Fault::None,
                }
            }
        }
    }
}

/// A proxy on a free port.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr, plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fault = plan.of_connection(count.fetch_add(1, SeqCst));
                tokio::spawn(pass(client, server, fault));
            }
        });
        Self { address, connections }
    }

    /// How many there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// How one direction of a connection ended.
enum End {
    Closed,
    Cut,
    Reset,
}

async fn pass(mut client: TcpStream, server: SocketAddr, fault: Fault) {
    // Whether a drop resets or closes is decided here.
    let reset = |socket: &TcpStream| {
        let _ = socket.set_zero_linger();
    };
    if fault == Fault::ResetAtOnce {
        return reset(&client);
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return reset(&client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let end = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let request = async {
            let most = if let Fault::ResetRequestAfter(most) = fault { most } else { usize::MAX };
            match copy(&mut from_client, &mut to_server, most, None).await {
                // The other direction goes on to its own end.
                End::Closed => std::future::pending().await,
                End::Cut | End::Reset => End::Reset,
            }
        };
        let answer = async {
            let (most, slow) = match fault {
                Fault::ResetAnswerAfter(most) | Fault::CutAnswerAfter(most) => (most, None),
                Fault::SlowAnswer(bytes, pause) => (usize::MAX, Some((bytes, pause))),
                _ => (usize::MAX, None),
            };
            match copy(&mut from_server, &mut to_client, most, slow).await {
                End::Cut if matches!(fault, Fault::ResetAnswerAfter(_)) => End::Reset,
                end => end,
            }
        };
        tokio::select! {
            end = request => end,
            end = answer => end,
        }
    };
    if matches!(end, End::Reset) {
        reset(&client);
    } else {
        let _ = client.shutdown().await;
    }
}

/// Copies until `most` bytes have gone over, or to the end; with 0, until there is something to copy.
async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    most: usize,
    slow: Option<(usize, Duration)>,
) -> End {
    let mut left = most;
    let mut buffer = vec![0; slow.map_or(16 * 1024, |(bytes, _)| bytes)];
    loop {
        let Ok(read) = from.read(&mut buffer).await else { return End::Reset };
        if read == 0 {
            return End::Closed;
        }
        let passed = read.min(left);
        if to.write_all(&buffer[..passed]).await.is_err() {
            return End::Reset;
        }
        left -= passed;
        if left == 0 {
            return End::Cut;
        }
        if let Some((_, pause)) = slow {
            sleep(pause).await; // real: a slow peer on a socket
        }
    }
}
