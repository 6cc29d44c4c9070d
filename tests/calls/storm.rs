//! Many calls through connections that are spoiled at random: nobody is charged twice.

use crate::{
    faults::{Plan, Proxy},
    server::{CLIENTS, Server, send, status, url},
};
use buttress::{backoff::Backoff, budget::Budget, retry::Policy};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use std::time::Duration;

const CALLS: usize = 36;

#[tokio::test]
async fn whatever_breaks_a_post_without_a_key_arrives_at_most_once_and_an_answer_means_it_arrived() {
    let policy = Policy::new()
        .attempts(4)
        .backoff(Backoff::constant(Duration::from_millis(1)))
        .budget(&Budget::unlimited());
    for seed in [1, 2] {
        for (client, of) in CLIENTS.into_iter().zip(0..) {
            let server = Server::answering(|n| status(if n % 3 == 0 { 503 } else { 200 })).await;
            let proxy = Proxy::to(server.address, Plan::Seeded(seed * 10 + of)).await;
            for n in 0..CALLS {
                let (method, key) =
                    [(Method::POST, false), (Method::POST, true), (Method::PUT, false)][n % 3].clone();
                let id = format!("{n}");
                let mut request = Request::builder().method(method).uri(url(proxy.address, &id));
                if key {
                    request = request.header("idempotency-key", &id);
                }
                let safe = key || n % 3 == 2;
                let body = Full::<Bytes>::from(vec![1; 37 * n]);
                let answer = send(client, &policy, request.body(body).expect("a request")).await;
                let seen = server.seen(&id);
                let context =
                    format!("seed {seed}, call {n}, {client:?}: {answer:?}, {} received", seen.len());
                assert!(seen.len() <= if safe { 4 } else { 1 }, "{context}");
                let bytes =
                    |seen: &crate::server::Seen| seen.bytes.is_none_or(|bytes| bytes == 37 * n as u64);
                assert!(seen.iter().all(bytes), "never a part for the whole: {context}");
                if let Ok((status, _)) = answer {
                    assert!(!seen.is_empty(), "{context}");
                    assert!(safe || status == 503 || seen.len() == 1, "{context}");
                }
            }
            assert!(proxy.connections() > 1, "some were spoiled");
        }
    }
}
