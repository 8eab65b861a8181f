//! Ruby with Bundler.

use super::{Look, manual};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Beside, Confidence, Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, version};
use crate::domain::detect::tree::join;

pub fn find(look: &Look<'_>, dir: &str, _: &mut Vec<Note>) -> Option<Stack> {
    let text = look.text(dir, "Gemfile")?;
    let path = join(dir, "Gemfile");
    let gem = |name: &str| {
        let quoted = [format!("gem \"{name}\""), format!("gem '{name}'")];
        let (_, line) =
            text.lines().zip(1..).find(|(line, _)| quoted.iter().any(|gem| line.trim().starts_with(gem)))?;
        Some(Evidence::new(&path, Some(line), name))
    };
    let wanted = text
        .lines()
        .zip(1..)
        .find(|(line, _)| line.trim().starts_with("ruby "))
        .and_then(|(line, number)| Some((version(line)?, Evidence::new(&path, Some(number), ""))));
    let pinned = look.pin(dir, ".ruby-version").or_else(|| look.tool_version(dir, &["ruby"])).or(wanted);
    let pinned = pinned.or_else(|| look.versions.get(&Kind::Ruby).cloned()).filter(|(text, _)| version(text).is_some());
    let frameworks = [("rails", "Rails"), ("sinatra", "Sinatra"), ("hanami", "Hanami"), ("jekyll", "Jekyll")];
    let framework = frameworks.iter().find_map(|(name, title)| gem(name).map(|from| (*title, from)));
    let version = pinned.as_ref().and_then(|(text, _)| version(text));
    let line = framework.as_ref().and_then(|(_, from)| from.line);
    let mut stack = Stack::new(Kind::Ruby, "bundler", dir, Evidence::new(&path, line, "Ruby"));
    stack.evidence.extend(pinned.map(|(_, from)| from));
    stack.image = Some(image(Kind::Ruby, version.as_deref()));
    stack.version = version;
    stack.cache = vec!["/usr/local/bundle".to_owned()];
    stack.words.extend(framework.as_ref().map(|(title, _)| (*title).to_owned()));
    let bundle = Evidence::new(&path, None, "");
    stack.commands.push(manual(Part::Install, "bundle install", dir, &bundle));
    for (name, run) in [
        ("rubocop", "bundle exec rubocop"),
        ("standard", "bundle exec standardrb"),
        ("rubocop-rails-omakase", "bundle exec rubocop"),
    ] {
        if let Some(from) = gem(name) {
            stack.commands.push(manual(Part::Lint, run, dir, &from));
            break;
        }
    }
    let below = |folder: &str| look.tree.below(&join(dir, folder)).next().is_some();
    let rails = framework.as_ref().is_some_and(|(title, _)| *title == "Rails");
    let jekyll = framework.as_ref().filter(|(title, _)| *title == "Jekyll");
    let rspec = gem("rspec").or_else(|| gem("rspec-rails"));
    if let Some(from) = rspec.or_else(|| below("spec").then(|| bundle.clone())).filter(|_| below("spec")) {
        stack.commands.push(manual(Part::Test, "bundle exec rspec", dir, &from));
    } else if rails && below("test") {
        stack.env.insert("RAILS_ENV".to_owned(), "test".to_owned());
        if let Some(from) = gem("pg") {
            postgres(&mut stack, from);
        }
        stack.commands.push(manual(Part::Test, "bin/rails db:test:prepare test", dir, &bundle));
    } else if below("test") && look.tree.has(&join(dir, "Rakefile")) {
        stack.commands.push(manual(
            Part::Test,
            "bundle exec rake test",
            dir,
            &Evidence::new(join(dir, "Rakefile"), None, ""),
        ));
    } else if let Some((_, from)) = jekyll {
        stack.commands.push(manual(Part::Build, "bundle exec jekyll build", dir, from));
    }
    if !stack.checked() {
        stack.confidence = Confidence::Medium;
    }
    Some(stack)
}

/// What Rails' own workflow has beside the tests.
fn postgres(stack: &mut Stack, from: Evidence) {
    stack.evidence.push(from);
    stack.env.insert("DATABASE_URL".to_owned(), "postgres://postgres:postgres@postgres:5432".to_owned());
    stack.services.push(Beside {
        name: "postgres".to_owned(),
        image: "postgres:17".to_owned(),
        port: Some(5432),
        env: [("POSTGRES_PASSWORD".to_owned(), "postgres".to_owned())].into(),
    });
}
