//! What the parts cost of which layers are made: a bar is a sum of these.

use crate::{Row, batch, plain};
use std::{
    future::poll_fn,
    hint::black_box,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

const FAR: Duration = Duration::from_secs(30);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("parts")
            .floor("nothing", || {
                plain(|number| {
                    black_box(number);
                })
            })
            .floor("lock-prefixed add", || {
                let word = AtomicU64::new(0);
                plain(move |number| {
                    black_box(&word).fetch_add(number, Relaxed);
                })
            })
            .floor("Arc clone and drop", || {
                let shared = Arc::new(0_u64);
                plain(move |_| drop(black_box(Arc::clone(black_box(&shared)))))
            })
            .floor("Box made and dropped", || plain(|number| drop(black_box(Box::new(number)))))
            .floor("mutex locked and unlocked", || {
                let word = Mutex::new(0_u64);
                plain(move |number| {
                    if let Ok(mut word) = black_box(&word).lock() {
                        *word = number;
                    }
                })
            })
            .floor("clock read", || {
                plain(|_| {
                    black_box(buttress::clock::now());
                })
            })
            .floor("task-local read, none set", || {
                plain(|_| {
                    black_box(buttress::Deadline::current());
                })
            })
            .floor("Sleep made", || plain(|_| drop(black_box(tokio::time::sleep(black_box(FAR))))))
            .floor("Sleep made, polled, dropped", || {
                batch(async |_| {
                    let mut sleep = pin!(tokio::time::sleep(black_box(FAR)));
                    poll_fn(|cx| {
                        black_box(sleep.as_mut().poll(cx).is_ready());
                        Poll::Ready(())
                    })
                    .await;
                })
            }),
    ]
}
