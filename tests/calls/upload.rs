//! A long upload under a retry: sent once, and hardly any of it held.

use crate::server::{CLIENTS, Kind, Server, send, status};
use buttress::{backoff::Backoff, retry::Policy};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body_util::StreamBody;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const MIB: u64 = 1 << 20;
const CHUNK: usize = 32 * 1024;

/// Memory of this process that is there, in bytes; the server is in it, too.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

/// Uploads that much, and gives by how much memory grew at most meanwhile.
async fn upload(client: (Kind, bool), size: u64) -> u64 {
    let server = Server::answering(|_| status(503)).await;
    let (before, most) = (resident(), Arc::new(AtomicU64::new(0)));
    let watch = Arc::clone(&most);
    let body = StreamBody::new(stream::iter(0..size / CHUNK as u64).map(move |n| {
        if n % 64 == 0 {
            watch.fetch_max(resident(), Relaxed);
        }
        // Each of its own, so that what is held is seen.
        Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(vec![n as u8 | 1; CHUNK])))
    }));
    let put = Request::put(server.url("upload")).body(body).expect("a request");
    let policy = Policy::new().backoff(Backoff::constant(Duration::from_millis(1)));
    assert_eq!(send(client, &policy, put).await.expect("an answer").0, 503, "{client:?}");
    let seen = server.seen("upload");
    assert_eq!((seen.len(), seen[0].bytes), (1, Some(size)), "{client:?}: once, and whole");
    most.load(Relaxed).saturating_sub(before)
}

/// What the bound is worth.
fn what_is_held_is_seen() {
    let before = resident();
    let held = vec![1_u8; 64 << 20];
    assert!(resident() - before > 32 * MIB);
    drop(std::hint::black_box(held));
}

async fn uploads(size: u64) {
    what_is_held_is_seen();
    for client in CLIENTS {
        // Buffers of sockets and of the allocator are there from the second on.
        upload(client, 8 * MIB).await;
        let grown = upload(client, size).await;
        println!("{client:?}: {} MiB sent, {} KiB more held", size / MIB, grown / 1024);
        assert!(grown <= 16 * MIB, "{client:?}: {} MiB", grown / MIB);
    }
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc")]
async fn an_upload_over_the_cap_is_sent_once_and_is_not_held() {
    uploads(64 * MIB).await;
}

/// `cargo test --release --test calls -- --ignored --nocapture gibibyte`
#[tokio::test]
#[ignore = "a gibibyte over each of four clients"]
async fn a_gibibyte_is_sent_once_and_is_not_held() {
    uploads(1024 * MIB).await;
}
