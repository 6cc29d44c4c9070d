//! Stops calling what does not answer, and finds out when it does again.
//!
//! # The trouble
//!
//! A service that fails is still being called: every caller waits its timeout, holds its slot meanwhile, and the service,
//! which might recover, drowns in calls that nobody will wait for. A circuit in front of it counts what comes back. While
//! it is **closed**, traffic flows; when too much of it fails it **opens**, and calls are refused at once with the time to
//! come again; after that time it is **half-open** and lets a few through as probes, whose answers decide.
//!
//! # The call
//!
//! ```
//! use std::time::Duration;
//! use buttress::{Lifted, breaker::{BreakerLayer, Circuit, Policy, State, Trip}, rejected::Reason};
//! use tower::{Service, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let policy = Policy::new().trip(Trip::consecutive(3)).open_for(Duration::from_secs(10));
//! let circuit = Circuit::new("payments", &policy);
//! let broken = tower::service_fn(|_: ()| async { Err::<(), _>(std::io::Error::other("no route to host")) });
//! let mut client = buttress::over(BreakerLayer::new(&circuit), broken);
//!
//! for _ in 0..3 {
//!     client.ready().await.unwrap().call(()).await.unwrap_err();
//! }
//! assert_eq!(circuit.state(), State::Open);
//! let Err(Lifted::Rejected(why)) = client.ready().await.unwrap().call(()).await else { panic!("it is open") };
//! assert_eq!((why.reason(), why.retry_after()), (Reason::Open, Some(Duration::from_secs(10))));
//!
//! tokio::time::advance(Duration::from_secs(10)).await;
//! client.ready().await.unwrap().call(()).await.unwrap_err(); // the probe
//! assert_eq!(circuit.snapshot().openings_in_a_row, 2);
//! # }
//! ```
//!
//! # What is counted
//!
//! Each call once, at its end, by its [`Outcome`](crate::outcome::Outcome): where a classifier waits for the end of a body,
//! at that end. Successes and failures count; rejections by a layer of ours inside, and callers who left, count for
//! nothing; a 429 counts in the rates and not in the run. What answers after the circuit has turned counts for nothing
//! either: results carry the generation of their permit. A readiness error of the inside is a failure.
//!
//! A probe does not wait for the end of a long body: its first frame or message answers it, and where none comes, its good
//! head does once it is [old enough](Policy::settle_after).
//!
//! The rules are a [`Trip`]: failures in a row, rates over the last calls or the last while, slow calls, one of your own;
//! any of them opens. The defaults:
//!
//! | question | answer |
//! |---|---|
//! | opens | at half of the calls of 10 s failed, once there were 20; below that, at 5 failures in a row |
//! | a rate equal to its threshold | opens |
//! | a call exactly as long as the slow threshold | is not slow |
//! | stays open | 30 s, give or take a tenth; the failed response may ask for longer, up to 30 s |
//! | exactly at the end of the open time | probes are let through |
//! | who turns it from open to half-open | the next call, never a timer |
//! | probes | one; if it fails it opens again, if it succeeds it closes; a 429 is no success, and opens it again |
//! | a probe that never answers | has failed after the open time, and its late answer moves nothing |
//! | a success that completes the sample | can open |
//! | forced states | stick until [`Circuit::auto`] |
//!
//! # Where it stands
//!
//! Outside the timeout of one attempt, so that it sees what that cuts; inside the retry, so that a retry asks it again. One
//! circuit a host: a client of one host takes a [`BreakerLayer`], a client of many a [`KeyedBreakerLayer`] over [`Circuits`],
//! over HTTP by `KeyedBreakerLayer::per_authority`.
//!
//! # Cancel and clone
//!
//! Clones of a layer, a service and a [`Circuit`] share the circuit; two circuits share nothing. A call that is dropped
//! gives its permit back: cut by a layer of ours it is a timeout, in a panic a panic, and else nothing, unless the policy
//! says [`abandoned_after`](Policy::abandoned_after). That is the setting for timeouts that are not ours and stand outside
//! (`tokio::time::timeout`, tower's, tower-http's), and for calls that are spawned and aborted: they look like a caller who
//! left, unless the call's deadline has passed. A dropped probe leaves the circuit half-open, and the next call is the
//! probe. A call that outlives the last handle of its circuit goes on, and what comes of it is told to nobody.

mod admit;
mod buckets;
mod call;
mod circuit;
mod counts;
mod future;
mod hot;
mod keyed_future;
mod keyed_layer;
mod keyed_service;
mod layer;
mod marks;
mod more;
mod news;
mod owner;
mod permit;
mod policy;
mod probe;
mod record;
mod registry;
mod retune;
mod ring;
mod rules;
mod service;
mod slot;
mod sync;
mod trip;
mod turn;
mod waiting;
mod watch;
mod watchers;
mod word;

pub use crate::telemetry::{CircuitState as State, Why};
pub use call::Call;
pub use circuit::{Circuit, Snapshot};
pub use future::ResponseFuture;
pub use keyed_future::KeyedResponseFuture;
pub use keyed_layer::KeyedBreakerLayer;
pub use keyed_service::KeyedBreaker;
pub use layer::BreakerLayer;
pub use permit::Permit;
pub use policy::Policy;
pub use registry::Circuits;
pub use service::Breaker;
pub use trip::{Rule, Trip};
pub use watch::Watch;
