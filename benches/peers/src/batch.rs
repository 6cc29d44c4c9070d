//! How a contender is driven: so many calls in one go, with the runtime entered once around them.
//!
//! A batch is a single poll of a single task. It runs without tokio's budget of polls (a task that never yields would
//! use it up, and from then on a timer would not even be registered); in a server each call starts with a fresh one.

use buttress::{Deadline, clock};
use std::{fmt::Debug, future::poll_fn, hint::black_box, pin::pin, time::Duration};
use tokio::{runtime::Runtime, task::unconstrained};
use tower::{Service, ServiceExt};

/// So many calls, made on that runtime.
pub type Batch = Box<dyn FnMut(&Runtime, u64)>;

/// The runtime of all measurements: one thread, timers, nothing else.
#[must_use]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O")
}

/// A batch of anything that can be awaited; it gets the number of the call.
pub fn batch(mut call: impl AsyncFnMut(u64) + 'static) -> Batch {
    Box::new(move |runtime, calls| {
        runtime.block_on(unconstrained(async {
            for number in 0..calls {
                call(black_box(number)).await;
            }
        }));
    })
}

/// A batch of something that does not wait.
pub fn plain(mut call: impl FnMut(u64) + 'static) -> Batch {
    batch(async move |number| call(number))
}

/// `service.ready().await`, then `.call(..).await` with the number of the call.
pub fn calls<S>(mut service: S) -> Batch
where
    S: Service<u64> + 'static,
    S::Error: Debug,
{
    // Written out, and not by way of `requests`: that would put a nanosecond on every number.
    batch(async move |number| {
        // The optimiser may know nothing of the settings in the service: in a program they come from far away.
        let service = black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => service.call(number).await,
            Err(error) => Err(error),
        };
        answer(answered);
    })
}

/// The same with a request made from the number of the call.
pub fn requests<S, Req>(mut service: S, mut request: impl FnMut(u64) -> Req + 'static) -> Batch
where
    S: Service<Req> + 'static,
    S::Error: Debug,
{
    batch(async move |number| {
        let service = black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => service.call(request(number)).await,
            Err(error) => Err(error),
        };
        answer(answered);
    })
}

/// The same for a service that is pending at first: polled again at once, so that the runtime is not measured.
pub fn pending_calls<S>(mut service: S) -> Batch
where
    S: Service<u64> + 'static,
    S::Error: Debug,
{
    batch(async move |number| {
        let service = black_box(&mut service);
        let answered = match service.ready().await {
            Ok(service) => polled_on(service.call(number)).await,
            Err(error) => Err(error),
        };
        answer(answered);
    })
}

/// `service.clone().oneshot(..)`: what hyper and axum do for every request.
pub fn clones<S>(service: S) -> Batch
where
    S: Service<u64> + Clone + 'static,
    S::Error: Debug,
{
    batch(async move |number| {
        let service = black_box(&service).clone();
        answer(service.oneshot(number).await);
    })
}

/// The same batch with a deadline in force that does not pass.
#[must_use]
pub fn under_deadline(mut batch: Batch) -> Batch {
    Box::new(move |runtime, calls| {
        let end = Deadline::after(clock::now(), Duration::from_secs(3600));
        end.sync_scope(|| batch(runtime, calls));
    })
}

/// Every call must succeed; else the row would measure something else than it says.
#[inline(always)]
pub fn answer<T, E: Debug>(answer: Result<T, E>) {
    match answer {
        Ok(value) => {
            black_box(value);
        }
        Err(error) => failed(&error),
    }
}

#[cold]
fn failed(error: &dyn Debug) -> ! {
    panic!("a contender failed a call: {error:?}")
}

/// Polls until there is an answer, without giving the thread back.
pub async fn polled_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        loop {
            let poll = future.as_mut().poll(cx);
            if poll.is_ready() {
                return poll;
            }
        }
    })
    .await
}
