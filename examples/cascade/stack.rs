//! What stands between the services in each of the two runs: one function a hop. This is the page to read, and to paste.

use super::{
    client::{self, Answer, Hop},
    naive,
};
use axum::Router;
use buttress::{
    breaker::{BreakerLayer, Circuit, Circuits, KeyedBreakerLayer, Policy, Trip},
    bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedSlots, Slots},
    fallback::FallbackLayer,
    http::{ByStatus, guard},
    outcome::{Class, Outcome},
    rejected::BoxError,
    timeout::TimeoutLayer,
};
use http::{Request, Response, StatusCode};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};
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
    pub(super) breaker: bool,
    pub(super) bulkhead: bool,
    pub(super) fallback: bool,
    pub(super) guard: bool,
}

/// Five failures in a row open it, and twice a second it asks whether all is well again.
fn policy() -> Policy {
    Policy::new().trip(Trip::consecutive(5)).open_for(ms(500))
}

pub(super) fn circuit() -> Circuit {
    Circuit::new("payments", &policy())
}

/// orders -> payments, which ordinarily takes 10 ms. Of 24 workers at most 12 wait for it, none longer than 250 ms; five
/// failures in a row, and it is left alone; and an order that cannot be paid for now is kept.
pub(super) fn to_payments(stack: Stack, circuit: &Circuit) -> Hop {
    let Stack::Behind(on) = stack else { return naive::three_attempts(client::plain()) };
    let kept = FallbackLayer::function(|_| status(StatusCode::ACCEPTED)).http().also_on([Class::Failed]);
    let layers = ServiceBuilder::new()
        .option_layer(on.fallback.then_some(kept))
        .option_layer(on.breaker.then(|| BreakerLayer::new(circuit).classify_by(by_status)))
        .option_layer(on.bulkhead.then(|| BulkheadLayer::new(&Slots::new("payments", 12))))
        .option_layer(on.timeout.then(|| TimeoutLayer::new(ms(250))));
    BoxCloneSyncService::new(layers.service(client::plain()))
}

/// gateway -> orders, each route by itself: whatever becomes of one, the other has a circuit and slots of its own, and waits in a
/// line that is shorter than what is left of the workers.
pub(super) fn to_orders(stack: Stack) -> Hop {
    let Stack::Behind(on) = stack else { return naive::three_attempts(client::plain()) };
    let circuits = Circuits::new(10, &policy());
    let slots = KeyedSlots::new(10, 12);
    let layers = ServiceBuilder::new()
        .option_layer(on.breaker.then(|| KeyedBreakerLayer::new(&circuits, route).classify_by(by_status)))
        .option_layer(on.bulkhead.then(|| KeyedBulkheadLayer::new(&slots, route).queue(8).max_wait(ms(100))))
        .option_layer(on.timeout.then(|| TimeoutLayer::new(ms(600))));
    BoxCloneSyncService::new(layers.service(client::plain()))
}

/// In front of the gateway and of orders: an answer while somebody still waits for one, and a problem document in place of
/// silence.
pub(super) fn in_front(stack: Stack, app: Router) -> Router {
    match stack {
        Stack::Behind(Layers { guard: true, .. }) => app.layer(guard(TimeoutLayer::new(ms(900)))),
        _ => app,
    }
}

const fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn route<B>(request: &Request<B>) -> Option<Cow<'_, str>> {
    Some(request.uri().path().into())
}

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
    pub(super) const ALL: Self =
        Self { timeout: true, breaker: true, bulkhead: true, fallback: true, guard: true };
    pub(super) const NONE: Self =
        Self { timeout: false, breaker: false, bulkhead: false, fallback: false, guard: false };
    pub(super) const NAMES: [&str; 5] = ["timeout", "bulkhead", "breaker", "fallback", "guard"];

    pub(super) fn by_name(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "timeout" => Some(&mut self.timeout),
            "bulkhead" => Some(&mut self.bulkhead),
            "breaker" => Some(&mut self.breaker),
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
