//! What stands under the span of a call, and what is written into it.

use buttress::{
    Rejected,
    breaker::{BreakerLayer, Circuit, Policy as Breaking, Trip},
    over,
    rejected::Reason,
    retry::{Policy, RetryLayer},
    telemetry::{SpanLayer, Tracing},
    timeout::TimeoutLayer,
};
use futures_util::FutureExt;
use std::{
    collections::HashMap,
    fmt::{Debug, Write},
    future::ready,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tower::{Service, ServiceExt, service_fn};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry::LookupSpan,
};

/// All that is heard: the fields of each span once it is closed, and each event with the number of spans that it stands in.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    open: HashMap<u64, String>,
    lines: Vec<String>,
}

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Heard {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let of = attributes.metadata();
        let mut fields = Fields(format!("{} {} {}", of.level(), of.target(), of.name()));
        attributes.record(&mut fields);
        self.0.lock().expect("whole").open.insert(id.into_u64(), fields.0);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let mut heard = self.0.lock().expect("whole");
        *heard.open.get_mut(&id.into_u64()).expect("begun") += &fields.0;
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let depth = context.event_scope(event).map_or(0, Iterator::count);
        self.0.lock().expect("whole").lines.push(format!("{depth}{}", fields.0));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut heard = self.0.lock().expect("whole");
        let fields = heard.open.remove(&id.into_u64()).expect("begun");
        heard.lines.push(fields);
    }
}

impl Heard {
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let heard = Self::default();
        let subscriber = tracing_subscriber::registry().with(heard.clone());
        (heard, tracing::subscriber::set_default(subscriber))
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("whole").lines)
    }
}

const CALL: &str = r#"INFO buttress call otel.name="payments" otel.kind="internal""#;

#[tokio::test(start_paused = true)]
async fn attempts_stand_under_one_span_and_are_counted_in_it() {
    let (heard, _here) = Heard::listen();
    let first = AtomicBool::new(true);
    let flaky = service_fn(|(): ()| {
        tracing::info!("an attempt");
        ready(if first.swap(false, Relaxed) { Err(io::Error::other("flaky")) } else { Ok(7) })
    });
    let policy = Policy::new().all_safe().observe(Tracing::new());
    let stack = (SpanLayer::new("payments"), RetryLayer::new(policy));
    let answer = over(stack, flaky).oneshot(()).await;
    assert_eq!(answer.expect("the second attempt"), 7);
    let [first, again, second, ended, span] = &heard.take()[..] else { panic!("five lines") };
    assert_eq!([first, second], ["1 message=an attempt"; 2]);
    assert!(
        again.starts_with(r#"1 message=will be sent again name="retry" reason="failed" attempt=1 "#),
        "{again}"
    );
    assert!(ended.starts_with("1 message=call ended"), "{ended}");
    assert_eq!(*span, format!("{CALL} http.request.resend_count=1"));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_named_and_any_error_is_an_error() {
    let (heard, _here) = Heard::listen();
    let hangs = service_fn(|(): ()| std::future::pending::<Result<(), io::Error>>());
    let stack = (SpanLayer::new("payments"), TimeoutLayer::new(Duration::from_secs(1)));
    let error = over(stack, hangs).oneshot(()).await.expect_err("cut");
    assert_eq!(Rejected::find(&error).map(|why| why.reason()), Some(Reason::TimedOut));
    assert_eq!(heard.take(), [format!(r#"{CALL} otel.status_code="ERROR" rejected="timed_out""#)]);

    let fails = service_fn(|(): ()| async { Err::<(), _>(io::Error::other("the card's number is 4711")) });
    over(SpanLayer::new("payments"), fails).oneshot(()).await.expect_err("fails");
    assert_eq!(heard.take(), [format!(r#"{CALL} otel.status_code="ERROR""#)]);
}

#[tokio::test]
async fn what_happens_in_the_call_and_in_its_drop_is_within_the_span_and_what_comes_before_is_not() {
    let (heard, _here) = Heard::listen();
    let circuit = Circuit::new("cards", &Breaking::new().trip(Trip::consecutive(1)).observe(Tracing::new()));
    assert_eq!(heard.take(), [r#"0 message=circuit turned name="cards" to="closed" why="made""#]);
    let hangs = service_fn(|(): ()| {
        tracing::info!("called");
        std::future::pending::<Result<(), io::Error>>()
    });
    let mut svc = over((SpanLayer::new("payments"), BreakerLayer::new(&circuit)), hangs);
    svc.ready().await.expect("ready");
    let mut call = Box::pin(svc.call(()));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(heard.take(), ["1 message=called"]);
    drop(call);
    let told = heard.take();
    assert_eq!(told, [r#"1 message=call ended name="cards" outcome="cancelled""#, CALL]);
}
