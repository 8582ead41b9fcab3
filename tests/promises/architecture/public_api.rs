//! The public API as text: what `lib.rs` shows, followed through `pub mod` and `pub use` to where it is defined.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

use super::tree::Source;

/// A module: its items, those of macros that wrap whole items among them.
struct Module {
    path: Vec<String>,
    items: Vec<Item>,
}

/// All modules of the crate, by path.
pub(super) struct Crate(BTreeMap<Vec<String>, Module>);

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// An item of ours: its module and its name.
    Ours(Vec<String>, String),
    Module(Vec<String>),
    Foreign(String),
}

/// What is public: a line for each item and member, and the foreign crates that their signatures name.
#[derive(Default)]
pub(super) struct PublicApi {
    pub(super) lines: BTreeSet<String>,
    pub(super) foreign: BTreeSet<String>,
}

/// Macros whose body is a list of types for which they write implementations.
const IMPLEMENTING: [&str; 4] = ["values", "references", "equals", "dynamic"];

impl Crate {
    pub(super) fn new(sources: Vec<Source>) -> Self {
        let mut modules = Self(BTreeMap::new());
        for source in sources {
            modules.take(source.module(), source.syntax.items);
        }
        modules
    }

    fn take(&mut self, path: Vec<String>, items: Vec<Item>) {
        let mut own = Vec::new();
        for item in items {
            match item {
                item if is_left_out(attributes(&item)) => {}
                Item::Mod(module) if module.content.is_some() => {
                    let inner = [path.clone(), vec![module.ident.to_string()]].concat();
                    let (_, items) = module.content.clone().unwrap_or_default();
                    own.push(Item::Mod(module));
                    self.take(inner, items);
                }
                Item::Macro(wraps) if wraps.mac.path.is_ident("pin_project") => {
                    own.extend(wraps.mac.parse_body::<syn::File>().expect("items").items);
                }
                item => own.push(item),
            }
        }
        self.0.insert(path.clone(), Module { path, items: own });
    }

    /// Follows a path of names from within a module.
    fn resolve(&self, from: &[String], path: &[String]) -> Option<Place> {
        self.resolve_within(from, path, 0)
    }

    fn resolve_within(&self, from: &[String], path: &[String], depth: usize) -> Option<Place> {
        // Globs may lead in a circle.
        if depth > 8 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let place = match first.as_str() {
            "crate" => Place::Module(Vec::new()),
            "self" => Place::Module(from.to_vec()),
            "super" => Place::Module(from.split_last()?.1.to_vec()),
            name => self.lookup(from, name, depth + 1)?,
        };
        rest.iter().try_fold(place, |place, name| match place {
            Place::Module(module) if name == "super" => Some(Place::Module(module.split_last()?.1.to_vec())),
            Place::Module(module) => self.lookup(&module, name, depth + 1),
            // A variant, an associated item, or a name in another crate.
            other => Some(other),
        })
    }

    /// What a name is within a module.
    fn lookup(&self, module: &[String], name: &str, depth: usize) -> Option<Place> {
        let inner = [module, &[name.to_owned()]].concat();
        if self.0.contains_key(&inner) {
            return Some(Place::Module(inner));
        }
        let found = self.0.get(module)?;
        if found.items.iter().any(|item| name_of(item).is_some_and(|own| own == name)) {
            return Some(Place::Ours(module.to_vec(), name.to_owned()));
        }
        let uses =
            found.items.iter().filter_map(|item| if let Item::Use(item) = item { Some(item) } else { None });
        let mut globs = Vec::new();
        for item in uses {
            for (own, path) in leaves(&item.tree) {
                if own == "*" {
                    globs.extend(
                        (item.leading_colon.is_none() && !self.is_foreign(module, &path)).then_some(path),
                    );
                } else if own == name {
                    let is_foreign = item.leading_colon.is_some() || self.is_foreign(module, &path);
                    return if is_foreign {
                        Some(Place::Foreign(path[0].clone()))
                    } else {
                        self.resolve_within(module, &path, depth + 1)
                    };
                }
            }
        }
        let by_glob =
            globs.into_iter().find_map(|path| match self.resolve_within(module, &path, depth + 1) {
                Some(Place::Module(glob)) if glob != module => self.lookup(&glob, name, depth + 1),
                _ => None,
            });
        let is_formats = |item: &Item| matches!(item, Item::Macro(item) if item.mac.path.is_ident("formats"));
        let by_macro =
            || found.items.iter().any(is_formats).then(|| Place::Ours(module.to_vec(), name.to_owned()));
        by_glob.or_else(by_macro)
    }

