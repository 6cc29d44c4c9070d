//! What a layer that limits is set to: of one attempt or of the whole call.

use crate::telemetry::{Observed, Observer};

/// What layer and service share.
#[derive(Clone, Debug)]
pub(super) struct Settings<L> {
    pub(super) limit: L,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

impl<L> Settings<L> {
    /// That limit, under that name, and nobody listens.
    pub(super) const fn new(limit: L, name: &'static str) -> Self {
        Self { limit, name, observed: Observed::new() }
    }

    /// The same with another limit.
    pub(super) fn map<M>(self, limit: impl FnOnce(L) -> M) -> Settings<M> {
        let Self { limit: old, name, observed } = self;
        Settings { limit: limit(old), name, observed }
    }

    /// Another name, or this one again where none is said.
    pub(super) const fn rename(&mut self, name: &'static str, none: &'static str) {
        self.name = if name.is_empty() { none } else { name };
    }

    pub(super) fn observe(&mut self, observer: impl Observer) {
        self.observed = Observed::by(observer);
    }
}
