//! PHP with Composer.

use serde_json::Value;

use super::scripts::{part_of, rewrites};
use super::{Look, json, manual};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Command, Confidence, Evidence, Kind, Origin, Part, Stack};
use crate::domain::detect::text::{Note, line_of, short, version};
use crate::domain::detect::tree::join;

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let path = join(dir, "composer.json");
    let text = look.texts.get(&path)?;
    let manifest = json(&path, text, notes)?;
    let requires = |name: &str| {
        let any =
            ["require", "require-dev"].iter().any(|key| manifest.get(key).is_some_and(|of| of.get(name).is_some()));
        any.then(|| Evidence::new(&path, line_of(text, &format!("\"{name}\"")), name))
    };
    let wanted = manifest.pointer("/require/php").and_then(Value::as_str).and_then(version).map(|v| short(&v, 2));
    let says = wanted.as_ref().map_or_else(|| "PHP".to_owned(), |version| format!("PHP {version}"));
    let line = line_of(text, "\"php\"");
    let mut stack = Stack::new(Kind::Php, "composer", dir, Evidence::new(&path, line, says));
    let frameworks = [("laravel/framework", "Laravel"), ("symfony/framework-bundle", "Symfony"), ("slim/slim", "Slim")];
    let framework = frameworks.iter().find_map(|(name, title)| requires(name).map(|from| (*title, from)));
    stack.words.extend(framework.as_ref().map(|(title, _)| (*title).to_owned()));
    stack.evidence.extend(framework.map(|(_, from)| from));
    stack.version = wanted;
    stack.image = Some(image(Kind::Php, None));
    stack.cache = vec!["/tmp/cache".to_owned()];
    let first = Evidence::new(&path, None, "");
    stack.commands.push(manual(Part::Install, "composer install --no-interaction", dir, &first));
    let mut parts = Vec::new();
    for name in manifest.get("scripts").and_then(Value::as_object).into_iter().flat_map(|scripts| scripts.keys()) {
        let body = manifest.pointer(&format!("/scripts/{name}")).map(Value::to_string).unwrap_or_default();
        let Some(part @ (Part::Test | Part::Lint)) = part_of(name).filter(|_| !rewrites(name, &body)) else { continue };
        // One of several tests is enough: the plain one.
        if part == Part::Test && name != "test" && manifest.pointer("/scripts/test").is_some() {
            continue;
        }
        let from = Evidence::new(&path, line_of(text, &format!("\"{name}\":")), "");
        parts.push(Command::new(part, format!("composer run {name}"), dir, (Origin::Script, from)));
    }
    let has = |parts: &[Command], part: Part| parts.iter().any(|command| command.part == part);
    if !has(&parts, Part::Lint) {
        let known = [
            ("phpstan/phpstan", "vendor/bin/phpstan analyse"),
            ("larastan/larastan", "vendor/bin/phpstan analyse"),
            ("laravel/pint", "vendor/bin/pint --test"),
        ];
        let config = |name: &str| {
            name == "laravel/pint"
                || look.tree.first(dir, &["phpstan.neon", "phpstan.neon.dist", "phpstan.dist.neon"]).is_some()
        };
        parts.extend(
            known
                .iter()
                .filter(|(name, _)| config(name))
                .filter_map(|(name, run)| Some(manual(Part::Lint, *run, dir, &requires(name)?))),
        );
    }
    if !has(&parts, Part::Test) {
        let known = [
            ("pestphp/pest", "vendor/bin/pest"),
            ("phpunit/phpunit", "vendor/bin/phpunit"),
            ("symfony/phpunit-bridge", "vendor/bin/simple-phpunit"),
        ];
        parts.extend(known.iter().find_map(|(name, run)| Some(manual(Part::Test, *run, dir, &requires(name)?))));
    }
    if look.tree.has(&join(dir, "artisan")) && look.tree.has(&join(dir, ".env.example")) && has(&parts, Part::Test) {
        let from = Evidence::new(join(dir, ".env.example"), None, "");
        parts.push(manual(Part::Prepare, "cp .env.example .env && php artisan key:generate", dir, &from));
    }
    parts.sort_by_key(|command| command.part);
    stack.commands.extend(parts);
    if !stack.checked() {
        stack.confidence = Confidence::Medium;
    }
    Some(stack)
}
