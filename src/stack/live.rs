//! Both stacks, from one file, and the file while they run.

use super::{ClientLayer, Config, ConfigError, ServerLayer, ears::Ears};
use crate::telemetry::{Event, Observed, Observer};
use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// The standard stacks of a service, and the one configuration that they go by. Clones are the same.
///
/// ```
/// use std::time::Duration;
/// use buttress::stack::Live;
///
/// let live = Live::from_str("[client]\ntotal = \"5s\"\nattempt = \"1s\"").unwrap();
/// let (client, server) = (live.client(), live.server());
///
/// live.reload_str("[client.bulkhead]\nlimit = 20").unwrap();
/// assert_eq!((client.slots().limit(), client.config().total), (20, Duration::from_secs(10)));
///
/// let refused = live.reload_str("[server.bulkhead]\nlimit = 0").unwrap_err();
/// assert_eq!(refused.to_string(), "server.bulkhead.limit: is 0, and must be at least 1");
/// assert_eq!((client.slots().limit(), server.slots().limit()), (20, 512)); // as it was
/// ```
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    config: Mutex<Config>,
    client: ClientLayer,
    server: ServerLayer,
    observed: Observed,
}

/// In events.
const NAME: &str = "stack";

impl Live {
    /// As that configuration says.
    ///
    /// # Errors
    /// Where [`Config::check`] refuses it.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::made(config, None))
    }

    /// As that text says: TOML, or JSON.
    ///
    /// # Errors
    /// Where [`Config::read`] refuses it.
    #[expect(clippy::should_implement_trait, reason = "`str::parse` would hide the word for what is parsed")]
    pub fn from_str(text: &str) -> Result<Self, ConfigError> {
        Config::read(text).map(|config| Self::made(config, None))
    }

    /// As that file says. A service does not start by a file that is not there, or that is wrong.
    ///
    /// # Errors
    /// Where it cannot be read, or [`Config::read`] refuses what it holds.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_str(&file(path.as_ref())?)
    }

    fn made(config: Config, ears: Option<Ears>) -> Self {
        let (mut client, mut server) = (ClientLayer::new(&config.client), ServerLayer::new(&config.server));
        let mut observed = Observed::new();
        if let Some(ears) = ears {
            client = client.observe(ears.clone());
            server = server.observe(ears.clone());
            observed = Observed::by(ears);
        }
        Self { shared: Arc::new(Shared { config: Mutex::new(config), client, server, observed }) }
    }

    /// Lets `observer` hear what the layers decide, and each [`Event::Reload`]. To be said first: it makes new stacks.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        Self::made(self.config(), Some(Ears::of(observer)))
    }

    /// The stack for calls that go out. Every clone of it is the same one, and goes by the file; told how to read answers and
    /// errors it still does (`over_hyper`, `classify`, ..). Any other setter makes a stack that is its own, and stays as it is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::{over, reqwest, stack::Live};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let live = Live::from_str("client.total = \"5s\"")?;
    /// let stack = live.client().over_hyper();
    /// let client = over(stack.clone(), reqwest::service(reqwest::builder().no_proxy().build()?));
    ///
    /// live.reload_str("client.total = \"4s\"")?;
    /// assert_eq!(stack.config().total, Duration::from_secs(4));
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn client(&self) -> ClientLayer {
        self.shared.client.clone()
    }

    /// The stack for calls that come in. Every clone of it is the same one, and goes by the file; a setter makes one that does not.
    #[must_use]
    pub fn server(&self) -> ServerLayer {
        self.shared.server.clone()
    }

    /// What both go by.
    #[must_use]
    pub fn config(&self) -> Config {
        self.shared.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes by that text from now on: all of it or nothing. Calls under way keep their limits; circuits and slots go on as they
    /// are.
    ///
    /// # Errors
    /// Where [`Config::read`] refuses it, or a field has changed that cannot while the service runs. Nothing has changed then.
    pub fn reload_str(&self, text: &str) -> Result<(), ConfigError> {
        self.told(Config::read(text).and_then(|config| self.go_by(config)))
    }

    /// The same by a configuration that was made in code.
    ///
    /// # Errors
    /// Where [`Config::check`] refuses it, or a field has changed that cannot while the service runs.
    pub fn reload(&self, config: Config) -> Result<(), ConfigError> {
        self.told(self.go_by(config))
    }

    /// The same by a file.
    ///
    /// # Errors
    /// Where it cannot be read, and as [`reload_str`](Self::reload_str).
    pub fn reload_file(&self, path: impl AsRef<Path>) -> Result<(), ConfigError> {
        self.told(
            file(path.as_ref()).and_then(|text| Config::read(&text)).and_then(|config| self.go_by(config)),
        )
    }

    fn go_by(&self, config: Config) -> Result<(), ConfigError> {
        let Shared { config: present, client, server, .. } = &*self.shared;
        config.check()?;
        let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
        // All or nothing: what only the client can refuse comes first, and the server refuses nothing that was checked.
        client.retune(&config.client)?;
        server.retune(&config.server)?;
        *present = config;
        Ok(())
    }

    fn told(&self, done: Result<(), ConfigError>) -> Result<(), ConfigError> {
        match &done {
            Ok(()) => self.holds(),
            Err(error) => self.refuse(error),
        }
        done
    }

    /// It is gone by from now on; or, what was wrong is put right, and has been gone by all along.
    pub(super) fn holds(&self) {
        self.shared.observed.emit(|| Event::reload(NAME));
    }

    /// It is wrong, or what was to be read could not even be found.
    pub(super) fn refuse(&self, error: &ConfigError) {
        self.shared.observed.emit(|| Event::reload_refused(NAME, error.path(), error.problem()));
    }
}

/// A configuration is a page, not a book.
const LONGEST: u64 = 1 << 20;

/// What a file holds. An empty one is being written, or its end was lost: it does not mean that all is to be as by default.
pub(super) fn file(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |why: &dyn fmt::Display| {
        ConfigError::new("", format!("cannot be read from {}: {why}", path.display()))
    };
    let len = fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if len > LONGEST {
        return Err(unreadable(&format_args!("it has {len} bytes, at most {LONGEST} are read")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    if text.trim().is_empty() { Err(unreadable(&"it is empty")) } else { Ok(text) }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("config", &self.config()).finish_non_exhaustive()
    }
}
