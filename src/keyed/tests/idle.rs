//! Which value was idle longest: to the single look after a newcomer, roughly where looks are many.

use super::{Handle, ask, exact, keys};
use crate::keyed::Registry;

#[test]
fn the_tick_moves_at_each_look_for_a_while_after_a_newcomer_and_then_seldom() {
    let registry = exact(3);
    let looks =
        |key: u8, count| (0..count).for_each(|_| assert!(registry.with_known(&key, |_| ()).is_some()));
    (0..3).for_each(|key| drop(ask(&registry, key)));
    looks(0, 500);
    looks(2, 400);
    looks(0, 1);
    looks(2, 1);
    ask(&registry, 3);
    assert_eq!(keys(&registry), [0, 2, 3], "1 was never looked at");
    looks(2, 1);
    ask(&registry, 4);
    assert_eq!(keys(&registry), [2, 3, 4], "each newcomer begins anew");

    looks(2, 5000);
    let tick = |registry: &Registry<u8, Handle>| {
        registry.places.lock().unwrap().taken.iter().map(|it| it.used()).max()
    };
    let before = tick(&registry);
    looks(2, 640);
    assert!(tick(&registry).is_some_and(|after| after - before.unwrap() <= 10), "no write a look for long");
}
