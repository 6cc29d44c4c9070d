//! The files, and the modules that they are.

use crate::reader::Reader;
use std::{fs, path::Path};

/// One file, read.
pub(crate) struct Source {
    /// From the root of the package, with slashes: `src/breaker/mod.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) file: syn::File,
    /// What it names, and what of it only tests compile.
    pub(crate) read: Reader,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let read = Reader::of(&file, module(path));
        Self { path: path.into(), text: text.into(), file, read }
    }

    /// The room that it stands in; `None` is the root of the crate.
    pub(crate) fn room(&self) -> Option<&str> {
        self.read.module.first().map(String::as_str)
    }

    pub(crate) fn at(&self, line: usize, says: &str) -> String {
        format!("{}:{line}: {says}", self.path)
    }
}

/// `src/limit/rate/mod.rs` is the module `limit::rate`.
fn module(path: &str) -> Vec<String> {
    let inside = path.split_once('/').map_or(path, |(_, inside)| inside);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut module: Vec<String> = inside.split('/').map(Into::into).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// Every Rust file below a folder of the package.
pub(crate) fn read(folder: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), folder, &mut sources);
    assert!(!sources.is_empty(), "{folder}/ has no Rust file: the rules would hold for nothing");
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn walk(folder: &Path, name: &str, into: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the package").map(|entry| entry.expect("its entry"))
    {
        let (path, name) = (entry.path(), format!("{name}/{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            walk(&path, &name, into);
        } else if name.ends_with(".rs") {
            into.push(Source::new(&name, &fs::read_to_string(path).expect("a file in UTF-8")));
        }
    }
}

/// Without the files of modules that only tests compile.
pub(crate) fn compiled(mut sources: Vec<Source>) -> Vec<Source> {
    let tests: Vec<_> = sources.iter().flat_map(|source| source.read.test_modules.clone()).collect();
    sources.retain(|source| !tests.iter().any(|test| source.read.module.starts_with(test)));
    sources
}
