//! Imports go only downward.

use crate::{
    CRATES, ROOMS,
    names::{Target, targets},
    reader::Mention,
    source::Source,
};
use std::collections::BTreeSet;

/// Everything in `sources` that leans on what is not below it.
pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let mut homeless = BTreeSet::new();
    for source in sources {
        found.extend(source.read.moved.iter().map(|line| {
            source.at(
                *line,
                "a module with a `#[path]`: no rule finds its room. Put the file where its module says.",
            )
        }));
        // The root only re-exports.
        let Some(room) = source.room() else { continue };
        match ROOMS.iter().find(|(name, _)| *name == room) {
            Some((_, floor)) => found.extend(file(source, room, *floor)),
            None if homeless.insert(room) => found.push(source.at(
                1,
                &format!("the room `{room}` has no floor: give it one in ROOMS, at the top of tests/architecture.rs."),
            )),
            None => {}
        }
    }
    found
}

fn file(source: &Source, room: &str, floor: u8) -> Vec<String> {
    let mut found = Vec::new();
    for mention in &source.read.mentions {
        let (own, through) = targets(mention, &source.read);
        // What a `use` names is judged where it stands; only a name for the whole crate says nothing there.
        let through = through.into_iter().filter(|through| through.alias == Target::Inside(Vec::new()));
        for target in std::iter::once(own).chain(through.map(|through| through.target)) {
            found.extend(
                refused(&target, mention, room, floor).map(|says| source.at(mention.path.line, &says)),
            );
        }
    }
    found.dedup();
    found
}

fn refused(target: &Target, mention: &Mention, room: &str, floor: u8) -> Option<String> {
    match target {
        Target::Inside(path) => match path.first() {
            Some(other) => into_room(other, room, floor),
            None if mention.path.glob => {
                Some("`*` of the crate's root names every room: name what is meant.".into())
            }
            None => None,
        },
        Target::Outside(path) => {
            let (name, lowest) =
                CRATES.iter().find(|(name, _)| path.first().is_some_and(|first| first == name))?;
            // A lone word is a variable or a field, unless it is imported.
            let is_path = path.len() > 1 || mention.import || mention.path.glob;
            (floor < *lowest && is_path).then(|| {
                format!(
                    "`{room}` (floor {floor}) names the crate `{name}`, which floor {lowest} is the lowest to know: \
                     ask for a trait of the ground floor, and implement it up there."
                )
            })
        }
    }
}

fn into_room(other: &str, room: &str, floor: u8) -> Option<String> {
    if other == room {
        return None;
    }
    let place = |name: &str| ROOMS.iter().position(|(room, _)| *room == name);
    let Some(at) = place(other) else {
        return Some(format!(
            "`crate::{other}` is no room: name the room that it comes from; a new room gets its floor in ROOMS, at the \
             top of tests/architecture.rs."
        ));
    };
    let of = ROOMS[at].1;
    match (floor, of) {
        (0, 0) => (place(room) < Some(at)).then(|| {
            format!(
                "`{room}` names `{other}`, which stands below it in ROOMS: on the ground floor a room uses those above \
                 it in the list. Turn the import round, or the two rooms."
            )
        }),
        _ if of < floor => None,
        _ if of == floor => Some(format!(
            "`{room}` names `{other}`, its neighbour on floor {floor}: move what both need to the ground floor."
        )),
        _ => Some(format!(
            "`{room}` (floor {floor}) names `{other}` (floor {of}): imports go only downward. Move what it needs down, or \
             ask for a trait and implement it up there."
        )),
    }
}
