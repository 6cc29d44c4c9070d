//! How long to wait before another attempt: always the same, or learnt from the calls before.

use crate::{clock, window::Quantile};
use std::{sync::Arc, time::Duration};

#[derive(Clone, Debug)]
pub(super) enum Delay {
    Fixed(Duration),
    Learnt { from: Arc<Quantile>, min: Duration, max: Duration },
}

impl Delay {
    pub(super) fn learnt(from: Quantile) -> Self {
        Self::Learnt { from: Arc::new(from), min: clock::GRAIN, max: Duration::MAX }
    }

    /// Within these bounds, where it is learnt.
    pub(super) fn between(self, least: Duration, most: Duration) -> Self {
        match self {
            Self::Fixed(_) => self,
            Self::Learnt { from, .. } => {
                let max = most.max(clock::GRAIN);
                Self::Learnt { from, min: least.clamp(clock::GRAIN, max), max }
            }
        }
    }

    /// Never: there is nothing to wait for.
    pub(super) fn is_never(&self) -> bool {
        matches!(self, Self::Fixed(Duration::MAX))
    }

    /// The delay; `None` while too little is known.
    pub(super) fn get(&self) -> Option<Duration> {
        match self {
            Self::Fixed(time) => Some(*time),
            Self::Learnt { from, min, max } => from.get().map(|time| time.clamp(*min, *max)),
        }
    }

    /// A first attempt took so long, or longer. `time` is asked for only where somebody learns from it.
    #[inline]
    pub(super) fn learn(&self, time: impl FnOnce() -> Duration) {
        if let Self::Learnt { from, .. } = self {
            from.record(time());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Ratio;

    const MS: Duration = Duration::from_millis(1);

    fn learnt(least: Duration, most: Duration, time: Duration) -> Option<Duration> {
        let delay = Delay::learnt(Quantile::new(Ratio::percent(95)).least(1)).between(least, most);
        delay.learn(|| time);
        delay.get()
    }

    #[test]
    fn a_fixed_delay_is_what_it_is_and_learns_nothing() {
        let delay = Delay::Fixed(5 * MS).between(Duration::ZERO, MS);
        delay.learn(|| panic!("reads a clock for nothing"));
        assert_eq!(delay.get(), Some(5 * MS));
        assert!(!delay.is_never());
        assert!(Delay::Fixed(Duration::MAX).is_never());
    }

    #[test]
    fn a_learnt_delay_is_unknown_at_first_and_stays_within_its_bounds() {
        assert_eq!(Delay::learnt(Quantile::new(Ratio::percent(95)).least(1)).get(), None);
        assert_eq!(learnt(10 * MS, 20 * MS, MS), Some(10 * MS));
        assert_eq!(learnt(10 * MS, 20 * MS, 90 * MS), Some(20 * MS));
        assert_eq!(learnt(Duration::ZERO, Duration::ZERO, Duration::ZERO), Some(MS));
        assert_eq!(learnt(Duration::MAX, 20 * MS, MS), Some(20 * MS), "the longest counts");
        let free = learnt(Duration::ZERO, Duration::MAX, 90 * MS).expect("known");
        assert!(free >= 90 * MS && free < 96 * MS);
    }
}
