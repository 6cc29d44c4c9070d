//! The services behind every layer: as little as a service can be.

use std::{
    convert::Infallible,
    error::Error,
    fmt,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};
use tower::Service;

/// Answers at once with what it was asked.
#[derive(Clone, Copy, Debug)]
pub struct Echo;

/// An error that exists, so that no `Result` is optimised away. [`Echo`] never makes one.
#[derive(Clone, Debug)]
pub struct Broken(pub Box<str>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Broken {}

impl Service<u64> for Echo {
    type Response = u64;
    type Error = Broken;
    type Future = Ready<Result<u64, Broken>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, number: u64) -> Self::Future {
        ready(Ok(number))
    }
}

/// A server that has one page, an empty one. Only its request and response differ from [`Echo`].
#[derive(Clone, Copy, Debug)]
pub struct Page;

/// What a [`Page`] answers with.
pub type Body = http_body_util::Full<bytes::Bytes>;

impl Service<http::Request<Body>> for Page {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<http::Response<Body>, Infallible>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        ready(Ok(http::Response::new(Body::default())))
    }
}

/// Is pending at the first poll and answers at the second. It asks for no waking: see [`pending_calls`](crate::pending_calls).
#[derive(Clone, Copy, Debug)]
pub struct PendsOnce;

/// The answer of a [`PendsOnce`].
#[derive(Debug)]
pub struct Second {
    number: u64,
    polled: bool,
}

impl Service<u64> for PendsOnce {
    type Response = u64;
    type Error = Broken;
    type Future = Second;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, number: u64) -> Second {
        Second { number, polled: false }
    }
}

impl Future for Second {
    type Output = Result<u64, Broken>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polled {
            return Poll::Ready(Ok(self.number));
        }
        self.polled = true;
        Poll::Pending
    }
}