    fn is_foreign(&self, module: &[String], path: &[String]) -> bool {
        let first = path[0].as_str();
        let inner = [module, &[first.to_owned()]].concat();
        !matches!(first, "crate" | "self" | "super") && !self.0.contains_key(&inner)
    }

    /// Everything that is public.
    pub(super) fn public(&self) -> PublicApi {
        let mut shown = BTreeMap::new();
        self.show(&[], &[], &mut shown);
        let mut api = PublicApi::default();
        for (place, public) in &shown {
            match place {
                Place::Ours(module, name) => self.item(module, name, public, &mut api),
                Place::Module(module) => {
                    api.lines.insert(format!("mod {public}"));
                    self.macros(module, public, &mut api);
                }
                Place::Foreign(name) => {
                    api.lines.insert(format!("use {name} as {public}"));
                    api.foreign.insert(name.clone());
                }
            }
        }
        for module in self.0.values() {
            module.items.iter().for_each(|item| self.implementation(module, item, &shown, &mut api));
        }
        api
    }

    /// Collects what a public module shows, and under which path.
    fn show(&self, module: &[String], public: &[String], shown: &mut BTreeMap<Place, String>) {
        let Some(found) = self.0.get(module) else { return };
        let under = |name: &str| [public, &[name.to_owned()]].concat();
        for item in found.items.iter().filter(|item| is_public(item) && !is_hidden(attributes(item))) {
            match item {
                Item::Use(item) => {
                    for (name, path) in leaves(&item.tree) {
                        let foreign = item.leading_colon.is_some() || self.is_foreign(module, &path);
                        let place = if foreign {
                            Some(Place::Foreign(path.join("::")))
                        } else {
                            self.resolve(module, &path)
                        };
                        let place = place.unwrap_or_else(|| panic!("{path:?} of {module:?} leads nowhere"));
                        self.reach(place, under(&name), shown);
                    }
                }
                item => {
                    let name = name_of(item).unwrap_or_default();
                    let inner = [module, std::slice::from_ref(&name)].concat();
                    let is_module = matches!(item, Item::Mod(_));
                    let place = if is_module {
                        Place::Module(inner)
                    } else {
                        Place::Ours(module.to_vec(), name.clone())
                    };
                    self.reach(place, under(&name), shown);
                }
            }
        }
    }

    fn reach(&self, place: Place, public: Vec<String>, shown: &mut BTreeMap<Place, String>) {
        let is_new = shown.insert(place.clone(), public.join("::")).is_none();
        if let (true, Place::Module(module)) = (is_new, &place) {
            self.show(module, &public, shown);
        }
    }

    fn item(&self, module: &[String], name: &str, public: &str, api: &mut PublicApi) {
        let items = &self.0[module].items;
        if !items.iter().any(|item| name_of(item).is_some_and(|own| own == name)) {
            api.lines.insert(format!("{public}: by a macro"));
        }
        for item in items.iter().filter(|item| name_of(item).is_some_and(|own| own == name)) {
            let kept = ["derive", "non_exhaustive"];
            let extra: String = attributes(item)
                .iter()
                .filter(|attribute| kept.iter().any(|name| attribute.path().is_ident(name)))
                .map(|attribute| format!("{} ", text(attribute)))
                .collect();
            let mut line = |what: String| _ = api.lines.insert(format!("{public}: {extra}{what}"));
            match item {
                Item::Struct(item) => {
                    line(format!("struct{}", text(&item.generics)));
                    self.fields(module, public, &item.fields, true, api);
                }
                Item::Enum(item) => {
                    line(format!("enum{}", text(&item.generics)));
                    for variant in &item.variants {
                        let of = format!("{public}::{}", variant.ident);
                        api.lines.insert(format!("{of}: variant"));
                        self.fields(module, &of, &variant.fields, false, api);
                    }
                }
                Item::Trait(item) => {
                    line(format!("trait{}", text(&item.generics)));
                    for member in &item.items {
                        let TraitItem::Fn(member) = member else { continue };
                        api.lines.insert(format!("{public}::{}: {}", member.sig.ident, text(&member.sig)));
                        self.foreign(module, api, |visit| visit.visit_signature(&member.sig));
                    }
                }
                Item::Fn(item) => {
                    line(text(&item.sig));
                    self.foreign(module, api, |visit| visit.visit_signature(&item.sig));
                }
                Item::Const(item) => line(format!("const {}", text(&item.ty))),
                Item::Type(item) => line(format!("type {}", text(&item.ty))),
                _ => {}
            }
        }
    }

