//! The breaker of a client in one call: one circuit a host, to the end of the body, and what hangs is seen.

use crate::frames::{Frames, Step};
use buttress::{
    breaker::{Circuits, State},
    http as b_http, over,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use std::{fmt::Debug, io, time::Duration};
use tokio::time::{sleep, timeout};
use tower::{Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

type Get = Request<Empty<Bytes>>;

/// A client of hosts that are called what they do.
fn client() -> (
    Circuits,
    impl Service<Get, Response = Response<impl Body<Data = Bytes, Error: Debug> + Debug>, Error: Debug> + Clone,
) {
    let layer = b_http::breaker(SECOND);
    let circuits = layer.circuits().clone();
    let service = service_fn(|request: Get| async move {
        let (status, steps) = match request.uri().host() {
            Some("fails") => (503, vec![]),
            Some("breaks") => (200, vec![Step::Data("half of"), Step::Reset]),
            Some("hangs") => std::future::pending().await,
            Some("crawls") => {
                sleep(SECOND * 10).await;
                (200, vec![])
            }
            _ => (200, vec![Step::Data("a page")]),
        };
        Ok::<_, io::Error>(Response::builder().status(status).body(Frames::new(steps)).expect("a response"))
    });
    (circuits, over(layer, service))
}

fn get(host: &str) -> Get {
    Request::get(format!("http://{host}/")).body(Empty::new()).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_the_circuit_of_their_host_and_of_no_other() {
    let (circuits, client) = client();
    for _ in 0..5 {
        assert_eq!(client.clone().oneshot(get("fails")).await.expect("an answer").status(), 503);
    }
    assert_eq!(circuits.known("fails").expect("was asked").state(), State::Open);
    client.clone().oneshot(get("fails")).await.expect_err("is refused");
    assert_eq!(client.clone().oneshot(get("works")).await.expect("an answer").status(), 200);
    assert_eq!(circuits.known("works").expect("was asked").state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_breaks_off_has_failed_and_one_that_is_read_has_not() {
    let (circuits, client) = client();
    for _ in 0..5 {
        let page = client.clone().oneshot(get("works")).await.expect("an answer");
        page.into_body().collect().await.expect("is whole");
        let page = client.clone().oneshot(get("breaks")).await.expect("an answer");
        page.into_body().collect().await.expect_err("breaks off");
    }
    assert_eq!(circuits.known("breaks").expect("was asked").state(), State::Open);
    let works = circuits.known("works").expect("was asked").snapshot();
    assert_eq!((works.state, works.calls, works.failed), (State::Closed, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_somebody_else_counts_once_the_attempt_has_had_its_time() {
    for (limit, host, opens) in
        [(SECOND, "hangs", true), (SECOND, "crawls", true), (SECOND / 2, "hangs", false)]
    {
        let (circuits, client) = client();
        for _ in 0..5 {
            timeout(limit, client.clone().oneshot(get(host))).await.expect_err("is cut");
        }
        let circuit = circuits.known(host).expect("was asked");
        assert_eq!(circuit.state() == State::Open, opens, "{host}, cut after {limit:?}");
        assert_eq!(circuit.snapshot().failed, if opens { 5 } else { 0 });
    }
}
