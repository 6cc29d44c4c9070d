//! A function that promises a service, without a lift in it.

use buttress::timeout::TimeoutLayer;
use std::{io, time::Duration};
use tower::{Service, ServiceBuilder, service_fn};

fn client() -> impl Service<u32, Response = u32, Error = io::Error> {
    ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(3)))
        .service(service_fn(|n: u32| async move { Ok::<_, io::Error>(n) }))
}

fn main() {
    let _ = client();
}
