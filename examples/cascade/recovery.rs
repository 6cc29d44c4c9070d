//! How long after the healing all is well again.

use super::shot::{End, Shot};
use std::time::Duration;

/// What it takes to be well: of the requests of one second, this share fully answered.
const WELL: f64 = 0.98;
const SECOND: Duration = Duration::from_secs(1);

/// From the healing to the first request with which a second of well answered requests begins; `None` where there is none
/// before the end of the run. An order that was only kept is not yet an answer.
pub(super) fn recovered(shots: &[Shot], healed: Duration, end: Duration) -> Option<Duration> {
    let mut after: Vec<_> = shots.iter().filter(|shot| shot.due >= healed).collect();
    after.sort_by_key(|shot| shot.due);
    let from = |first: &Shot| {
        let second = after.iter().filter(|shot| shot.due >= first.due && shot.due < first.due + SECOND);
        let (mut asked, mut good) = (0_u32, 0_u32);
        for shot in second {
            asked += 1;
            good += u32::from(shot.end == End::Good);
        }
        f64::from(good) >= WELL * f64::from(asked)
    };
    // A request that itself was not answered begins nothing.
    let mut begins = after.iter().filter(|shot| shot.end == End::Good && shot.due + SECOND <= end);
    begins.find(|shot| from(shot)).map(|shot| shot.due - healed)
}

#[cfg(test)]
mod tests {
    use super::{super::shot::Route, *};

    /// A request each 10 ms from 0 to 10 s; `end` says how each ends, by its millisecond.
    fn run(end: impl Fn(u64) -> End) -> Vec<Shot> {
        let shot =
            |ms| Shot::new(Duration::from_millis(ms), Route::Checkout, end(ms), Duration::from_millis(5));
        (0..1000).map(|n| shot(n * 10)).collect()
    }

    fn after(shots: &[Shot]) -> Option<u128> {
        recovered(shots, Duration::from_secs(4), Duration::from_secs(10)).map(|time| time.as_millis())
    }

    #[test]
    fn what_was_never_ill_is_well_at_once() {
        assert_eq!(after(&run(|_| End::Good)), Some(0));
    }

    #[test]
    fn what_stays_ill_does_not_recover() {
        assert_eq!(after(&run(|ms| if ms < 4000 { End::Good } else { End::Bad })), None);
    }

    #[test]
    fn the_first_of_the_good_second_counts() {
        assert_eq!(after(&run(|ms| if ms < 5200 { End::Bad } else { End::Good })), Some(1200));
    }

    #[test]
    fn a_short_good_while_is_no_recovery() {
        let relapse = |ms| if (4500..5000).contains(&ms) || ms >= 7000 { End::Good } else { End::Bad };
        assert_eq!(after(&run(relapse)), Some(3000));
    }

    #[test]
    fn an_order_that_is_only_kept_is_no_recovery() {
        assert_eq!(after(&run(|ms| if ms < 6000 { End::Kept } else { End::Good })), Some(2000));
    }

    #[test]
    fn one_in_fifty_may_fail() {
        assert_eq!(after(&run(|ms| if ms % 500 == 110 { End::Bad } else { End::Good })), Some(0));
        assert_eq!(after(&run(|ms| if ms % 300 == 50 { End::Bad } else { End::Good })), None);
    }

    #[test]
    fn a_good_second_that_the_run_does_not_see_to_its_end_is_none() {
        assert_eq!(after(&run(|ms| if ms < 9010 { End::Bad } else { End::Good })), None);
        assert_eq!(after(&run(|ms| if ms < 9000 { End::Bad } else { End::Good })), Some(5000));
    }
}
