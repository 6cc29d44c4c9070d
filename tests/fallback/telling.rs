//! What is told of a fallback.

use crate::{Does, ask, open};
use buttress::{
    fallback::{Bounds, FallbackLayer},
    outcome::Class,
    rejected::Reason,
    telemetry::{Event, Observer},
    testing::Fault,
};
use std::sync::{Arc, Mutex};
use tower::service_fn;

type Heard = Arc<Mutex<Vec<String>>>;

fn ears(heard: &Heard) -> impl Observer {
    let heard = Arc::clone(heard);
    move |event: &Event<'_>| {
        let Event::Fallback { name, kind, class, answered, .. } = event else { panic!("{event:?}") };
        let line = format!("{name} {} {} {answered}", kind.as_str(), class.as_str());
        heard.lock().expect("not poisoned").push(line);
    }
}

#[tokio::test]
async fn each_fallback_that_is_asked_is_told_once_with_kind_and_class() {
    let heard = Heard::default();
    let value = FallbackLayer::value(7).name("stock").observe(ears(&heard));
    ask(&value, Does::Answers(1)).await.expect("good: nothing to tell");
    ask(&value, Does::Fails(1)).await.expect_err("not covered: nothing to tell");
    ask(&value, open()).await.expect("stood in for");
    let function = FallbackLayer::function(|_| None).name("").on([Class::Failed]).observe(ears(&heard));
    ask(&function, Does::Fails(1)).await.expect_err("no answer");
    let service = service_fn(|_: Does| async { Ok::<_, Fault>(1) });
    let service = FallbackLayer::service(service).observe(ears(&heard));
    ask(&service, Does::Rejects(Reason::TimedOut, true)).await.expect("stood in for");
    let last = FallbackLayer::last_good(Bounds::age(crate::DAY), |_: &Does| Some(())).observe(ears(&heard));
    ask(&last, open()).await.expect_err("nothing is kept");
    ask(&last, Does::Answers(3)).await.expect("good");
    ask(&last, open()).await.expect("kept");
    assert_eq!(
        *heard.lock().expect("not poisoned"),
        [
            "stock value rejected true",
            "fallback function failed false",
            "fallback service timed_out true",
            "fallback last_good rejected false",
            "fallback last_good rejected true",
        ]
    );
}

#[tokio::test]
async fn an_observer_that_panics_does_not_break_the_answer() {
    let layer = FallbackLayer::value(7)
        .observe(|_: &Event<'_>| std::panic::resume_unwind(Box::new("an observer's own trouble")));
    assert_eq!(ask(&layer, open()).await, Ok(7));
}
