//! The retry as a user meets it. The laws it shares with every layer are judged in `tests/contract`.

mod budgets;
mod drops;
mod jitter;
mod peers;
mod replay;
mod storms;
mod told;
mod waits;
mod what;

use buttress::{
    Rejected,
    backoff::Backoff,
    outcome::{By, ErrorsFail, Outcome},
    replay::{Always, Clones},
    retry::Policy,
    testing::{Script, Step},
};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Every request is safe, and each wait is 100 ms.
fn policy() -> Policy<ErrorsFail, Clones<Always>> {
    Policy::new().all_safe().backoff(Backoff::constant(100 * MS))
}

/// What a scripted server answers: a status, or an outcome of a kind that no status has.
type Server = Script<u32, u16, Rejected>;

fn server(statuses: impl IntoIterator<Item = u16>) -> Server {
    Script::new(statuses.into_iter().map(Step::ok))
}

/// 2xx is good, 429 asks for less, 503 has reached nothing, and what is above is a failure.
type Read = fn(Result<&u16, &Rejected>) -> Outcome;

fn by_status() -> By<Read> {
    By(|result| match result {
        Ok(200..=299) => Outcome::OK,
        Ok(429) => Outcome::THROTTLED.hint(Duration::from_secs(2)),
        Ok(503) => Outcome::FAILED.unreached(),
        Ok(598) => Outcome::CANCELLED,
        Ok(599) => Outcome::FAILED.do_not_retry(),
        _ => Outcome::FAILED,
    })
}
