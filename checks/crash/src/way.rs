//! A way for bytes to a server, which can be cut and led elsewhere: the network between a primary and its replica, or the one
//! address under which a service finds whoever is primary now.

use std::sync::Arc;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Listens on a port of its own.
#[derive(Clone, Debug)]
pub struct Way {
    port: u16,
    /// Whereto; `None` where it is cut. Each change ends what stands.
    to: Arc<watch::Sender<Option<u16>>>,
    _listens: Arc<Stop>,
}

#[derive(Debug)]
struct Stop(tokio::task::JoinHandle<()>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Way {
    /// To the server on that port.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("bound").port();
        let (to, led) = watch::channel(Some(port));
        let listens = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(through(client, led.clone()));
            }
        });
        Self { port: own, to: Arc::new(to), _listens: Arc::new(Stop(listens)) }
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Nothing comes through any more, in either direction.
    pub fn cut(&self) {
        self.to.send_replace(None);
    }

    /// From now on to another server.
    pub fn lead(&self, port: u16) {
        self.to.send_replace(Some(port));
    }
}

async fn through(mut client: TcpStream, mut led: watch::Receiver<Option<u16>>) {
    let to = *led.borrow_and_update();
    let Some(to) = to else { return };
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = led.changed() => {}
    }
}
