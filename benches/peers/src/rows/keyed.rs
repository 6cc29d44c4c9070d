//! One of these for each host: what it costs to find the right one. No peer has it; beside ours stands what one writes.

use crate::{
    Bar, Batch, Row, calls, plain, requests,
    service::{Body, Broken, Echo, Page},
};
use buttress::{
    Lifted,
    breaker::{BreakerLayer, Circuit, Circuits, KeyedBreakerLayer, Policy, Trip},
    keyed::Registry,
    over,
};
use http::{Request, Uri};
use std::{
    borrow::Cow,
    collections::HashMap,
    hint::black_box,
    sync::{Arc, Mutex, RwLock},
};
use tower::Service;

/// The hosts of a client that has a few, and the one that it calls.
const HOSTS: [&str; 4] = ["users.example.com", "stock.example.com", HOST, "mail.example.com:8443"];
const HOST: &str = "orders.example.com";

pub(super) fn rows() -> Vec<Row> {
    let none = Bar { allocations: Some(0.0), ..Bar::default() };
    vec![
        Row::new("breaker by key, known host, closed")
            .floor("no layer", || calls(Echo))
            .floor("buttress, one circuit for all", || {
                calls(over(BreakerLayer::new(&Circuit::new("all", &policy())), Echo))
            })
            .ours("buttress, by key", || calls(by_key(&circuits(100))))
            .bar(none),
        Row::new("breaker by key, no place, closed")
            .floor("no layer", || calls(Echo))
            .ours("buttress, 100 circuits that stay", || {
                let circuits = Circuits::new(100, &policy());
                for number in 0..100 {
                    circuits.get(&*format!("{number}.example.com")).force_open();
                }
                calls(by_key(&circuits))
            })
            .bar(none),
        Row::new("breaker by authority, known host, closed")
            .floor("no layer", || pages(Page, "https://orders.example.com/"))
            .ours("buttress, in small letters", || pages(by_authority(), "https://orders.example.com/"))
            .ours("buttress, in capitals", || pages(by_authority(), "https://Orders.Example.com:443/"))
            .bar(none),
        Row::new("a handle found by its key")
            .floor("no lock, no copy of the handle", || {
                let map = map();
                plain(move |_| {
                    black_box(map.get(black_box(HOST)));
                })
            })
            .peer("Mutex<HashMap>, Arc cloned", || {
                let map = Mutex::new(map());
                plain(move |_| drop(black_box(map.lock().map(|map| map.get(black_box(HOST)).cloned()))))
            })
            .peer("RwLock<HashMap>, Arc cloned", || {
                let map = RwLock::new(map());
                plain(move |_| drop(black_box(map.read().map(|map| map.get(black_box(HOST)).cloned()))))
            })
            .ours("Registry, used in place", || {
                let registry = registry();
                plain(move |_| {
                    black_box(registry.with_known(black_box(HOST), |handle| **handle));
                })
            })
            .ours("Registry, Arc cloned", || {
                let registry = registry();
                plain(move |_| drop(black_box(registry.get_or_make(black_box(HOST), |_| Arc::new(0)))))
            })
            .bar(none),
    ]
}

fn policy() -> Policy {
    Policy::new().trip(Trip::consecutive(5))
}

fn circuits(bound: usize) -> Circuits {
    let circuits = Circuits::new(bound, &policy());
    for host in HOSTS {
        circuits.get(host);
    }
    circuits
}

fn map() -> HashMap<String, Arc<u64>> {
    HOSTS.into_iter().map(|host| (host.to_owned(), Arc::new(0))).collect()
}

fn registry() -> Registry<String, Arc<u64>> {
    let registry = Registry::new(100, |_| true);
    for host in HOSTS {
        registry.get_or_make(host, |_| Arc::new(0));
    }
    registry
}

fn by_key(circuits: &Circuits) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + use<> {
    over(KeyedBreakerLayer::new(circuits, |_: &u64| Some(Cow::Borrowed(black_box(HOST)))), Echo)
}

fn by_authority() -> impl Service<Request<Body>, Error: std::fmt::Debug> {
    over(KeyedBreakerLayer::per_authority(100, &policy()), Page)
}

fn pages<S>(service: S, uri: &'static str) -> Batch
where
    S: Service<Request<Body>> + 'static,
    S::Error: std::fmt::Debug,
{
    let uri = Uri::from_static(uri);
    requests(service, move |_| {
        let mut request = Request::new(Body::default());
        *request.uri_mut() = uri.clone();
        request
    })
}
