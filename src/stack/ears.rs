//! One listener for all layers of a stack.

use crate::telemetry::{Event, Observer};
use std::{fmt, sync::Arc};

#[derive(Clone)]
pub(super) struct Ears(Arc<dyn Observer>);

impl Ears {
    pub(super) fn of(observer: impl Observer) -> Self {
        Self(Arc::new(observer))
    }
}

impl Observer for Ears {
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }
}

impl fmt::Debug for Ears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ears").finish_non_exhaustive()
    }
}
