//! Circuit breakers: what a call pays for the service that may fail, and for the one that has.

use crate::{
    Bar, Batch, Row, batch, calls, clones, plain,
    service::{Broken, Echo},
};
use buttress::{
    Lifted,
    breaker::{Breaker, BreakerLayer, Circuit, Policy, Trip},
    over,
    rejected::Lift,
    window::Ratio,
};
use failsafe::{CircuitBreaker as _, backoff, failure_policy};
use recloser::{AsyncRecloser, Recloser};
use std::{
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service, ServiceExt};
use tower_resilience::circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};

const FAR: Duration = Duration::from_secs(1 << 30);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("breaker closed, failures in a row")
            .floor("no layer", || calls(Echo))
            .peer("failsafe, a plain function", || failsafe_in_a_row())
            .peer("tower-resilience", || calls(resilience(|config| config.consecutive_failures(5))))
            .ours("buttress", || calls(ours(Trip::consecutive(5))))
            .bar(bar(14.0, 80.0)),
        Row::new("breaker closed, count window of 100")
            .floor("no layer", || calls(Echo))
            .peer("recloser", || recloser(|number| ready(Ok::<u64, Broken>(number))))
            .peer("tower-resilience", || {
                calls(resilience(|config| {
                    config.sliding_window_type(SlidingWindowType::CountBased).sliding_window_size(100)
                }))
            })
            .ours("buttress", || calls(ours(Trip::over_calls(100))))
            .bar(bar(18.0, 90.0)),
        // Tower-resilience keeps a record a call and reads them all at each: it does not stand still long enough to be
        // measured here.
        Row::new("breaker closed, time window of 10 s")
            .floor("no layer", || calls(Echo))
            .peer("failsafe, a plain function", || failsafe_over_time())
            .ours("buttress", || calls(ours(Trip::over_time(Duration::from_secs(10)))))
            .bar(bar(40.0, 140.0)),
        Row::new("breaker closed, the default rules")
            .floor("no layer", || calls(Echo))
            .ours("buttress", || calls(ours(Trip::default())))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
        Row::new("breaker open, rejected")
            .floor("no layer", || calls(Echo))
            .peer("recloser", recloser_open)
            .ours("buttress", || {
                let circuit = circuit(Trip::consecutive(5));
                circuit.open_for(FAR);
                refused(over(BreakerLayer::new(&circuit), Echo))
            })
            .bar(bar(33.0, 90.0)),
        Row::new("breaker closed, failure recorded, count window of 100")
            .floor("no layer", || failing(Fails))
            .peer("recloser", || {
                recloser(|number| {
                    ready(if number.is_multiple_of(64) { Ok(number) } else { Err(Broken(Box::default())) })
                })
            })
            .ours("buttress", || {
                let trip = Trip::over_calls(100).failure_rate(Ratio::ONE);
                failing(over(BreakerLayer::new(&circuit(trip)), Fails))
            })
            .bar(bar(18.0, 100.0)),
        Row::new("breaker closed, failure recorded, failures in a row")
            .floor("no layer", || failing(Fails))
            .ours("buttress", || {
                failing(over(BreakerLayer::new(&circuit(Trip::consecutive(u32::MAX))), Fails))
            })
            .bar(bar(18.0, 100.0)),
        Row::new("breaker closed, clone and oneshot")
            .floor("no layer", || clones(Echo))
            .peer("tower-resilience", || clones(resilience(|config| config.consecutive_failures(5))))
            .ours("buttress", || clones(ours(Trip::consecutive(5))))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
    ]
}

fn bar(nanoseconds: f64, instructions: f64) -> Bar {
    Bar {
        nanoseconds: Some(nanoseconds),
        instructions: Some(instructions),
        allocations: Some(0.0),
        ..Bar::default()
    }
}

fn circuit(trip: Trip) -> Circuit {
    Circuit::new("bench", &Policy::new().trip(trip))
}

