//! A client of any store: claims a fresh key, and finishes it with an answer of 200 bytes.

use crate::Client;
use buttress::{
    idempotency::{
        Attempt, Body, Claim, Ending, Fingerprint, Hold, KeyStore, OnLeaseOver, RecordId, Scope, Stored,
        Terms,
    },
    key::Key,
};
use std::time::{Duration, SystemTime};

pub(crate) const ANSWER: [u8; 200] = [b'a'; 200];
/// The lease, and how long an answer is kept: short, so that a server is soon rid of what a run leaves.
const KEPT: Duration = Duration::from_secs(10);

pub(crate) struct Claims<S> {
    store: S,
    scope: Scope,
    answer: Stored,
}

impl<S: KeyStore> Claims<S> {
    pub(crate) fn over(store: S) -> Self {
        let scope = Scope::new("bench", Key::random().as_str());
        let answer = Stored::encode(
            201,
            SystemTime::UNIX_EPOCH,
            [("content-type", "application/json")],
            Body::Kept(&ANSWER),
            [("", ""); 0],
        );
        Self { store, scope, answer }
    }
}

impl<S: KeyStore> Client for Claims<S> {
    async fn operate(&mut self) {
        let id = RecordId::new(self.scope, &Key::random());
        let terms = Terms::new(KEPT, KEPT, OnLeaseOver::Takeover);
        let attempt = Attempt::new(Fingerprint::of(["POST", "/payments", "10"]), terms);
        let claim = self.store.claim(id, attempt).await.expect("the store answers");
        let Claim::Mine { token, .. } = claim else { panic!("a fresh key is {claim:?}") };
        let hold = Hold { id, token, nonce: attempt.nonce };
        self.store.finish(hold, Ending::Done(self.answer.clone()), KEPT).await.expect("it is ours");
    }
}
