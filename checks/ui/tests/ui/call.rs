//! The same of `call`: the bound is named, the cures are not.

use buttress::timeout::TimeoutLayer;
use std::{io, time::Duration};
use tower::{Service, ServiceBuilder, service_fn};

fn main() {
    let mut svc = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(3)))
        .service(service_fn(|n: u32| async move { Ok::<_, io::Error>(n) }));
    let _ = svc.call(7);
}
