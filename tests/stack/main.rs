//! The standard stacks as a user meets them: what they do as they come, what a file may say, and what it changes while calls run.

#[path = "../counting/mod.rs"]
mod counting;

mod allocations;
mod client;
mod described;
mod file;
mod in_flight;
mod refused;
mod reloads;
mod server;

use buttress::http::ReplayBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Body = Full<Bytes>;
type Sent = Request<ReplayBody<Body>>;
type Answer = Result<Response<Body>, std::io::Error>;

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::default()).expect("a request")
}

fn answer(status: u16) -> Answer {
    Ok(Response::builder().status(status).body(Body::default()).expect("a response"))
}

/// Counts what comes to it.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

impl Count {
    fn up(&self) -> u32 {
        self.0.fetch_add(1, Relaxed) + 1
    }

    fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
}
