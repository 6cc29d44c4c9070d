//! A run over time: answers in bins, and the states of the circuit as spans.

use super::super::{
    children::{Breaker, News, Told},
    shot::{End, Route, Shot},
};
use std::time::Duration;

/// How those who came in one half of a second fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Bin {
    pub(super) browse: u32,
    pub(super) paid: u32,
    pub(super) kept: u32,
    pub(super) lost: u32,
}

pub(super) const BIN: Duration = Duration::from_millis(500);

impl Bin {
    /// From the bottom to the top of a stack.
    pub(super) const fn parts(&self) -> [u32; 4] {
        [self.browse, self.paid, self.kept, self.lost]
    }

    pub(super) fn all(&self) -> u32 {
        self.parts().iter().sum()
    }
}

/// By the time at which requests were due; the last bin may be cut short by the end of the run.
pub(super) fn bins(shots: &[Shot], end: Duration) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); end.as_nanos().div_ceil(BIN.as_nanos()).try_into().unwrap_or(0)];
    for shot in shots {
        let at = usize::try_from(shot.due.as_nanos() / BIN.as_nanos()).unwrap_or(usize::MAX);
        let Some(bin) = bins.get_mut(at) else { continue };
        *match (shot.end, shot.route) {
            (End::Good, Route::Browse) => &mut bin.browse,
            (End::Good, Route::Checkout) => &mut bin.paid,
            (End::Kept, _) => &mut bin.kept,
            (End::Bad, _) => &mut bin.lost,
        } += 1;
    }
    bins
}

/// Each state of the circuit with its begin and its end; closed until it turns.
pub(super) fn states(told: &[Told], end: Duration) -> Vec<(Duration, Duration, Breaker)> {
    let mut spans: Vec<(Duration, Duration, Breaker)> = Vec::new();
    let mut open = (Duration::ZERO, Breaker::Closed);
    for told in told {
        if let News::Circuit(state) = told.news
            && state != open.1
            && told.at < end
        {
            spans.push((open.0, told.at, open.1));
            open = (told.at, state);
        }
    }
    spans.push((open.0, end, open.1));
    spans
}

#[cfg(test)]
mod tests {
    use super::{super::super::children::Name, *};

    const fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn each_request_is_in_the_bin_in_which_it_was_due() {
        let shot = |at, route, end| Shot::new(ms(at), route, end, ms(900));
        let shots = [
            shot(0, Route::Browse, End::Good),
            shot(499, Route::Checkout, End::Good),
            shot(500, Route::Checkout, End::Kept),
            shot(999, Route::Browse, End::Bad),
            shot(1000, Route::Checkout, End::Bad),
        ];
        let bins = bins(&shots, ms(1200));
        assert_eq!(
            bins.iter().map(Bin::parts).collect::<Vec<_>>(),
            [[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
        );
        assert_eq!(bins.iter().map(Bin::all).sum::<u32>(), 5);
    }

    #[test]
    fn what_is_due_after_the_end_is_in_no_bin() {
        let late = Shot::new(ms(5000), Route::Browse, End::Good, ms(1));
        assert_eq!(bins(&[late], ms(1000)), [Bin::default(); 2]);
    }

    #[test]
    fn states_follow_each_other_without_a_gap() {
        let told = |at, state| Told { at: ms(at), by: Name::Orders, news: News::Circuit(state) };
        let other = Told { at: ms(300), by: Name::Orders, news: News::Is { seen: 1, peak: 1 } };
        let (closed, open, half) = (Breaker::Closed, Breaker::Open, Breaker::HalfOpen);
        let all =
            [told(0, closed), told(200, open), other, told(700, half), told(710, closed), told(9999, open)];
        assert_eq!(
            states(&all, ms(1000)),
            [
                (ms(0), ms(200), closed),
                (ms(200), ms(700), open),
                (ms(700), ms(710), half),
                (ms(710), ms(1000), closed)
            ]
        );
        assert_eq!(states(&[], ms(1000)), [(ms(0), ms(1000), closed)]);
    }
}
