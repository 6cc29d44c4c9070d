//! What the kernel is answered about a disk of a run's own: names, lengths and bytes, each asked for anew.

use crate::{
    disk::Inside,
    nodes::pause,
    platter::{Number, PAGE, Platter},
};
use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::{
    ffi::OsStr,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// So long takes a sync, as on a disk that is good.
const SYNC: Duration = Duration::from_millis(2);

/// For one time that it is mounted.
pub(crate) struct Answers(Arc<Inside>);

impl Answers {
    pub(crate) const fn new(inside: Arc<Inside>) -> Self {
        Self(inside)
    }
}

/// The kernel knows no name and no length by heart, so that there is one truth only.
const AT_ONCE: Duration = Duration::ZERO;

/// The kernel's number for the directory; files come behind it.
const ROOT: u64 = INodeNo::ROOT.0;

const fn number(of: INodeNo) -> Number {
    of.0.wrapping_sub(ROOT)
}

fn attributes(kind: FileType, ino: INodeNo, size: usize) -> FileAttr {
    FileAttr {
        ino,
        size: size as u64,
        blocks: size.div_ceil(512) as u64,
        atime: SystemTime::UNIX_EPOCH,
        mtime: SystemTime::UNIX_EPOCH,
        ctime: SystemTime::UNIX_EPOCH,
        crtime: SystemTime::UNIX_EPOCH,
        kind,
        perm: if kind == FileType::Directory { 0o755 } else { 0o644 },
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: PAGE as u32,
        flags: 0,
    }
}

fn file(platter: &Platter, number: Number) -> Option<FileAttr> {
    let size = platter.read(number)?.len();
    Some(attributes(FileType::RegularFile, INodeNo(number + ROOT), size))
}

/// A number of the kernel as a place in memory: nobody writes files here that have no room in it.
fn place(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

impl Filesystem for Answers {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.0.with(|platter| file(platter, platter.find(name)?)) {
            Ok(attributes) => reply.entry(&AT_ONCE, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let found = self.0.with(|platter| match ino.0 {
            ROOT => Some(attributes(FileType::Directory, ino, 0)),
            _ => file(platter, number(ino)),
        });
        match found {
            Ok(attributes) => reply.attr(&AT_ONCE, &attributes),
            Err(error) => reply.error(error),
        }
    }

    /// Lengths are all that is kept: owners, modes and times are the same for all.
    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = self.0.change(|platter| {
            if let Some(size) = size {
                platter.resize(number(ino), place(size))?;
            }
            file(platter, number(ino))
        });
        match set {
            Ok(attributes) => reply.attr(&AT_ONCE, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        // Another process may have been faster.
        let made = self.0.change(|platter| {
            let number = platter.find(name).unwrap_or_else(|| platter.make(name));
            file(platter, number)
        });
        match made {
            Ok(file) => {
                reply.created(&AT_ONCE, &file, Generation(0), FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
            }
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // The kernel's pages are right as long as it is mounted, and shared memory lives in them.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.0.with(|platter| {
            let all = platter.read(number(ino))?;
            let from = place(offset).min(all.len());
            Some(all[from..all.len().min(from + place(size.into()))].to_owned())
        });
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.0.change(|platter| platter.write(number(ino), place(offset), data)) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.0.count();
        pause(SYNC);
        said(self.0.with(|platter| platter.sync(number(ino))), reply);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.0.count();
        pause(SYNC);
        let sync = |platter: &mut Platter| {
            platter.sync_names();
            Some(())
        };
        said(self.0.with(sync), reply);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Closing a file syncs nothing.
        reply.ok();
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        said(self.0.change(|platter| platter.unname(name)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        to: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        said(self.0.change(|platter| platter.rename(name, to)), reply);
    }

    fn readdir(&self, _: &Request, _: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let names = |platter: &mut Platter| {
            let all = platter.names().map(|(name, number)| (name.to_owned(), number));
            Some(all.collect::<Vec<_>>())
        };
        match self.0.with(names) {
            Ok(names) => {
                for (at, (name, number)) in names.iter().enumerate().skip(place(offset)) {
                    let next = at as u64 + 1;
                    if reply.add(INodeNo(number + ROOT), next, FileType::RegularFile, name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }
}

fn said<T>(done: Result<T, Errno>, reply: ReplyEmpty) {
    match done {
        Ok(_) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
