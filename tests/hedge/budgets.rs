//! Who pays for hedges: one for all, or one for each host.

use crate::{MS, Replicas, answers, by_status};
use ::http::{Request, Response};
use buttress::{
    budget::{Bucket, Budget, Extra, KeyedBudgets, Rule},
    hedge::HedgeLayer,
    http::Repeatable,
    keyed::By,
    over,
};
use std::{
    borrow::Cow,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tokio::time::sleep;
use tower::{Service, ServiceExt, service_fn};

type Page = Response<String>;

/// Takes longer than the delay, whatever it is asked; and how often that was.
fn slow()
-> (Arc<AtomicUsize>, impl Service<Request<()>, Response = Page, Error = Infallible, Future: Send> + Clone) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = service_fn(move |_| {
        count.fetch_add(1, Relaxed);
        async {
            sleep(100 * MS).await;
            Ok(Response::new(String::new()))
        }
    });
    (asked, service)
}

/// How many hedges so many calls get.
async fn hedges<C>(client: &C, asked: &AtomicUsize, calls: usize, url: &str, method: &str) -> usize
where
    C: Service<Request<()>, Response = Page, Error: std::fmt::Debug> + Clone,
{
    for _ in 0..calls {
        let request = Request::builder().method(method).uri(url).body(()).expect("valid");
        client.clone().oneshot(request).await.expect("answered");
    }
    asked.swap(0, Relaxed) - calls
}

/// Of nine calls: those above half of ten tokens, and what the calls have put in meanwhile.
const UPPER_HALF: usize = 6;

fn layer() -> HedgeLayer {
    HedgeLayer::after(20 * MS)
}

#[tokio::test(start_paused = true)]
async fn each_host_pays_for_itself_where_nothing_is_said() {
    let (asked, service) = slow();
    let client = over(layer().http(), service);
    let spent = hedges(&client, &asked, 9, "http://slow.test/", "GET").await;
    assert_eq!(spent, UPPER_HALF);
    assert_eq!(hedges(&client, &asked, 1, "http://other.test/", "GET").await, 1);
    assert_eq!(hedges(&client, &asked, 1, "http://SLOW.test:80/a", "GET").await, 0, "the same host");
    assert_eq!(hedges(&client, &asked, 9, "/", "GET").await, UPPER_HALF, "no host: the layer pays");
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_named_pays_for_all_hosts_whenever_it_is_named() {
    let (one, two) = (Budget::new(), Budget::new());
    for layer in [layer().budget(&one).http(), layer().http().budget(&two)] {
        let (asked, service) = slow();
        let client = over(layer, service);
        let spent = hedges(&client, &asked, 9, "http://slow.test/", "GET").await;
        assert_eq!(spent, UPPER_HALF);
        assert_eq!(hedges(&client, &asked, 1, "http://other.test/", "GET").await, 0);
    }
    assert_eq!(one.tokens(), two.tokens());
    assert!(one.tokens().expect("counts") < 5.0);
}

#[tokio::test(start_paused = true)]
async fn budgets_of_hosts_can_be_shared_and_only_what_may_be_hedged_asks_for_one() {
    let hosts = KeyedBudgets::new(10, Rule::default());
    let (asked, service) = slow();
    let client = over(layer().http_by(Repeatable::new().budgets(&hosts)), service);
    assert_eq!(hedges(&client, &asked, 9, "http://slow.test/", "POST").await, 0);
    assert!(hosts.is_empty());
    assert_eq!(hedges(&client, &asked, 1, "http://slow.test/", "GET").await, 1);
    assert_eq!(hosts.known("slow.test").expect("made").tokens(), Some(9.0));
    // Somebody else spends it.
    let mut others = hosts.get("slow.test").open();
    assert!((0..5).all(|_| others.take(Extra::Retry)));
    assert_eq!(hedges(&client, &asked, 1, "http://slow.test/", "GET").await, 0);
}

#[tokio::test(start_paused = true)]
async fn each_key_pays_for_itself_and_what_has_none_by_the_layer() {
    let budgets = KeyedBudgets::<String>::new(10, Bucket::new().capacity(2));
    let own = Budget::new();
    let parity = By::new(|number: &u32| match number {
        0 => None,
        odd if odd % 2 == 1 => Some(Cow::Borrowed("odd")),
        _ => Some(Cow::Borrowed("even")),
    });
    let layer = layer().all_safe().budget(&own).budgets(&budgets, parity).classify_by(by_status);
    let replicas = Replicas::new((0..99).map(|_| answers(50 * MS, 200)));
    let client = over(layer, replicas.clone());
    let mut attempts = Vec::new();
    for number in [1, 3, 2, 0, 0] {
        assert_eq!(client.clone().oneshot(number).await, Ok(200));
        attempts.push(replicas.look(|seen| std::mem::take(&mut seen.started).len()));
    }
    // Of two tokens one is above half, and a tenth comes in with each call.
    assert_eq!(attempts, [2, 2, 2, 2, 2]);
    assert_eq!(client.oneshot(5).await, Ok(200));
    assert_eq!(replicas.starts().len(), 1);
    assert_eq!((budgets.len(), own.tokens()), (2, Some(8.1)));
}
