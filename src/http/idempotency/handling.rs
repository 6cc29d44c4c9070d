//! What a handler does for a request, to the end of its answer.

use super::read::{Read, Reading};
use ::http::{HeaderMap, Request, Response, StatusCode, header, response::Parts};
use bytes::Bytes;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// What came out of the handler.
pub(super) enum Came<B: Body, E> {
    Answer(Parts, Read<Pin<Box<B>>, B::Error>),
    /// The connection becomes something else: nothing of it can be kept.
    Upgrade(Response<B>),
    Error(E),
}

pin_project! {
    /// From the call to the last byte. A state machine by hand, in which each state takes the room of the one before: it is a
    /// part of what is boxed for every request, and an async block would keep the request beside the answer.
    #[project = HandlingProj]
    pub(super) enum Handling<I, Q, F, B> {
        Ready { service: I, request: Option<Request<Q>>, max: usize },
        Calling { #[pin] call: F, max: usize },
        // Pinned where it is, to be passed on if it is too long to be kept.
        Reading { head: Option<Parts>, body: Option<Pin<Box<B>>>, reading: Reading },
    }
}

impl<I, Q, F, B> Handling<I, Q, F, B> {
    /// By a service that is ready; of the answer at most `max` bytes are read.
    pub(super) const fn new(service: I, request: Request<Q>, max: usize) -> Self {
        Self::Ready { service, request: Some(request), max }
    }
}

impl<I, Q, B> Future for Handling<I, Q, I::Future, B>
where
    I: Service<Request<Q>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Output = Came<B, I::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                HandlingProj::Ready { service, request, max } => {
                    // Polled after its end, which breaks the contract of futures, it stays pending.
                    let Some(request) = request.take() else { return Poll::Pending };
                    Self::Calling { call: service.call(request), max: *max }
                }
                HandlingProj::Calling { call, max } => match ready!(call.poll(cx)) {
                    Err(error) => return Poll::Ready(Came::Error(error)),
                    Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                        return Poll::Ready(Came::Upgrade(response));
                    }
                    Ok(response) => {
                        let (head, body) = response.into_parts();
                        // Many have none.
                        if body.is_end_stream() {
                            let read = Read::Whole { data: Bytes::new(), trailers: None };
                            return Poll::Ready(Came::Answer(head, read));
                        }
                        // Its events are for now, and it may have no end.
                        if is_event_stream(&head.headers) {
                            let read = Read::TooLarge { data: Vec::new(), rest: Box::pin(body) };
                            return Poll::Ready(Came::Answer(head, read));
                        }
                        let reading = Reading::new(*max);
                        Self::Reading { head: Some(head), body: Some(Box::pin(body)), reading }
                    }
                },
                HandlingProj::Reading { head, body, reading } => {
                    let Some(pinned) = body else { return Poll::Pending };
                    let read = match ready!(reading.poll(pinned.as_mut(), cx)) {
                        Read::Whole { data, trailers } => Read::Whole { data, trailers },
                        Read::Broken { data, error } => Read::Broken { data, error },
                        Read::TooLarge { data, rest: () } => {
                            let Some(rest) = body.take() else { return Poll::Pending };
                            Read::TooLarge { data, rest }
                        }
                    };
                    let Some(head) = head.take() else { return Poll::Pending };
                    return Poll::Ready(Came::Answer(head, read));
                }
            };
            self.set(next);
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    const MEDIA_TYPE: &str = "text/event-stream";
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}
