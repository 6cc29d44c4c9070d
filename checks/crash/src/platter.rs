//! What is on a disk, and what only seems to be: all that was written, and of it what was synced.
//!
//! One directory of files, which promises a little less than ext4 does. What was written, cut off or appended is there for certain
//! when its file has been synced; there is no difference between `fsync` and `fdatasync`, since ext4 writes down the size with either.
//! A sync of a file also makes its name certain, as ext4's journal does: with one new name at least goes the file behind it. All
//! names that were given and taken are certain when the directory has been synced. (ext4 has one journal for all of it, so there a
//! sync of any file brings along each name that was given or taken before; nobody should lean on that, and here nobody can.)
//!
//! What was not synced may be there all the same when the power has gone, or some pages of it, in any order.

use fastrand::Rng;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

/// What a disk writes as one: a page is never half there, and writing one harms none beside it.
pub const PAGE: usize = 4096;

/// The number of a file. None is used twice.
pub type Number = u64;

/// One disk.
#[derive(Debug, Default)]
pub struct Platter {
    files: BTreeMap<Number, File>,
    names: Names,
    synced: Names,
    made: Number,
    lies: bool,
}

type Names = BTreeMap<OsString, Number>;

#[derive(Debug, Default)]
struct File {
    /// As everybody reads it.
    seen: Vec<u8>,
    /// As it is for certain.
    synced: Vec<u8>,
    /// Pages in which the two may differ.
    dirty: BTreeSet<usize>,
}

/// How much of what was not synced has reached the disk when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing.
    None,
    /// Each page by a throw of a coin, and so the new length of a file, and the new names.
    Some,
}

impl Platter {
    /// From now on a sync is acknowledged, and nothing is made certain by it.
    pub fn lie(&mut self) {
        self.lies = true;
    }

    /// Whether it does.
    #[must_use]
    pub const fn lies(&self) -> bool {
        self.lies
    }

    /// The file of that name.
    #[must_use]
    pub fn find(&self, name: &OsStr) -> Option<Number> {
        self.names.get(name).copied()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = (&OsStr, Number)> {
        self.names.iter().map(|(name, number)| (&**name, *number))
    }

    /// A new file under that name; the one that had it is nameless.
    pub fn make(&mut self, name: &OsStr) -> Number {
        self.made += 1;
        self.files.insert(self.made, File::default());
        self.names.insert(name.to_owned(), self.made);
        self.made
    }

    /// Takes the name. The file stays for those who have it open; it goes with the power.
    pub fn unname(&mut self, name: &OsStr) -> Option<Number> {
        self.names.remove(name)
    }

    /// Gives the file another name, in place of the file that had that.
    pub fn rename(&mut self, from: &OsStr, to: &OsStr) -> Option<Number> {
        let number = self.names.remove(from)?;
        self.names.insert(to.to_owned(), number);
        Some(number)
    }

    /// All that the file seems to be.
    #[must_use]
    pub fn read(&self, number: Number) -> Option<&[u8]> {
        Some(&self.files.get(&number)?.seen)
    }

    /// Writes at that place; what lies between it and the end is zeros.
    pub fn write(&mut self, number: Number, at: usize, bytes: &[u8]) -> Option<()> {
        let file = self.files.get_mut(&number)?;
        let end = at + bytes.len();
        if end > file.seen.len() {
            file.resize(end);
        }
        file.seen[at..end].copy_from_slice(bytes);
        file.soil(at, end);
        Some(())
    }

    /// Cuts the file off, or fills it up with zeros.
    pub fn resize(&mut self, number: Number, len: usize) -> Option<()> {
        self.files.get_mut(&number)?.resize(len);
        Some(())
    }

    /// What the file seems to be it is for certain, and what it is called.
    pub fn sync(&mut self, number: Number) -> Option<()> {
        let file = self.files.get_mut(&number)?;
        if self.lies {
            return Some(());
        }
        for page in std::mem::take(&mut file.dirty) {
            file.settle(page);
        }
        file.synced.truncate(file.seen.len());
        self.synced.retain(|name, named| *named != number || self.names.get(name) == Some(&number));
        let called = self.names.iter().filter(|(_, named)| **named == number);
        self.synced.extend(called.map(|(name, number)| (name.clone(), *number)));
        Some(())
    }

    /// Each name that was given or taken is so for certain.
    pub fn sync_names(&mut self) {
        if !self.lies {
            self.synced.clone_from(&self.names);
        }
    }

    /// The power goes: what was not synced is lost, but for what has reached the disk by itself. How many pages were lost of each
    /// file, by the name that it had.
    pub fn lose(&mut self, reached: Reached, rng: &mut Rng) -> BTreeMap<OsString, usize> {
        let mut come = || reached == Reached::Some && rng.bool();
        let mut lost = BTreeMap::new();
        for (name, number) in &self.names {
            if let Some(file) = self.files.get_mut(number) {
                lost.insert(name.clone(), file.lose(&mut come));
            }
        }
        if come() {
            self.synced.clone_from(&self.names);
        }
        self.names.clone_from(&self.synced);
        let named: BTreeSet<_> = self.names.values().collect();
        self.files.retain(|number, _| named.contains(number));
        for file in self.files.values_mut() {
            // Those of a name that came back, too.
            file.lose(&mut || false);
        }
        lost
    }
}

impl File {
    fn resize(&mut self, len: usize) {
        let before = self.seen.len();
        self.seen.resize(len, 0);
        self.soil(before.min(len), before.max(len));
    }

