//! A way to a node on which answers get lost: cut off before their first byte, in the head, or in the body.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Listens on a port of its own.
#[derive(Clone, Debug)]
pub struct Proxy {
    port: u16,
    cut: Arc<AtomicU32>,
}

impl Proxy {
    /// Before the node at `to`; of a hundred connections so many lose an answer. The same seed, the same plan.
    pub async fn before(to: u16, share: u32, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let cut = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&cut);
        let mut rng = fastrand::Rng::with_seed(seed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let after = (rng.u32(..100) < share).then(|| [0, 20, 150][rng.usize(..3)]);
                if after.is_some() {
                    counted.fetch_add(1, Relaxed);
                }
                tokio::spawn(through(client, to, after));
            }
        });
        Self { port, cut }
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were cut.
    #[must_use]
    pub fn cut(&self) -> u32 {
        self.cut.load(Relaxed)
    }
}

/// `after`: so many bytes of the answer come through, and then nothing.
async fn through(client: TcpStream, to: u16, after: Option<usize>) {
    let Ok(node) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let ((mut from_client, mut to_client), (mut from_node, mut to_node)) =
        (client.into_split(), node.into_split());
    let up = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_node).await;
        let _ = to_node.shutdown().await;
    };
    let down = async {
        let mut left = after.unwrap_or(usize::MAX);
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = from_node.read(&mut bytes).await {
            let passed = read.min(left);
            if to_client.write_all(&bytes[..passed]).await.is_err() {
                return;
            }
            left -= passed;
            if left == 0 {
                return;
            }
        }
        let _ = to_client.shutdown().await;
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(up, down) } => {}
        // A cut connection is gone for both, a while after its answer could have come.
        () = tokio::time::sleep(Duration::from_millis(400)), if after.is_some() => {} // real: over sockets
    }
}
