//! The rules about one file at a time: its size, its first line, its `cfg`s, the names of its functions.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::tree::{Fault, Source};

const FILE_LIMIT: usize = 500;
const FUNCTION_LIMIT: usize = 60;

/// Faults for a file with too many lines of code: not blank, not a comment, not in a module of tests.
pub(crate) fn long_file(source: &Source) -> Option<Fault> {
    let tests = lines_of_tests(&source.syntax.items);
    let is_code = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let counted = |number: usize| !tests.iter().any(|(first, last)| (*first..=*last).contains(&number));
    let lines = source.text.lines().enumerate();
    let count = lines.filter(|(index, line)| is_code(line) && counted(index + 1)).count();
    let what = format!("{count} lines of code in a file, of at most {FILE_LIMIT}");
    (count > FILE_LIMIT && !source.is_tests()).then(|| source.fault(1, what))
}

/// Faults for functions that go over too many lines, from `fn` to the closing brace.
pub(crate) fn long_functions(source: &Source) -> Vec<Fault> {
    let length = |function: &Function| function.last + 1 - function.first;
    let long = functions(source).into_iter().filter(|function| length(function) > FUNCTION_LIMIT);
    let what = |function: &Function| {
        format!("`{}` is {} lines long, of at most {FUNCTION_LIMIT}", function.name, length(function))
    };
    long.map(|function| source.fault(function.first, what(&function))).collect()
}

/// Faults for a file whose first line does not say what it is for.
pub(crate) fn unexplained(source: &Source) -> Option<Fault> {
    let explained = source.text.starts_with("//! ");
    (!explained).then(|| source.fault(1, "the first line does not say what the file is for"))
}

/// Faults for names that say nothing: `get_…`, and `test_…` on a test.
pub(crate) fn idle_names(source: &Source) -> Vec<Fault> {
    let idle = |name: &str| name.starts_with("get_") || name.starts_with("test_");
    // What a foreign trait demands is not ours to name.
    let ours = functions(source).into_iter().filter(|function| !function.of_trait && idle(&function.name));
    ours.map(|function| source.fault(function.first, format!("`{}`: drop the prefix", function.name)))
        .collect()
}

/// Faults for a `cfg(feature …)` within a function or on a part of a type, where the code can only be read with the
/// features in mind. On a whole item it is fine.
pub(crate) fn scattered_features(source: &Source) -> Vec<Fault> {
    let mut features = Features::default();
    features.visit_file(&source.syntax);
    let what = "`cfg(feature …)` belongs on a whole item";
    features.found.into_iter().map(|line| source.fault(line, what)).collect()
}

/// Faults for methods of a type that stand in another file of its room than the type itself.
///
/// A room above may add methods, as `reqwest` does to the layer: the type's own room cannot know of them. So may the file
/// of a feature.
pub(crate) fn separated_methods(sources: &[Source]) -> Vec<Fault> {
    let of_features: Vec<_> = sources.iter().flat_map(feature_modules).collect();
    let is_code = |source: &&Source| !source.is_tests() && !of_features.contains(&source.module());
    let code: Vec<&Source> = sources.iter().filter(is_code).collect();
    let types: Vec<(&Source, String)> =
        code.iter().flat_map(|source| defined(&source.syntax.items).map(|name| (*source, name))).collect();
    let room = |source: &Source| source.module().first().cloned();
    let separated = |source: &&Source, (name, line): (String, usize)| {
        let mut of_name = types.iter().filter(|(_, defined)| *defined == name);
        if of_name.clone().any(|(definer, _)| definer.path == source.path) {
            return None;
        }
        let (definer, _) = of_name.find(|(definer, _)| room(definer) == room(source))?;
        Some(source.fault(line, format!("methods of `{name}`, which is defined in {}", definer.path)))
    };
    let of_file = |source: &&Source| {
        let methods = with_methods(&source.syntax.items);
        methods.filter_map(|found| separated(source, found)).collect::<Vec<_>>()
    };
    code.iter().flat_map(of_file).collect()
}

