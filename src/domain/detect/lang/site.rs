//! Sites that are generated without a language's own manifest, or served as they are.

use super::{Look, manual};
use crate::domain::detect::stack::{Confidence, Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, line_of};
use crate::domain::detect::tree::join;

pub fn find(look: &Look<'_>, dir: &str, _: &mut Vec<Note>) -> Option<Stack> {
    hugo(look, dir).or_else(|| mkdocs(look, dir)).or_else(|| jekyll(look, dir)).or_else(|| mdbook(look, dir))
}

fn hugo(look: &Look<'_>, dir: &str) -> Option<Stack> {
    let config = look.tree.first(dir, &["hugo.toml", "hugo.yaml"])?;
    let mut stack = Stack::new(Kind::Static, "hugo", dir, Evidence::new(join(dir, config), None, "Hugo"));
    stack.image = Some("debian:bookworm-slim".to_owned());
    let from = stack.evidence[0].clone();
    stack.commands.push(manual(Part::Setup, "apt-get update && apt-get install --yes hugo", "", &from));
    stack.commands.push(manual(Part::Build, "hugo --minify", dir, &from));
    Some(stack)
}

fn mkdocs(look: &Look<'_>, dir: &str) -> Option<Stack> {
    let text = look.text(dir, "mkdocs.yml")?;
    let path = join(dir, "mkdocs.yml");
    let mut stack = Stack::new(Kind::Static, "mkdocs", dir, Evidence::new(&path, line_of(text, "site_name"), "MkDocs"));
    let material = text.lines().any(|line| line.trim() == "name: material");
    let own =
        ["docs/requirements.txt", "requirements-docs.txt"].into_iter().find(|name| look.tree.has(&join(dir, name)));
    let install = match own {
        Some(list) => format!("pip install -r {list}"),
        None => format!("pip install mkdocs{}", if material { "-material" } else { "" }),
    };
    stack.image = Some(crate::domain::detect::image::image(Kind::Python, None));
    stack.cache = vec!["/root/.cache/pip".to_owned()];
    let from = stack.evidence[0].clone();
    stack.commands.push(manual(Part::Install, install, dir, &from));
    stack.commands.push(manual(Part::Build, "mkdocs build --strict", dir, &from));
    Some(stack)
}

/// Jekyll with a Gemfile is Ruby's; without one it is GitHub Pages that builds it.
fn jekyll(look: &Look<'_>, dir: &str) -> Option<Stack> {
    look.text(dir, "_config.yml")?;
    if look.text(dir, "Gemfile").is_some() {
        return None;
    }
    let mut stack = Stack::new(Kind::Static, "jekyll", dir, Evidence::new(join(dir, "_config.yml"), None, "Jekyll"));
    stack.confidence = Confidence::Low;
    Some(stack)
}

fn mdbook(look: &Look<'_>, dir: &str) -> Option<Stack> {
    look.text(dir, "book.toml").filter(|text| text.contains("[book]"))?;
    let mut stack = Stack::new(Kind::Static, "mdbook", dir, Evidence::new(join(dir, "book.toml"), None, "mdBook"));
    stack.confidence = Confidence::Low;
    Some(stack)
}

/// A page and nothing that builds it.
pub fn plain(look: &Look<'_>, others: &[Stack]) -> Option<Stack> {
    let path = ["index.html", "public/index.html", "site/index.html", "docs/index.html"]
        .into_iter()
        .find(|path| look.tree.has(path))?;
    if others
        .iter()
        .any(|stack| stack.confidence > Confidence::Low && !matches!(stack.kind, Kind::Docker | Kind::Dagger))
    {
        return None;
    }
    let dir = crate::domain::detect::tree::split(path).0;
    let mut stack = Stack::new(Kind::Static, "html", dir, Evidence::new(path, None, "HTML"));
    stack.confidence = Confidence::Medium;
    Some(stack)
}
