//! `checked` makes the compiler say it, wherever the service is used.

use buttress::timeout::TimeoutLayer;
use std::{io, time::Duration};
use tower::{ServiceBuilder, service_fn};

fn main() {
    let svc = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(3)))
        .service(service_fn(|n: u32| async move { Ok::<_, io::Error>(n) }));
    let _ = buttress::checked::<u32, _>(svc);
}
