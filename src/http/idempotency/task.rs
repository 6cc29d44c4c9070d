//! The work of one attempt: runs the handler to the end of its answer, then writes down what came of it, then gives it out.

use super::{
    Failure, Idempotent, Refusal, StoredBody,
    config::Config,
    judge,
    read::{Read, read_and_keep},
};
use crate::{
    deadline::Deadline,
    idempotency::{Body as Kept, Ended, Ending, KeyStore, Outcome, Run},
    key::Key,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, response::Parts};
use bytes::Bytes;
use http_body::Body;
use std::{any::Any, pin::Pin, sync::Arc, thread};
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
    Answer(Parts, Read<Pin<Box<B>>, B::Error>),
    /// The connection becomes something else: nothing of it can be kept.
    Upgrade(Response<B>),
    Error(E),
}

const STORED: HeaderName = HeaderName::from_static("idempotency-stored");

#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps its arguments twice, and what is boxed for every request should be small"
)]
pub(super) fn run<I, S, Q, B>(
    mut service: I,
    mut run: Run<S>,
    mut request: Request<Q>,
    deadline: Deadline,
    config: Arc<Config>,
    key: Key,
) -> impl Future<Output = Done<B, I::Error>>
where
    I: Service<Request<Q>, Response = Response<B>>,
    I::Error: Failure,
    S: KeyStore,
    B: Body<Data = Bytes>,
{
    async move {
        let idempotent = Idempotent::new(run.idem().clone(), Arc::clone(&config), run.time_to_live());
        request.extensions_mut().insert(idempotent);
        let max = config.answers.max;
        let work = async move {
            match service.call(request).await {
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    Came::Upgrade(response)
                }
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    Came::Answer(head, read_and_keep(body, max).await)
                }
                Err(error) => Came::Error(error),
            }
        };
        let (ending, done) = decide(run.drive(deadline.scope(work)).await, &run, &config, &key);
        let was_done = matches!(ending, Some(Ending::Done(_)));
        // Only when it is written down the answer is let out: what is sent can be asked for again.
        let ended = match ending {
            Some(ending) => run.end(ending).await,
            None => {
                run.ended_elsewhere();
                Ended::Kept
            }
        };
        give(done, was_done, ended, &config)
    }
}

/// What is to be written down, nothing where a transaction of the handler has done it; and what the caller gets after that.
fn decide<S: KeyStore, B: Body<Data = Bytes>, E: Failure>(
    came: thread::Result<Came<B, E>>,
    run: &Run<S>,
    config: &Config,
    key: &Key,
) -> (Option<Ending>, Done<B, E>) {
    let effects = run.effects();
    let broke = || ending_without_answer(effects.of_a_break());
    let answer = |mut head: Parts, ending, body| {
        config.answers.echo(&mut head.headers, key);
        (ending, Done::Answered(Response::from_parts(head, body)))
    };
    let judged = |head: &Parts, body: Kept<'_>, trailers: Option<&HeaderMap>| match judge::judge(
        &*config.dialect,
        head,
        trailers,
        effects,
    ) {
        Outcome::Final if run.idem().settled().is_some() => None,
        Outcome::Final => Some(Ending::Done(config.answers.store(head, body, trailers))),
        outcome => Some(ending_without_answer(outcome)),
    };
    match came {
        Err(panic) => (Some(broke()), Done::Panicked(panic)),
        Ok(Came::Error(error)) => {
            let ending = if error.reached() { broke() } else { Ending::Released };
            (Some(ending), Done::Failed(error))
        }
        Ok(Came::Upgrade(response)) => {
            (Some(Ending::Released), Done::Answered(response.map(StoredBody::passing)))
        }
        Ok(Came::Answer(head, Read::Whole { data, trailers })) => {
            let ending = judged(&head, Kept::Kept(&data), trailers.as_ref());
            answer(head, ending, StoredBody::own(data, trailers))
        }
        Ok(Came::Answer(head, Read::TooLarge { data, rest })) => {
            let ending = judged(&head, too_large(&data), None);
            answer(head, ending, StoredBody::long(data, rest))
        }
        Ok(Came::Answer(head, Read::Broken { data, error })) => {
            answer(head, Some(broke()), StoredBody::broken(data, error))
        }
    }
}

/// What the caller gets, now that it is known how the record has taken it.
fn give<B: Body<Data = Bytes>, E>(
    mut done: Done<B, E>,
    was_done: bool,
    ended: Ended,
    config: &Config,
) -> Done<B, E> {
    match ended {
        // What it has to say counts no more; and where nothing was to be kept, nothing is lost.
        Ended::Fenced if was_done => return Done::Refused(Refusal::Fenced),
        Ended::Unstored if was_done && config.fail_unstored => return Done::Refused(Refusal::Unstored),
        Ended::Unstored if was_done => {
            if let Done::Answered(response) = &mut done {
                response.headers_mut().insert(STORED, HeaderValue::from_static("false"));
            }
        }
        _ => {}
    }
    done
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
