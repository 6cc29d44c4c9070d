//! The standard stacks, as one layer each: whatever stands in them, the whole keeps the laws.

use crate::{
    adapters::{of_http, of_numbers},
    counting,
};
use buttress::{
    stack::{ClientLayer, ServerLayer, client, server},
    testing::{Answer, DeadlineInLayer, Judgeable, Refusal, Subject, deadline_in},
};
use bytes::Bytes;
use http::Method;
use http_body_util::Empty;
use std::time::Duration;
use tower::layer::util::Stack;

fn judged(layer: ClientLayer) -> impl Judgeable {
    of_http!(Method::GET, Empty::<Bytes>::new(), layer)
}

fn served(layer: ServerLayer) -> impl Judgeable {
    of_numbers!(layer)
}

fn too_late<L>(layer: L) -> Stack<L, DeadlineInLayer> {
    Stack::new(layer, deadline_in(Duration::ZERO))
}

const LIMIT: Duration = Duration::from_millis(250);
const OPEN_FOR: Duration = Duration::from_secs(10);

#[test]
fn the_clients_stack_keeps_the_laws() {
    Subject::new(|| judged(client().calls_at_once(8)))
        .named("client")
        .calls_again()
        .refuses(Refusal::new(|| too_late(judged(client()))))
        .judge()
        .assert();
}

#[test]
fn the_clients_stack_keeps_the_laws_where_nothing_is_sent_again() {
    let once = || client().attempts(1).calls_at_once(8).attempt(LIMIT);
    let open = move || {
        let layer = once();
        layer.circuits().get("judged.test").force_open();
        judged(layer)
    };
    let breaks = move || {
        judged(once().with(|config| (config.breaker.consecutive, config.breaker.open) = (3, OPEN_FOR)))
    };
    Subject::new(move || judged(once()))
        .named("client that asks once")
        .calls_again()
        .cuts_after(LIMIT)
        .refuses(Refusal::new(open).decided_in_call())
        .refuses(Refusal::after([Answer::fail(); 3], breaks).decided_in_call())
        .refuses(Refusal::after([Answer::never()], move || judged(once().calls_at_once(1))).decided_in_call())
        .judge()
        .assert();
}

#[test]
fn the_servers_stack_keeps_the_laws() {
    let one = |queue| server().calls_at_once(1).queue(queue, Duration::from_secs(1)).total(LIMIT);
    Subject::new(|| served(server().calls_at_once(8).total(LIMIT)))
        .named("server")
        .cuts_after(LIMIT)
        .refuses(Refusal::after([Answer::never()], move || served(one(0))))
        .refuses(Refusal::new(|| too_late(served(server()))))
        .waits([Answer::never()], move || served(one(1)))
        .allocations(counting::made)
        .judge()
        .assert();
}
