//! What a circuit needs only at times: while it is not closed, while somebody watches, where it has a rule of the user's own.

use super::{news::Row, policy::Settings, probe::Probes, ring::Totals, trip::Rule, watchers::Watchers};
use crate::backoff::Rng;
use std::time::Duration;

pub(super) struct More {
    pub(super) rng: Rng,
    /// Openings in a row, since it was last closed by its probes or by hand.
    pub(super) openings: u32,
    /// Half-open: who is being tried.
    pub(super) probes: Option<Probes>,
    /// The open time that the policy gave for the last opening.
    pub(super) open_time: Duration,
    /// Open: what the window or the probes held before, and how many calls a rate of that needs.
    pub(super) last: Totals,
    pub(super) last_wanted: u32,
    pub(super) own: Option<Box<dyn Rule>>,
    pub(super) watchers: Watchers,
    pub(super) news: Row,
    /// Its numbers must not begin anew.
    seeded: bool,
}

impl More {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            rng: settings.seed.map_or_else(Rng::new, Rng::seeded),
            openings: 0,
            probes: None,
            open_time: Duration::ZERO,
            last: Totals::default(),
            last_wanted: 0,
            own: settings.trip.own.as_ref().map(|own| (own.0)()),
            watchers: Watchers::default(),
            news: Row::default(),
            seeded: settings.seed.is_some(),
        }
    }

    /// Where a circuit needs it from its beginning.
    pub(super) fn wanted(settings: &Settings) -> Option<Box<Self>> {
        settings.trip.own.is_some().then(|| Box::new(Self::new(settings)))
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&self) -> bool {
        self.openings == 0
            && self.probes.is_none()
            && self.own.is_none()
            && !self.seeded
            && self.watchers.is_empty()
            && self.news.is_empty()
    }
}
