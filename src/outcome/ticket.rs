//! How an open verdict travels with a response until its end.

use super::Outcome;
use std::convert::Infallible;

/// A permit that is still owed a verdict (a breaker's), or only a release (a bulkhead's).
///
/// Dropped without [`settle`](Self::settle) it decides by the rules of [`Dropped`](super::Dropped).
pub trait Ticket {
    /// What a drop without a cause means from here on: a good HTTP head, or the first message of a gRPC stream, is `Ok`.
    fn expect(&mut self, if_dropped: Outcome);

    /// Set around every poll of what is inside: a drop in between is a panic of the inside.
    fn busy(&mut self, now: bool);

    /// The verdict.
    fn settle(self, outcome: Outcome);
}

/// The rest of a response, which will know the verdict.
///
/// Implemented here for [`Infallible`] (there is no rest), and for HTTP bodies by the `http` feature.
pub trait AtEnd<Res>: Sized {
    /// The response as it leaves the layer: the inner type where nothing is left open.
    type Response<T: Ticket>;

    /// The verdict is in, or nobody waits for one: the same type, inert.
    fn pass<T: Ticket>(response: Res) -> Self::Response<T>;

    /// The verdict is out: the response takes the ticket along.
    fn hold<T: Ticket>(self, response: Res, ticket: T) -> Self::Response<T>;
}

impl<Res> AtEnd<Res> for Infallible {
    type Response<T: Ticket> = Res;

    #[inline]
    fn pass<T: Ticket>(response: Res) -> Res {
        response
    }

    fn hold<T: Ticket>(self, _: Res, _: T) -> Res {
        match self {}
    }
}
