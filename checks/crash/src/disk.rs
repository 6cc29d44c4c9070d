//! A disk of a run's own that loses what was not synced when its power goes: a [`Platter`], mounted by the kernel's FUSE.
//!
//! Files are read through the kernel's pages, as on any disk, so that SQLite can map its `-shm` file; every write comes here at once.
//! The power goes before some write or sync that is drawn, so most of the time in the midst of a transaction. While it is gone, nobody
//! is answered until all who use the disk are killed, so that none of them lives to see it.

use crate::{
    answers::Answers,
    nodes::Node,
    platter::{Platter, Reached},
};
use fastrand::Rng;
use fuser::{BackgroundSession, Config, Errno, MountOption};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// A transaction has fewer changes than that, so that the power goes before any of them, or between it and the next.
const CHANGES: u32 = 24;
/// A disk on which so long nothing changes has nobody at work.
const IDLE: Duration = Duration::from_millis(200);

/// A disk, until it is dropped.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
    inside: Arc<Inside>,
    mounted: Option<BackgroundSession>,
}

/// What the disk is, for whoever has it in hand and for the kernel.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    platter: Platter,
    power: Power,
    /// So many changes are made, and at the next the power goes.
    left: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Power {
    #[default]
    On,
    /// It has gone, and who asks is kept waiting.
    Going,
    /// Who asks gets an error.
    Off,
}

impl Disk {
    /// An empty one, mounted there; `None`, said aloud, where that cannot be.
    ///
    /// # Panics
    /// Where there can be no directory.
    #[must_use]
    pub fn new(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory");
        let mut disk = Self { at: at.to_owned(), inside: Arc::default(), mounted: None };
        if let Err(error) = disk.mount() {
            println!("skipped: no disk can be mounted here: {error}");
            return None;
        }
        Some(disk)
    }

    fn mount(&mut self) -> std::io::Result<()> {
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("buttress-crash".into()), MountOption::NoAtime];
        self.mounted = Some(fuser::spawn_mount(Answers::new(Arc::clone(&self.inside)), &self.at, &config)?);
        Ok(())
    }

    /// From now on it acknowledges what it is told to sync, and loses it all the same.
    pub fn lie(&self) {
        self.inside.lock().platter.lie();
    }

    /// The power goes for those nodes, who are all that use the disk, and comes back for the disk. How many pages were lost that had not
    /// been synced, without those of SQLite's shared memory, which nobody syncs.
    ///
    /// # Panics
    /// Where it cannot be mounted again, since somebody has outlived it, say.
    pub fn power_cut(&mut self, rng: &mut Rng, nodes: &mut [Node]) -> usize {
        self.inside.go_after(rng.u32(..CHANGES));
        for node in &mut *nodes {
            node.signal("KILL");
        }
        // Who waits is dead as soon as he has his answer, and the kernel lets nobody die before.
        self.inside.turn(Power::Off);
        for node in nodes {
            node.kill();
        }
        // Whatever the kernel still holds of it goes, too.
        self.mounted.take().expect("mounted").umount_and_join().expect("nobody uses it");
        let mut state = self.inside.lock();
        // One that lies writes in no order that would make sense of a part of it: it stays as it was when that began.
        let reached = if state.platter.lies() || rng.bool() { Reached::None } else { Reached::Some };
        let lost = state.platter.lose(reached, rng);
        state.power = Power::On;
        drop(state);
        self.mount().expect("it was mounted before");
        lost.iter()
            .filter(|(name, _)| !name.to_string_lossy().ends_with("-shm"))
            .map(|(_, pages)| pages)
            .sum()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.inside.turn(Power::Off);
        // Where a test has failed somebody may still use it: then it goes when they do.
        let _ = Command::new("umount").arg("-l").arg(&self.at).stderr(Stdio::null()).status();
    }
}

impl Inside {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, power: Power) {
        self.lock().power = power;
        self.changed.notify_all();
    }

    /// The power goes when so many changes have been made; or when nobody makes any.
    fn go_after(&self, changes: u32) {
        let mut state = self.lock();
        state.left = Some(changes);
        while state.power == Power::On {
            let before = state.left;
            let idle = |state: &mut State| state.left == before && state.power == Power::On;
            let waited = self.changed.wait_timeout_while(state, IDLE, idle);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            if timeout.timed_out() {
                state.power = Power::Going;
            }
        }
        state.left = None;
    }

    /// As [`with`](Self::with), for what changes something: the power may go just before.
    pub(crate) fn change<T>(&self, ask: impl FnOnce(&mut Platter) -> Option<T>) -> Result<T, Errno> {
        self.count();
        self.with(ask)
    }

    pub(crate) fn count(&self) {
        let mut state = self.lock();
        if let Some(left) = &mut state.left {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => state.power = Power::Going,
            }
            self.changed.notify_all();
        }
    }

    /// What comes of it, as long as there is power.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&mut Platter) -> Option<T>) -> Result<T, Errno> {
        let going = |state: &mut State| state.power == Power::Going;
        let mut state = self.changed.wait_while(self.lock(), going).unwrap_or_else(PoisonError::into_inner);
        if state.power == Power::Off {
            return Err(Errno::EIO);
        }
        ask(&mut state.platter).ok_or(Errno::ENOENT)
    }
}
