//! A body made of scripted frames: what a peer would send, and when.

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};

#[derive(Debug)]
pub(crate) enum Step {
    Data(&'static str),
    Trailers(&'static str, &'static str),
    Reset,
    Wait(Duration),
    Hang,
    Panic,
}

#[derive(Debug, Default)]
pub(crate) struct Frames {
    steps: VecDeque<Step>,
    wait: Option<Pin<Box<Sleep>>>,
    /// Says `is_end_stream` as soon as the last step is out, as bodies of known length do.
    knows_its_end: bool,
}

impl Frames {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn knowing_its_end(mut self) -> Self {
        self.knows_its_end = true;
        self
    }
}

impl From<Bytes> for Frames {
    fn from(bytes: Bytes) -> Self {
        assert!(bytes.is_empty(), "not made for content");
        Self::default().knowing_its_end()
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(wait) = self.wait.as_mut() {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            match self.steps.front() {
                Some(Step::Hang) => return Poll::Pending,
                Some(Step::Wait(time)) => {
                    self.wait = Some(Box::pin(sleep(*time)));
                    self.steps.pop_front();
                }
                _ => break,
            }
        }
        Poll::Ready(self.steps.pop_front().map(|step| match step {
            Step::Data(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            Step::Trailers(name, value) => {
                let mut trailers = HeaderMap::new();
                trailers.insert(name, value.parse().expect("a header value"));
                Ok(Frame::trailers(trailers))
            }
            Step::Panic => panic!("in the body"),
            Step::Reset => Err(io::ErrorKind::ConnectionReset.into()),
            Step::Wait(_) | Step::Hang => unreachable!("waited for above"),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.steps.is_empty()
    }
}
