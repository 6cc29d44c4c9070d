//! What stands between the services in each of the two runs: one function a hop. This is the page to read, and to paste.

use super::{
    client::{self, Answer, Hop},
    naive,
    workers::{BACKLOG, WORKERS},
};
use axum::Router;
use buttress::{
    breaker::Circuit,
    fallback::FallbackLayer,
    http::{Boxed, ByStatus, guard},
    outcome::{By, Class, Outcome},
    rejected::BoxError,
    stack::{self, ClientLayer, Window},
};
use http::{Response, StatusCode};
use std::{fmt, str::FromStr, time::Duration};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

/// What a run puts around its clients and servers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stack {
    /// The plain client, and the naive retry.
    Bare,
    Behind(Layers),
}

/// Which of the layers of the second run are there: all, unless `--without` takes some out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layers {
    pub(super) timeout: bool,
    pub(super) retry: bool,
    pub(super) breaker: bool,
    pub(super) bulkhead: bool,
    pub(super) fallback: bool,
    pub(super) guard: bool,
}

/// What orders has around its client for payments, which ordinarily answers within 10 ms: three attempts as in the bare
/// run, but paid for from a budget, each at most 250 ms long; of 24 workers at most 12 wait for it.
pub(super) fn for_payments(on: Layers) -> ClientLayer<By<Reads>, Boxed> {
    standard(on, ms(250), ms(350), 12)
}

/// The standard stack of a client: a service is left alone where half of the calls of a second failed, and asked twice a
/// second whether all is well again.
fn standard(on: Layers, attempt: Duration, total: Duration, at_once: u32) -> ClientLayer<By<Reads>, Boxed> {
    let client = stack::client().boxed().over_hyper().classify(By(by_status as Reads));
    let client = client.attempt(attempt).total(total).open_for(ms(500)).calls_at_once(at_once);
    client.with(|config| {
        config.breaker.window = Window::Time(Duration::from_secs(1));
        // What `--without` takes out.
        if !on.timeout {
            (config.attempt, config.total) = (Duration::MAX, Duration::MAX);
        }
        if !on.retry {
            config.retry.attempts = 1;
        }
        if !on.breaker {
            (config.breaker.min_calls, config.breaker.consecutive) = (u32::MAX, u32::MAX);
        }
        if !on.bulkhead {
            config.bulkhead.limit = u32::MAX;
        }
    })
}

/// orders -> payments: an order that cannot be paid for now is kept. Also the circuit, for the picture.
pub(super) fn to_payments(stack: Stack, payments: &str) -> (Hop, Option<Circuit>) {
    let Stack::Behind(on) = stack else { return (naive::three_attempts(client::plain()), None) };
    let kept = FallbackLayer::function(|_| status(StatusCode::ACCEPTED)).http().also_on([Class::Failed]);
    let client = for_payments(on);
    let circuit = client.circuits().get(payments);
    let layers = ServiceBuilder::new().option_layer(on.fallback.then_some(kept)).layer(client);
    (BoxCloneSyncService::new(layers.service(client::plain())), Some(circuit))
}

/// gateway -> orders, for one of the routes: whatever becomes of one, the other has a circuit and slots of its own. Longer
/// than what orders itself waits for, or its answer would find nobody.
pub(super) fn to_orders(stack: Stack) -> Hop {
    let Stack::Behind(on) = stack else { return naive::three_attempts(client::plain()) };
    BoxCloneSyncService::new(
        ServiceBuilder::new().layer(standard(on, ms(500), ms(600), 18)).service(client::plain()),
    )
}

/// In front of the gateway and of orders: an answer while somebody still waits for one, and a problem document in place of
/// silence.
pub(super) fn in_front(stack: Stack, app: Router) -> Router {
    let Stack::Behind(Layers { guard: true, .. }) = stack else { return app };
    let server = stack::server().total(ms(900)).calls_at_once(WORKERS).queue(BACKLOG, ms(500));
    app.layer(guard(server))
}

const fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

type Reads = fn(Result<&Answer, &BoxError>) -> Outcome;

/// The body has been read when this is asked, so the status says all.
fn by_status(result: Result<&Answer, &BoxError>) -> Outcome {
    result.map_or(Outcome::FAILED, |answer| ByStatus::outcome(answer.status()))
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}

impl Layers {
    pub(super) const ALL: Self = Self::each(true);
    pub(super) const NONE: Self = Self::each(false);
    pub(super) const NAMES: [&str; 6] = ["timeout", "retry", "breaker", "bulkhead", "fallback", "guard"];

    const fn each(on: bool) -> Self {
        Self { timeout: on, retry: on, breaker: on, bulkhead: on, fallback: on, guard: on }
    }

    pub(super) fn by_name(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "timeout" => Some(&mut self.timeout),
            "retry" => Some(&mut self.retry),
            "breaker" => Some(&mut self.breaker),
            "bulkhead" => Some(&mut self.bulkhead),
            "fallback" => Some(&mut self.fallback),
            "guard" => Some(&mut self.guard),
            _ => None,
        }
    }

    /// The names of those that are there.
    pub(super) fn names(mut self) -> Vec<&'static str> {
        Self::NAMES.into_iter().filter(|name| self.by_name(name).is_some_and(|on| *on)).collect()
    }
}

/// How the demo tells the services that it starts.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare => f.write_str("bare"),
            Self::Behind(Layers::NONE) => f.write_str("nothing"),
            Self::Behind(layers) => f.write_str(&layers.names().join("+")),
        }
    }
}

impl FromStr for Stack {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut layers = Layers::NONE;
        match word {
            "bare" => return Ok(Self::Bare),
            "nothing" => {}
            names => {
                for name in names.split('+') {
                    *layers.by_name(name).ok_or_else(|| format!("no layer is called {name:?}"))? = true;
                }
            }
        }
        Ok(Self::Behind(layers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_read_as_it_is_written() {
        for stack in [
            Stack::Bare,
            Stack::Behind(Layers::ALL),
            Stack::Behind(Layers::NONE),
            Stack::Behind(Layers { timeout: false, ..Layers::ALL }),
        ] {
            assert_eq!(stack.to_string().parse(), Ok(stack));
        }
        assert_eq!("timeout+luck".parse::<Stack>(), Err("no layer is called \"luck\"".into()));
    }

    #[test]
    fn every_layer_has_its_name() {
        let mut layers = Layers::NONE;
        for name in Layers::NAMES {
            *layers.by_name(name).expect("a layer") = true;
        }
        assert_eq!((layers, layers.names()), (Layers::ALL, Layers::NAMES.to_vec()));
    }
}
