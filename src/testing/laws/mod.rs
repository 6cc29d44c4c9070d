//! Every law as a function over any layer.
//!
//! Each runs on a runtime of its own with a paused clock, so that it can be called from a plain `#[test]`.
//! [`Subject::judge`](super::Subject::judge) runs them all.
//!
//! ```
//! use buttress::testing::{Subject, Verdict, laws};
//! use tower::load_shed::LoadShedLayer;
//!
//! let subject = Subject::new(LoadShedLayer::new);
//! assert_eq!(laws::panic_is_a_panic(&subject), Verdict::Kept);
//! assert!(matches!(laws::nothing_allocated(&subject), Verdict::NotRun(_)));
//! ```

mod allocation;
mod calling;
mod clock;
mod dropping;
mod ending;
mod inner;
mod late_result;
mod panicking;
mod readiness;
mod recovering;
mod state;
mod waiting;
mod waking;

pub use allocation::nothing_allocated;
pub use calling::{admitted_first, ended_is_left_alone, one_call, readied_is_called};
pub use clock::waits_end_on_time;
pub use dropping::{drop_in_the_queue, drop_is_clean, end_is_clean};
pub use ending::{cut_before_the_answer, cut_says_why, gone_is_not_cut};
pub use inner::inner_answer_as_it_was;
pub use late_result::late_results_move_nothing;
pub use panicking::{panic_is_a_panic, works_after_a_panic};
pub use readiness::{
    readiness_error_passes, readiness_never_rejects, readiness_takes_no_permit, refusal_asks_nothing_inside,
    refusal_stands,
};
pub use recovering::drop_while_recovering;
pub use state::{clones_share_state, layer_shares_state, layers_are_apart};
pub use waiting::{waiting_holds_nothing, waiting_is_in_the_call};
pub use waking::no_wake_lost;
