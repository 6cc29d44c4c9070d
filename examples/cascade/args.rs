//! What the command line asks for, and what to say when it makes no sense: for whoever types it.

use super::{
    phases::{Fault, Plan},
    stack::{Layers, Stack},
};
use std::{ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

pub(super) const HELP: &str = "\
A cascading failure, and the same failure contained: gateway -> orders -> payments, each a process of its own.

    cargo run --example cascade -- [FLAGS]

  --load N         requests a second, half to /browse and half to /checkout: 80 to 300 (default 80)
  --fault KINDS    what befalls payments, one after the other: hang, errs, slow (default hang+errs)
  --duration S     seconds of each of the two runs: 12 to 60 (default 18)
  --seed N         of the arrivals and of the time that services take (default 1)
  --svg PATH       where the picture goes (default: cascade.svg in the target directory)
  --without KINDS  takes layers out of the second run: timeout, retry, breaker, bulkhead, fallback, guard, all.
                   The demo then says which of its claims no longer hold, and ends with 1.
  --help           this page";

#[derive(Debug, PartialEq)]
pub(super) enum Command {
    Help,
    Demo(Settings),
    /// One of the services, as the demo itself starts them.
    Serve(Role),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) load: u32,
    pub(super) faults: Vec<Fault>,
    pub(super) duration: Duration,
    pub(super) seed: u64,
    pub(super) svg: Option<PathBuf>,
    pub(super) layers: Layers,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            load: 80,
            faults: vec![Fault::Hang, Fault::Errs],
            duration: Duration::from_secs(18),
            seed: 1,
            svg: None,
            layers: Layers::ALL,
        }
    }
}

impl Settings {
    pub(super) fn plan(&self) -> Plan {
        Plan::of(self.duration, &self.faults)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Role {
    pub(super) name: String,
    /// Where the service behind it listens; payments has none.
    pub(super) upstream: String,
    pub(super) stack: Stack,
    pub(super) seed: u64,
}

pub(super) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut args = args.into_iter();
    let mut settings = Settings::default();
    let mut role = Role { name: String::new(), upstream: String::new(), stack: Stack::Bare, seed: 1 };
    while let Some(arg) = args.next() {
        // Both `--load 80` and `--load=80`.
        let (flag, given) = match arg.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (arg, None),
        };
        let mut value = |wants: &str| {
            given
                .clone()
                .or_else(|| args.next())
                .ok_or_else(|| format!("{flag} wants {wants}: nothing follows it"))
        };
        match flag.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "--load" => {
                let wants = "a whole number of requests a second, from 80 to 300";
                settings.load = within(&flag, wants, &value(wants)?, &(80..=300))?;
            }
            "--duration" => {
                let wants = "a whole number of seconds, from 12 to 60";
                let seconds = within(&flag, wants, &value(wants)?, &(12..=60))?;
                settings.duration = Duration::from_secs(seconds);
            }
            "--seed" => {
                let wants = "a whole number";
                settings.seed = within(&flag, wants, &value(wants)?, &(0..=u64::MAX))?;
                role.seed = settings.seed;
            }
            "--fault" => settings.faults = list(&flag, "hang, errs or slow", &value("hang, errs or slow")?)?,
            "--svg" => settings.svg = Some(value("a path")?.into()),
            "--without" => {
                let wants = "timeout, retry, breaker, bulkhead, fallback, guard or all";
                for layer in list::<Without>(&flag, wants, &value(wants)?)? {
                    layer.take_out(&mut settings.layers);
                }
            }
            "--role" => role.name = value("a service")?,
            "--upstream" => role.upstream = value("a host and a port")?,
            "--stack" => role.stack = value("a stack")?.parse()?,
            _ => {
                return Err(format!(
                    "what is {flag}? The flags: --load, --fault, --duration, --seed, --svg, --without, --help"
                ));
            }
        }
    }
    Ok(if role.name.is_empty() { Command::Demo(settings) } else { Command::Serve(role) })
}

fn within<T: FromStr + PartialOrd>(
    flag: &str,
    wants: &str,
    value: &str,
    allowed: &RangeInclusive<T>,
) -> Result<T, String> {
    match value.parse() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ => Err(format!("{flag} wants {wants}: {value:?} is none")),
    }
}

