//! A configuration as it is written: TOML, or JSON.

use super::{Config, ConfigError};
use serde::Deserialize;
use serde_path_to_error::{Path, Segment};

impl Config {
    /// Reads TOML, or JSON where it begins with a brace; what is not said is as by default, and what is not known is refused.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::stack::Config;
    ///
    /// let config = Config::read("[client]\ntotal = \"5s\"\nattempt = \"1.5s\"\nretry = { attempts = 4 }").unwrap();
    /// assert_eq!((config.client.attempt, config.client.retry.attempts), (Duration::from_millis(1500), 4));
    /// assert_eq!(Config::read(r#"{ "client": { "total": "5s" } }"#).unwrap().client.total, Duration::from_secs(5));
    ///
    /// let error = Config::read("[client.retry]\natempts = 4").unwrap_err();
    /// assert_eq!(error.path(), "client.retry.atempts");
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong in it, by the path of its field: what cannot be read, what is not known, and what
    /// [`check`](Self::check) refuses.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        // Some editors mark the order of bytes, which tells nothing here.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let config: Self = if text.trim_start().starts_with('{') { json(text)? } else { toml(text)? };
        config.check()?;
        Ok(config)
    }
}

fn json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, ConfigError> {
    let mut from = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let problem = error.inner();
        located(error.path(), &problem.to_string())
    })?;
    from.end().map_err(|error| ConfigError::new("", format!("goes on after its end: {error}")))?;
    Ok(read)
}

fn toml<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, ConfigError> {
    let from = toml::Deserializer::parse(text).map_err(|error| broken(&error))?;
    serde_path_to_error::deserialize(from).map_err(|error| {
        let problem = error.inner().message();
        located(error.path(), problem)
    })
}

/// It is no TOML at all.
fn broken(error: &toml::de::Error) -> ConfigError {
    let at = error.span().map(|span| span.start);
    let at = at.map_or_else(String::new, |at| format!(" at byte {at}"));
    ConfigError::new("", format!("cannot be read{at}: {}", error.message()))
}

fn located(path: &Path, problem: &str) -> ConfigError {
    let mut words: Vec<String> =
        path.iter().filter(|part| !matches!(part, Segment::Unknown)).map(ToString::to_string).collect();
    if let Some(unknown) = problem.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next())
        && words.last().is_none_or(|last| last != unknown)
    {
        words.push(unknown.to_owned());
    }
    let problem = if words.is_empty() { format!("cannot be read: {problem}") } else { problem.to_owned() };
    ConfigError::new(words.join("."), problem)
}
