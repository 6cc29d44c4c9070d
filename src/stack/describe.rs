//! How layers describe themselves.

use super::{Description, Part, Payer};
use crate::{
    breaker::{BreakerLayer, KeyedBreakerLayer},
    bulkhead::{BulkheadLayer, KeyedBulkheadLayer, LiveQueue, NoQueue, Queue, Queueing},
    fallback::FallbackLayer,
    hedge::{HedgeLayer, Unsaid},
    http::{BodyTimeoutLayer, DeadlineLayer, Repeatable, Resend, RespondLayer, SendDeadlineLayer},
    rejected::LiftLayer,
    replay::{ByKey, Clones},
    retry::RetryLayer,
    timeout::{Adaptive, LiveLimit, PerRequest, TimeoutLayer, TotalLayer},
};
use std::time::Duration;

/// A layer that says what it is and what it is set to. A tuple of such layers says it of all of them, from the outside in. A
/// `ServiceBuilder` keeps its layers to itself: write the tuple.
///
/// For a layer that is not known here, say [`Part`] for it in its place:
///
/// ```
/// use buttress::stack::{self, Describe, Harm, Part};
///
/// let mine = (stack::client(), Part::ClientRetries); // a reqwest client as it comes
/// let found = stack::lint(&mine);
/// assert_eq!(found[0].harm, Harm::ClientRetriesToo);
/// println!("{}", mine.describe());
/// ```
pub trait Describe {
    /// Adds itself, and what is inside of it, at the end.
    fn describe_into(&self, description: &mut Description);

    /// Itself alone.
    fn describe(&self) -> Description {
        let mut description = Description::new();
        self.describe_into(&mut description);
        description
    }
}

impl Describe for Description {
    fn describe_into(&self, description: &mut Description) {
        self.parts().iter().for_each(|part| description.push(*part));
    }
}

impl Describe for Part {
    fn describe_into(&self, description: &mut Description) {
        description.push(*self);
    }
}

macro_rules! tuples {
    ($($($layer:ident . $at:tt)+;)+) => {
        $(impl<$($layer: Describe),+> Describe for ($($layer,)+) {
            fn describe_into(&self, description: &mut Description) {
                $(self.$at.describe_into(description);)+
            }
        })+
    };
}
tuples! {
    A.0;
    A.0 B.1;
    A.0 B.1 C.2;
    A.0 B.1 C.2 D.3;
    A.0 B.1 C.2 D.3 E.4;
    A.0 B.1 C.2 D.3 E.4 F.5;
    A.0 B.1 C.2 D.3 E.4 F.5 G.6;
    A.0 B.1 C.2 D.3 E.4 F.5 G.6 H.7;
}

impl Describe for LiftLayer {
    fn describe_into(&self, _: &mut Description) {}
}

impl<R> Describe for RespondLayer<R> {
    fn describe_into(&self, _: &mut Description) {}
}

#[cfg(feature = "tonic")]
impl Describe for crate::grpc::StatusLiftLayer {
    fn describe_into(&self, _: &mut Description) {}
}

#[cfg(feature = "tracing")]
impl Describe for crate::telemetry::SpanLayer {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Other { name: "span" });
    }
}

impl<K, C> Describe for FallbackLayer<K, C> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Other { name: "fallback" });
    }
}

impl Describe for BodyTimeoutLayer {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Other { name: "body timeout" });
    }
}

#[cfg(feature = "idempotency")]
impl Describe for crate::http::IdempotencyKeyLayer {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Other { name: "key" });
    }
}

#[cfg(feature = "idempotency")]
impl<S> Describe for crate::http::IdempotencyLayer<S> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Other { name: "idempotency" });
    }
}

/// What its methods have, at most: each has a part of it.
#[cfg(feature = "service-config")]
impl Describe for crate::grpc::CallsLayer {
    fn describe_into(&self, description: &mut Description) {
        use crate::grpc::Plan;
        let (methods, payer) = (self.methods(), Payer::of(self.payer()));
        if methods.iter().any(|method| method.timeout().is_some()) {
            description.push(Part::Total { limit: None });
        }
        let attempts = methods.iter().filter_map(|method| match method.plan() {
            Plan::Retry(policy) => Some(policy.max_attempts()),
            _ => None,
        });
        if let Some(attempts) = attempts.max() {
            description.push(Part::Retry { attempts, payer });
        }
        if methods.iter().any(|method| matches!(method.plan(), Plan::Hedge(_))) {
            description.push(Part::Hedge { payer });
        }
    }
}

