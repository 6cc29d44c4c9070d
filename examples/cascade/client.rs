//! The plain client that both runs start from: hyper's, with the whole body read.

use buttress::rejected::BoxError;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{service_fn, util::BoxCloneSyncService};

pub(super) type Ask = Request<Full<Bytes>>;
pub(super) type Answer = Response<Full<Bytes>>;
/// A client for the next service, with whatever stands around it.
pub(super) type Hop = BoxCloneSyncService<Ask, Answer, BoxError>;

/// Tells the attempts of one checkout from two checkouts: who charges twice for a key has not read it.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// It waits for as long as it takes, and keeps connections for later calls: the defaults.
pub(super) fn plain<B>() -> BoxCloneSyncService<Request<B>, Answer, BoxError>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let client = Client::builder(TokioExecutor::new()).build_http();
    BoxCloneSyncService::new(service_fn(move |ask: Request<B>| {
        let answer = client.request(ask);
        async {
            let (head, body) = answer.await?.into_parts();
            Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
        }
    }))
}

/// With the key of the request for which it is asked, if that has one.
pub(super) fn ask(upstream: &str, path: &str, method: Method, given: &HeaderMap) -> Result<Ask, http::Error> {
    let mut ask = Request::builder().method(method).uri(format!("http://{upstream}{path}"));
    if let Some(key) = given.get(KEY) {
        ask = ask.header(KEY, key);
    }
    ask.body(Full::default())
}
