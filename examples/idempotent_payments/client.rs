//! A client that sends the same payment under the same key until it knows.

use buttress::{
    idempotency::{RecordId, Scope},
    key::Key,
};
use std::net::SocketAddr;

pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

/// What has come of sending a payment.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// It was made now.
    Paid,
    /// It had been made, and this was the answer.
    Replayed,
    /// It is being made: come again.
    Wait,
    /// Nobody knows: do not come again.
    NobodyKnows,
    /// The connection broke.
    Nothing,
}

impl Client {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { http: reqwest::Client::new(), url: format!("http://{server}/payments") }
    }

    /// The key of an order is made when the order is, and never again.
    fn key(order: &str) -> Key {
        let letters: String = order.chars().filter(char::is_ascii_alphabetic).collect();
        Key::new(format!("order-{letters}")).expect("a key")
    }

    /// As an operator sees it: the key itself is in no store and in no log.
    pub(super) fn id_of(&self, order: &str) -> String {
        RecordId::new(Scope::unscoped("payments"), &Self::key(order)).to_string()
    }

    pub(super) async fn pay(&self, order: &str) -> Heard {
        let request = self.http.post(&self.url).header("idempotency-key", Self::key(order).as_str());
        let Ok(answer) = request.body(order.to_owned()).send().await else { return Heard::Nothing };
        let headers = answer.headers();
        match answer.status().as_u16() {
            201 if headers.contains_key("idempotency-replayed") => Heard::Replayed,
            201 => Heard::Paid,
            409 if headers.contains_key("retry-after") => Heard::Wait,
            409 => Heard::NobodyKnows,
            status => panic!("{status}: {:?}", answer.text().await),
        }
    }
}
