//! What a file names: every path in it that the library compiles.

use crate::tokens::{self, Written};
use std::{collections::HashMap, ops::RangeInclusive};
use syn::{
    Attribute, ImplItem, Item, Meta, Token, UseTree,
    punctuated::Punctuated,
    spanned::Spanned,
    visit::{self, Visit},
};

/// One path, and the module in which it is written.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    pub(crate) path: Written,
    pub(crate) module: Vec<String>,
    /// In a `use`, where a single name is a path, too.
    pub(crate) import: bool,
    pub(crate) clock: Clock,
}

/// Which clock the function around a path runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clock {
    /// In a `#[tokio::test(start_paused = true)]`.
    Paused,
    /// In a `#[tokio::test]`.
    Running,
    /// Whoever calls it knows.
    #[default]
    Unsaid,
}

/// Everything that the rules want to know of a file.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) module: Vec<String>,
    pub(crate) mentions: Vec<Mention>,
    /// Names that `use` gives to something.
    pub(crate) aliases: HashMap<String, Vec<Mention>>,
    /// Modules that are declared here.
    pub(crate) modules: Vec<Vec<String>>,
    /// Of those, the ones that only tests compile.
    pub(crate) test_modules: Vec<Vec<String>>,
    /// Lines that only tests compile.
    pub(crate) test_lines: Vec<RangeInclusive<usize>>,
    /// Modules with a file elsewhere, which the rules would look for in vain.
    pub(crate) moved: Vec<usize>,
    /// Whether something here runs on a paused clock.
    pub(crate) pauses: bool,
    /// The module that is being read.
    here: Vec<String>,
    clock: Clock,
}

impl Reader {
    pub(crate) fn of(file: &syn::File, module: Vec<String>) -> Self {
        let mut reader = Self { here: module.clone(), module, ..Self::default() };
        if file.attrs.iter().any(is_test) {
            reader.test_modules.push(reader.module.clone());
        }
        reader.visit_file(file);
        reader
    }

    fn mention(&mut self, path: Written) {
        self.mentions.push(Mention { path, module: self.here.clone(), import: false, clock: self.clock });
    }

    fn uses(&mut self, tree: &UseTree, mut path: Written) {
        path.line = tree.span().start().line;
        match tree {
            UseTree::Path(step) => {
                path.names.push(step.ident.to_string());
                self.uses(&step.tree, path);
            }
            UseTree::Name(last) => {
                // `use a::b::{self}` is `use a::b`.
                if last.ident != "self" || path.names.is_empty() {
                    path.names.push(last.ident.to_string());
                }
                let name = path.names.last().cloned().unwrap_or_default();
                self.binds(name, path);
            }
            UseTree::Rename(last) => {
                if last.ident != "self" || path.names.is_empty() {
                    path.names.push(last.ident.to_string());
                }
                self.binds(last.rename.to_string(), path);
            }
            UseTree::Glob(_) => {
                path.glob = true;
                self.mention(path);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(tree, path.clone())),
        }
    }

    fn binds(&mut self, name: String, path: Written) {
        let mention = Mention { path, module: self.here.clone(), import: true, clock: self.clock };
        self.mentions.push(mention.clone());
        self.aliases.entry(name).or_default().push(mention);
    }

    /// Whether only tests compile it; if so, its lines count for nothing.
    fn skips(&mut self, attributes: &[Attribute], item: &impl Spanned) -> bool {
        let tests = attributes.iter().any(is_test);
        if tests {
            self.test_lines.push(item.span().start().line..=item.span().end().line);
        }
        tests
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let skipped = self.skips(attributes(item), item);
        if let Item::Mod(module) = item {
            self.here.push(module.ident.to_string());
            self.modules.push(self.here.clone());
            self.moved.extend(
                module
                    .attrs
                    .iter()
                    .filter(|attr| attr.path().is_ident("path"))
                    .map(|attr| attr.span().start().line),
            );
            if skipped {
                self.test_modules.push(self.here.clone());
            } else {
                visit::visit_item(self, item);
            }
            self.here.pop();
        } else if !skipped {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !self.skips(attributes, item) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !self.skips(&field.attrs, field) {
            visit::visit_field(self, field);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !self.skips(&local.attrs, local) {
            visit::visit_local(self, local);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.visit_visibility(&item.vis);
        let leading = item.leading_colon.is_some();
        self.uses(&item.tree, Written { line: 0, leading, names: Vec::new(), glob: false });
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = if item.ident == "self" { "crate".into() } else { item.ident.to_string() };
        let path = Written {
            line: item.span().start().line,
            leading: name != "crate",
            names: vec![name.clone()],
            glob: false,
        };
        self.binds(item.rename.as_ref().map_or(name, |(_, rename)| rename.to_string()), path);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(Written {
            line: path.span().start().line,
            leading: path.leading_colon.is_some(),
            names: path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
            glob: false,
        });
        visit::visit_path(self, path);
    }

    /// `<tokio::time::Instant>::now` is `tokio::time::Instant::now`.
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(syn::Type::Path(of)) = path.qself.as_ref().map(|of| &*of.ty) {
            let names = of.path.segments.iter().chain(&path.path.segments);
            self.mention(Written {
                line: path.span().start().line,
                leading: of.path.leading_colon.is_some(),
                names: names.map(|segment| segment.ident.to_string()).collect(),
                glob: false,
            });
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let around = self.clock;
        self.clock = item.attrs.iter().find_map(clock).unwrap_or(around);
        self.pauses |= self.clock == Clock::Paused;
        visit::visit_item_fn(self, item);
        self.clock = around;
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.pauses |= call.method == "start_paused";
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        visit::visit_macro(self, of);
        tokens::paths(of.tokens.clone()).into_iter().for_each(|path| self.mention(path));
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        visit::visit_attribute(self, attribute);
        if let Meta::List(list) = &attribute.meta {
            tokens::paths(list.tokens.clone()).into_iter().for_each(|path| self.mention(path));
        }
    }
}

/// What `#[tokio::test]` and `#[tokio::main]` say of the clock.
fn clock(attribute: &Attribute) -> Option<Clock> {
    let names: Vec<_> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    if names != ["tokio", "test"] && names != ["tokio", "main"] {
        return None;
    }
    let pauses = match &attribute.meta {
        Meta::List(list) => list.tokens.to_string().contains("start_paused = true"),
        Meta::Path(_) | Meta::NameValue(_) => false,
    };
    Some(if pauses { Clock::Paused } else { Clock::Running })
}

/// `#[cfg(test)]`, and whatever else needs `test` to hold.
fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta))
}

fn needs_test(meta: &Meta) -> bool {
    let Meta::List(list) = meta else { return meta.path().is_ident("test") };
    let Ok(inner) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
        return false;
    };
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => inner.iter().any(needs_test),
        Some("any") => !inner.is_empty() && inner.iter().all(needs_test),
        _ => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
