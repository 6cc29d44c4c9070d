//! The fallback as a user meets it. The laws it shares with every layer are judged in `tests/contract`.

#[path = "../counting/mod.rs"]
mod counting;

mod allocations;
mod covers;
mod deadline;
mod endings;
mod last_good;
mod pages;
mod second_service;
mod servers;
mod telling;

use buttress::{
    Lifted, Rejected,
    rejected::Reason,
    testing::{Fault, PANIC},
};
use std::time::Duration;
use tower::{Layer, Service, ServiceExt};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What the service inside does with the next call.
#[derive(Clone, Debug, PartialEq)]
enum Does {
    Answers(u64),
    Fails(u64),
    Rejects(Reason, bool),
}

/// Does with each call what the call says.
fn obedient() -> impl Service<Does, Response = u64, Error = Lifted<Fault>, Future: Send> + Clone {
    tower::service_fn(|does| async move {
        match does {
            Does::Answers(n) => Ok(n),
            Does::Fails(id) => Err(Lifted::Inner(Fault::new(id))),
            Does::Rejects(reason, reached) => Err(Rejected::new(reason, "inside", reached).into()),
        }
    })
}

/// An open circuit.
fn open() -> Does {
    Does::Rejects(Reason::Open, false)
}

/// One call of a fresh service under `layer`.
async fn ask<L>(layer: &L, does: Does) -> Result<u64, Lifted<Fault>>
where
    L: Layer<tower::util::BoxCloneService<Does, u64, Lifted<Fault>>>,
    L::Service: Service<Does, Response = u64, Error = Lifted<Fault>>,
{
    layer.layer(tower::util::BoxCloneService::new(obedient())).oneshot(does).await
}

fn is_scripted(payload: &(dyn std::any::Any + Send)) -> bool {
    payload.downcast_ref::<&str>() == Some(&PANIC)
}
