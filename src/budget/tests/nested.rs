//! A call that passes two layers with one budget.

use crate::{
    budget::{Budget, Extra, Quota, Share, books::Books},
    outcome::Outcome,
    window::Ratio,
};

/// A share counts who runs: a call once, by whoever is outside, and extra attempts wherever they are asked for.
#[test]
fn inside_of_a_call_another_layer_counts_its_extra_attempts_and_no_call() {
    let budget = Budget::of(Share::new(Ratio::percent(90)).floor(4));
    let Books::Share { crowd, .. } = budget.books() else { panic!("another rule") };
    let mut outside = budget.open();
    assert!(outside.take(Extra::Retry));
    outside.around(|| {
        let mut inside = budget.open();
        assert_eq!(crowd.count(), (1, 1));
        assert!(inside.take(Extra::Hedge) && inside.take(Extra::Hedge));
        inside.ended();
        assert_eq!(crowd.count(), (1, 2));
        drop(inside);
        assert_eq!(crowd.count(), (1, 1));
        drop(Budget::new().open()); // another budget is another affair
    });
    drop(budget.open());
    assert_eq!(crowd.count(), (1, 1));
    outside.ended();
    drop(outside);
    assert_eq!(crowd.count(), (0, 0));
}

/// What a retry has paid comes back where its attempt succeeds, though it is the hedge inside that tells.
#[test]
fn what_the_outside_has_paid_is_given_back_by_the_end_that_the_inside_tells() {
    let budget = Budget::of(Quota::new());
    let mut outside = budget.open();
    outside.answered(&Outcome::FAILED);
    assert!(outside.take(Extra::Retry));
    assert_eq!(budget.tokens(), Some(486.0));
    outside.around(|| budget.open().answered(&Outcome::OK));
    assert_eq!(budget.tokens(), Some(500.0));
    outside.answered(&Outcome::OK); // of the same attempt
    outside.ended();
    // The next one nobody inside has told of.
    assert!(outside.take(Extra::Retry));
    outside.around(|| {});
    outside.answered(&Outcome::OK);
    assert_eq!(budget.tokens(), Some(500.0));
}

#[test]
fn a_panic_inside_leaves_nobody_outside() {
    let budget = Budget::new();
    let mut outside = budget.open();
    assert!(outside.take(Extra::Retry));
    let panics = std::panic::AssertUnwindSafe(|| outside.around(|| panic!("inside")));
    assert!(std::panic::catch_unwind(panics).is_err());
    drop(budget.open());
    assert_eq!(budget.tokens(), Some(9.1));
}
