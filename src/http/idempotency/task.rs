//! The task of one attempt: runs the handler to the end of its answer, then writes down what came of it, then gives it out.

use super::{
    Failure, Idempotent, Refusal, StoredBody,
    config::Config,
    judge,
    read::{Read, read},
};
use crate::{
    deadline::Deadline,
    idempotency::{Body as Kept, Ended, Ending, KeyStore, Outcome, Run},
    key::Key,
};
use ::http::{HeaderName, HeaderValue, Request, Response, StatusCode, response::Parts};
use bytes::Bytes;
use http_body::Body;
use std::{any::Any, sync::Arc};
use tower_service::Service;

/// What the caller gets, if it is still there.
#[expect(clippy::large_enum_variant, reason = "handed over once: a box would be an allocation for nothing")]
pub(super) enum Done<B: Body, E> {
    Answered(Response<StoredBody<B>>),
    Refused(Refusal),
    Failed(E),
    Panicked(Box<dyn Any + Send>),
}

/// What came out of the handler.
enum Came<B: Body, E> {
    Answer(Parts, Read<B>),
    /// The connection becomes something else: nothing of it can be kept.
    Upgrade(Response<B>),
    Error(E),
}

const STORED: HeaderName = HeaderName::from_static("idempotency-stored");

pub(super) async fn run<I, S, Q, B>(
    mut service: I,
    mut run: Run<S>,
    mut request: Request<Q>,
    deadline: Deadline,
    config: Arc<Config>,
    key: Key,
) -> Done<B, I::Error>
where
    I: Service<Request<Q>, Response = Response<B>>,
    I::Error: Failure,
    S: KeyStore,
    B: Body<Data = Bytes>,
{
    let effects = run.effects();
    request.extensions_mut().insert(Idempotent::new(
        run.idem().clone(),
        Arc::clone(&config),
        run.time_to_live(),
    ));
    let max = config.answers.max;
    let came = run.drive(deadline.scope(async move {
        match service.call(request).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => Came::Upgrade(response),
            Ok(response) => {
                let (head, body) = response.into_parts();
                Came::Answer(head, read(body, max).await)
            }
            Err(error) => Came::Error(error),
        }
    }));
    let broke = || ending_without_answer(effects.of_a_break());
    match came.await {
        Err(panic) => {
            run.end(broke()).await;
            Done::Panicked(panic)
        }
        Ok(Came::Error(error)) => {
            let ending = if error.reached() { broke() } else { Ending::Released };
            run.end(ending).await;
            Done::Failed(error)
        }
        Ok(Came::Upgrade(response)) => {
            run.end(Ending::Released).await;
            Done::Answered(response.map(StoredBody::passing))
        }
        Ok(Came::Answer(head, Read::Whole { data, trailers })) => {
            let outcome = judge::judge(&*config.dialect, &head, trailers.as_ref(), effects);
            let ending = match outcome {
                Outcome::Final if run.idem().settled().is_some() => None,
                Outcome::Final => {
                    Some(Ending::Done(config.answers.store(&head, Kept::Kept(&data), trailers.as_ref())))
                }
                outcome => Some(ending_without_answer(outcome)),
            };
            give(run, ending, head, StoredBody::own(data, trailers), &config, &key).await
        }
        Ok(Came::Answer(head, Read::TooLarge { data, rest })) => {
            let outcome = judge::judge(&*config.dialect, &head, None, effects);
            let ending = match outcome {
                Outcome::Final if run.idem().settled().is_some() => None,
                Outcome::Final => Some(Ending::Done(config.answers.store(&head, too_large(&data), None))),
                outcome => Some(ending_without_answer(outcome)),
            };
            give(run, ending, head, StoredBody::long(data, rest), &config, &key).await
        }
        Ok(Came::Answer(head, Read::Broken { data, error })) => {
            give(run, Some(broke()), head, StoredBody::broken(data, error), &config, &key).await
        }
    }
}

/// Writes down the end, and only then lets the answer out: what is sent can be asked for again.
async fn give<S: KeyStore, B: Body<Data = Bytes>, E>(
    run: Run<S>,
    ending: Option<Ending>,
    head: Parts,
    body: StoredBody<B>,
    config: &Config,
    key: &Key,
) -> Done<B, E> {
    let was_done = matches!(ending, Some(Ending::Done(_)));
    let ended = match ending {
        Some(ending) => run.end(ending).await,
        None => {
            run.ended_elsewhere();
            Ended::Kept
        }
    };
    let mut response = Response::from_parts(head, body);
    config.answers.echo(response.headers_mut(), key);
    match ended {
        // What it has to say counts no more; and where nothing was to be kept, nothing is lost.
        Ended::Fenced if was_done => return Done::Refused(Refusal::Fenced),
        Ended::Unstored if was_done && config.fail_unstored => return Done::Refused(Refusal::Unstored),
        Ended::Unstored if was_done => {
            response.headers_mut().insert(STORED, HeaderValue::from_static("false"));
        }
        _ => {}
    }
    Done::Answered(response)
}

const fn ending_without_answer(outcome: Outcome) -> Ending {
    match outcome {
        Outcome::NotStarted => Ending::Released,
        Outcome::Final | Outcome::Unknown => Ending::Unknown,
    }
}

fn too_large(read: &[Bytes]) -> Kept<'static> {
    let mut hasher = blake3::Hasher::new();
    let mut len = 0_u64;
    for bytes in read {
        hasher.update(bytes);
        len = len.saturating_add(bytes.len() as u64);
    }
    Kept::TooLarge { len, digest: *hasher.finalize().as_bytes() }
}
