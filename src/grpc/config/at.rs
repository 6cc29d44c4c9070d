//! A place in the document, which knows its path, so that whatever is wrong there is told with it.

use super::{ConfigError, duration};
use serde_json::{Map, Value};
use std::{fmt, time::Duration};

/// A value and where it stands.
pub(super) struct At<'p, 'v> {
    value: &'v Value,
    path: Path<'p>,
}

#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Field(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl<'p, 'v> At<'p, 'v> {
    pub(super) const fn root(value: &'v Value) -> Self {
        Self { value, path: Path::Root }
    }

    /// What is wrong here.
    pub(super) fn wrong(&self, problem: impl fmt::Display) -> ConfigError {
        ConfigError::new(self.path.to_string(), problem)
    }

    fn map(&self) -> Result<&'v Map<String, Value>, ConfigError> {
        self.value.as_object().ok_or_else(|| self.wrong("is not an object"))
    }

    /// An object with no other fields than these. Those that are known and not read here are noted.
    pub(super) fn object(
        &self,
        read: &[&str],
        known: &[&str],
        ignored: &mut Vec<String>,
    ) -> Result<(), ConfigError> {
        for name in self.map()?.keys().map(String::as_str) {
            let path = Path::Field(&self.path, name);
            if known.contains(&name) {
                ignored.push(path.to_string());
            } else if !read.contains(&name) {
                return Err(ConfigError::new(path.to_string(), "is no field of a service config"));
            }
        }
        Ok(())
    }

    /// The field of that name. `null` says as much as its absence.
    pub(super) fn field<'f>(&'f self, name: &'f str) -> Option<At<'f, 'v>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(At { value, path: Path::Field(&self.path, name) })
    }

    /// The field of that name, which has to be there.
    pub(super) fn need<'f>(&'f self, name: &'f str) -> Result<At<'f, 'v>, ConfigError> {
        self.field(name)
            .ok_or_else(|| ConfigError::new(Path::Field(&self.path, name).to_string(), "is missing"))
    }

    pub(super) fn items<'f>(&'f self) -> Result<impl Iterator<Item = At<'f, 'v>>, ConfigError> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("is not a list"))?;
        Ok(items.iter().enumerate().map(|(at, value)| At { value, path: Path::Item(&self.path, at) }))
    }

    pub(super) fn text(&self) -> Result<&'v str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.wrong("is not a string"))
    }

    /// The text, where it is one.
    pub(super) fn as_text(&self) -> Option<&'v str> {
        self.value.as_str()
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&self) -> Result<u64, ConfigError> {
        self.value.as_u64().ok_or_else(|| self.wrong("is not a whole number of zero or more"))
    }

    pub(super) fn number(&self) -> Result<f64, ConfigError> {
        self.value.as_f64().ok_or_else(|| self.wrong("is not a number"))
    }

    pub(super) fn time(&self) -> Result<Duration, ConfigError> {
        duration::parse(self.text()?).ok_or_else(|| {
            self.wrong("is not a time: seconds with at most nine decimals and an `s`, like \"1.5s\"")
        })
    }

    /// A time that is not zero.
    pub(super) fn some_time(&self) -> Result<Duration, ConfigError> {
        let time = self.time()?;
        if time.is_zero() { Err(self.wrong("must be more than zero")) } else { Ok(time) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}
