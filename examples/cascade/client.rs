//! The plain client that both runs start from: hyper's, with the whole body read.

use buttress::rejected::BoxError;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{service_fn, util::BoxCloneSyncService};

pub(super) type Ask = Request<Full<Bytes>>;
pub(super) type Answer = Response<Full<Bytes>>;
/// A client for the next service, with whatever stands around it.
pub(super) type Hop = BoxCloneSyncService<Ask, Answer, BoxError>;

/// It waits for as long as it takes, and keeps connections for later calls: the defaults.
pub(super) fn plain() -> Hop {
    let client = Client::builder(TokioExecutor::new()).build_http();
    BoxCloneSyncService::new(service_fn(move |ask: Ask| {
        let answer = client.request(ask);
        async {
            let (head, body) = answer.await?.into_parts();
            Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
        }
    }))
}

pub(super) fn ask(upstream: &str, path: &str) -> Result<Ask, http::Error> {
    Request::get(format!("http://{upstream}{path}")).body(Full::default())
}
