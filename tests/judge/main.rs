//! The judge is judged: deliberately wrong layers, each of which breaks its own law and no other.

mod again;
#[path = "../counting/mod.rs"]
mod counting;
mod cutter;
mod fuse;
mod gate;
mod plain;
mod services;
mod towers;

use buttress::testing::{Answer, Law, Refusal, Report, Subject, Verdict};
use std::{fmt::Debug, time::Duration};

fn subject(name: &str, flaw: impl Debug, subject: Subject) -> Subject {
    subject.named(format!("{name}: {flaw:?}")).allocations(counting::made)
}

fn plain(flaw: plain::Flaw) -> Subject {
    subject("plain", flaw, Subject::new(move || plain::PlainLayer(flaw)))
}

fn gate(flaw: gate::Flaw) -> Subject {
    let make = move |places, queues| move || gate::GateLayer::new(places, queues, flaw);
    let queues = Subject::new(make(8, false))
        .refuses(Refusal::after([Answer::never()], make(1, false)))
        .waits([Answer::never()], make(1, true));
    subject("gate", flaw, queues)
}

/// The same, where the calls that are judged go through the queueing gate.
fn queue(flaw: gate::Flaw) -> Subject {
    let make = move |places| move || gate::GateLayer::new(places, true, flaw);
    subject("queue", flaw, Subject::new(make(8)).waits([Answer::never()], make(1)))
}

fn fuse(flaw: fuse::Flaw) -> Subject {
    let make = move || fuse::FuseLayer::new(flaw);
    let history = [Answer::fail(); fuse::FAILURES];
    let open = Refusal::after(history, make).recovers_after(fuse::OPEN_FOR);
    subject("fuse", flaw, Subject::new(make).refuses(open))
}

fn cutter(flaw: cutter::Flaw) -> Subject {
    subject("cutter", flaw, Subject::new(move || cutter::CutterLayer(flaw)).cuts_after(cutter::LIMIT))
}

fn again(flaw: again::Flaw) -> Subject {
    subject("again", flaw, Subject::new(move || again::AgainLayer(flaw)).calls_again())
}

fn right_ones() -> [Subject; 6] {
    [
        plain(plain::Flaw::None),
        gate(gate::Flaw::None),
        queue(gate::Flaw::None),
        fuse(fuse::Flaw::None),
        cutter(cutter::Flaw::None),
        again(again::Flaw::None),
    ]
}

