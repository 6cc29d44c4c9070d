//! What a hook is told before an attempt is sent again.

use crate::outcome::Outcome;
use std::{fmt, sync::Arc, time::Duration};

/// An attempt that will be followed by another: what [`Policy::on_retry`](super::Policy::on_retry) is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retrying {
    /// Which attempt has ended; the first is 1.
    pub attempt: u32,
    /// How.
    pub outcome: Outcome,
    /// How long until the next.
    pub wait: Duration,
}

/// A hook, or none.
#[derive(Clone, Default)]
pub(super) struct Hook(Option<Arc<Run>>);

type Run = dyn Fn(&Retrying) + Send + Sync;

impl Hook {
    pub(super) fn of(run: impl Fn(&Retrying) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(run)))
    }

    pub(super) fn run(&self, retrying: &Retrying) {
        if let Some(run) = &self.0 {
            run(retrying);
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.0.is_some()).finish()
    }
}