/// The modules that a file has only with a feature.
fn feature_modules(source: &Source) -> Vec<Vec<String>> {
    let is_of_feature = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && names_feature(list.tokens.clone()),
        _ => false,
    };
    let module = |item: &syn::Item| match item {
        syn::Item::Mod(module) if module.attrs.iter().any(is_of_feature) => {
            Some([source.module(), vec![module.ident.to_string()]].concat())
        }
        _ => None,
    };
    source.syntax.items.iter().filter_map(module).collect()
}

fn defined(items: &[syn::Item]) -> impl Iterator<Item = String> {
    items.iter().filter_map(|item| match item {
        syn::Item::Struct(item) => Some(item.ident.to_string()),
        syn::Item::Enum(item) => Some(item.ident.to_string()),
        // What a macro such as `pin_project!` defines.
        syn::Item::Macro(item) => {
            let mut tokens = item.mac.tokens.clone().into_iter();
            tokens.find(
                |token| matches!(token, TokenTree::Ident(ident) if ident == "struct" || ident == "enum"),
            )?;
            tokens.next().map(|name| name.to_string())
        }
        _ => None,
    })
}

/// Has it functions that belong to no trait? A constant alone, such as a table of variables, may stand elsewhere.
fn has_methods(item: &syn::ItemImpl) -> bool {
    item.trait_.is_none() && item.items.iter().any(|item| matches!(item, syn::ImplItem::Fn(_)))
}

/// The types that have methods of their own here, not those of a trait, each with its line.
fn with_methods(items: &[syn::Item]) -> impl Iterator<Item = (String, usize)> {
    items.iter().filter_map(|item| match item {
        syn::Item::Impl(item) if has_methods(item) && !is_test_only(&item.attrs) => match &*item.self_ty {
            syn::Type::Path(of) => {
                Some((of.path.segments.last()?.ident.to_string(), item.impl_token.span.start().line))
            }
            _ => None,
        },
        _ => None,
    })
}

/// Is this compiled for tests only?
pub(crate) fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        // `all(test, …)` is for tests only, `not(test)` and `any(test, …)` are not.
        let words = list.tokens.to_string();
        list.path.is_ident("cfg") && (words == "test" || words.starts_with("all (test"))
    })
}

fn lines_of_tests(items: &[syn::Item]) -> Vec<(usize, usize)> {
    let lines = |item: &syn::Item| match item {
        syn::Item::Mod(module) if is_test_only(&module.attrs) => {
            Some((module.span().start().line, module.span().end().line))
        }
        _ => None,
    };
    items.iter().filter_map(lines).collect()
}

struct Function {
    name: String,
    first: usize,
    last: usize,
    of_trait: bool,
}

#[derive(Default)]
struct Functions {
    found: Vec<Function>,
    of_trait: bool,
}

fn functions(source: &Source) -> Vec<Function> {
    let mut functions = Functions::default();
    functions.visit_file(&source.syntax);
    functions.found
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (signature.span().start().line, block.span().end().line);
        let name = signature.ident.to_string();
        self.found.push(Function { name, first, last, of_trait: self.of_trait });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.of_trait, item.trait_.is_some());
        visit::visit_item_impl(self, item);
        self.of_trait = outer;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[derive(Default)]
struct Features {
    found: Vec<usize>,
    within_item: bool,
}

impl Features {
    fn add(&mut self, path: &syn::Path, tokens: &TokenStream, conditional: bool) {
        if conditional && names_feature(tokens.clone()) {
            self.found.push(path.span().start().line);
        }
    }

    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.within_item, true);
        visit(self);
        self.within_item = outer;
    }
}

impl<'ast> Visit<'ast> for Features {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let Some((_, items)) = &module.content else { return };
        if !is_test_only(&module.attrs) {
            items.iter().for_each(|item| self.visit_item(item));
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.within(|features| visit::visit_block(features, block));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.within(|features| visit::visit_field(features, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.within(|features| visit::visit_variant(features, variant));
    }

    fn visit_fn_arg(&mut self, argument: &'ast syn::FnArg) {
        self.within(|features| visit::visit_fn_arg(features, argument));
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            let path = &list.path;
            let partial = path.is_ident("cfg_attr") || self.within_item && path.is_ident("cfg");
            self.add(path, &list.tokens, partial);
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.add(&called.path, &called.tokens, called.path.is_ident("cfg"));
    }
}

fn names_feature(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "feature",
        TokenTree::Group(group) => names_feature(group.stream()),
        _ => false,
    })
}
