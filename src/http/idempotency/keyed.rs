//! A request with a key, from its body to its answer: reads it, asks the store, and has it run where it is ours to run.

use super::{
    Failure, Refusal, StoredBody,
    config::Config,
    judge,
    read::{Read, Reading},
    readying::{Readying, TooLate},
    task::{self, Done},
};
use crate::{
    clock,
    deadline::{self, Deadline},
    idempotency::{Asked, Keeper, KeyStore, RecordId, Run, Trouble},
    key::Key,
    telemetry::IdempotencyOutcome,
};
use ::http::{Request, Response, request::Parts};
use bytes::Bytes;
use http_body::Body;
use std::{
    future::poll_fn,
    panic,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};
use tokio::task::{JoinError, JoinHandle};
use tower_service::Service;

/// What a request with a key needs on its way.
pub(super) struct Asking<I, S> {
    pub(super) service: I,
    pub(super) keeper: Keeper<S>,
    pub(super) config: Arc<Config>,
    pub(super) id: RecordId,
    pub(super) key: Key,
    pub(super) readying: Readying,
}

type Answer<B, E> = Result<Response<StoredBody<B>>, E>;

#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps its arguments twice, and what is boxed for every request should be small"
)]
pub(super) fn answer<I, S, Q, B>(
    mut asking: Asking<I, S>,
    head: Parts,
    body: Q,
) -> impl Future<Output = Answer<B, I::Error>> + Send
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
    async move {
        // Nothing is claimed before all of it is here.
        let data = {
            let (mut body, mut reading) = (pin!(body), Reading::new(asking.config.max_request));
            match poll_fn(|cx| reading.poll(body.as_mut(), cx)).await {
                Read::Whole { data, .. } => data,
                Read::TooLarge { .. } => return asking.refuse(Refusal::TooLarge),
                Read::Broken { .. } => return asking.refuse(Refusal::Broken),
            }
        };
        let fingerprint = asking.config.fingerprint(&head, &data);
        // What only those need who wait is boxed for them alone.
        let mut patience = None;
        loop {
            // Ready before anything is claimed.
            if let Err(TooLate) = poll_fn(|cx| asking.readying.poll(&mut asking.service, cx)).await? {
                return asking.refuse(Refusal::DeadlinePassed);
            }
            let refusal = match asking.keeper.ask_for(&asking.id, &fingerprint).await {
                Asked::Run(run) => {
                    drop(patience);
                    let request = Request::from_parts(head, Q::from(data));
                    let Asking { service, config, key, .. } = asking;
                    return done(to_its_end(begun(service, run, request, &config, key)).await, &config);
                }
                Asked::Replay(stored) => match asking.config.answers.replay(stored, &asking.key) {
                    Ok(Some(response)) => {
                        asking.keeper.tell(IdempotencyOutcome::Replayed);
                        return Ok(response);
                    }
                    Ok(None) => Refusal::NotRetained,
                    Err(_) => Refusal::Store(Trouble::Unreadable),
                },
                Asked::Busy(remaining) => {
                    // What is ready is not held while somebody else's attempt is waited for.
                    asking.service = asking.service.clone();
                    let patience =
                        patience.get_or_insert_with(|| Box::new(asking.keeper.patience(&asking.id)));
                    if Box::pin(patience.lasts()).await {
                        continue;
                    }
                    Refusal::InFlight(remaining)
                }
                Asked::Down(error) if asking.config.fail_open && error.trouble() == Trouble::Unavailable => {
                    asking.keeper.tell(IdempotencyOutcome::FailedOpen);
                    let request = Request::from_parts(head, Q::from(data));
                    let answered = Box::pin(asking.service.call(request)).await;
                    return answered.map(|response| response.map(StoredBody::passing));
                }
                Asked::Down(error) => Refusal::Store(error.trouble()),
                Asked::Unknown => Refusal::Unknown,
                Asked::Mismatch => Refusal::Reused,
                Asked::Full => Refusal::Full,
            };
            return asking.refuse(refusal);
        }
    }
}

impl<I, S> Asking<I, S> {
    fn refuse<B: Body<Data = Bytes>, E>(&self, refusal: Refusal) -> Answer<B, E> {
        self.keeper.tell(outcome(refusal));
        Ok(refuse(&self.config, refusal))
    }
}

/// An attempt that is ours to make.
struct Begun<W> {
    work: Pin<Box<W>>,
    /// Whether it may be stopped when its caller leaves.
    cancel: bool,
}

fn begun<I, S, Q, B>(
    service: I,
    mut run: Run<S>,
    request: Request<Q>,
    config: &Arc<Config>,
    key: Key,
) -> Begun<impl Future<Output = Done<B, I::Error>> + Send + 'static>
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
    let work = task::run(service, run, request, deadline, Arc::clone(config), key);
    #[cfg(feature = "tracing")]
    let work = tracing::Instrument::in_current_span(work);
    Begun { work: Box::pin(work), cancel }
}

/// Runs it to its end, whether or not the caller stays: an effect without a record would be the worst end.
///
/// It runs where it stands until it first waits, for so long nobody can leave; then it goes on in a task of its own. One that
/// never waits costs no task.
async fn to_its_end<T: Send + 'static>(
    mut begun: Begun<impl Future<Output = T> + Send + 'static>,
) -> Result<T, JoinError> {
    let first = poll_fn(|cx| Poll::Ready(deadline::apart(|| begun.work.as_mut().poll(cx)))).await;
    if let Poll::Ready(done) = first {
        return Ok(done);
    }
    let mut task = Task { handle: tokio::spawn(begun.work), cancel: begun.cancel };
    (&mut task.handle).await
}

fn done<B: Body<Data = Bytes>, E>(done: Result<Done<B, E>, JoinError>, config: &Config) -> Answer<B, E> {
    match done {
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

/// The task in which it goes on: let go when its caller leaves, or stopped where that is allowed.
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
        Refusal::DeadlinePassed => IdempotencyOutcome::DeadlinePassed,
        Refusal::Full | Refusal::Store(Trouble::Full) => IdempotencyOutcome::Full,
        Refusal::Store(_) => IdempotencyOutcome::StoreDown,
    }
}
