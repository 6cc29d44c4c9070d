//! Which attempt a request is, for those inside.

/// Which attempt of its call a request is: in the extensions of those that [`Resend`](super::Resend) sends again. The first
/// carries none, so that a call that goes well does not pay for it.
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
pub struct Attempt(pub(super) u32);

impl Attempt {
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
