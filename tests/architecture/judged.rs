//! Every layer stands before the judge.

use crate::source::Source;
use std::collections::BTreeSet;
use syn::{Item, Type, spanned::Spanned};

/// The layers of the house that no test of the laws names.
pub(crate) fn layers(house: &[Source], contract: &[Source]) -> Vec<String> {
    let mentions = contract.iter().flat_map(|source| &source.read.mentions);
    let named: BTreeSet<_> = mentions.flat_map(|mention| &mention.path.names).collect();
    let mut found = Vec::new();
    for source in house {
        let unjudged = made(source).into_iter().filter(|(_, name)| !named.contains(name));
        found.extend(unjudged.map(|(line, name)| {
            source.at(
                line,
                &format!(
                    "the layer `{name}` is judged by no test: let a `Subject` of it keep the laws, in tests/contract."
                ),
            )
        }));
    }
    found
}

/// The types that a file makes layers of, and where.
fn made(source: &Source) -> Vec<(usize, String)> {
    let layer = |item: &Item| {
        let Item::Impl(item) = item else { return None };
        let (_, of, _) = item.trait_.as_ref()?;
        let Type::Path(own) = &*item.self_ty else { return None };
        let (of, own) = (of.segments.last()?, own.path.segments.last()?);
        (of.ident == "Layer").then(|| (item.span().start().line, own.ident.to_string()))
    };
    source.file.items.iter().filter_map(layer).collect()
}
