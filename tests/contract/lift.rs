//! The lift, which only widens the error.

use crate::counting;
use buttress::{
    lift,
    rejected::LiftLayer,
    testing::{Law, Subject},
};

#[test]
fn the_lift_keeps_the_laws() {
    let lifts: fn() -> LiftLayer = lift;
    let report = Subject::new(lifts).allocations(counting::made).judge();
    report.assert();
    assert!(report.kept().contains(&Law::InnerAnswerAsItWas));
    assert!(report.kept().contains(&Law::NothingAllocated));
}
