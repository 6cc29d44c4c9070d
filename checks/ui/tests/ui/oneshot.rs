//! Why `checked` exists: of a method that is not there, rustc prints no cause.

use buttress::timeout::TimeoutLayer;
use std::{io, time::Duration};
use tower::{ServiceBuilder, ServiceExt, service_fn};

fn main() {
    let svc = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(3)))
        .service(service_fn(|n: u32| async move { Ok::<_, io::Error>(n) }));
    let _ = svc.oneshot(7);
}
