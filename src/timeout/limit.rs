//! How long a call may take: always the same, read from the request, as it is set while calls run, or learnt from
//! the calls before.

use super::Unwatched;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Says how long a call may take.
pub trait Limit<Req> {
    /// What goes along with a call, where the limit learns from calls: [`Unwatched`] where it does not.
    type Watch;

    /// The limit for this request.
    fn limit(&self, request: &Req) -> Duration;

    /// What goes along with this call.
    fn watch(&self) -> Self::Watch;
}

impl<Req> Limit<Req> for Duration {
    type Watch = Unwatched;

    #[inline]
    fn limit(&self, _: &Req) -> Duration {
        *self
    }

    #[inline]
    fn watch(&self) -> Unwatched {
        Unwatched
    }
}

/// A limit read from the request by a function.
#[derive(Clone, Copy, Debug)]
pub struct PerRequest<F>(pub(super) F);

impl<Req, F: Fn(&Req) -> Duration> Limit<Req> for PerRequest<F> {
    type Watch = Unwatched;

    #[inline]
    fn limit(&self, request: &Req) -> Duration {
        (self.0)(request)
    }

    #[inline]
    fn watch(&self) -> Unwatched {
        Unwatched
    }
}

/// A limit that can be changed while calls run. Clones are the same limit.
///
/// ```
/// use std::time::Duration;
/// use buttress::timeout::{LiveLimit, TimeoutLayer};
///
/// let limit = LiveLimit::new(Duration::from_secs(3));
/// let layer = TimeoutLayer::by(limit.clone());
/// limit.set(Duration::from_secs(1));
/// assert_eq!(limit.get(), Duration::from_secs(1));
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct LiveLimit {
    nanos: Arc<AtomicU64>,
}

impl LiveLimit {
    /// That limit, until another is set.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        let made = Self { nanos: Arc::default() };
        made.set(limit);
        made
    }

    /// The limit for calls that begin now; [`Duration::MAX`] for none.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Duration {
        match self.nanos.load(Relaxed) {
            u64::MAX => Duration::MAX,
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Another limit for calls that begin from now on; those under way keep theirs. More than 584 years is no limit.
    pub fn set(&self, limit: Duration) {
        self.nanos.store(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}

impl<Req> Limit<Req> for LiveLimit {
    type Watch = Unwatched;

    #[inline]
    fn limit(&self, _: &Req) -> Duration {
        self.get()
    }

    #[inline]
    fn watch(&self) -> Unwatched {
        Unwatched
    }
}

impl fmt::Debug for LiveLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveLimit").field(&self.get()).finish()
    }
}