    fn fields(&self, module: &[String], of: &str, fields: &Fields, only_public: bool, api: &mut PublicApi) {
        for (place, field) in fields.iter().enumerate() {
            if !only_public || matches!(field.vis, Visibility::Public(_)) {
                let name = field.ident.as_ref().map_or_else(|| place.to_string(), ToString::to_string);
                api.lines.insert(format!("{of}.{name}: {}", text(&field.ty)));
                self.foreign(module, api, |visit| visit.visit_type(&field.ty));
            }
        }
    }

    /// Constants that our own macro makes, each with its name's text.
    fn macros(&self, module: &[String], public: &str, api: &mut PublicApi) {
        for item in self.0.get(module).map_or(&[][..], |module| &module.items) {
            let Item::Macro(item) = item else { continue };
            if item.mac.path.is_ident("names") {
                let tokens: Vec<_> =
                    item.mac.tokens.clone().into_iter().map(|token| token.to_string()).collect();
                for window in tokens.windows(3).filter(|window| window[1] == "=") {
                    api.lines.insert(format!("{public}::{}: const &str = {}", window[0], window[2]));
                }
            }
        }
    }

    /// What is implemented for a public type, or of a public trait.
    fn implementation(
        &self,
        module: &Module,
        item: &Item,
        shown: &BTreeMap<Place, String>,
        api: &mut PublicApi,
    ) {
        if let Item::Macro(item) = item
            && IMPLEMENTING.iter().any(|name| item.mac.path.is_ident(name))
            && item.ident.is_none()
        {
            let name = text(&item.mac.path);
            api.lines.insert(format!("{name}! in {}: {}", module.path.join("::"), text(&item.mac.tokens)));
            api.foreign.extend(idents(item.mac.tokens.clone()).filter_map(|name| {
                let Place::Foreign(name) = self.resolve(&module.path, &[name])? else { return None };
                Some(name)
            }));
        }
        let Item::Impl(item) = item else { return };
        let of_type = named(&item.self_ty).and_then(|path| self.resolve(&module.path, &path));
        let of_type = of_type.and_then(|place| shown.get(&place));
        let header = |what: &str| {
            let ends = item
                .generics
                .where_clause
                .as_ref()
                .map_or_else(String::new, |ends| format!(" {}", text(ends)));
            format!("impl{} {what}{}{ends}", text(&item.generics), text(&item.self_ty))
        };
        match (&item.trait_, of_type) {
            (None, Some(public)) => {
                for member in &item.items {
                    let (vis, attributes, name, what) = match member {
                        ImplItem::Fn(member) => {
                            (&member.vis, &member.attrs, &member.sig.ident, text(&member.sig))
                        }
                        ImplItem::Const(member) => {
                            (&member.vis, &member.attrs, &member.ident, text(&member.ty))
                        }
                        _ => continue,
                    };
                    if !matches!(vis, Visibility::Public(_))
                        || is_hidden(attributes)
                        || is_left_out(attributes)
                    {
                        continue;
                    }
                    api.lines.insert(format!("{public}::{name}: {} {what}", header("")));
                    self.foreign(&module.path, api, |visit| visit.visit_impl_item(member));
                }
            }
            (Some((path, _)), of_type) => {
                let names: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
                let place = self.resolve(&module.path, &names);
                let of_trait = place.as_ref().and_then(|place| shown.get(place));
                let is_ours = matches!(place, Some(Place::Ours(..))) || path.is_ident("PinnedDrop");
                if of_trait.is_some() || (of_type.is_some() && !is_ours) {
                    let public = of_type.or(of_trait).map_or("", String::as_str);
                    api.lines.insert(format!("{public}: {}", header(&format!("{} for ", text(path)))));
                    self.foreign(&module.path, api, |visit| {
                        visit.visit_path(path);
                        visit.visit_generics(&item.generics);
                    });
                }
            }
            _ => {}
        }
    }

