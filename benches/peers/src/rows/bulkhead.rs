//! Bulkheads: what a call pays to be counted in and out, and what one pays that is refused.

use crate::{
    Bar, Batch, Row, batch, calls, clones, pending_calls, plain,
    service::{Broken, Echo, PendsOnce},
    under_deadline,
};
use buttress::{
    Lifted,
    bulkhead::{Bulkhead, BulkheadLayer, KeyedBulkheadLayer, KeyedSlots, NoQueue, Queue, Slots},
    over,
    rejected::Lift,
};
use std::{borrow::Cow, fmt::Debug, hint::black_box, mem, sync::Arc};
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, load_shed::LoadShed};
use tower_resilience::bulkhead::BulkheadLayer as ResilienceLayer;

/// Far from full, so that a slot is always free.
const LIMIT: u32 = 100;

pub(super) fn rows() -> Vec<Row> {
    vec![
        // Tower queues, and so does tower-resilience unless told otherwise: the shedding forms do what ours does here.
        Row::new("bulkhead, a slot is free")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(ConcurrencyLimit::new(Echo, LIMIT as usize)))
            .peer("tower, load shed outside", || {
                calls(LoadShed::new(ConcurrencyLimit::new(Echo, LIMIT as usize)))
            })
            .peer("tower-resilience", || calls(resilience(Echo)))
            .ours("buttress", || calls(ours(Echo)))
            .bar(bar(20.0, 90.0)),
        Row::new("bulkhead, a slot is free, inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower", || pending_calls(ConcurrencyLimit::new(PendsOnce, LIMIT as usize)))
            .peer("tower-resilience", || pending_calls(resilience(PendsOnce)))
            .ours("buttress", || pending_calls(ours(PendsOnce)))
            .bar(nothing_allocated()),
        Row::new("bulkhead with a queue, a slot is free")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(ConcurrencyLimit::new(Echo, LIMIT as usize)))
            .peer("tower-resilience", || calls(waiting_resilience(Echo)))
            .ours("buttress", || calls(queueing(Echo)))
            .bar(nothing_allocated()),
        // The peers know no deadline.
        Row::new("bulkhead under a deadline, a slot is free")
            .floor("no layer", || calls(Echo))
            .peer("tower, blind to it", || calls(ConcurrencyLimit::new(Echo, LIMIT as usize)))
            .ours("buttress", || under_deadline(calls(ours(Echo))))
            .bar(nothing_allocated()),
        Row::new("bulkhead by key, a slot is free")
            .floor("no layer", || calls(Echo))
            .ours("buttress", || {
                let slots = KeyedSlots::new(100, LIMIT);
                let layer = KeyedBulkheadLayer::new(&slots, |_: &u64| Some(Cow::from("orders.example:80")));
                calls(over(layer, Echo))
            })
            .bar(nothing_allocated()),
        Row::new("bulkhead, clone and oneshot")
            .floor("no layer", || clones(Echo))
            .peer("tower", || clones(ConcurrencyLimit::new(Echo, LIMIT as usize)))
            .peer("tower-resilience", || clones(resilience(Echo)))
            .ours("buttress", || clones(ours(Echo)))
            .bar(nothing_allocated()),
        Row::new("bulkhead full, refused")
            .floor("no layer", || calls(Echo))
            .peer("tower, load shed outside", || {
                refused(LoadShed::new(ConcurrencyLimit::with_semaphore(Echo, Arc::new(Semaphore::new(0)))))
            })
            .ours("buttress", || {
                let slots = Slots::new("bench", 1);
                mem::forget(slots.try_acquire());
                refused(over(BulkheadLayer::new(&slots), Echo))
            })
            .bar(nothing_allocated()),
        Row::new("bulkhead by its handle")
            .floor("nothing", || {
                plain(|number| {
                    black_box(number);
                })
            })
            .peer("tokio semaphore, borrowed", || {
                let slots = Semaphore::new(LIMIT as usize);
                plain(move |_| drop(black_box(black_box(&slots).try_acquire().ok())))
            })
            .peer("tokio semaphore, owned", || {
                let slots = Arc::new(Semaphore::new(LIMIT as usize));
                plain(move |_| drop(black_box(Arc::clone(black_box(&slots)).try_acquire_owned().ok())))
            })
            .ours("buttress", || {
                let slots = Slots::new("bench", LIMIT);
                plain(move |_| drop(black_box(black_box(&slots).try_acquire().ok())))
            })
            .bar(nothing_allocated()),
    ]
}

fn bar(nanoseconds: f64, instructions: f64) -> Bar {
    Bar { nanoseconds: Some(nanoseconds), instructions: Some(instructions), ..nothing_allocated() }
}

fn nothing_allocated() -> Bar {
    Bar { allocations: Some(0.0), ..Bar::default() }
}

fn ours<S>(service: S) -> Bulkhead<Lift<S>, NoQueue> {
    over(BulkheadLayer::new(&Slots::new("bench", LIMIT)), service)
}

fn queueing<S>(service: S) -> Bulkhead<Lift<S>, Queue> {
    over(BulkheadLayer::new(&Slots::new("bench", LIMIT)).queue(LIMIT), service)
}

/// Every call must be refused.
fn refused<S>(mut service: S) -> Batch
where
    S: Service<u64, Response = u64> + 'static,
    S::Error: Refusal,
{
    batch(async move |number| {
        let service = black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => service.call(number).await,
            Err(error) => Err(error),
        };
        crate::answer(match answered {
            Err(error) if error.is_refusal() => Ok(error),
            other => Err(other),
        });
    })
}

trait Refusal: Debug {
    fn is_refusal(&self) -> bool;
}

impl Refusal for tower::BoxError {
    fn is_refusal(&self) -> bool {
        self.is::<tower::load_shed::error::Overloaded>()
    }
}

impl Refusal for Lifted<Broken> {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }
}

fn resilience<S>(service: S) -> impl Service<u64, Response = u64, Error: Debug> + Clone
where
    S: Service<u64, Response = u64, Error = Broken, Future: Send> + Clone + Send + 'static,
{
    let layer = ResilienceLayer::builder().max_concurrent_calls(LIMIT as usize).reject_when_full().build();
    layer.expect("a valid setting").layer(service)
}

fn waiting_resilience<S>(service: S) -> impl Service<u64, Response = u64, Error: Debug> + Clone
where
    S: Service<u64, Response = u64, Error = Broken, Future: Send> + Clone + Send + 'static,
{
    let layer = ResilienceLayer::builder().max_concurrent_calls(LIMIT as usize).build();
    layer.expect("a valid setting").layer(service)
}
