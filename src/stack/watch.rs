//! A file that is looked at again and again, and gone by where it has changed.

use super::{Config, ConfigError, Live, live::file};
use crate::clock;
use std::{path::PathBuf, time::Duration};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time,
};

/// How often a file is looked at.
const EVERY: Duration = Duration::from_secs(1);

impl Live {
    /// Goes by that file whenever it changes, for as long as what this gives is kept. It is read every second, and gone by
    /// once it was the same twice: one that is being written is left alone. What is wrong in it is said by
    /// [`Event::Reload`](crate::telemetry::Event::Reload), once for each thing that is wrong, and changes nothing; once it is put
    /// right that is said, too, also where it is as it was before.
    ///
    /// A file that is replaced, as Kubernetes and editors do, is found by its path. One that is gone or empty is refused,
    /// once, and read again when it is back. A file of TOML that was cut between two lines looks whole: write another file,
    /// and rename it; or write JSON, which has an end.
    ///
    /// # Panics
    /// Outside of a tokio runtime with timers, as `tokio::spawn` does.
    #[must_use = "the file is no longer looked at once this is dropped"]
    pub fn watch_file(&self, path: impl Into<PathBuf>) -> Watching {
        self.watch_file_every(path, EVERY)
    }

    /// The same, looked at as often: at least every millisecond.
    ///
    /// # Panics
    /// Outside of a tokio runtime with timers, as `tokio::spawn` does.
    #[must_use = "the file is no longer looked at once this is dropped"]
    pub fn watch_file_every(&self, path: impl Into<PathBuf>, every: Duration) -> Watching {
        let (live, path, every) = (self.clone(), path.into(), every.max(clock::GRAIN));
        Watching { task: tokio::spawn(watch(live, path, every)) }
    }
}

/// A file is being watched. Dropped, it is not any more; the configuration stays.
#[derive(Debug)]
pub struct Watching {
    task: JoinHandle<()>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(live: Live, path: PathBuf, every: Duration) {
    let mut sight = Sight::default();
    let mut wrong = false;
    loop {
        let path = path.clone();
        // A file system may be far away. It is a page, so it is read and not dated: two writes in one tick have one date, and
        // so have two files that were unpacked.
        let Ok(seen) = spawn_blocking(move || file(&path)).await else { return };
        match sight.look(seen) {
            Some(Ok(text)) => wrong = !go_by(&live, text, wrong),
            Some(Err(error)) => {
                live.refuse(error);
                wrong = true;
            }
            None => {}
        }
        time::sleep(every).await;
    }
}

/// Whether that text holds from now on. The listeners are told, unless it has held all along.
fn go_by(live: &Live, text: &str, was_wrong: bool) -> bool {
    let is_new = !Config::read(text).is_ok_and(|config| config == live.config());
    if !is_new && was_wrong {
        live.holds();
    }
    !is_new || live.reload_str(text).is_ok()
}

/// What a look at a file gives.
type Seen = Result<String, ConfigError>;

/// What was seen of a file, look by look.
#[derive(Default)]
struct Sight {
    last: Option<Seen>,
    /// What was acted upon last.
    done: Option<Seen>,
}

impl Sight {
    /// What is to be acted upon now: what stood there twice in a row, and was not acted upon last.
    fn look(&mut self, now: Seen) -> Option<&Seen> {
        let stands = self.last.as_ref() == Some(&now);
        if stands && self.done.as_ref() != Some(&now) {
            self.done = Some(now);
            return self.done.as_ref();
        }
        if !stands {
            self.last = Some(now);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acted(looks: &[&str]) -> Vec<String> {
        let mut sight = Sight::default();
        let seen = |text: &&str| match text.strip_prefix('!') {
            Some(why) => Err(ConfigError::new("", why)),
            None => Ok(text.to_string()),
        };
        let acts = looks.iter().map(seen).filter_map(|seen| sight.look(seen).cloned());
        acts.map(|act| act.unwrap_or_else(|error| error.to_string())).collect()
    }

    #[test]
    fn what_stands_twice_is_gone_by_and_once() {
        assert_eq!(acted(&["a"]), [""; 0]);
        assert_eq!(acted(&["a", "a", "a", "a"]), ["a"]);
        assert_eq!(acted(&["a", "a", "b", "b", "b", "a", "a"]), ["a", "b", "a"]);
    }

    #[test]
    fn what_is_being_written_is_left_alone() {
        assert_eq!(acted(&["a", "a", "", "b", "ba", "bab", "bab"]), ["a", "bab"]);
        assert_eq!(acted(&["a", "a", "b", "a", "a"]), ["a"], "it came and went");
    }

    #[test]
    fn what_is_wrong_is_said_once_for_each_thing() {
        let gone = "the configuration is gone";
        assert_eq!(acted(&["a", "a", "!is gone", "!is gone", "!is gone", "a", "a"]), ["a", gone, "a"]);
    }
}
