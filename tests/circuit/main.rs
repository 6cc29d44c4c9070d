//! The core of the circuit breaker, judged from outside: against a naive model over random sequences, by the points on which
//! known breakers disagree, and at its edges. Layers and services around it are judged elsewhere.

mod agrees;
mod edges;
mod model;
mod own;
mod plan;
mod retune;
mod reuse;
mod ties;
