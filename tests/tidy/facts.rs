//! What stands in one file, as far as a rule asks.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Signature};

/// A function outside of tests.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub parameters: usize,
}

/// What stands outside of `cfg(test)`, except for `ignored` and `test_lines`.
#[derive(Default)]
pub struct Facts {
    /// Paths that are used or imported. `crate::`, `self::` and `super::` are resolved, so
    /// one of ours begins with `crate`.
    pub paths: Vec<(Vec<String>, usize)>,
    pub functions: Vec<Function>,
    /// Names of called methods and of macros (with `!`).
    pub calls: Vec<(String, usize)>,
    /// Lines with `async` or `.await`.
    pub asyncs: Vec<usize>,
    /// `mod name;`, and whether under `cfg(test)`.
    pub mods: Vec<(String, bool)>,
    /// `#[ignore]` without a reason.
    pub ignored: Vec<usize>,
    /// First and last lines of items under `cfg(test)`.
    pub test_lines: Vec<(usize, usize)>,
}

impl Facts {
    pub fn of(file: &syn::File, module: &[String]) -> Facts {
        let mut reader = Reader { facts: Facts::default(), module: module.to_vec() };
        reader.visit_file(file);
        let mut ignores = Ignores(Vec::new());
        ignores.visit_file(file);
        reader.facts.ignored = ignores.0;
        reader.facts
    }

    /// The lines where a path ends with `tail`.
    pub fn lines_of(&self, tail: &[&str]) -> Vec<usize> {
        let ends = |path: &Vec<String>| {
            path.len() >= tail.len() && path[path.len() - tail.len()..].iter().zip(tail).all(|(a, b)| a == b)
        };
        self.paths.iter().filter(|(path, _)| ends(path)).map(|(_, line)| *line).collect()
    }
}

struct Reader {
    facts: Facts,
    module: Vec<String>,
}

impl Reader {
    fn add_path(&mut self, segments: &[String], line: usize) {
        let mut resolved = segments.to_vec();
        if let Some("self" | "super") = segments.first().map(String::as_str) {
            let ups = segments.iter().take_while(|s| *s == "super" || *s == "self").count();
            let levels = segments[..ups].iter().filter(|s| *s == "super").count();
            let kept = self.module.len().saturating_sub(levels);
            resolved = vec!["crate".to_owned()];
            resolved.extend_from_slice(&self.module[..kept]);
            resolved.extend_from_slice(&segments[ups..]);
        }
        self.facts.paths.push((resolved, line));
    }

    fn add_use(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let with = |ident: &syn::Ident| {
            let mut path = prefix.to_vec();
            path.push(ident.to_string());
            path
        };
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => self.add_use(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.add_path(&with(&name.ident), line),
            syn::UseTree::Rename(rename) => self.add_path(&with(&rename.ident), line),
            syn::UseTree::Glob(_) => self.add_path(prefix, line),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(tree, prefix)),
        }
    }

    fn add_function(&mut self, signature: &Signature, from: usize, to: usize) {
        self.facts.functions.push(Function {
            name: signature.ident.to_string(),
            line: from,
            lines: to - from + 1,
            parameters: signature.inputs.len(),
        });
        if signature.asyncness.is_some() {
            self.facts.asyncs.push(from);
        }
    }

    /// Paths and method calls inside a macro's arguments, which syn leaves unread.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        path.clear();
                    }
                    if colons == 3 {
                        self.facts.calls.push((ident.to_string(), ident.span().start().line));
                    }
                    path.push(ident.to_string());
                    if path.len() > 1 {
                        self.add_path(&path.clone(), ident.span().start().line);
                    }
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Punct(punct) => colons = if punct.as_char() == '.' { 3 } else { 0 },
                TokenTree::Group(group) => {
                    colons = 0;
                    self.add_tokens(group.stream());
                }
                TokenTree::Literal(_) => colons = 0,
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_cfg_test) {
            let span = item.span();
            self.facts.test_lines.push((span.start().line, span.end().line));
            if let Item::Mod(module) = item
                && module.content.is_none()
            {
                self.facts.mods.push((module.ident.to_string(), true));
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_none() {
            self.facts.mods.push((module.ident.to_string(), false));
            return;
        }
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add_path(&segments, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let from = item.sig.span().start().line;
        self.add_function(&item.sig, from, item.block.span().end().line);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.attrs.iter().any(is_cfg_test) {
            let span = item.span();
            self.facts.test_lines.push((span.start().line, span.end().line));
            return;
        }
        let from = item.sig.span().start().line;
        self.add_function(&item.sig, from, item.block.span().end().line);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let span = item.span();
        let from = item.sig.span().start().line;
        self.add_function(&item.sig, from, span.end().line);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.facts.calls.push((call.method.to_string(), call.method.span().start().line));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.facts.asyncs.push(expr.await_token.span().start().line);
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_async(&mut self, expr: &'ast syn::ExprAsync) {
        self.facts.asyncs.push(expr.async_token.span().start().line);
        visit::visit_expr_async(self, expr);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(last) = call.path.segments.last() {
            self.facts.calls.push((format!("{}!", last.ident), last.span().start().line));
        }
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

/// Finds `#[ignore]` without `= "reason"`, in tests too.
struct Ignores(Vec<usize>);

impl<'ast> Visit<'ast> for Ignores {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("ignore") && !matches!(attribute.meta, syn::Meta::NameValue(_)) {
            self.0.push(attribute.span().start().line);
        }
    }
}

/// `#[cfg(test)]` and `#[cfg(all(test, ...))]`, but not `cfg(not(test))`.
fn is_cfg_test(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    let words = list.tokens.to_string();
    let named = words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test");
    list.path.is_ident("cfg") && named && !words.contains("not")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
