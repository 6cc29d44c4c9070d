//! A tonic client over a stack without a lift.

use buttress::timeout::TimeoutLayer;
use std::{convert::Infallible, time::Duration};
use tonic::body::Body;
use tower::{ServiceBuilder, service_fn};

/// As the generated clients are: the bounds stand on `new`.
struct Client<T>(T);

impl<T: tonic::client::GrpcService<Body>> Client<T> {
    fn new(channel: T) -> Self {
        Self(channel)
    }
}

fn main() {
    let channel = service_fn(|_: http::Request<Body>| async { Ok::<_, Infallible>(http::Response::new(Body::default())) });
    let stack = ServiceBuilder::new().layer(TimeoutLayer::new(Duration::from_secs(3))).service(channel);
    let _ = Client::new(stack).0;
}