    /// Which crates these signatures name.
    fn foreign(&self, module: &[String], api: &mut PublicApi, visit: impl FnOnce(&mut Paths)) {
        let mut paths = Paths::default();
        visit(&mut paths);
        for path in paths.0 {
            let place = self.resolve(module, &path);
            let name = match place {
                Some(Place::Foreign(name)) => name,
                // Not imported: written with its crate, or one of the prelude.
                None if path.len() > 1 => path[0].clone(),
                _ => continue,
            };
            api.foreign.insert(name.split("::").next().unwrap_or_default().to_owned());
        }
    }
}

/// The paths of a signature.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        // `F::Output` of a type parameter, and `Self::Item`, are nobody's.
        let is_parameter = names.len() > 1 && names[0].chars().next().is_some_and(char::is_uppercase);
        if !is_parameter {
            self.0.push(names);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_block(&mut self, _: &'ast syn::Block) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// The source text, in one line.
fn text(of: &impl syn::spanned::Spanned) -> String {
    let text = of.span().source_text().unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let line = lines.collect::<Vec<_>>().join(" ");
    line.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(", >", ">")
        .replace("(mut self", "(self")
}

fn named(ty: &syn::Type) -> Option<Vec<String>> {
    let syn::Type::Path(path) = ty else { return None };
    Some(path.path.segments.iter().map(|part| part.ident.to_string()).collect())
}

/// Each name that a `use` brings, and its path.
fn leaves(tree: &UseTree) -> Vec<(String, Vec<String>)> {
    match tree {
        UseTree::Path(path) => {
            let inner = leaves(&path.tree).into_iter();
            let first = path.ident.to_string();
            inner
                .map(|(name, path)| {
                    let name = if name == "self" { first.clone() } else { name };
                    let rest = path.into_iter().filter(|part| part != "self");
                    (name, std::iter::once(first.clone()).chain(rest).collect())
                })
                .collect()
        }
        UseTree::Name(name) => vec![(name.ident.to_string(), vec![name.ident.to_string()])],
        UseTree::Rename(name) => vec![(name.rename.to_string(), vec![name.ident.to_string()])],
        UseTree::Glob(_) => vec![("*".to_owned(), Vec::new())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

/// The names that stand in a macro's tokens, those in groups among them.
fn idents(tokens: TokenStream) -> Box<dyn Iterator<Item = String>> {
    Box::new(tokens.into_iter().flat_map(|token| -> Box<dyn Iterator<Item = String>> {
        match token {
            TokenTree::Ident(name) => Box::new(std::iter::once(name.to_string())),
            TokenTree::Group(group) => idents(group.stream()),
            _ => Box::new(std::iter::empty()),
        }
    }))
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Const(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Mod(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

fn is_public(item: &Item) -> bool {
    let vis = match item {
        Item::Struct(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Const(item) => &item.vis,
        Item::Mod(item) => &item.vis,
        Item::Use(item) => &item.vis,
        Item::Type(item) => &item.vis,
        _ => return false,
    };
    matches!(vis, Visibility::Public(_))
}

fn is_hidden(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| text(attribute) == "#[doc(hidden)]")
}

/// Of a build without all features, or of tests alone.
fn is_left_out(attributes: &[syn::Attribute]) -> bool {
    let is = |attribute: &syn::Attribute| {
        let text = text(attribute);
        let of_tests = ["#[cfg(test", "#[cfg(all(any(test,", "#[cfg(doctest)]"];
        text.starts_with("#[cfg(not(feature") || of_tests.iter().any(|begin| text.starts_with(begin))
    };
    attributes.iter().any(is)
}
