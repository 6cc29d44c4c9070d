//! A request with a key, from its body to its answer: reads it, asks the store, and has it run where it is ours to run.

use super::{
    Failure, Refusal, StoredBody,
    config::Config,
    judge,
    read::{Read, read},
    task::{self, Done},
};
use crate::{
    clock,
    deadline::Deadline,
    idempotency::{Asked, Keeper, KeyStore, RecordId, Run, Trouble},
    key::Key,
    telemetry::IdempotencyOutcome,
};
use ::http::{Request, Response, request::Parts};
use bytes::Bytes;
use http_body::Body;
use std::{future::poll_fn, panic, sync::Arc};
use tokio::task::JoinHandle;
use tower_service::Service;

/// What a request with a key needs on its way.
pub(super) struct Asking<I, S> {
    pub(super) service: I,
    pub(super) keeper: Keeper<S>,
    pub(super) config: Arc<Config>,
    pub(super) id: RecordId,
    pub(super) key: Key,
}

type Answer<B, E> = Result<Response<StoredBody<B>>, E>;

pub(super) async fn answer<I, S, Q, B>(asking: Asking<I, S>, head: Parts, body: Q) -> Answer<B, I::Error>
where
    I: Service<Request<Q>, Response = Response<B>> + Clone + Send + 'static,
    I::Future: Send,
    I::Error: Failure + Send + 'static,
    S: KeyStore,
    Q: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    Q::Error: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    let Asking { service, keeper, config, id, key } = asking;
    let no = |refusal| {
        keeper.tell(outcome(refusal));
        Ok(refuse(&config, refusal))
    };
    // Nothing is claimed before all of it is here.
    let data = match read(body, config.max_request).await {
        Read::Whole { data, .. } => data,
        Read::TooLarge { .. } => return no(Refusal::TooLarge),
        Read::Broken { .. } => return no(Refusal::Broken),
    };
    let fingerprint = config.fingerprint(&head, &data);
    let mut patience = keeper.patience(id);
    loop {
        // Ready before anything is claimed; and not held while somebody else's attempt is waited for.
        let mut service = service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await?;
        let refusal = match keeper.ask_now(id, fingerprint).await {
            Asked::Run(run) => {
                let request = Request::from_parts(head, Q::from(data));
                return run_it(service, run, request, &config, &key).await;
            }
            Asked::Replay(stored) => match config.answers.replay(&stored, &key) {
                Ok(Some(response)) => {
                    keeper.tell(IdempotencyOutcome::Replayed);
                    return Ok(response);
                }
                Ok(None) => Refusal::NotRetained,
                Err(_) => Refusal::Store(Trouble::Unreadable),
            },
            Asked::Busy(remaining) => {
                drop(service);
                if patience.lasts().await {
                    continue;
                }
                Refusal::InFlight(remaining)
            }
            Asked::Down(error) if config.fail_open && error.trouble() == Trouble::Unavailable => {
                keeper.tell(IdempotencyOutcome::FailedOpen);
                let request = Request::from_parts(head, Q::from(data));
                return service.call(request).await.map(|response| response.map(StoredBody::passing));
            }
            Asked::Down(error) => Refusal::Store(error.trouble()),
            Asked::Unknown => Refusal::Unknown,
            Asked::Mismatch => Refusal::Reused,
            Asked::Full => Refusal::Full,
        };
        return no(refusal);
    }
}

/// Has it run in a task of its own, which goes on when the caller leaves: an effect without a record would be the worst end.
async fn run_it<I, S, Q, B>(
    service: I,
    mut run: Run<S>,
    request: Request<Q>,
    config: &Arc<Config>,
    key: &Key,
) -> Answer<B, I::Error>
where
    I: Service<Request<Q>, Response = Response<B>> + Send + 'static,
    I::Future: Send,
    I::Error: Failure + Send + 'static,
    S: KeyStore,
    Q: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    let cancel = config.cancel_with_client;
    if cancel {
        run.release_on_drop();
    }
    // A spawn forgets the deadline. What looks at it inside ends before the lease would, even if no renewal gets through.
    let own = Deadline::after(clock::now(), run.time_to_run());
    let deadline = Deadline::current().map_or(own, |given| given.min(own));
    let work = task::run(service, run, request, deadline, Arc::clone(config), key.clone());
    #[cfg(feature = "tracing")]
    let work = tracing::Instrument::in_current_span(work);
    let mut task = Task { handle: tokio::spawn(work), cancel };
    match (&mut task.handle).await {
        Ok(Done::Answered(response)) => Ok(response),
        Ok(Done::Refused(refusal)) => Ok(refuse(config, refusal)),
        Ok(Done::Failed(error)) => Err(error),
        Ok(Done::Panicked(panic)) => panic::resume_unwind(panic),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is going down.
            Err(_) => Ok(refuse(config, Refusal::Full)),
        },
    }
}

/// The task that runs it: let go when its caller leaves, or stopped where that is allowed.
struct Task<T> {
    handle: JoinHandle<T>,
    cancel: bool,
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.cancel {
            self.handle.abort();
        }
    }
}

pub(super) fn refuse<B: Body<Data = Bytes>>(config: &Config, refusal: Refusal) -> Response<StoredBody<B>> {
    judge::refuse(&*config.dialect, &config.problems, refusal).map(|body| StoredBody::own(body, None))
}

/// What listeners are told of a refusal.
pub(super) const fn outcome(refusal: Refusal) -> IdempotencyOutcome {
    match refusal {
        Refusal::Missing => IdempotencyOutcome::Missing,
        Refusal::Invalid(_) | Refusal::Weak | Refusal::Nobody | Refusal::Broken => {
            IdempotencyOutcome::Invalid
        }
        Refusal::TooLarge => IdempotencyOutcome::TooLarge,
        Refusal::Reused => IdempotencyOutcome::Mismatch,
        Refusal::InFlight(_) => IdempotencyOutcome::InFlight,
        Refusal::Fenced => IdempotencyOutcome::Fenced,
        Refusal::Unknown => IdempotencyOutcome::Unknown,
        Refusal::NotRetained => IdempotencyOutcome::NotRetained,
        Refusal::Unstored => IdempotencyOutcome::Unstored,
        Refusal::Store(Trouble::Quota) => IdempotencyOutcome::Quota,
        Refusal::Full | Refusal::Store(Trouble::Full) => IdempotencyOutcome::Full,
        Refusal::Store(_) => IdempotencyOutcome::StoreDown,
    }
}
