//! What the bare statements share: a client that is a function, and the bytes of a fresh key.

use crate::Client;
use buttress::key::Key;

pub(crate) fn fresh() -> [u8; 32] {
    Key::random().digest()
}

pub(crate) struct Bare<F>(pub(crate) F);

impl<F, T> Client for Bare<F>
where
    F: FnMut() -> T + Send + 'static,
    T: Future<Output = ()> + Send,
{
    async fn operate(&mut self) {
        (self.0)().await;
    }
}
