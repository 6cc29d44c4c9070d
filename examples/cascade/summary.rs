//! A run in figures: what the table prints and what the claims are about.

use super::{
    children::{Name, News},
    latency::{nearest, quantile},
    phases::Plan,
    recovery::recovered,
    run::Run,
    shot::{End, Route, Shot},
};
use std::{ops::Range, time::Duration};

/// Of one route, while payments was down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OfRoute {
    pub(super) asked: u32,
    pub(super) good: u32,
    pub(super) kept: u32,
    pub(super) p50: Option<Duration>,
    pub(super) p99: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) browse: OfRoute,
    pub(super) checkout: OfRoute,
    /// Full answers a second over the whole run.
    pub(super) goodput: f64,
    /// Requests that payments saw while it was down.
    pub(super) payments_saw: u64,
    /// Of the gateway's workers, the most that were busy at once.
    pub(super) busy: u32,
    pub(super) recovered: Option<Duration>,
    /// In percent, of all that was asked before payments went down: what is missing there no fault explains.
    pub(super) well_before: f64,
    /// The lateness of timers at the 99th of a hundred.
    pub(super) late: Duration,
}

impl OfRoute {
    fn new(shots: &[Shot], route: Route, during: &Range<Duration>) -> Self {
        let of: Vec<_> =
            shots.iter().filter(|shot| shot.route == route && during.contains(&shot.due)).copied().collect();
        let count = |end| of.iter().map(|shot| u32::from(shot.end == end)).sum();
        Self {
            asked: of.iter().map(|_| 1).sum(),
            good: count(End::Good),
            kept: count(End::Kept),
            p50: quantile(&of, 0.5),
            p99: quantile(&of, 0.99),
        }
    }

    /// In percent, of those that were asked.
    pub(super) fn answered(&self) -> f64 {
        percent(self.good + self.kept, self.asked)
    }
}

pub(super) fn percent(part: u32, of: u32) -> f64 {
    100.0 * f64::from(part) / f64::from(of.max(1))
}

impl Summary {
    pub(super) fn of(run: &Run, plan: &Plan) -> Self {
        let down = plan.down();
        let good: u32 = run.shots.iter().map(|shot| u32::from(shot.end == End::Good)).sum();
        let told = |name| {
            run.told.iter().filter(move |told| told.by == name).filter_map(|told| match told.news {
                News::Is { seen, peak } => Some((told.at, seen, peak)),
                News::Circuit(_) => None,
            })
        };
        let seen_until =
            |end| told(Name::Payments).filter(|(at, ..)| *at <= end).map(|(_, seen, _)| seen).next_back();
        Self {
            browse: OfRoute::new(&run.shots, Route::Browse, &down),
            checkout: OfRoute::new(&run.shots, Route::Checkout, &down),
            goodput: f64::from(good) / plan.end().as_secs_f64(),
            payments_saw: seen_until(down.end).unwrap_or(0) - seen_until(down.start).unwrap_or(0),
            busy: told(Name::Gateway).map(|(.., peak)| peak).max().unwrap_or(0),
            recovered: recovered(&run.shots, plan.heals(), plan.end()),
            well_before: {
                let of = |route| OfRoute::new(&run.shots, route, &(Duration::ZERO..down.start));
                let (browse, checkout) = (of(Route::Browse), of(Route::Checkout));
                percent(browse.good + checkout.good, browse.asked + checkout.asked)
            },
            late: nearest(&run.late, 0.99).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{children::Told, phases::Fault, stack::Stack},
        *,
    };

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// 12 s: down from 2 to 8. Browse is asked each second and is lost from 3 to 5; checkout is kept while it is down.
    fn summary() -> Summary {
        let shot = |at, route, end| Shot::new(s(at), route, end, Duration::from_millis(at));
        let browse = (0..12)
            .map(|at| shot(at, Route::Browse, if (3..6).contains(&at) { End::Bad } else { End::Good }));
        let checkout = (0..12)
            .map(|at| shot(at, Route::Checkout, if (2..8).contains(&at) { End::Kept } else { End::Good }));
        let payments = (0..12).map(|at| Told {
            at: s(at),
            by: Name::Payments,
            news: News::Is { seen: at * at, peak: 40 },
        });
        let gateway =
            (0..12).map(|at| Told { at: s(at), by: Name::Gateway, news: News::Is { seen: 999, peak: 7 } });
        let run = Run {
            stack: Stack::Bare,
            shots: browse.chain(checkout).collect(),
            told: payments.chain(gateway).collect(),
            late: (0..100).map(Duration::from_millis).collect(),
        };
        Summary::of(&run, &Plan::of(s(12), &[Fault::Hang]))
    }

    #[test]
    fn routes_are_counted_while_payments_is_down() {
        let Summary { browse, checkout, .. } = summary();
        assert_eq!((browse.asked, browse.good, browse.kept), (6, 3, 0));
        assert_eq!((checkout.asked, checkout.good, checkout.kept), (6, 0, 6));
        assert!((browse.answered() - 50.0).abs() < 1e-9 && (checkout.answered() - 100.0).abs() < 1e-9);
        assert_eq!((browse.p50, browse.p99), (Some(Duration::from_millis(7)), None));
    }

    #[test]
    fn what_was_lost_before_the_fault_is_seen() {
        assert!((summary().well_before - 100.0).abs() < 1e-9);
        let lost = |at| Shot::new(s(at), Route::Browse, End::Bad, s(1));
        let run =
            Run { stack: Stack::Bare, shots: vec![lost(0), lost(3)], told: Vec::new(), late: Vec::new() };
        assert!(Summary::of(&run, &Plan::of(s(12), &[Fault::Hang])).well_before < 1e-9);
    }

    #[test]
    fn goodput_counts_full_answers_of_the_whole_run() {
        assert!((summary().goodput - (9.0 + 6.0) / 12.0).abs() < 1e-9);
    }

    #[test]
    fn what_services_tell_is_told_apart() {
        let Summary { payments_saw, busy, late, .. } = summary();
        assert_eq!((payments_saw, busy, late), (64 - 4, 7, Duration::from_millis(98)));
    }

    #[test]
    fn a_route_that_nobody_asked_for_is_no_division_by_zero() {
        assert!((OfRoute::new(&[], Route::Browse, &(s(0)..s(1))).answered() - 0.0).abs() < 1e-9);
    }
}
