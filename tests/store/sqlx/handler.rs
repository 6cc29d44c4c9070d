//! A handler of axum, as it stands in a service: payment and answer in one transaction of sqlx, behind the layer.

use super::{run, store};
use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::State,
    response::IntoResponse,
    routing::post,
};
use buttress::{
    http::{IdempotencyLayer, Idempotent},
    idempotency::Effects,
    store::SqlxStore,
};
use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::BodyExt;
use sqlx::PgPool;
use std::time::Duration;
use tower::ServiceExt;

async fn pay(
    State((store, pool)): State<(SqlxStore, PgPool)>,
    Extension(idem): Extension<Idempotent>,
    cents: String,
) -> Response<Body> {
    let Ok(cents) = cents.parse::<i64>() else { return StatusCode::UNPROCESSABLE_ENTITY.into_response() };
    let mut tx = pool.begin().await.expect("begun");
    let paid = sqlx::query_scalar::<_, i32>("INSERT INTO payments (cents) VALUES ($1) RETURNING id");
    let number = paid.bind(cents).fetch_one(&mut *tx).await.expect("written");
    let answer = Response::new(Bytes::from(format!("payment {number}")));
    let Ok(answer) = idem.finish_in(&store, &mut tx, answer).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    tx.commit().await.expect("committed");
    answer.map(Body::from)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_is_sent_eight_times_at_once_is_made_once_and_answered_eight_times() {
    let Some((store, pool)) = store(8).await else { return };
    run(&pool, "CREATE TABLE payments (id serial PRIMARY KEY, cents bigint)".to_owned()).await;
    let tenant = |head: &Parts| head.headers.get("x-tenant").map(|tenant| tenant.as_bytes().to_owned());
    let layer = IdempotencyLayer::new(store.clone(), tenant, Effects::SameTx)
        .required()
        .wait(Duration::from_secs(10));
    let app = Router::new().route("/", post(pay)).layer(layer).with_state((store, pool.clone()));
    let send = || {
        let request = Request::post("/").header("x-tenant", "7").header("idempotency-key", "a1");
        app.clone().oneshot(request.body(Body::from("1000")).expect("a request"))
    };
    let sent: Vec<_> = (0..8).map(|_| tokio::spawn(send())).collect();
    for sent in sent {
        let response = sent.await.expect("no panic").expect("it cannot fail");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), "payment 1");
    }
    let payments: i64 =
        sqlx::query_scalar("SELECT count(*) FROM payments").fetch_one(&pool).await.expect("it answers");
    assert_eq!(payments, 1);
}