/// Each wrong layer, and the one law that it breaks.
fn wrong_ones() -> Vec<(Subject, Law)> {
    let mut all = vec![
        (gate(gate::Flaw::RejectsInReady), Law::ReadinessNeverRejects),
        (gate(gate::Flaw::PermitInReady), Law::ReadinessTakesNoPermit),
        (gate(gate::Flaw::AsksBeforeRefusing), Law::RefusalAsksNothingInside),
        (fuse(fuse::Flaw::DecidesTwice), Law::RefusalStands),
        (plain(plain::Flaw::RejectsReadinessError), Law::ReadinessErrorPasses),
        (gate(gate::Flaw::WaitsInReady), Law::WaitingIsInTheCall),
        (queue(gate::Flaw::WaitsWithFullHands), Law::WaitingHoldsNothing),
        (again(again::Flaw::WaitsWithFullHands), Law::WaitingHoldsNothing),
        (plain(plain::Flaw::CallsAClone), Law::ReadiedIsCalled),
        (again(again::Flaw::UnreadiedAttempt), Law::ReadiedIsCalled),
        (gate(gate::Flaw::CallsBeforeAdmission), Law::AdmittedFirst),
        (plain(plain::Flaw::CallsTwice), Law::OneCall),
        (again(again::Flaw::RetriesGoodAnswers), Law::OneCall),
    ];
    for polls in 0..=3 {
        all.push((gate(gate::Flaw::LeaksWhenDroppedAfter(polls)), Law::DropIsClean));
    }
    all.extend([
        (gate(gate::Flaw::LeaksItsPlace), Law::DropInTheQueue),
        (gate(gate::Flaw::LeaksItsTurn), Law::DropInTheQueue),
        (fuse(fuse::Flaw::LeaksItsProbe), Law::DropWhileRecovering),
        (gate(gate::Flaw::LeaksOnError), Law::EndIsClean),
        (queue(gate::Flaw::LeaksOnError), Law::EndIsClean),
        (fuse(fuse::Flaw::LateSuccessCloses), Law::LateResultsMoveNothing),
        (cutter(cutter::Flaw::AnswersFirst), Law::CutBeforeTheAnswer),
        (cutter(cutter::Flaw::SaysNothing), Law::CutSaysWhy),
        (cutter(cutter::Flaw::CallsEveryDropACut), Law::GoneIsNotCut),
        (cutter(cutter::Flaw::SwallowsPanics), Law::PanicIsAPanic),
        (cutter(cutter::Flaw::OwnPanic), Law::PanicIsAPanic),
        (gate(gate::Flaw::LeaksOnPanic), Law::WorksAfterAPanic),
        (plain(plain::Flaw::OwnError), Law::InnerAnswerAsItWas),
        (plain(plain::Flaw::OwnAnswer), Law::InnerAnswerAsItWas),
        (again(again::Flaw::FirstError), Law::InnerAnswerAsItWas),
        (gate(gate::Flaw::StateInLayerCall), Law::LayerSharesState),
        (gate(gate::Flaw::StateInClone), Law::ClonesShareState),
        (gate(gate::Flaw::StateInStatic), Law::LayersAreApart),
        (cutter(cutter::Flaw::RealClock), Law::WaitsEndOnTime),
        (cutter(cutter::Flaw::Late), Law::WaitsEndOnTime),
        (cutter(cutter::Flaw::Early), Law::WaitsEndOnTime),
        (fuse(fuse::Flaw::RealClock), Law::WaitsEndOnTime),
        (fuse(fuse::Flaw::Early), Law::WaitsEndOnTime),
        (plain(plain::Flaw::Allocates), Law::NothingAllocated),
        (plain(plain::Flaw::DeafInReady), Law::NoWakeLost),
        (plain(plain::Flaw::DeafInCall), Law::NoWakeLost),
        (plain(plain::Flaw::FirstWakerInReady), Law::NoWakeLost),
        (plain(plain::Flaw::FirstWakerInCall), Law::NoWakeLost),
        (cutter(cutter::Flaw::DeafTimer), Law::NoWakeLost),
        (again(again::Flaw::DeafWait), Law::NoWakeLost),
        (plain(plain::Flaw::PollsAfterEnd), Law::EndedIsLeftAlone),
    ]);
    all
}

fn print_table(reports: &[Report]) {
    let codes: String = Law::ALL.iter().map(|law| format!("{:>4}", law.code())).collect();
    println!("{:<40}{codes}   (. kept, X broken, - not run)", "");
    for report in reports {
        let cells: String = report.iter().map(|(_, verdict)| format!("{:>4}", sign(verdict))).collect();
        println!("{:<40}{cells}", report.name());
    }
}

fn sign(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Kept => '.',
        Verdict::Broken(_) => 'X',
        Verdict::NotRun(_) => '-',
    }
}

