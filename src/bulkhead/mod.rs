//! So many calls at once, and no more.
//!
//! # The trouble
//!
//! A service calls three others, and one of them turns slow. Every call to it now holds a connection, some memory and a
//! place in a pool for seconds instead of milliseconds, and soon all of them are held by the slow one: the other two, which
//! are well, are not reached any more. A ship is divided by bulkheads, so that one leak does not fill all of it. Here each
//! dependency gets so many slots; who finds none free is refused at once, or waits for a bounded time in a bounded queue.
//!
//! # The call
//!
//! ```
//! use std::{future::pending, io};
//! use buttress::{Lifted, bulkhead::{BulkheadLayer, Slots}, rejected::Reason};
//! use tower::{Service, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let slots = Slots::new("reports", 2);
//! let slow = tower::service_fn(|_: ()| pending::<Result<(), io::Error>>());
//! let mut client = buttress::over(BulkheadLayer::new(&slots), slow);
//!
//! let one = client.ready().await.unwrap().call(());
//! let two = client.ready().await.unwrap().call(());
//! let three = client.ready().await.unwrap().call(());
//! match three.await {
//!     Err(Lifted::Rejected(why)) => assert_eq!((why.reason(), why.reached()), (Reason::Full, false)),
//!     other => panic!("there were two slots: {other:?}"),
//! }
//! drop((one, two)); // the callers gave up
//! assert_eq!(slots.in_flight(), 0);
//! # }
//! ```
//!
//! With a queue, a call waits for its turn, first come, first served:
//!
//! ```
//! # use std::{io, time::Duration};
//! # use buttress::bulkhead::{BulkheadLayer, Slots};
//! # use tower::ServiceExt;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let slots = Slots::new("reports", 1);
//! let layer = BulkheadLayer::new(&slots).queue(100).max_wait(Duration::from_millis(250));
//! # let takes = Duration::from_millis(100);
//! # let reports = tower::service_fn(move |_: ()| async move { tokio::time::sleep(takes).await; Ok::<_, io::Error>(()) });
//! let client = buttress::over(layer, reports); // each takes 100 ms
//!
//! let started = tokio::time::Instant::now();
//! let (one, two) = tokio::join!(client.clone().oneshot(()), client.clone().oneshot(()));
//! assert!(one.is_ok() && two.is_ok());
//! assert_eq!(started.elapsed(), Duration::from_millis(200));
//! # }
//! ```
//!
//! # What is counted
//!
//! Calls from their admission to their answer: a future that was made and not polled holds its slot too. With
//! [`hold`](BulkheadLayer::hold) and a classifier that waits for the end of the response (`http::ToEnd`), to that end: the
//! slot is given back when the body has ended, has broken off, or is dropped.
//!
//! | question | answer |
//! |---|---|
//! | a limit of 0 | is 1 |
//! | a limit of [`u32::MAX`] | is none, though calls are counted |
//! | no slot free, no queue | [`Full`](crate::rejected::Reason::Full), without a time to come again: nobody knows it |
//! | found full in `poll_ready` | that call is refused, though a slot become free before it |
//! | a queue | of the length that is set, none by default; a newcomer never overtakes, with or without a queue of its own |
//! | a wait | ends after [`max_wait`](Queue::max_wait), one second by default, as `Full`; at the [`Deadline`](crate::Deadline) of the call, where that is earlier, as [`DeadlinePassed`](crate::rejected::Reason::DeadlinePassed) |
//! | a slot that comes at that very instant | is taken |
//! | a call whose deadline has passed | is refused before it takes a slot or a place in the queue |
//! | a queue that is [changed](LiveQueue) | holds for who comes from then on |
//! | [`set_limit`](Slots::set_limit) below what is inside | throws nobody out; as many have to end first |
//!
//! Somebody who listens, by [`Slots::observe`] or [`telemetry::install`](crate::telemetry::install), is told the number of
//! calls inside whenever it changes, so twice a call, and how long each call in the queue has waited, however its wait
//! ended. Where nobody listens neither is even counted up.
//!
//! # Where it stands
//!
//! Inside the retry, so that no slot is held through a backoff; inside the breaker, which takes its refusals for what they
//! are; outside the timeout of one attempt, which gives the slot back by cutting the call. The wait in the queue is not part
//! of the attempt.
//!
//! One [`Slots`] a dependency; where one client reaches many, [`KeyedSlots`] makes one for each host. Several layers over the same slots share them, each with a queue of its own length or none.
//!
//! # Cancel and clone
//!
//! Clones of a layer, a service and a handle share the slots. A call that is dropped gives its slot back, wherever it was;
//! in the queue it leaves at once, and a slot that was granted to it at that instant passes on to the next. A panic inside
//! gives the slot back with the future that it tears down.
//!
//! With a queue, `poll_ready` is always ready and does not ask inside: the call readies a clone of the service after its
//! turn has come. So nobody who waits keeps a readied connection from others, the service has to be `Clone`, and its
//! readiness errors come out of the call. An inside that is not ready by the deadline of the call ends it as
//! [`DeadlinePassed`](crate::rejected::Reason::DeadlinePassed), and the slot is free again.

mod acquire;
mod compartment;
mod future;
mod hold;
mod keyed_layer;
mod keyed_service;
mod layer;
mod line;
mod queue;
mod queued;
mod registry;
mod service;
mod shared;
mod slot;
mod slots;
mod sync;
#[cfg(test)]
mod tests;
mod word;

pub use acquire::Acquire;
pub use future::ResponseFuture;
pub use hold::ToHead;
pub use keyed_layer::KeyedBulkheadLayer;
pub use keyed_service::KeyedBulkhead;
pub use layer::BulkheadLayer;
pub use queue::{LiveQueue, NoQueue, Queue, Queueing};
pub use queued::QueuedFuture;
pub use registry::KeyedSlots;
pub use service::Bulkhead;
pub use slot::Slot;
pub use slots::Slots;
