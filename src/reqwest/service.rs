//! The service: a request in the form of the `http` crate goes in, and a response of that form comes out.

use super::{ResponseFuture, body};
use crate::rejected::BoxError;
use ::http::Request;
use ::reqwest::{Client, ClientBuilder, retry};
use bytes::Bytes;
use http_body::Body;
use std::task::{Context, Poll};

/// A client of `http::Request`s. See the [module](super).
#[must_use]
pub const fn service(client: Client) -> Service {
    Service { client }
}

/// reqwest's own builder, with its own retry turned off: what is to be repeated is said once, by a retry layer.
///
/// ```
/// let client = buttress::reqwest::builder().user_agent("shop").build();
/// # drop(client);
/// ```
#[must_use = "a builder does nothing until it builds"]
pub fn builder() -> ClientBuilder {
    Client::builder().retry(retry::never())
}

/// What [`service`] gives.
#[derive(Clone, Debug)]
pub struct Service {
    client: Client,
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = ::http::Response<::reqwest::Body>;
    type Error = ::reqwest::Error;
    type Future = ResponseFuture;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ::reqwest::Error>> {
        tower_service::Service::<::reqwest::Request>::poll_ready(&mut self.client, cx)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        match ::reqwest::Request::try_from(request.map(body::outbound)) {
            Ok(request) => ResponseFuture::calling(tower_service::Service::call(&mut self.client, request)),
            Err(error) => ResponseFuture::failed(error),
        }
    }
}
