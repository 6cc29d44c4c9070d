//! The three services as processes of their own: this program, started again with a role.

use super::{args::Settings, phases::Fault, stack::Stack};
use buttress::clock;
use std::{
    env::current_exe,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::{Instant, timeout},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Payments,
    Orders,
    Gateway,
}

impl Name {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Orders => "orders",
            Self::Gateway => "gateway",
        }
    }
}

/// What a service has told, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum News {
    /// So many requests have come so far; so many workers were busy at most since it told last.
    Is {
        seen: u64,
        peak: u32,
    },
    Circuit(Breaker),
}

/// The state of the circuit in front of payments, as far as the picture knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) at: Duration,
    pub(super) by: Name,
    pub(super) news: News,
}

impl News {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        Some(match words[..] {
            ["is", seen, peak] => Self::Is { seen: seen.parse().ok()?, peak: peak.parse().ok()? },
            ["circuit", "closed"] => Self::Circuit(Breaker::Closed),
            ["circuit", "open"] => Self::Circuit(Breaker::Open),
            ["circuit", "half_open"] => Self::Circuit(Breaker::HalfOpen),
            _ => return None,
        })
    }
}

/// The three of them. They end when this is dropped: they read a closed stdin then, and are killed should that not do.
pub(super) struct Services {
    pub(super) gateway: String,
    payments: ChildStdin,
    _others: [ChildStdin; 2],
    children: Vec<Child>,
    told: Arc<Mutex<Vec<Heard>>>,
    /// Hears of a service that has ended by itself.
    pub(super) ended: mpsc::UnboundedReceiver<Name>,
}

impl Services {
    /// Payments first: each is told where the one behind it listens.
    pub(super) async fn start(settings: &Settings, stack: Stack) -> Result<Self, String> {
        let (payments, at_payments) = Started::new(Name::Payments, "", settings, stack).await?;
        let (orders, at_orders) = Started::new(Name::Orders, &at_payments, settings, stack).await?;
        let (gateway, at_gateway) = Started::new(Name::Gateway, &at_orders, settings, stack).await?;
        let told = Arc::default();
        let (ends, ended) = mpsc::unbounded_channel();
        let mut children = Vec::new();
        let mut stdins = Vec::new();
        for started in [payments, orders, gateway] {
            tokio::spawn(hear(started.name, started.lines, Arc::clone(&told), ends.clone()));
            children.push(started.child);
            stdins.push(started.stdin);
        }
        let Ok([payments, orders, gateway]) = <[_; 3]>::try_from(stdins) else {
            return Err("three services".into());
        };
        Ok(Self { gateway: at_gateway, payments, _others: [orders, gateway], children, told, ended })
    }

    /// Tells payments how it is from now on.
    pub(super) async fn turn(&mut self, fault: Option<Fault>) -> Result<(), String> {
        let word = fault.map_or("well", Fault::as_str);
        let told = self.payments.write_all(format!("{word}\n").as_bytes()).await;
        told.map_err(|error| format!("payments does not listen any more: {error}"))
    }

    /// What they have told since `begin`.
    pub(super) fn told(&self, begin: Instant) -> Vec<Told> {
        let all = self.told.lock().expect("nobody panics with it");
        let since = |told: &Heard| Told {
            at: told.at.saturating_duration_since(begin),
            by: told.by,
            news: told.news,
        };
        all.iter().map(since).collect()
    }

    /// Ends them, and waits until they have.
    pub(super) async fn stop(self) {
        let Self { payments, _others, mut children, .. } = self;
        drop((payments, _others));
        for child in &mut children {
            // What is not gone by then is killed by its drop.
            drop(timeout(Duration::from_secs(2), child.wait()).await);
        }
    }
}

/// What was told, by the clock.
struct Heard {
    at: Instant,
    by: Name,
    news: News,
}

async fn hear(
    by: Name,
    mut lines: Lines<BufReader<ChildStdout>>,
    told: Arc<Mutex<Vec<Heard>>>,
    ends: mpsc::UnboundedSender<Name>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(news) = News::parse(&line) {
            told.lock().expect("nobody panics with it").push(Heard { at: clock::now(), by, news });
        }
    }
    // Where the run is over nobody hears it.
    let _ = ends.send(by);
}

/// One that has told its port.
struct Started {
    name: Name,
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Started {
    async fn new(
        name: Name,
        upstream: &str,
        settings: &Settings,
        stack: Stack,
    ) -> Result<(Self, String), String> {
        let fails = |what: &str, why: String| format!("{} {what}: {why}", name.as_str());
        let program = current_exe().map_err(|error| fails("cannot be started", error.to_string()))?;
        let mut child = Command::new(program)
            .args(["--role", name.as_str(), "--upstream", upstream, "--seed", &settings.seed.to_string()])
            .args(["--stack", &stack.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fails("cannot be started", error.to_string()))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(fails("has no pipes", "they were asked for".into()));
        };
        let mut lines = BufReader::new(stdout).lines();
        let address = match timeout(Duration::from_secs(10), lines.next_line()).await {
            Ok(Ok(Some(line))) => line.strip_prefix("listens ").map(Into::into).ok_or(line),
            // It has said why on stderr.
            Ok(_) => Err("it has ended".into()),
            Err(_) => Err("nothing for ten seconds".into()),
        };
        let address: String = address.map_err(|why| fails("does not say where it listens", why))?;
        println!("  {:<8} listens on {address}, process {}", name.as_str(), child.id().unwrap_or_default());
        Ok((Self { name, child, stdin, lines }, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use buttress::breaker::State;

    #[test]
    fn lines_are_read_as_services_write_them() {
        assert_eq!(News::parse("is 120 32"), Some(News::Is { seen: 120, peak: 32 }));
        let circuit = |state: State| News::parse(&format!("circuit {}", state.as_str()));
        assert_eq!(circuit(State::Closed), Some(News::Circuit(Breaker::Closed)));
        assert_eq!(circuit(State::Open), Some(News::Circuit(Breaker::Open)));
        assert_eq!(circuit(State::HalfOpen), Some(News::Circuit(Breaker::HalfOpen)));
        for line in ["", "is 120", "is many 3", "circuit", "circuit broken", "thread main panicked"] {
            assert_eq!(News::parse(line), None, "{line}");
        }
    }
}