impl<R> Describe for DeadlineLayer<R> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::DeadlineIn { trusted: self.trusted() });
    }
}

impl<W> Describe for SendDeadlineLayer<W> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::DeadlineOut);
    }
}

/// A limit as far as it can be told before there is a request.
trait Known {
    fn known(&self) -> Option<Duration>;
}

impl Known for Duration {
    fn known(&self) -> Option<Duration> {
        Some(*self)
    }
}

impl Known for LiveLimit {
    fn known(&self) -> Option<Duration> {
        Some(self.get())
    }
}

impl<F> Known for PerRequest<F> {
    fn known(&self) -> Option<Duration> {
        None
    }
}

impl Known for Adaptive {
    fn known(&self) -> Option<Duration> {
        None
    }
}

macro_rules! limits {
    ($([$($generic:ident)?] $limit:ty),+) => {
        $(impl$(<$generic>)? Describe for TimeoutLayer<$limit> {
            fn describe_into(&self, description: &mut Description) {
                description.push(Part::Timeout { limit: self.limited_by().known() });
            }
        }

        impl$(<$generic>)? Describe for TotalLayer<$limit> {
            fn describe_into(&self, description: &mut Description) {
                description.push(Part::Total { limit: self.limited_by().known() });
            }
        })+
    };
}
limits!([] Duration, [] LiveLimit, [F] PerRequest<F>, [] Adaptive);

impl<C, F> Describe for RetryLayer<C, Clones<F>> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Retry { attempts: self.attempts(), payer: Payer::of(self.budget()) });
    }
}

impl<C, R, O, K> Describe for RetryLayer<C, ByKey<R, O, K>> {
    fn describe_into(&self, description: &mut Description) {
        let payer = Payer::by_key(self.replay().budgets());
        description.push(Part::Retry { attempts: self.attempts(), payer });
    }
}

impl<C> Describe for RetryLayer<C, Resend> {
    fn describe_into(&self, description: &mut Description) {
        let payer = self.replay().by_host().map_or_else(|| Payer::of(self.budget()), Payer::by_key);
        description.push(Part::Retry { attempts: self.attempts(), payer });
    }
}

impl<C> Describe for HedgeLayer<Unsaid, C> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Hedge { payer: Payer::of(self.payer().0) });
    }
}

impl<C, F> Describe for HedgeLayer<Clones<F>, C> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Hedge { payer: Payer::of(self.payer().0) });
    }
}

impl<C, R, O, K> Describe for HedgeLayer<ByKey<R, O, K>, C> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Hedge { payer: Payer::by_key(self.replayed_by().budgets()) });
    }
}

impl<C> Describe for HedgeLayer<Resend, C> {
    fn describe_into(&self, description: &mut Description) {
        let payer = self.replayed_by().by_host().map_or_else(|| Payer::of(self.payer().0), Payer::by_key);
        description.push(Part::Hedge { payer });
    }
}

impl<C> Describe for HedgeLayer<Repeatable, C> {
    fn describe_into(&self, description: &mut Description) {
        let (budget, named) = self.payer();
        let payer = self.replayed_by().by_host(named).map_or_else(|| Payer::of(budget), Payer::by_key);
        description.push(Part::Hedge { payer });
    }
}

impl<C> Describe for BreakerLayer<C> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Breaker);
    }
}

impl<K, P, C> Describe for KeyedBreakerLayer<K, P, C> {
    fn describe_into(&self, description: &mut Description) {
        description.push(Part::Breaker);
    }
}

macro_rules! bulkheads {
    ($($queue:ty: $told:expr;)+) => {
        $(impl<H> Describe for BulkheadLayer<$queue, H> {
            fn describe_into(&self, description: &mut Description) {
                let queue = $told(self.queueing());
                description.push(Part::Bulkhead { limit: self.slots().limit(), queue });
            }
        }

        impl<K, P, H> Describe for KeyedBulkheadLayer<K, P, $queue, H> {
            fn describe_into(&self, description: &mut Description) {
                let queue = $told(self.queueing());
                description.push(Part::Bulkhead { limit: self.slots().limit(), queue });
            }
        })+
    };
}
bulkheads! {
    NoQueue: |_: &NoQueue| None;
    Queue: |queue: &Queue| of(*queue);
    LiveQueue: |queue: &LiveQueue| of(queue.queue());
}

fn of(queue: Queue) -> Option<(u32, Duration)> {
    (queue.len() > 0).then(|| (queue.len(), queue.longest()))
}
