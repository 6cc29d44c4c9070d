//! Which attempt a request is, for those inside.

use ::http::Extensions;

/// Which attempt of its call a request is: in the extensions of those that are sent again, by a retry
/// ([`Resend`](crate::http::Resend)) or by a hedge ([`Repeatable`](crate::http::Repeatable)). The first carries none, so that a call
/// that goes well does not pay for it.
///
/// A hedge inside a retry counts on from what the retry has written: beside the retry's second attempt runs the third.
///
/// ```
/// use buttress::http::Attempt;
///
/// fn resends<B>(request: &http::Request<B>) -> u32 {
///     request.extensions().get::<Attempt>().map_or(0, |attempt| attempt.resends()) // `http.request.resend_count`
/// }
/// assert_eq!(resends(&http::Request::new(())), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(u32);

impl Attempt {
    /// Writes that number of an attempt, counted from the one that the request has already: 2 is the next one.
    pub(super) fn count_on(extensions: &mut Extensions, attempt: u32) {
        let before = extensions.get::<Self>().map_or(0, |before| before.resends());
        extensions.insert(Self(before.saturating_add(attempt)));
    }

    /// The second is 2.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// How many were sent before it.
    #[must_use]
    pub const fn resends(self) -> u32 {
        self.0.saturating_sub(1)
    }
}
