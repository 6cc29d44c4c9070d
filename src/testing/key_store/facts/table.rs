//! A test of each fact, in one word.

/// A test of every [fact](crate::testing::key_store::facts) over a store of yours.
///
/// `$stage` is an async function that gives an `Option<Stage<..>>`: `None` skips the test, where the server is missing. Behind
/// it stand the attributes of each test.
///
/// ```
/// use std::time::Duration;
/// use buttress::{store::memory::MemoryStore, testing::key_store::Stage};
///
/// async fn memory() -> Option<Stage<MemoryStore>> {
///     Some(Stage::new(MemoryStore::new(), Duration::from_secs(1)))
/// }
/// buttress::key_store_facts!(memory, #[tokio::test(start_paused = true)]);
/// ```
#[macro_export]
macro_rules! key_store_facts {
    ($stage:path, $(#[$attribute:meta])+) => {
        $crate::testing::key_store::facts::key_store_facts! { @each $stage, [$(#[$attribute])+]
            // Claims.
            a_claim_again_by_its_nonce_is_the_same_claim
            somebody_else_is_told_how_long_to_wait
            another_request_is_a_mismatch_in_every_state
            another_rule_is_told_and_changes_nothing
            two_tenants_with_one_key_never_meet
            an_operation_of_its_own_is_a_record_of_its_own
            a_quota_stops_new_records_of_one_tenant_only
            a_quota_of_bytes_is_used_up_by_answers
            what_has_expired_is_in_nobodys_quota
            what_begins_anew_is_in_its_quota_again
            nothing_is_shown_of_a_record_that_is_not_there
            // Ends.
            an_answer_comes_back_byte_for_byte
            what_was_released_runs_again_under_a_higher_token
            what_is_unknown_stays_unknown
            an_end_said_again_is_the_same_end
            an_end_is_not_turned_into_another
            nothing_is_owned_after_its_end
            the_last_recovery_point_is_found_by_the_next_attempt
            a_new_life_has_no_recovery_point
            // Leases.
            a_late_owner_is_fenced
            a_renewed_lease_holds_and_is_never_shortened
            a_lease_that_nobody_took_is_still_the_owners
            a_claim_again_is_a_sign_of_life
            the_token_grows_with_every_attempt
            // Life and death of records.
            the_time_to_live_counts_from_the_end
            a_record_that_runs_never_expires
            what_has_expired_is_a_new_operation
            a_purge_takes_what_has_expired_and_only_that
            // Parking.
            a_record_left_alone_is_parked_by_either_word
            what_was_left_is_listed_before_anybody_asks
            an_owner_that_comes_back_to_a_parked_record_settles_it
            parked_records_are_listed_page_by_page
            a_parked_record_is_resolved_as_done
            a_parked_record_is_resolved_as_not_done
            only_the_parked_attempt_itself_is_resolved
            // Races.
            one_of_many_claims_wins
            one_of_many_takes_over
            one_of_many_begins_a_new_life
            one_of_an_owner_and_an_heir_settles
            whoever_waits_is_woken_by_the_end
            nobody_waits_for_what_does_not_run
            // Faults.
            lost_answers_change_nothing
            late_answers_change_nothing
        }
    };
    (@each $stage:path, $attributes:tt $($fact:ident)+) => {
        $($crate::testing::key_store::facts::key_store_facts! { @one $stage, $attributes $fact })+
    };
    (@one $stage:path, [$(#[$attribute:meta])+] $fact:ident) => {
        $(#[$attribute])+
        async fn $fact() {
            if let Some(stage) = $stage().await {
                $crate::testing::key_store::facts::$fact(&stage).await;
            }
        }
    };
}

pub use key_store_facts;
