//! Law 11: nothing is allocated until a hedge starts.

use crate::{MS, counting};
use buttress::{hedge::HedgeLayer, over, window::Ratio};
use futures_util::FutureExt;
use std::{
    convert::Infallible,
    future::{Pending, Ready, pending, ready},
    pin::pin,
    task::{Context, Poll},
};
use tower::Service;

/// Is ready at once, or never.
#[derive(Clone)]
struct Plain {
    hangs: bool,
}

impl Service<u64> for Plain {
    type Response = u64;
    type Error = Infallible;
    type Future =
        futures_util::future::Either<Ready<Result<u64, Infallible>>, Pending<Result<u64, Infallible>>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, number: u64) -> Self::Future {
        match self.hangs {
            false => futures_util::future::Either::Left(ready(Ok(number))),
            true => futures_util::future::Either::Right(pending()),
        }
    }
}

fn allocations(layer: HedgeLayer, hangs: bool) -> u64 {
    let mut service = over(layer.all_safe(), Plain { hangs });
    let mut run = || {
        let call = pin!(service.call(7));
        assert_eq!(call.now_or_never().is_none(), hangs);
    };
    run();
    let before = counting::made();
    (0..100).for_each(|_| run());
    counting::made() - before
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_hedge_allocates_nothing() {
    for layer in [HedgeLayer::after(MS), HedgeLayer::quantile(Ratio::percent(95))] {
        assert_eq!(allocations(layer.clone(), false), 0);
        assert_eq!(allocations(layer, true), 0, "pending, with its timer");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_hedge_allocates_and_gives_it_back() {
    let mut service = over(HedgeLayer::after(MS).all_safe(), Plain { hangs: true });
    let mut call = Box::pin(service.call(7));
    assert!(futures_util::poll!(call.as_mut()).is_pending());
    let before = (counting::made(), counting::live());
    tokio::time::advance(2 * MS).await;
    assert!(futures_util::poll!(call.as_mut()).is_pending());
    assert!(counting::made() > before.0, "a hedge has started");
    drop(call);
    assert!(counting::live() <= before.1);
}
