//! The laws by name.

use super::{Subject, Verdict, laws};

/// A law that every layer keeps, as seen from outside.
///
/// The number of its [`code`](Self::code) is that of the law it belongs to; `t` marks what tower and futures ask of
/// everyone.
///
/// ```
/// use buttress::testing::Law;
///
/// assert_eq!(Law::DropIsClean.code(), "3a");
/// assert_eq!(Law::DropIsClean.title(), "dropped at any poll, a call gives back all it held");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Law {
    /// [`laws::readiness_never_rejects`]
    ReadinessNeverRejects,
    /// [`laws::readiness_takes_no_permit`]
    ReadinessTakesNoPermit,
    /// [`laws::refusal_asks_nothing_inside`]
    RefusalAsksNothingInside,
    /// [`laws::refusal_stands`]
    RefusalStands,
    /// [`laws::readiness_error_passes`]
    ReadinessErrorPasses,
    /// [`laws::waiting_is_in_the_call`]
    WaitingIsInTheCall,
    /// [`laws::waiting_holds_nothing`]
    WaitingHoldsNothing,
    /// [`laws::readied_is_called`]
    ReadiedIsCalled,
    /// [`laws::admitted_first`]
    AdmittedFirst,
    /// [`laws::one_call`]
    OneCall,
    /// [`laws::drop_is_clean`]
    DropIsClean,
    /// [`laws::drop_in_the_queue`]
    DropInTheQueue,
    /// [`laws::drop_while_recovering`]
    DropWhileRecovering,
    /// [`laws::end_is_clean`]
    EndIsClean,
    /// [`laws::late_results_move_nothing`]
    LateResultsMoveNothing,
    /// [`laws::cut_before_the_answer`]
    CutBeforeTheAnswer,
    /// [`laws::cut_says_why`]
    CutSaysWhy,
    /// [`laws::gone_is_not_cut`]
    GoneIsNotCut,
    /// [`laws::panic_is_a_panic`]
    PanicIsAPanic,
    /// [`laws::works_after_a_panic`]
    WorksAfterAPanic,
    /// [`laws::inner_answer_as_it_was`]
    InnerAnswerAsItWas,
    /// [`laws::layer_shares_state`]
    LayerSharesState,
    /// [`laws::clones_share_state`]
    ClonesShareState,
    /// [`laws::layers_are_apart`]
    LayersAreApart,
    /// [`laws::waits_end_on_time`]
    WaitsEndOnTime,
    /// [`laws::nothing_allocated`]
    NothingAllocated,
    /// [`laws::no_wake_lost`]
    NoWakeLost,
    /// [`laws::ended_is_left_alone`]
    EndedIsLeftAlone,
}

type Entry = (&'static str, &'static str, fn(&Subject) -> Verdict);

impl Law {
    /// Every law, in the order of a report.
    pub const ALL: &'static [Self] = &[
        Self::ReadinessNeverRejects,
        Self::ReadinessTakesNoPermit,
        Self::RefusalAsksNothingInside,
        Self::RefusalStands,
        Self::ReadinessErrorPasses,
        Self::WaitingIsInTheCall,
        Self::WaitingHoldsNothing,
        Self::ReadiedIsCalled,
        Self::AdmittedFirst,
        Self::OneCall,
        Self::DropIsClean,
        Self::DropInTheQueue,
        Self::DropWhileRecovering,
        Self::EndIsClean,
        Self::LateResultsMoveNothing,
        Self::CutBeforeTheAnswer,
        Self::CutSaysWhy,
        Self::GoneIsNotCut,
        Self::PanicIsAPanic,
        Self::WorksAfterAPanic,
        Self::InnerAnswerAsItWas,
        Self::LayerSharesState,
        Self::ClonesShareState,
        Self::LayersAreApart,
        Self::WaitsEndOnTime,
        Self::NothingAllocated,
        Self::NoWakeLost,
        Self::EndedIsLeftAlone,
    ];

    /// The number of the law, and a letter for the side of it.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.entry().0
    }

    /// What it asks, in a line.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.entry().1
    }

    /// What it says of that layer.
    #[must_use]
    pub fn judge(self, subject: &Subject) -> Verdict {
        self.entry().2(subject)
    }

    fn entry(self) -> Entry {
        match self {
            Self::ReadinessNeverRejects => ("1a", "poll_ready never rejects", laws::readiness_never_rejects),
            Self::ReadinessTakesNoPermit => {
                ("1b", "poll_ready takes no permit", laws::readiness_takes_no_permit)
            }
            Self::RefusalAsksNothingInside => {
                ("1c", "who will refuse is ready, without asking inside", laws::refusal_asks_nothing_inside)
            }
            Self::RefusalStands => {
                ("1d", "refused at poll_ready is refused at the call", laws::refusal_stands)
            }
            Self::ReadinessErrorPasses => {
                ("1e", "an inner readiness error passes through", laws::readiness_error_passes)
            }
            Self::WaitingIsInTheCall => {
                ("1f", "own waiting is in the call, not in poll_ready", laws::waiting_is_in_the_call)
            }
            Self::WaitingHoldsNothing => {
                ("1g", "own waiting holds no inner readiness", laws::waiting_holds_nothing)
            }
            Self::ReadiedIsCalled => {
                ("2a", "the readied instance is the one called", laws::readied_is_called)
            }
            Self::AdmittedFirst => {
                ("2b", "a refused call never reaches the inner service", laws::admitted_first)
            }
            Self::OneCall => ("2c", "one call is one call inside", laws::one_call),
            Self::DropIsClean => {
                ("3a", "dropped at any poll, a call gives back all it held", laws::drop_is_clean)
            }
            Self::DropInTheQueue => {
                ("3b", "dropped in the queue, it gives back its place", laws::drop_in_the_queue)
            }
            Self::DropWhileRecovering => {
                ("3c", "the first call of a recovery can be dropped", laws::drop_while_recovering)
            }
            Self::EndIsClean => {
                ("3d", "ended well or badly, a call gives back all it held", laws::end_is_clean)
            }
            Self::LateResultsMoveNothing => {
                ("4a", "a late success does not end a refusal", laws::late_results_move_nothing)
            }
            Self::CutBeforeTheAnswer => {
                ("5a", "a cut call is dropped before the answer", laws::cut_before_the_answer)
            }
            Self::CutSaysWhy => ("5b", "a cut call is told that it was cut", laws::cut_says_why),
            Self::GoneIsNotCut => ("5c", "a caller who leaves is not a cut", laws::gone_is_not_cut),
            Self::PanicIsAPanic => ("5d", "a panic inside comes out as that panic", laws::panic_is_a_panic),
            Self::WorksAfterAPanic => ("5e", "after a panic it works as before", laws::works_after_a_panic),
            Self::InnerAnswerAsItWas => {
                ("6a", "the inner answer comes back as it was", laws::inner_answer_as_it_was)
            }
            Self::LayerSharesState => ("7a", "one layer value, one state", laws::layer_shares_state),
            Self::ClonesShareState => ("7b", "clones of a service share its state", laws::clones_share_state),
            Self::LayersAreApart => ("7c", "two layer values share nothing", laws::layers_are_apart),
            Self::WaitsEndOnTime => {
                ("8a", "waits end when the paused clock says so", laws::waits_end_on_time)
            }
            Self::NothingAllocated => ("11a", "an admitted call allocates nothing", laws::nothing_allocated),
            Self::NoWakeLost => ("ta", "who answers Pending is woken", laws::no_wake_lost),
            Self::EndedIsLeftAlone => {
                ("tb", "a future that has ended is not polled again", laws::ended_is_left_alone)
            }
        }
    }
}
