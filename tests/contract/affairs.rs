//! Which laws are whose affair: no law can be run over what a layer neither does nor keeps.

use buttress::testing::{Law, Report};

/// Who refuses nothing is not asked these.
pub(crate) const REFUSING: &[Law] =
    &[Law::ReadinessNeverRejects, Law::RefusalAsksNothingInside, Law::AdmittedFirst];

/// Nor these, who keeps no verdict on the service that time, or a success, could end.
pub(crate) const VERDICT: &[Law] =
    &[Law::RefusalStands, Law::DropWhileRecovering, Law::LateResultsMoveNothing];

/// Who makes nobody wait for a turn.
pub(crate) const TURN: &[Law] = &[Law::WaitingIsInTheCall, Law::DropInTheQueue];

/// Who never waits before it calls.
pub(crate) const WAITING: &[Law] = &[Law::WaitingHoldsNothing];

/// Who cuts nothing.
pub(crate) const CUTTING: &[Law] = &[Law::CutBeforeTheAnswer, Law::CutSaysWhy];

/// Who keeps no state in which it admits less.
pub(crate) const STATE: &[Law] = &[Law::LayerSharesState, Law::ClonesShareState, Law::LayersAreApart];

/// Who does nothing at a time.
pub(crate) const TIME: &[Law] = &[Law::WaitsEndOnTime];

/// Who is asked between adapters that allocate; what the layer itself allocates is counted in `tests/allocations.rs`.
pub(crate) const ALLOCATING: &[Law] = &[Law::NothingAllocated];

/// Of who only passes on what it is asked and answered.
pub(crate) const ALL_OF_WHO_PASSES_ON: [&[Law]; 7] = [REFUSING, VERDICT, TURN, WAITING, CUTTING, STATE, TIME];

/// Asserts that no law is broken, and that those were not run, and no other.
#[track_caller]
pub(crate) fn assert_all_but(not_its_affair: &[&[Law]], report: &Report) {
    report.assert();
    assert_not_run(not_its_affair, report);
}

#[track_caller]
pub(crate) fn assert_not_run(not_its_affair: &[&[Law]], report: &Report) {
    let mut laws = not_its_affair.concat();
    laws.sort_unstable();
    assert_eq!(report.not_run(), laws, "{report}");
}
