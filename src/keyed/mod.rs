//! One of these for each host, each route, each key: bounded, and found without a lock that others wait for.
//!
//! # The trouble
//!
//! A breaker, a bulkhead or a budget is meant for one service behind it; a client talks to many, and learns of them as it
//! goes. A map of keys to handles is soon written, and then there is a lock on every call, a `String` for every look, and
//! somebody who sends a new host name each time until the memory is gone.
//!
//! # The call
//!
//! A [`Registry`] keeps at most so many values. A newcomer finds a place where there is one; else the one that was idle
//! longest leaves, of those that may; else the newcomer shares one value with all others who found no place:
//!
//! ```
//! use buttress::keyed::{Found, Registry};
//!
//! // an even number may leave
//! let registry = Registry::<String, u32>::new(2, |value| value % 2 == 0);
//! let ask = |key: &str, value: u32| registry.get_or_make(key, |own| own.map_or(99, |_| value));
//! assert_eq!(ask("a", 1), Found::Made(1));
//! assert_eq!(ask("b", 2), Found::Made(2));
//! assert_eq!(ask("a", 7), Found::Known(1));
//! assert_eq!(ask("c", 3), Found::Made(3)); // "b" has left
//! assert_eq!(ask("d", 4), Found::Overflow { value: 99, first: true });
//! assert_eq!(ask("e", 5), Found::Overflow { value: 99, first: false });
//! assert_eq!(registry.len(), 2);
//! ```
//!
//! # What it costs
//!
//! A known key is found under a shared lock that no other core touches (there is one copy of the index for each core, up to
//! sixteen), by the borrowed key, without an allocation. A newcomer takes a lock, and where the registry is full looks at
//! up to 1024 values for the one to leave. Who finds no place pays about as much at every call, but for looking at no more
//! than 16.
//!
//! # What idle means
//!
//! Time is told by calls, since a clock would have to be read at each: of two values the one whose last use lies further
//! back leaves first. That is exact for the first thousand looks of a core after a newcomer, and from then on give or take
//! the last 64.
//!
//! # Which key
//!
//! [`KeyOf`] finds the key of a request: a function, by [`By`], or `http::per_authority()`. Hosts and routes are keys;
//! paths, users and ids are not: there is no end to them, and each becomes a name in your metrics.

mod entry;
mod family;
mod found;
mod key_of;
mod places;
mod registry;
mod stripes;
#[cfg(test)]
mod tests;

pub use found::Found;
pub use key_of::{By, KeyOf};
pub use registry::Registry;

pub(crate) use family::{Family, Kind};
