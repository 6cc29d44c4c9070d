//! A cascading failure, and the same failure contained.
//!
//! Three services over real HTTP, each a process of its own: gateway -> orders -> payments. Users browse, for which nobody
//! needs payments, and check out, for which orders asks it. Then payments hangs, answers errors, and heals.
//!
//! The same load and the same fault come twice: once with plain clients and the retry that everybody writes first, once
//! behind buttress. What happens is printed while it happens; then a table, the claims of this demo and whether they held
//! (it ends with 1 where one did not), and a picture of both runs, as SVG.
//!
//! # What is alike in both runs
//!
//! | | |
//! |---|---|
//! | each service | 24 workers for all of its routes and a backlog of 64 requests; beyond that 503 at once. Ordinary load keeps one to five busy |
//! | a worker | who has begun ends, though its caller has left, as threads of a thread pool do; a request whose caller left before is thrown away |
//! | clients | hyper's, which wait as long as it takes and keep connections |
//! | users | come when they come, by a schedule drawn from a seed before the run, and leave after one second |
//! | payments | takes 10 ms while it is well; hangs, or answers 503 after 200 ms, or 200 after 2 s |
//!
//! Bare, a call that hangs holds a worker of orders and one of the gateway for as long as it hangs. Once it is answered by
//! errors, three attempts at each of two services make up to nine calls of one checkout, 200 ms each, and hold them
//! nearly as long. Those who only browse find no worker.
//!
//! What the other run adds stands in `stack.rs`, one function a hop: the standard stacks, and a fallback. Three attempts it
//! makes, too. Take some of it out, and see what it was there for:
//!
//! ```sh
//! cargo run --example cascade
//! cargo run --example cascade -- --without breaker
//! cargo run --example cascade -- --help
//! ```

mod args;
mod chart;
mod children;
mod client;
mod gateway;
mod latency;
mod load;
mod naive;
mod orders;
mod payments;
mod phases;
mod recovery;
mod run;
mod schedule;
mod serve;
mod shot;
mod stack;
mod summary;
mod verdict;
mod workers;

use args::{Command, Settings};
use run::Run;
use stack::Stack;
use std::{env, fs, path::PathBuf, process::ExitCode};
use summary::Summary;

/// One thread a process: on two cores four processes have enough to share.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match args::parse(env::args().skip(1)) {
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
        Ok(Command::Serve(role)) => serve::serve(role).await.map(|()| true),
        Ok(Command::Demo(settings)) => demo(&settings).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Both runs, the table, the claims and the picture; whether all claims held.
async fn demo(settings: &Settings) -> Result<bool, String> {
    let Settings { load, seed, duration, layers, .. } = settings;
    println!("{load} requests a second for {} s, twice; seed {seed}.", duration.as_secs());
    println!("\nBare: plain clients, {} attempts each.", naive::ATTEMPTS);
    let bare = run::run(settings, Stack::Bare).await?;
    println!(
        "\nBehind buttress. Around the client of orders for payments:\n{}",
        stack::for_payments(*layers)
    );
    let behind = run::run(settings, Stack::Behind(*layers)).await?;
    tell(settings, &bare, &behind)
}

fn tell(settings: &Settings, bare: &Run, behind: &Run) -> Result<bool, String> {
    let plan = settings.plan();
    let sums = [bare, behind].map(|run| Summary::of(run, &plan));
    let [of_bare, of_behind] = &sums;
    println!("\nWhile payments was down:\n{}", verdict::table(of_bare, of_behind));
    let mut all = true;
    for verdict::Claim { holds, says, seen } in verdict::claims(of_bare, of_behind) {
        println!("{} {says}: {seen}", if holds { "  holds:" } else { "  FAILS:" });
        all &= holds;
    }
    if let Some(says) = verdict::too_busy(&sums) {
        println!("\n{says}");
    }
    let path = settings.svg.clone().map_or_else(picture_path, Ok)?;
    let picture = chart::picture(settings.load, &plan, &[bare, behind], &sums);
    fs::write(&path, picture)
        .map_err(|error| format!("the picture cannot be written to {}: {error}", path.display()))?;
    println!("\nBoth runs in one picture: {}", path.display());
    Ok(all)
}

/// In the target directory: `target/debug/examples/cascade` is this program.
fn picture_path() -> Result<PathBuf, String> {
    let program =
        env::current_exe().map_err(|error| format!("this program does not know where it is: {error}"))?;
    let target = program.ancestors().nth(3).ok_or("there is no target directory; say --svg PATH")?;
    Ok(target.join("cascade.svg"))
}
