//! The work of one attempt: runs the handler to the end of its answer, then writes down what came of it, then gives it out.

use super::{
    Failure, Idempotent, Refusal, StoredBody,
    config::Config,
    handling::{Came, Handling},
    judge,
    read::Read,
};
use crate::{
    deadline::{Deadline, Scope},
    idempotency::{Body as Kept, Driving, Ended, Ending, Idem, KeyStore, Outcome, Run},
    key::Key,
    telemetry::IdempotencyOutcome,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header, response::Parts};
use bytes::Bytes;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    any::Any,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
};
use tower_service::Service;

/// What the caller gets, if it is still there.
#[expect(clippy::large_enum_variant, reason = "handed over once: a box would be an allocation for nothing")]
pub(super) enum Done<B: Body, E> {
    Answered(Response<StoredBody<B>>),
    Refused(Refusal),
    Failed(E),
    Panicked(Box<dyn Any + Send>),
}

const STORED: HeaderName = HeaderName::from_static("idempotency-stored");

type Driven<I, S, Q, B> = Driving<Run<S>, S, Scope<Handling<I, Q, <I as Service<Request<Q>>>::Future, B>>>;

pin_project! {
    /// The handler, then the end. Each takes the room of the one before, as in [`Handling`].
    #[project = WorkProj]
    enum Work<D, N, E> {
        Running { #[pin] driving: D, next: Option<N> },
        Ending { #[pin] ending: E },
    }
}

impl<I, S, Q, B, N, E> Future for Work<Driven<I, S, Q, B>, N, E>
where
    I: Service<Request<Q>, Response = Response<B>>,
    S: KeyStore,
    B: Body<Data = Bytes>,
    N: FnOnce(Run<S>, thread::Result<Came<B, I::Error>>) -> E,
    E: Future,
{
    type Output = E::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<E::Output> {
        loop {
            let ending = match self.as_mut().project() {
                WorkProj::Running { mut driving, next } => {
                    let came = ready!(driving.as_mut().poll(cx));
                    // Polled after its end, which breaks the contract of futures, it stays pending.
                    let (Some(run), Some(next)) = (driving.give_back(), next.take()) else {
                        return Poll::Pending;
                    };
                    next(run, came)
                }
                WorkProj::Ending { ending } => return ending.poll(cx),
            };
            self.set(Work::Ending { ending });
        }
    }
}

pub(super) fn run<I, S, Q, B>(
    service: I,
    run: Run<S>,
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
    let idempotent = Idempotent::new(run.idem().clone(), Arc::clone(&config), run.time_to_live());
    request.extensions_mut().insert(idempotent);
    let handling = Handling::new(service, request, config.answers.max);
    let driving: Driven<I, S, Q, B> = run.driving(deadline.scope(handling));
    Work::Running { driving, next: Some(move |run, came| end(run, came, config, &key)) }
}

/// Writes down how it has ended, and only then gives it out: what is sent can be asked for again.
fn end<S: KeyStore, B: Body<Data = Bytes>, E: Failure>(
    mut run: Run<S>,
    came: thread::Result<Came<B, E>>,
    config: Arc<Config>,
    key: &Key,
) -> impl Future<Output = Done<B, E>> + use<S, B, E> {
    let (ending, done) = decide(came, &run, &config, key);
    // What it was made of is gone: an async fn would keep it, and the rest a second time.
    async move {
        let was_done = matches!(ending, Some(Ending::Done(_)));
        let ended = match ending {
            Some(ending) => run.write_end(ending).await,
            None => {
                run.was_ended_elsewhere();
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
    let judged = |head: &Parts, body: Kept<'_>, trailers: Option<&HeaderMap>| {
        let by_protocol = || match body {
            Kept::Kept(_) => config.dialect.judge(head, trailers, effects),
            Kept::TooLarge { .. } => config.dialect.judge_long(head, effects),
        };
        match judge::judge(head, by_protocol) {
            Outcome::Final if is_settled(run.idem(), config, head, body) => None,
            Outcome::Final => {
                if head.headers.contains_key(header::CONTENT_ENCODING) {
                    run.note(IdempotencyOutcome::Encoded);
                }
                Some(Ending::Done(config.answers.store(head, body, trailers)))
            }
            outcome => Some(ending_without_answer(outcome)),
        }
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

/// Whether a transaction of the handler has ended the operation with this answer. Where the handler gives another one it was rolled
/// back; or it was not, and then what is written after it changes nothing.
fn is_settled(idem: &Idem, config: &Config, head: &Parts, body: Kept<'_>) -> bool {
    idem.settled().is_some_and(|stored| config.answers.is_of(stored, head, body))
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
