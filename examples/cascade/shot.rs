//! One request of the load, and how it ended for the user who sent it.

use std::time::Duration;

/// How long a user waits before leaving.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// gateway -> orders. Needs no payments.
    Browse,
    /// gateway -> orders -> payments.
    Checkout,
}

impl Route {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Browse => "/browse",
            Self::Checkout => "/checkout",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What was asked for.
    Good,
    /// 202: the order is kept, and will be paid for later.
    Kept,
    /// An error, or nothing until the user left.
    Bad,
}

/// Times are from the instant at which the request was due, whenever the generator came to send it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shot {
    pub(super) due: Duration,
    pub(super) route: Route,
    pub(super) end: End,
    pub(super) took: Duration,
}

impl Shot {
    /// What comes after the user has left is no answer, whatever it says.
    pub(super) fn new(due: Duration, route: Route, end: End, took: Duration) -> Self {
        let (end, took) = if took > PATIENCE { (End::Bad, PATIENCE) } else { (end, took) };
        Self { due, route, end, took }
    }

    pub(super) fn answered(&self) -> bool {
        self.end != End::Bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_after_the_user_has_left_is_none() {
        let shot = |took| Shot::new(Duration::ZERO, Route::Browse, End::Good, took);
        assert!(shot(PATIENCE).answered());
        assert!(!shot(PATIENCE + Duration::from_nanos(1)).answered());
        assert_eq!(shot(PATIENCE * 9).took, PATIENCE);
    }
}
