//! How far callers are believed, as it is set while calls come in.

use crate::http::{HeaderMillis, ReadTimeout};
use ::http::{HeaderMap, HeaderName};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Reads the caller's deadline from `x-request-timeout-ms`, and believes it as far as is set now. Clones are the same.
///
/// ```
/// use std::time::Duration;
/// use buttress::{http::ReadTimeout, stack::LiveTrust};
///
/// let headers = [("x-request-timeout-ms".parse().unwrap(), "60000".parse().unwrap())].into_iter().collect();
/// let trust = LiveTrust::new(None);
/// assert_eq!(trust.read(&headers), None);
/// trust.set(Some(Duration::from_secs(10)));
/// assert_eq!(trust.read(&headers), Some(Duration::from_secs(10)));
/// ```
#[derive(Clone)]
pub struct LiveTrust {
    header: HeaderMillis,
    /// In nanoseconds; 0 where it is not believed.
    max: Arc<AtomicU64>,
}

impl LiveTrust {
    /// So far, until another word; nothing: the header is not read.
    #[must_use]
    pub fn new(max: Option<Duration>) -> Self {
        let header = HeaderMillis::new(HeaderName::from_static("x-request-timeout-ms"));
        let made = Self { header, max: Arc::default() };
        made.set(max);
        made
    }

    /// How far it is believed now.
    #[must_use]
    pub fn get(&self) -> Option<Duration> {
        Some(self.max.load(Relaxed)).filter(|max| *max != 0).map(Duration::from_nanos)
    }

    /// So far, for calls that come from now on. No time at all is taken as a nanosecond, and more than 584 years as that.
    pub fn set(&self, max: Option<Duration>) {
        let nanos = |max: Duration| u64::try_from(max.as_nanos()).unwrap_or(u64::MAX).max(1);
        self.max.store(max.map_or(0, nanos), Relaxed);
    }
}

impl ReadTimeout for LiveTrust {
    fn read(&self, headers: &HeaderMap) -> Option<Duration> {
        let max = self.get()?;
        Some(self.header.read(headers)?.min(max))
    }
}

impl fmt::Debug for LiveTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveTrust").field(&self.get()).finish()
    }
}