/// `hang+errs`, or with commas.
fn list<T: FromStr>(flag: &str, wants: &str, value: &str) -> Result<Vec<T>, String> {
    let one = |word: &str| {
        word.parse()
            .map_err(|_| format!("{flag} wants {wants}, or several joined by +: {word:?} is none of them"))
    };
    value.split(['+', ',']).map(|word| one(word.trim())).collect()
}

/// A layer that is to be missing.
enum Without {
    All,
    One(&'static str),
}

impl Without {
    fn take_out(self, layers: &mut Layers) {
        match self {
            Self::All => *layers = Layers::NONE,
            Self::One(name) => *layers.by_name(name).expect("it was found by this name") = false,
        }
    }
}

impl FromStr for Without {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match Layers::NAMES.into_iter().find(|name| *name == word) {
            Some(name) => Ok(Self::One(name)),
            None if word == "all" => Ok(Self::All),
            None => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(Into::into))
    }

    fn settings(line: &str) -> Settings {
        match of(line) {
            Ok(Command::Demo(settings)) => settings,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn nothing_asked_for_is_the_default() {
        assert_eq!(settings(""), Settings::default());
        assert_eq!(of("--load 100 --help"), Ok(Command::Help));
    }

    #[test]
    fn flags_are_read_with_a_space_or_an_equals_sign() {
        for line in [
            "--load 120 --fault slow+hang --duration 20 --seed 7",
            "--load=120 --fault=slow,hang --duration=20 --seed=7",
        ] {
            let asked = settings(line);
            assert_eq!((asked.load, asked.seed, asked.duration), (120, 7, Duration::from_secs(20)));
            assert_eq!(asked.faults, [Fault::Slow, Fault::Hang]);
        }
    }

    #[test]
    fn the_last_of_two_counts() {
        assert_eq!(settings("--load 120 --load 80").load, 80);
    }

    #[test]
    fn bounds_belong_to_what_is_allowed() {
        for line in ["--load 80", "--load 300", "--duration 12", "--duration 60"] {
            assert!(of(line).is_ok(), "{line}");
        }
        for line in ["--load 79", "--load 301", "--duration 11", "--duration 61"] {
            assert!(of(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_bad_value_is_named_with_what_would_be_a_good_one() {
        for (line, says) in [
            (
                "--load many",
                "--load wants a whole number of requests a second, from 80 to 300: \"many\" is none",
            ),
            (
                "--load",
                "--load wants a whole number of requests a second, from 80 to 300: nothing follows it",
            ),
            ("--duration=1.5", "--duration wants a whole number of seconds, from 12 to 60: \"1.5\" is none"),
            ("--seed -1", "--seed wants a whole number: \"-1\" is none"),
            (
                "--fault hang+burn",
                "--fault wants hang, errs or slow, or several joined by +: \"burn\" is none of them",
            ),
            ("--fault=", "--fault wants hang, errs or slow, or several joined by +: \"\" is none of them"),
            (
                "--laod 3",
                "what is --laod? The flags: --load, --fault, --duration, --seed, --svg, --without, --help",
            ),
        ] {
            assert_eq!(of(line), Err(says.into()), "{line}");
        }
    }

    #[test]
    fn layers_are_taken_out_one_by_one_or_all() {
        assert_eq!(settings("--without all").layers, Layers::NONE);
        let some = settings("--without breaker+guard").layers;
        assert_eq!(some, Layers { breaker: false, guard: false, ..Layers::ALL });
    }

    #[test]
    fn a_service_is_started_with_what_the_demo_writes() {
        for stack in [Stack::Bare, Stack::Behind(Layers::ALL), Stack::Behind(Layers::NONE)] {
            let line = format!("--role orders --upstream 127.0.0.1:80 --seed 3 --stack {stack}");
            let role = Role { name: "orders".into(), upstream: "127.0.0.1:80".into(), stack, seed: 3 };
            assert_eq!(of(&line), Ok(Command::Serve(role)));
        }
    }
}
