//! The lift, which only widens the error.

use crate::counting;
use buttress::testing::{Law, Subject};

#[test]
fn the_lift_keeps_the_laws() {
    let report = Subject::new(buttress::lift).allocations(counting::made).judge();
    report.assert();
    assert!(report.kept().contains(&Law::InnerAnswerAsItWas));
    assert!(report.kept().contains(&Law::NothingAllocated));
}
