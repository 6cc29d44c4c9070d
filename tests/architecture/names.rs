//! What a path means: where it leads from the root of the crate, or into which other crate.

use crate::reader::{Mention, Reader};

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// From the root of this crate.
    Inside(Vec<String>),
    /// Another crate, or a name that is no module: a type, a generic.
    Outside(Vec<String>),
}

/// What a path means by a name that a `use` gave.
pub(crate) struct Through {
    /// What the `use` named.
    pub(crate) alias: Target,
    pub(crate) target: Target,
}

/// The target of a path as it stands, and what else it means through each `use` of its first name.
pub(crate) fn targets(mention: &Mention, reader: &Reader) -> (Target, Vec<Through>) {
    let own = plain(mention, reader);
    let names = &mention.path.names;
    // A `use` of one name is where that name comes from.
    let goes_through = !mention.path.leading && (!mention.import || names.len() > 1);
    let aliases = match (&own, &names[..]) {
        (Target::Outside(_), [first, ..]) if goes_through => reader.aliases.get(first),
        _ => None,
    };
    let through = |alias| {
        let alias = resolved(alias, reader, DEEPEST);
        Through { target: alias.then(&names[1..]), alias }
    };
    let through = aliases.into_iter().flatten().map(through).collect();
    (own, through)
}

/// Names that are given to names that are given: as far as anyone goes.
const DEEPEST: usize = 8;

/// What a `use` names, through others.
fn resolved(alias: &Mention, reader: &Reader, depth: usize) -> Target {
    let own = plain(alias, reader);
    let names = &alias.path.names;
    let next = match (&own, &names[..]) {
        (Target::Outside(_), [first, ..]) if depth > 0 && !alias.path.leading => reader.aliases.get(first),
        _ => None,
    };
    match next.and_then(|next| next.first()) {
        // `use http;` names itself.
        Some(next) if next.path.names != *names => resolved(next, reader, depth - 1).then(&names[1..]),
        _ => own,
    }
}

impl Target {
    fn then(&self, rest: &[String]) -> Self {
        match self {
            Self::Inside(names) => Self::Inside([names, rest].concat()),
            Self::Outside(names) => Self::Outside([names, rest].concat()),
        }
    }
}

fn plain(mention: &Mention, reader: &Reader) -> Target {
    let names = &mention.path.names;
    if mention.path.leading {
        return Target::Outside(names.clone());
    }
    let mut base = mention.module.clone();
    let mut rest = &names[..];
    let mut relative = false;
    while let [first, more @ ..] = rest {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        (relative, rest) = (true, more);
    }
    base.extend(rest.iter().take(1).cloned());
    if relative || reader.modules.contains(&base) {
        base.extend(rest.iter().skip(1).cloned());
        Target::Inside(base)
    } else {
        Target::Outside(names.clone())
    }
}
