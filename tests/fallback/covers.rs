//! Which endings are stood in for.

use crate::{Does, ask, open};
use buttress::{
    Lifted,
    fallback::FallbackLayer,
    outcome::{Class, Outcome},
    rejected::Reason,
    testing::{Answer, Fault, Probe},
};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use tower::{Layer, ServiceExt};

#[tokio::test]
async fn what_a_layer_of_ours_refused_or_cut_is_stood_in_for_by_default() {
    let layer = FallbackLayer::value(7);
    for reason in [Reason::Open, Reason::Full, Reason::Shed, Reason::NoEndpoint, Reason::StoreDown] {
        assert_eq!(ask(&layer, Does::Rejects(reason, false)).await, Ok(7), "{reason:?}");
    }
    for reason in [Reason::TimedOut, Reason::DeadlinePassed] {
        for reached in [true, false] {
            assert_eq!(ask(&layer, Does::Rejects(reason, reached)).await, Ok(7), "{reason:?}");
        }
    }
}

#[tokio::test]
async fn a_bug_is_never_hidden_by_default() {
    let layer = FallbackLayer::value(7);
    assert_eq!(ask(&layer, Does::Fails(3)).await, Err(Lifted::Inner(Fault::new(3))));

    let probe = Probe::new();
    let svc = layer.layer(probe.clone());
    for answer in [Answer::panics(), Answer::panics_in_call(), Answer::panics().after_polls(1)] {
        probe.handle().next(answer);
        let caught = AssertUnwindSafe(svc.clone().oneshot(1)).catch_unwind().await.expect_err("a panic");
        assert!(crate::is_scripted(&*caught));
    }

    // A response that the classifier calls a failure is a response like any other.
    let layer = layer.classify_by(|_: Result<&u64, &Lifted<Fault>>| Outcome::FAILED);
    assert_eq!(ask(&layer, Does::Answers(1)).await, Ok(1));
}

#[tokio::test]
async fn a_panic_stays_a_panic_whatever_is_named() {
    let all = [Class::Ok, Class::Failed, Class::Panicked, Class::Cancelled, Class::Rejected, Class::TimedOut];
    let probe = Probe::new();
    probe.handle().next(Answer::panics());
    let svc = FallbackLayer::value(7).on(all).layer(probe);
    let caught = AssertUnwindSafe(svc.clone().oneshot(1)).catch_unwind().await.expect_err("a panic");
    assert!(crate::is_scripted(&*caught));
    assert_eq!(svc.oneshot(1).await, Ok(1), "and a good answer is the answer");
    for outcome in [Outcome::PANICKED, Outcome::CANCELLED, Outcome::OK] {
        let says = FallbackLayer::value(7)
            .on(all)
            .when(|_| true)
            .classify_by(move |_: Result<&u64, &Lifted<Fault>>| outcome);
        assert_eq!(ask(&says, Does::Fails(1)).await, Err(Lifted::Inner(Fault::new(1))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_caller_over_its_rate_is_told_so() {
    let layer = FallbackLayer::value(7);
    for reason in [Reason::Limited, Reason::TooLarge] {
        let Err(Lifted::Rejected(why)) = ask(&layer, Does::Rejects(reason, false)).await else {
            panic!("{reason:?} was hidden")
        };
        assert_eq!(why.reason(), reason);
        let named = layer.clone().on([Class::Rejected]);
        assert_eq!(ask(&named, Does::Rejects(reason, false)).await, Ok(7));
    }
}

#[tokio::test]
async fn on_names_all_and_also_on_adds() {
    let only = FallbackLayer::value(7).on([Class::Failed]);
    assert_eq!(ask(&only, Does::Fails(1)).await, Ok(7));
    assert!(ask(&only, open()).await.is_err());
    let both = FallbackLayer::value(7).also_on([Class::Failed]);
    assert_eq!(ask(&both, Does::Fails(1)).await, Ok(7));
    assert_eq!(ask(&both, open()).await, Ok(7));
    let none = FallbackLayer::value(7).on([]);
    assert!(ask(&none, open()).await.is_err());
}

#[tokio::test]
async fn when_decides_in_place_of_on() {
    let layer = FallbackLayer::value(7).on([Class::Failed]).when(|why| why.reason() == Some(Reason::Open));
    assert_eq!(ask(&layer, open()).await, Ok(7));
    assert!(ask(&layer, Does::Fails(1)).await.is_err());
    assert!(ask(&layer, Does::Rejects(Reason::Full, false)).await.is_err());
    let reached = FallbackLayer::value(7).when(|why| !why.outcome().reached());
    assert!(ask(&reached, Does::Rejects(Reason::TimedOut, true)).await.is_err());
    assert_eq!(ask(&reached, Does::Rejects(Reason::TimedOut, false)).await, Ok(7));
    // said last, `on` decides
    assert_eq!(ask(&reached.on([Class::TimedOut]), Does::Rejects(Reason::TimedOut, true)).await, Ok(7));
}

#[tokio::test]
async fn the_classifier_is_not_shown_rejections_and_reads_the_rest() {
    let layer = FallbackLayer::value(7).on([Class::Throttled, Class::Rejected]).classify_by(
        |result: Result<&u64, &Lifted<Fault>>| match result {
            Err(Lifted::Rejected(_)) => panic!("was shown a rejection"),
            Ok(429) => Outcome::THROTTLED,
            _ => Outcome::OK,
        },
    );
    assert_eq!(ask(&layer, open()).await, Ok(7));
    assert_eq!(ask(&layer, Does::Answers(429)).await, Ok(7), "a response can be stood in for too");
    assert_eq!(ask(&layer, Does::Answers(200)).await, Ok(200));
}