fn ours(trip: Trip) -> Breaker<Lift<Echo>> {
    over(BreakerLayer::new(&circuit(trip)), Echo)
}

/// Every call must be refused.
fn refused<S>(mut service: S) -> Batch
where
    S: Service<u64, Response = u64, Error = Lifted<Broken>> + 'static,
{
    batch(async move |number| {
        let service = std::hint::black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => service.call(number).await,
            Err(error) => Err(error),
        };
        crate::answer(match answered {
            Err(Lifted::Rejected(rejected)) => Ok(rejected),
            other => Err(other),
        });
    })
}

/// Fails 63 times of 64, without a message that would have to be allocated.
#[derive(Clone, Copy, Debug)]
struct Fails;

impl Service<u64> for Fails {
    type Response = u64;
    type Error = Broken;
    type Future = Ready<Result<u64, Broken>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, number: u64) -> Self::Future {
        ready(if number.is_multiple_of(64) { Ok(number) } else { Err(Broken(Box::default())) })
    }
}

/// Whatever it answers, but by the service itself.
fn failing<S>(mut service: S) -> Batch
where
    S: Service<u64, Response = u64> + 'static,
    S::Error: Own,
{
    batch(async move |number| {
        let service = std::hint::black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => service.call(number).await,
            Err(error) => Err(error),
        };
        crate::answer(match answered {
            Err(error) if !error.is_own() => Err("refused"),
            answered => Ok(answered),
        });
    })
}

/// Whether an error is the service's own.
trait Own {
    fn is_own(&self) -> bool;
}

impl Own for Broken {
    fn is_own(&self) -> bool {
        true
    }
}

impl Own for Lifted<Broken> {
    fn is_own(&self) -> bool {
        matches!(self, Self::Inner(_))
    }
}

fn failsafe_in_a_row() -> Batch {
    let policy = failure_policy::consecutive_failures(5, backoff::constant(FAR));
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    plain(move |number| crate::answer(std::hint::black_box(&breaker).call(|| Ok::<_, Broken>(number))))
}

fn failsafe_over_time() -> Batch {
    let window = Duration::from_secs(10);
    let policy = failure_policy::success_rate_over_time_window(0.5, 20, window, backoff::constant(FAR));
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    plain(move |number| crate::answer(std::hint::black_box(&breaker).call(|| Ok::<_, Broken>(number))))
}

fn recloser(service: impl Fn(u64) -> Ready<Result<u64, Broken>> + 'static) -> Batch {
    let recloser = AsyncRecloser::from(Recloser::custom().closed_len(100).error_rate(1.1).build());
    batch(async move |number| {
        let answered = std::hint::black_box(&recloser).call(service(number)).await;
        crate::answer(match answered {
            Err(recloser::Error::Rejected) => Err("refused"),
            answered => Ok(answered),
        });
    })
}

fn recloser_open() -> Batch {
    let recloser = Recloser::custom().closed_len(1).open_wait(FAR).build();
    for _ in 0..10 {
        let _ = recloser.call(|| Err::<u64, _>(Broken(Box::default())));
    }
    let recloser = AsyncRecloser::from(recloser);
    batch(async move |number| {
        let answered = std::hint::black_box(&recloser).call(ready(Ok::<_, Broken>(number))).await;
        crate::answer(match answered {
            Err(recloser::Error::Rejected) => Ok(()),
            other => Err(other),
        });
    })
}

fn resilience(
    set: impl FnOnce(ResilienceConfig) -> ResilienceConfig,
) -> impl Service<u64, Response = u64, Error: std::fmt::Debug> + Clone {
    set(CircuitBreakerLayer::builder()).build().expect("a valid setting").layer(Echo)
}

type ResilienceConfig = tower_resilience::circuitbreaker::CircuitBreakerConfigBuilder<
    tower_resilience::circuitbreaker::DefaultClassifier,
>;
