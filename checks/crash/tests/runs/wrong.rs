//! What finds nothing shows nothing: servers that each break one rule, and are found out.

use crate::{NODE, OP, kills::zombie};
use buttress::idempotency::Effects;
use buttress_crash::{
    Op, check::Report, client::Told, orders::Orders, place::Over, single::Single, wrong::Wrong,
};
use std::time::Duration;
use tokio::time::sleep;

fn of(wrong: Option<Wrong>) -> impl Fn(&mut Orders) {
    move |orders| orders.faults.wrong = wrong
}

async fn over_a_file(effects: Effects, change: impl Fn(&mut Orders)) -> Single {
    Single::new(NODE, Over::File, effects, change).await.expect("a file")
}

/// One operation sent twice, one after the other, to a server that is wrong.
async fn twice(wrong: Option<Wrong>, effects: Effects, how: &'static str) -> Report {
    let mut single = over_a_file(effects, of(wrong)).await;
    single.send(0, OP, how).await;
    sleep(Duration::from_millis(50)).await; // real: processes
    single.send(1, OP, how).await;
    single.check().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_a_fence_that_is_ignored() {
    for over in [Over::File, Over::Postgres] {
        if let Some(report) = zombie(over, Some(Wrong::IgnoresFence)).await {
            report.breaks("I1");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_an_effect_before_the_claim() {
    twice(Some(Wrong::ClaimsLate), Effects::Plain, "").await.breaks("I1");
    twice(None, Effects::Plain, "").await.whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_answers_that_are_forgotten() {
    twice(Some(Wrong::ForgetsAnswers), Effects::Plain, "").await.breaks("I1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_a_failure_that_is_run_again() {
    twice(Some(Wrong::RerunsErrors), Effects::Plain, "fail").await.breaks("I1");
    twice(None, Effects::Plain, "fail").await.whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_a_panic_that_releases_the_key() {
    for (wrong, is_found) in [(Some(Wrong::ReleasesOnPanic), true), (None, false)] {
        let mut single = over_a_file(Effects::Plain, of(wrong)).await;
        // A panic gives no answer; the one that is right parks, and says so.
        let told = single.sending(0, OP, "panic", Duration::from_secs(1));
        single.hear(OP, told).await;
        let report = single.check().await;
        assert_eq!(report.duplicates > 0, is_found, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_tenants_that_are_not_told_apart() {
    for (wrong, is_found) in [(Some(Wrong::ForgetsScope), true), (None, false)] {
        let mut single = over_a_file(Effects::Plain, of(wrong)).await;
        single.send(0, OP, "").await;
        single.send(0, Op { tenant: 1, ..OP }, "").await;
        let report = single.check().await;
        if is_found { report.breaks("I6") } else { report.whole() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_an_end_that_is_acknowledged_before_it_is_written() {
    for (wrong, is_found) in [(Some(Wrong::AnswersEarly), true), (None, false)] {
        let mut single = over_a_file(Effects::Keyed, of(wrong)).await;
        single.send(0, OP, "unkeyed").await;
        single.nodes[0].kill();
        single.send(1, OP, "unkeyed").await;
        let report = single.check().await;
        if is_found { report.breaks("I1") } else { report.whole() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_claims_that_do_not_know_themselves() {
    for (wrong, is_found) in [(Some(Wrong::ForgetsNonce), true), (None, false)] {
        let mut single = over_a_file(Effects::Plain, |orders| {
            orders.faults.wrong = wrong;
            orders.faults.lost = 50;
        })
        .await;
        let mut unknown = 0;
        for number in 0..12 {
            let heard = single.send(0, Op { number, ..OP }, "").await;
            unknown += u32::from(heard.told == Told::Unknown);
        }
        // Nobody has died, so everything should be known.
        assert_eq!(unknown > 0, is_found, "{unknown} unknown with {wrong:?}");
    }
}
