//! The timeout: cuts by its own limit or by a deadline, and refuses what comes too late.

use crate::{
    affairs::{STATE, TURN, VERDICT, WAITING, assert_all_but},
    counting,
};
use buttress::{
    testing::{DeadlineInLayer, Law, Probe, Refusal, Subject, deadline_in},
    timeout::{TimeoutLayer, TotalLayer},
    window::{Quantile, Ratio},
};
use futures_util::FutureExt;
use std::time::Duration;
use tower::{Layer, ServiceExt, layer::util::Stack};

const LIMIT: Duration = Duration::from_millis(250);
const SOON: Duration = Duration::from_millis(100);

/// A fixed timeout neither queues nor keeps a state; an adaptive one keeps none that admits or refuses.
const NOT_ITS_AFFAIR: [&[Law]; 4] = [VERDICT, TURN, WAITING, STATE];

fn under(deadline: Duration) -> Stack<TimeoutLayer, DeadlineInLayer> {
    Stack::new(TimeoutLayer::new(LIMIT), deadline_in(deadline))
}

fn judge(subject: Subject) {
    let report = subject.refuses(Refusal::new(|| under(Duration::ZERO))).allocations(counting::made).judge();
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

#[test]
fn a_timeout_keeps_the_laws() {
    judge(Subject::new(|| TimeoutLayer::new(LIMIT)).cuts_after(LIMIT));
}

#[test]
fn a_timeout_keeps_the_laws_where_the_deadline_cuts() {
    judge(Subject::new(|| under(SOON)).cuts_after(SOON));
}

#[test]
fn a_timeout_keeps_the_laws_where_each_request_has_its_limit() {
    judge(Subject::new(|| TimeoutLayer::per_request(|_: &u64| LIMIT)).cuts_after(LIMIT));
}

#[test]
fn an_adaptive_timeout_keeps_the_laws() {
    judge(Subject::new(|| TimeoutLayer::adaptive(LIMIT)).cuts_after(LIMIT));
}

#[test]
fn an_adaptive_timeout_keeps_the_laws_where_it_cuts_by_what_it_has_learnt() {
    // Calls that answer at once count as taking no time: the shortest limit.
    let learns = || {
        let layer =
            TimeoutLayer::adaptive(2 * LIMIT).min(LIMIT).quantile(Quantile::new(Ratio::ZERO).least(1));
        let echo = layer.layer(Probe::new());
        echo.oneshot(1).now_or_never().expect("at once").expect("an echo");
        assert_eq!(layer.limit(), LIMIT);
        layer
    };
    judge(Subject::new(learns).cuts_after(LIMIT));
}

#[test]
fn a_total_keeps_the_laws_with_and_without_an_attempt_inside() {
    let under = || Stack::new(TotalLayer::new(LIMIT), deadline_in(Duration::ZERO));
    for subject in [
        Subject::new(|| TotalLayer::new(LIMIT)).cuts_after(LIMIT),
        Subject::new(|| Stack::new(TotalLayer::new(LIMIT), deadline_in(SOON))).cuts_after(SOON),
        Subject::new(|| (TotalLayer::new(SOON), TimeoutLayer::new(LIMIT))).cuts_after(SOON),
    ] {
        let report = subject.refuses(Refusal::new(under)).allocations(counting::made).judge();
        assert_all_but(&NOT_ITS_AFFAIR, &report);
    }
}
