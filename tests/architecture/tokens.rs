//! Paths among tokens: what syn leaves unread inside a macro, read as far as paths go.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::BTreeSet;

/// A path as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) line: usize,
    /// It begins with `::`.
    pub(crate) leading: bool,
    /// `crate`, `super` and `self` as they stand.
    pub(crate) names: Vec<String>,
    /// It ends with `::*`.
    pub(crate) glob: bool,
}

/// All paths, lone words among them, those of `use` trees with their prefix.
pub(crate) fn paths(tokens: TokenStream) -> Vec<Written> {
    let mut found = Vec::new();
    scan(tokens, None, &mut found);
    found
}

/// `prefix` is the path in front of a `::{..}`.
fn scan(tokens: TokenStream, prefix: Option<&Written>, found: &mut Vec<Written>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        let (path, next) = path_at(&tokens, at, prefix, found);
        found.extend(path);
        if let (true, Some(TokenTree::Group(group))) = (next == at, tokens.get(at)) {
            scan(group.stream(), None, found);
        }
        at = next.max(at + 1);
    }
}

/// The path that begins at `at`, if one does, and where it ends.
fn path_at(
    tokens: &[TokenTree],
    at: usize,
    prefix: Option<&Written>,
    found: &mut Vec<Written>,
) -> (Option<Written>, usize) {
    let leading = is_colons(tokens, at);
    let mut next = if leading { at + 2 } else { at };
    let Some(TokenTree::Ident(first)) = tokens.get(next) else {
        return (None, at);
    };
    let mut path = match prefix {
        Some(prefix) => Written { line: first.span().start().line, ..prefix.clone() },
        None => Written { line: first.span().start().line, leading, names: Vec::new(), glob: false },
    };
    path.names.push(first.to_string());
    next += 1;
    while is_colons(tokens, next) {
        match tokens.get(next + 2) {
            Some(TokenTree::Ident(name)) => path.names.push(name.to_string()),
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => path.glob = true,
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                scan(group.stream(), Some(&path), found);
                return (None, next + 3);
            }
            // Generic arguments: they are read on their own.
            _ => return (Some(path), next + 2),
        }
        next += 3;
    }
    (Some(path), next)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    matches!(
        (tokens.get(at), tokens.get(at + 1)),
        (Some(TokenTree::Punct(one)), Some(TokenTree::Punct(two)))
            if one.as_char() == ':' && one.spacing() == Spacing::Joint && two.as_char() == ':'
    )
}

/// The lines that hold code: a token that is not part of a doc comment.
pub(crate) fn lines(tokens: TokenStream, into: &mut BTreeSet<usize>) {
    let mut hash = None;
    for token in tokens {
        let span = match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' || hash.is_some() && punct.as_char() == '!' => {
                hash.get_or_insert(punct.span());
                continue;
            }
            TokenTree::Group(group) if hash.is_some() && is_doc(group.stream()) => {
                hash = None;
                continue;
            }
            TokenTree::Group(group) => {
                lines(group.stream(), into);
                into.insert(group.span_open().start().line);
                into.insert(group.span_close().end().line);
                hash.take().unwrap_or_else(|| group.span_open())
            }
            token => hash.take().unwrap_or_else(|| token.span()),
        };
        into.insert(span.start().line);
        if matches!(token, TokenTree::Literal(_)) {
            into.extend(token.span().start().line..=token.span().end().line);
        }
    }
}

fn is_doc(attribute: TokenStream) -> bool {
    matches!(attribute.into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}