#[test]
fn each_wrong_layer_breaks_its_own_law_and_no_other() {
    let (reports, expected): (Vec<_>, Vec<_>) =
        wrong_ones().iter().map(|(subject, law)| (subject.judge(), *law)).unzip();
    print_table(&reports);
    let mut wrong = String::new();
    for (report, law) in reports.iter().zip(&expected) {
        if report.broken() != [*law] {
            wrong += &format!("should break {law:?} alone, and breaks {:?}\n{report}\n", report.broken());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let unproven: Vec<_> = Law::ALL.iter().filter(|law| !expected.contains(law)).collect();
    assert!(unproven.is_empty(), "no wrong layer breaks {unproven:?}");
}

#[test]
fn the_same_layers_without_their_flaws_break_nothing() {
    let reports = right_ones().map(|subject| subject.judge());
    print_table(&reports);
    for report in &reports {
        report.assert();
    }
    let never_run: Vec<_> =
        Law::ALL.iter().filter(|law| reports.iter().all(|report| !report.kept().contains(law))).collect();
    assert!(never_run.is_empty(), "{never_run:?} were kept by no right layer");
}

#[test]
fn a_law_without_material_is_not_run_and_says_why() {
    let report = Subject::new(|| plain::PlainLayer(plain::Flaw::None)).judge();
    assert_eq!(
        report.not_run(),
        [
            Law::ReadinessNeverRejects,
            Law::RefusalAsksNothingInside,
            Law::RefusalStands,
            Law::WaitingIsInTheCall,
            Law::WaitingHoldsNothing,
            Law::AdmittedFirst,
            Law::DropInTheQueue,
            Law::DropWhileRecovering,
            Law::LateResultsMoveNothing,
            Law::CutBeforeTheAnswer,
            Law::CutSaysWhy,
            Law::LayerSharesState,
            Law::ClonesShareState,
            Law::LayersAreApart,
            Law::WaitsEndOnTime,
            Law::NothingAllocated,
        ]
    );
    for law in report.not_run() {
        let Verdict::NotRun(why) = report.verdict(law) else { panic!("{law:?}") };
        assert!(why.starts_with("no ") || why.contains("was not said"), "{law:?}: {why}");
    }
}

#[test]
fn a_counter_that_does_not_count_is_found_out() {
    let report = Subject::new(|| plain::PlainLayer(plain::Flaw::Allocates)).allocations(|| 7).judge();
    assert!(
        matches!(report.verdict(Law::NothingAllocated), Verdict::NotRun(why) if why.contains("does not count"))
    );
}

#[test]
fn material_that_does_not_do_what_it_says_is_not_taken_for_a_verdict() {
    let make = || plain::PlainLayer(plain::Flaw::None);
    let report = Subject::new(make).waits([Answer::never()], make).judge();
    report.assert();
    for law in [Law::WaitingIsInTheCall, Law::WaitingHoldsNothing, Law::DropInTheQueue, Law::LayerSharesState]
    {
        assert!(matches!(report.verdict(law), Verdict::NotRun(_)), "{law:?}");
    }
    // Of a layer that should refuse and does not, the law of admission is broken.
    Subject::new(make).refuses(Refusal::new(make)).judge().assert_breaks(&[Law::AdmittedFirst]);
}

#[test]
fn a_report_of_broken_laws_reads_and_panics() {
    let report = plain(plain::Flaw::CallsTwice).judge();
    let text = report.to_string();
    assert!(text.starts_with("plain: CallsTwice: "), "{text}");
    assert!(text.contains("2c  one call is one call inside"), "{text}");
    assert!(text.contains("BROKEN: one call became 2 calls of the inner service"), "{text}");
    let panic = std::panic::catch_unwind(|| report.assert()).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("breaks [OneCall]"));
    let panic =
        std::panic::catch_unwind(|| report.assert_breaks(&[Law::OneCall, Law::DropIsClean])).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("does not: [DropIsClean]"));
}

#[tokio::test]
async fn within_a_runtime_no_law_is_run_and_that_is_no_pass() {
    let report = plain(plain::Flaw::None).judge();
    assert_eq!(report.not_run().len(), Law::ALL.len());
    assert!(std::panic::catch_unwind(|| report.assert()).is_err());
}

#[test]
fn times_longer_than_the_judge_waits_are_not_run() {
    let make = || plain::PlainLayer(plain::Flaw::None);
    for time in [Duration::MAX, Duration::from_secs(60 * 60 * 24 * 31)] {
        let report = Subject::new(make).cuts_after(time).judge();
        report.assert();
        for law in [Law::CutBeforeTheAnswer, Law::CutSaysWhy, Law::WaitsEndOnTime, Law::NoWakeLost] {
            assert!(matches!(report.verdict(law), Verdict::NotRun(_)), "{law:?}");
        }
    }
}

#[test]
fn every_law_stands_in_its_place_with_a_code_of_its_own() {
    for (place, law) in Law::ALL.iter().enumerate() {
        assert_eq!(*law as usize, place);
        assert_eq!(Law::ALL.iter().filter(|other| other.code() == law.code()).count(), 1, "{law:?}");
        assert!(law.title().len() < 60, "{law:?}");
    }
}
