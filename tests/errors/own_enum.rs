//! An error enum of the user's own: it carries rejections without a lift, and is mapped to an answer at the edge.

// [what a user writes
use buttress::{Rejectable, Rejected};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Rejected(#[from] Rejected),
    #[error("the ledger is out of balance")]
    Ledger(#[from] reqwest::Error),
}
impl Rejectable for Error {
    fn as_rejected(&self) -> Option<Rejected> {
        Rejected::find(self)
    }
}
// what a user writes]

use crate::{
    axum_server::tell,
    gate::GateLayer,
    net::{SHORT, bare, nobody, reqwest_client, serve},
};
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use buttress::{
    Lifted,
    http::{Problem, Render},
    outcome::Class,
    over,
    rejected::{BoxError, Reason},
    timeout::TimeoutLayer,
};
use std::{future::pending, time::Duration};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

/// The edge: the one answer to an error that every axum application has.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Rejected(why) => Problem.render(&why),
            Self::Ledger(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}

/// From a lifted client to the enum: flat again.
impl From<Lifted<reqwest::Error>> for Error {
    fn from(error: Lifted<reqwest::Error>) -> Self {
        error.into_inner().map_or_else(Self::Rejected, Self::Ledger)
    }
}

/// An application whose handler asks a ledger at `url` through a lifted client.
fn app(url: String) -> Router {
    let client = over(TimeoutLayer::new(SHORT), reqwest_client());
    let handler = async move || {
        let request = reqwest_client().get(url).build()?;
        let answer = client.oneshot(request).await?;
        Ok::<_, Error>(answer.text().await?)
    };
    Router::new().route("/", get(handler))
}

async fn ask(url: String) -> reqwest::Response {
    let address = serve(app(url)).await;
    reqwest_client().get(format!("http://{address}/")).send().await.expect("an answer")
}

pub(crate) async fn seen() -> String {
    let ledger = bare().await;
    tell(ask(format!("http://{ledger}/stuck")).await).await
}

#[tokio::test]
async fn a_rejection_goes_from_the_client_through_the_enum_to_the_edge() {
    assert_eq!(
        seen().await,
        r#"HTTP 504, `application/problem+json`: `{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"timed out"}`"#
    );
    assert_eq!(ask(format!("http://{}/", nobody().await)).await.status(), 502, "the client's own error");
}

/// The same variant, told in words instead of passed through.
#[derive(Debug, thiserror::Error)]
enum Told {
    #[error("refused: {0}")]
    Rejected(#[from] Rejected),
}

impl Rejectable for Told {
    fn as_rejected(&self) -> Option<Rejected> {
        Rejected::find(self)
    }
}

/// Trips a gate around layers that stand right over a service with this error: no lift anywhere.
async fn trips<E: Rejectable + std::error::Error + Send + Sync + 'static>() -> E {
    let (outer, inner) = (GateLayer::new(), GateLayer::new());
    let (around, within) = (outer.gate(), inner.gate());
    let mut svc = ServiceBuilder::new()
        .layer(outer)
        .layer(TimeoutLayer::new(Duration::from_secs(3)))
        .layer(inner)
        .service(service_fn(|()| pending::<Result<(), E>>()));
    for _ in 0..3 {
        let error = svc.ready().await.expect("ready").call(()).await.expect_err("stuck");
        assert_eq!(error.as_rejected().map(|why| why.reason()), Some(Reason::TimedOut));
    }
    assert_eq!((around.classes(), within.classes()), (vec![Class::TimedOut; 3], vec![Class::TimedOut; 3]));
    svc.call(()).await.expect_err("open")
}

#[tokio::test(start_paused = true)]
async fn layers_stand_right_over_a_service_with_the_enum_transparent_or_not() {
    let error = trips::<Error>().await;
    assert_eq!(error.to_string(), "the circuit is open", "transparent");
    assert!(matches!(error, Error::Rejected(_)), "a variant like any other");

    let error = trips::<Told>().await;
    assert_eq!(error.to_string(), "refused: the circuit is open");
}

#[tokio::test(start_paused = true)]
async fn an_inner_rejection_in_either_enum_is_no_failure_for_a_gate_outside() {
    async fn ignores<E: Rejectable + Send + 'static>() {
        let layer = GateLayer::new();
        let gate = layer.gate();
        let full = || async { Err::<(), E>(Rejected::new(Reason::Full, "x", false).into()) };
        let svc = ServiceBuilder::new().layer(layer).service(service_fn(move |()| full()));
        for _ in 0..5 {
            assert!(svc.clone().oneshot(()).await.is_err());
        }
        assert_eq!(gate.classes(), [Class::Rejected; 5]);
        assert!(!gate.is_open());
    }
    ignores::<Error>().await;
    ignores::<Told>().await;
}

#[test]
fn a_rejection_is_found_in_a_box_made_of_either_enum() {
    let why = || Rejected::new(Reason::Full, "orders", false).after(Duration::from_secs(2));
    let boxes: [BoxError; 2] = [Error::from(why()).into(), Told::from(why()).into()];
    for boxed in boxes {
        assert_eq!(boxed.as_rejected(), Some(why()), "{boxed}");
    }
}
