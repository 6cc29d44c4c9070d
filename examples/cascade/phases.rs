//! When payments is well and when it is not: the plan of a run, the same for both.

use std::{fmt, str::FromStr, time::Duration};

/// What befalls payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Takes calls and answers none, as one whose database has stopped answering.
    Hang,
    /// Answers 503 after 200 ms, as one whose own calls time out.
    Errs,
    /// Answers well, after two seconds.
    Slow,
}

impl Fault {
    pub(super) const ALL: [Self; 3] = [Self::Hang, Self::Errs, Self::Slow];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Errs => "errs",
            Self::Slow => "slow",
        }
    }

    /// As one says it of payments.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Hang => "hangs",
            Self::Errs => "errs",
            Self::Slow => "is slow",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == word).ok_or(())
    }
}

/// A sixth of a run payments is well, for a half it is not, for the last third it is healed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// When each state begins; `None`: well.
    turns: Vec<(Duration, Option<Fault>)>,
    end: Duration,
}

impl Plan {
    pub(super) fn of(end: Duration, faults: &[Fault]) -> Self {
        let begin = end / 6;
        let heal = begin + end / 2;
        let each = (heal - begin) / u32::try_from(faults.len().max(1)).unwrap_or(u32::MAX);
        let mut turns = vec![(Duration::ZERO, None)];
        turns.extend((0..).zip(faults).map(|(n, fault)| (begin + each * n, Some(*fault))));
        turns.push((heal, None));
        Self { turns, end }
    }

    /// When payments turns, and to what; well at first.
    pub(super) fn turns(&self) -> &[(Duration, Option<Fault>)] {
        &self.turns
    }

    /// Each state with its begin and its end.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Duration, Duration, Option<Fault>)> + '_ {
        let ends = self.turns.iter().skip(1).map(|(at, _)| *at).chain([self.end]);
        self.turns.iter().zip(ends).map(|((at, fault), end)| (*at, end, *fault))
    }

    /// From the first fault to the healing.
    pub(super) fn down(&self) -> std::ops::Range<Duration> {
        let first = self.turns.iter().find(|(_, fault)| fault.is_some()).map_or(self.end, |(at, _)| *at);
        first..self.heals()
    }

    pub(super) fn heals(&self) -> Duration {
        self.turns.last().map_or(self.end, |(at, _)| *at)
    }

    pub(super) const fn end(&self) -> Duration {
        self.end
    }

    pub(super) fn at(&self, now: Duration) -> Option<Fault> {
        self.turns.iter().rev().find(|(at, _)| *at <= now).and_then(|(_, fault)| *fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn faults_share_the_middle_half() {
        let plan = Plan::of(s(24), &[Fault::Hang, Fault::Errs, Fault::Slow]);
        let faults: Vec<_> = plan.turns().to_vec();
        assert_eq!(
            faults,
            [
                (s(0), None),
                (s(4), Some(Fault::Hang)),
                (s(8), Some(Fault::Errs)),
                (s(12), Some(Fault::Slow)),
                (s(16), None)
            ]
        );
        assert_eq!((plan.down(), plan.heals(), plan.end()), (s(4)..s(16), s(16), s(24)));
    }

    #[test]
    fn a_state_holds_from_its_first_instant_to_the_next() {
        let plan = Plan::of(s(12), &[Fault::Hang]);
        let just_before = |at: Duration| at - Duration::from_nanos(1);
        assert_eq!((plan.at(just_before(s(2))), plan.at(s(2))), (None, Some(Fault::Hang)));
        assert_eq!(
            (plan.at(just_before(s(8))), plan.at(s(8)), plan.at(s(99))),
            (Some(Fault::Hang), None, None)
        );
    }

    #[test]
    fn spans_cover_the_run_without_a_gap() {
        let plan = Plan::of(s(18), &[Fault::Hang, Fault::Errs]);
        let spans: Vec<_> = plan.spans().collect();
        assert_eq!((spans[0].0, spans.last().expect("four").1), (Duration::ZERO, s(18)));
        assert!(spans.windows(2).all(|two| two[0].1 == two[1].0));
        assert_eq!(
            spans.iter().map(|span| span.2).collect::<Vec<_>>(),
            [None, Some(Fault::Hang), Some(Fault::Errs), None]
        );
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        assert!(Fault::ALL.into_iter().all(|fault| fault.to_string().parse() == Ok(fault)));
        assert_eq!("".parse::<Fault>(), Err(()));
    }
}