    fn soil(&mut self, from: usize, to: usize) {
        self.dirty.extend(from / PAGE..to.div_ceil(PAGE));
    }

    /// That page is on the disk as it seems to be, and the file as long as that takes.
    fn settle(&mut self, page: usize) {
        let (from, to) = (page * PAGE, self.seen.len().min((page + 1) * PAGE));
        if from < to {
            self.synced.resize(self.synced.len().max(to), 0);
            self.synced[from..to].copy_from_slice(&self.seen[from..to]);
        }
    }

    /// How many pages were lost.
    fn lose(&mut self, come: &mut impl FnMut() -> bool) -> usize {
        let mut lost = 0;
        for page in std::mem::take(&mut self.dirty) {
            if come() {
                self.settle(page);
            } else {
                lost += 1;
            }
        }
        if self.seen.len() < self.synced.len() && come() {
            self.synced.truncate(self.seen.len());
        }
        self.seen.clone_from(&self.synced);
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(of: &str) -> &OsStr {
        OsStr::new(of)
    }

    fn lose_all(platter: &mut Platter) -> BTreeMap<OsString, usize> {
        platter.lose(Reached::None, &mut Rng::with_seed(1))
    }

    /// A file that is on the disk.
    fn with(bytes: &[u8]) -> (Platter, Number) {
        let mut platter = Platter::default();
        let file = platter.make(name("a"));
        platter.write(file, 0, bytes).unwrap();
        platter.sync(file).unwrap();
        (platter, file)
    }

    #[test]
    fn what_was_not_synced_is_lost_and_nothing_else() {
        let (mut platter, file) = with(b"old");
        platter.write(file, 1, b"new, and longer").unwrap();
        assert_eq!(platter.read(file).unwrap(), b"onew, and longer");
        assert_eq!(lose_all(&mut platter)[name("a")], 1);
        assert_eq!(platter.read(file).unwrap(), b"old");
    }

    #[test]
    fn a_sync_keeps_bytes_and_length() {
        let (mut platter, file) = with(&[1; 3 * PAGE]);
        platter.resize(file, 10).unwrap();
        platter.write(file, 2 * PAGE, b"far").unwrap();
        platter.sync(file).unwrap();
        assert_eq!(lose_all(&mut platter)[name("a")], 0);
        let read = platter.read(file).unwrap();
        assert_eq!((&read[..10], &read[2 * PAGE..]), (&[1; 10][..], &b"far"[..]));
        assert!(read[10..2 * PAGE].iter().all(|byte| *byte == 0), "what was cut off stays so");
    }

    #[test]
    fn a_file_that_was_cut_off_is_whole_again_unless_that_was_synced() {
        for synced in [false, true] {
            let (mut platter, file) = with(&[1; 2 * PAGE]);
            platter.resize(file, 3).unwrap();
            if synced {
                platter.sync(file).unwrap();
            }
            lose_all(&mut platter);
            assert_eq!(platter.read(file).unwrap().len(), if synced { 3 } else { 2 * PAGE });
        }
    }

    #[test]
    fn a_name_is_certain_by_a_sync_of_its_file_or_of_the_directory() {
        for (by_file, by_directory) in [(false, false), (true, false), (false, true)] {
            let mut platter = Platter::default();
            let file = platter.make(name("a"));
            if by_file {
                platter.sync(file).unwrap();
            }
            if by_directory {
                platter.sync_names();
            }
            lose_all(&mut platter);
            assert_eq!(platter.find(name("a")).is_some(), by_file || by_directory);
        }
    }

    #[test]
    fn a_name_that_was_taken_comes_back_unless_the_directory_was_synced() {
        for synced in [false, true] {
            let (mut platter, file) = with(b"here");
            platter.unname(name("a")).unwrap();
            let other = platter.make(name("b"));
            platter.sync(other).unwrap();
            if synced {
                platter.sync_names();
            }
            lose_all(&mut platter);
            assert_eq!(platter.find(name("a")), Some(file).filter(|_| !synced));
            assert_eq!(platter.find(name("b")), Some(other), "its file was synced");
        }
    }

    #[test]
    fn a_file_that_was_synced_under_another_name_has_it_alone() {
        let (mut platter, file) = with(b"here");
        platter.rename(name("a"), name("b")).unwrap();
        platter.sync(file).unwrap();
        lose_all(&mut platter);
        assert_eq!((platter.find(name("a")), platter.find(name("b"))), (None, Some(file)));
    }

    #[test]
    fn a_disk_that_lies_keeps_what_it_had_before() {
        let (mut platter, file) = with(b"old");
        platter.lie();
        platter.write(file, 0, b"new").unwrap();
        platter.sync(file).unwrap();
        platter.make(name("b"));
        platter.sync_names();
        lose_all(&mut platter);
        assert_eq!((platter.read(file).unwrap(), platter.find(name("b"))), (&b"old"[..], None));
    }

    #[test]
    fn some_pages_may_arrive_all_the_same_each_of_them_whole() {
        let (mut platter, file) = with(&[1; 64 * PAGE]);
        platter.write(file, 0, &[2; 64 * PAGE]).unwrap();
        let lost = platter.lose(Reached::Some, &mut Rng::with_seed(1))[name("a")];
        let pages = platter.read(file).unwrap().chunks(PAGE);
        let old = pages.clone().filter(|page| page.iter().all(|byte| *byte == 1)).count();
        let new = pages.filter(|page| page.iter().all(|byte| *byte == 2)).count();
        assert!(
            lost > 0 && lost < 64 && (old, new) == (lost, 64 - lost),
            "{lost} lost, {old} old, {new} new"
        );
    }
}
