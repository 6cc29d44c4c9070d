//! One run: the services, the faults by plan, the load by schedule, and what came of it.

use super::{
    args::Settings,
    children::{Breaker, Name, News, Services, Told},
    load,
    phases::{Fault, Plan},
    schedule,
    shot::{End, PATIENCE, Shot},
    stack::Stack,
    workers::WORKERS,
};
use buttress::clock;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    select,
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until},
};

const SECOND: Duration = Duration::from_secs(1);

/// What a run has shown.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) stack: Stack,
    pub(super) shots: Vec<Shot>,
    pub(super) told: Vec<Told>,
    /// By how much a timer of this process was late, again and again, sorted: how busy the machine was.
    pub(super) late: Vec<Duration>,
}

type Shared<T> = Arc<Mutex<Vec<T>>>;

pub(super) async fn run(settings: &Settings, stack: Stack) -> Result<Run, String> {
    let plan = settings.plan();
    let mut services = Services::start(settings, stack).await?;
    let arrivals = schedule::arrivals(settings.seed, settings.load, plan.end());
    let (shots, late): (Shared<Shot>, Shared<Duration>) = Default::default();

    let begin = clock::now();
    let timers = tokio::spawn(watch_the_timers(Arc::clone(&late)));
    let gateway = services.gateway.clone();
    let firing = tokio::spawn(load::fire(gateway, arrivals, begin, Arc::clone(&shots)));
    let end = follow(&plan, begin, &mut services, &shots).await;
    timers.abort();
    firing.abort();
    let told = services.told(begin);
    services.stop().await;
    end?;
    let mut late = take(&late);
    late.sort_unstable();
    Ok(Run { stack, shots: take(&shots), told, late })
}

fn take<T>(shared: &Shared<T>) -> Vec<T> {
    std::mem::take(&mut *shared.lock().expect("nobody panics with it"))
}

/// Turns payments by the plan and prints a line a second, until the last user has left.
async fn follow(
    plan: &Plan,
    begin: Instant,
    services: &mut Services,
    shots: &Shared<Shot>,
) -> Result<(), String> {
    let mut turns = plan.turns().iter().copied().peekable();
    let mut seconds = interval_at(begin + SECOND, SECOND);
    // Whoever came last has left by then, with some time for those who are late to say so.
    let over = begin + plan.end() + PATIENCE + SECOND / 4;
    let mut shown = 0;
    loop {
        let turn = turns.peek().map_or(over, |(at, _)| begin + *at);
        select! {
            name = services.ended.recv() => {
                return Err(format!("{} has ended in the middle of the run", name.map_or("a service", Name::as_str)));
            }
            () = sleep_until(turn), if turn < over => { // real: the demo runs by the clock
                if let Some((_, fault)) = turns.next() {
                    services.turn(fault).await?;
                }
            }
            now = seconds.tick() => {
                let shots = shots.lock().expect("nobody panics with it");
                if now <= begin + plan.end() {
                    progress(now - begin, plan.at(now - begin - SECOND / 2), &shots[shown..], &services.told(begin));
                }
                shown = shots.len();
            }
            () = sleep_until(over) => return Ok(()), // real: the demo runs by the clock
        }
    }
}

/// How the last second was.
fn progress(now: Duration, fault: Option<Fault>, ended: &[Shot], told: &[Told]) {
    let full = ended.iter().filter(|shot| shot.end == End::Good).count();
    let kept = ended.iter().filter(|shot| shot.end == End::Kept).count();
    let lost = ended.iter().filter(|shot| shot.end == End::Bad).count();
    let busy = told.iter().rev().find_map(|told| match told.news {
        News::Is { peak, .. } if told.by == Name::Gateway => Some(peak),
        _ => None,
    });
    let circuit = told.iter().rev().find_map(|told| match told.news {
        News::Circuit(Breaker::Closed) => Some("closed"),
        News::Circuit(Breaker::Open) => Some("open"),
        News::Circuit(Breaker::HalfOpen) => Some("half-open"),
        News::Is { .. } => None,
    });
    println!(
        "  {:>2} s  payments {:<8} answered {full:>3}  kept {kept:>3}  lost {lost:>3}   gateway {:>2}/{WORKERS} busy   {}",
        now.as_secs(),
        fault.map_or("is well", Fault::verb),
        busy.unwrap_or_default(),
        circuit.map(|state| format!("circuit {state}")).unwrap_or_default(),
    );
}

/// Asks for 10 ms again and again, and notes what came on top.
async fn watch_the_timers(late: Shared<Duration>) {
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let due = ticks.tick().await;
        late.lock().expect("nobody panics with it").push(due.elapsed());
    }
}
