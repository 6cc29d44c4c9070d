//! hyper-util's client under a stack.

// [what a user writes
use buttress::{Lifted, over, rejected::Lift, timeout::Timeout, timeout::TimeoutLayer};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tower::ServiceExt;

type Body = http_body_util::Empty<bytes::Bytes>;
type Hyper = Timeout<Lift<Client<HttpConnector, Body>>>;

fn client(hyper: Client<HttpConnector, Body>, limit: std::time::Duration) -> Hyper {
    over(TimeoutLayer::new(limit), hyper)
}

async fn ask(client: &Hyper, request: http::Request<Body>) -> String {
    match client.clone().oneshot(request).await {
        Ok(answer) => answer.status().to_string(),
        Err(Lifted::Rejected(why)) => format!("Err(Lifted::Rejected): {why}"),
        Err(Lifted::Inner(error)) => format!("Err(Lifted::Inner): {error}"),
    }
}
// what a user writes]

use crate::{
    gate::GateLayer,
    net::{LONG, SHORT, bare, get_of, hyper_client, nobody},
};
use buttress::{http::ByStatus, outcome::Class, rejected::Reason};
use tower::ServiceBuilder;

pub(crate) async fn seen() -> String {
    ask(&client(hyper_client(), SHORT), get_of(bare().await, "/stuck")).await
}

#[tokio::test]
async fn a_timeout_is_a_rejection_and_the_clients_own_errors_come_as_they_were() {
    assert_eq!(seen().await, "Err(Lifted::Rejected): timed out");

    let patient = client(hyper_client(), LONG);
    assert_eq!(ask(&patient, get_of(bare().await, "/fast")).await, "200 OK");
    let refused = patient.oneshot(get_of(nobody().await, "/")).await;
    assert!(matches!(refused, Err(Lifted::Inner(error)) if error.is_connect()));
}

#[tokio::test]
async fn a_gate_reads_the_status_trips_and_fails_fast() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let svc = over((layer, TimeoutLayer::new(LONG)), hyper_client());
    let address = bare().await;
    for path in ["/busy", "/fail", "/fail"] {
        assert!(
            svc.clone().oneshot(get_of(address, path)).await.is_ok(),
            "an inner answer is passed on as it is"
        );
    }
    let refused = svc.clone().oneshot(get_of(nobody().await, "/")).await;
    assert!(matches!(refused, Err(Lifted::Inner(_))));
    assert_eq!(gate.classes(), [Class::Throttled, Class::Failed, Class::Failed, Class::Failed]);

    let Err(Lifted::Rejected(why)) = svc.oneshot(get_of(address, "/fast")).await else { panic!("open") };
    assert_eq!((why.reason(), why.reached()), (Reason::Open, false));
}

#[tokio::test]
async fn a_cut_inside_the_gate_and_one_outside_are_both_timeouts() {
    let address = bare().await;
    let (inside, outside) = (GateLayer::reading(ByStatus), GateLayer::reading(ByStatus));
    let (first, second) = (inside.gate(), outside.gate());
    let limit = TimeoutLayer::new(SHORT);
    let gate_outside = ServiceBuilder::new()
        .layer(outside)
        .layer(limit.clone())
        .layer(buttress::lift())
        .service(hyper_client());
    assert!(gate_outside.oneshot(get_of(address, "/stuck")).await.is_err());
    let gate_inside = over((limit, inside), hyper_client());
    assert!(gate_inside.oneshot(get_of(address, "/stuck")).await.is_err());
    assert_eq!((first.classes(), second.classes()), (vec![Class::TimedOut], vec![Class::TimedOut]));
}
