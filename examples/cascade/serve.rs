//! What all three services have in common: workers, a port, orders from the demo, and reports to it.
//!
//! A service hears its orders on stdin and reports on stdout. Both are pipes to the demo: however that ends, stdin is closed
//! then, and the service ends with it.

use super::{
    args::Role,
    gateway, orders, payments,
    phases::Fault,
    stack,
    workers::{BACKLOG, WORKERS, Workers},
};
use axum::{Router, middleware};
use buttress::breaker::{Circuit, State};
use futures_util::StreamExt;
use std::{
    io::{self, BufRead, Write},
    process::exit,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};
use tokio::{
    net::{TcpListener, lookup_host},
    sync::watch,
    time::{MissedTickBehavior, interval},
};

/// How often a service tells how it is.
const EVERY: Duration = Duration::from_millis(100);

pub(super) async fn serve(role: Role) -> Result<(), String> {
    let (turns, fault) = watch::channel(None);
    thread::spawn(move || listen_to_the_demo(&turns));
    let Role { name, upstream, stack, seed } = role;
    let mut circuit = None;
    let routes = match name.as_str() {
        "payments" => payments::routes(fault, seed),
        "orders" => {
            let payments = resolved(&name, &upstream).await?;
            let hop;
            (hop, circuit) = stack::to_payments(stack, &payments);
            orders::routes(&payments, hop, seed)
        }
        "gateway" => gateway::routes(&resolved(&name, &upstream).await?, || stack::to_orders(stack)),
        other => return Err(format!("there is no service called {other}")),
    };
    let workers = Workers::start(WORKERS, BACKLOG);
    let app = routes.layer(middleware::from_fn_with_state(workers.clone(), Workers::take));
    let app = if name == "payments" { app } else { stack::in_front(stack, app) };

    let listener =
        TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("{name} gets no port: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("{name} has no address: {error}"))?;
    say(format_args!("listens {address}"));
    tokio::spawn(report(workers));
    if let Some(circuit) = circuit {
        tokio::spawn(tell_turns(circuit));
    }
    axum::serve(listener, app).await.map_err(|error| format!("{name} cannot serve: {error}"))
}

/// Asked for once, at the start, so that a wrong name is found here and not by the first user.
async fn resolved(name: &str, upstream: &str) -> Result<Arc<str>, String> {
    let fails = |why: String| format!("{name} finds no {upstream:?}, its upstream: {why}");
    let mut found = lookup_host(upstream).await.map_err(|error| fails(error.to_string()))?;
    let address = found.next().ok_or_else(|| fails("the name has no address".into()))?;
    Ok(address.to_string().into())
}

fn listen_to_the_demo(turns: &watch::Sender<Option<Fault>>) {
    for line in io::stdin().lock().lines() {
        match line.as_deref().map(str::parse::<Fault>) {
            Ok(fault) => drop(turns.send(fault.ok())),
            Err(_) => break,
        }
    }
    exit(0);
}

/// Where nobody reads any more there is nobody to serve either.
fn say(what: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{what}").and_then(|()| out.flush()).is_err() {
        exit(0);
    }
}

async fn report(workers: Workers) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let counts = &workers.counts;
        let busy = counts.busy.load(Relaxed);
        let peak = counts.peak.swap(busy, Relaxed).max(busy);
        say(format_args!("is {} {peak}", counts.seen.load(Relaxed)));
    }
}

async fn tell_turns(circuit: Circuit) {
    let mut states = circuit.watch();
    while let Some(state) = states.next().await {
        say(format_args!("circuit {}", State::as_str(state)));
    }
}

/// A service takes so long for its own work: between half and one and a half of that.
pub(super) fn about(random: &mut fastrand::Rng, time: Duration) -> Duration {
    time.mul_f64(0.5 + random.f64())
}

pub(super) type Routes = Router;
