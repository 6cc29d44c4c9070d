//! The span around a call, which nobody listens to here, and somebody.

use crate::counting;
use buttress::{
    telemetry::SpanLayer,
    testing::{Law, Subject},
};
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn a_span_keeps_the_laws_and_costs_nothing_where_nobody_listens() {
    let report = Subject::new(|| SpanLayer::new("payments")).allocations(counting::made).judge();
    report.assert();
    assert!(report.kept().contains(&Law::InnerAnswerAsItWas));
    assert!(report.kept().contains(&Law::NothingAllocated));
}

#[test]
fn a_span_keeps_the_laws_where_somebody_listens() {
    let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(fmt));
    Subject::new(|| SpanLayer::new("payments")).judge().assert();
}
