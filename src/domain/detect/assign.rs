//! Which commands a stack gets: those of the workflows that check it already, else of its Makefile, else its own.

use std::collections::{BTreeMap, BTreeSet};

use super::ci::{Ci, Step, Task, tasks};
use super::stack::{Beside, Command, Extra, Kind, Origin, Part, Stack};
use super::text::Texts;
use super::tree::{split, within};

/// More steps than this nobody reads as a pipeline.
const MAX_COMMANDS: usize = 30;
/// Jobs of a unit that become pipelines of their own.
const MAX_EXTRAS: usize = 6;

/// Gives every stack its commands.
pub fn assign(mut stacks: Vec<Stack>, ci: &Ci, texts: &Texts) -> Vec<Stack> {
    make(&mut stacks, texts);
    let owners: Vec<Option<usize>> = ci.steps.iter().map(|step| owner(step, &stacks)).collect();
    let all: Vec<(Kind, String, usize)> = stacks
        .iter()
        .map(|stack| {
            (stack.kind, stack.dir.clone(), stacks.iter().filter(|s| s.dir == stack.dir && has_code(s)).count())
        })
        .collect();
    for (at, stack) in stacks.iter_mut().enumerate() {
        let mine: Vec<&Step> =
            ci.steps.iter().zip(&owners).filter(|(_, owner)| **owner == Some(at)).map(|(step, _)| step).collect();
        let own_tasks: Vec<Task> = tasks(texts, &stack.dir)
            .into_iter()
            .filter(|task| {
                task.kind.is_none_or(|kind| kind == stack.kind)
                    && (task.kind.is_some() || all[at].2 == 1 || is_first(&all, at))
            })
            .collect();
        if mine.iter().any(|step| step.part.checks()) {
            taken_over(stack, &mine, ci);
        } else if has_code(stack)
            && !own_tasks.is_empty()
            && stack.commands.iter().all(|command| command.origin == Origin::Convention)
        {
            by_tasks(stack, own_tasks);
        }
        stack.commands.truncate(MAX_COMMANDS);
    }
    stacks
}

fn has_code(stack: &Stack) -> bool {
    !matches!(stack.kind, Kind::Docker | Kind::Dagger | Kind::Static)
}

fn is_first(all: &[(Kind, String, usize)], at: usize) -> bool {
    all.iter().position(|(_, dir, _)| *dir == all[at].1) == Some(at)
}

/// A Makefile that tests is a stack of its own where no language is known.
fn make(stacks: &mut Vec<Stack>, texts: &Texts) {
    if stacks.iter().any(|stack| stack.dir.is_empty() && has_code(stack)) {
        return;
    }
    let Some(task) = tasks(texts, "").into_iter().find(|task| task.part == Part::Test) else { return };
    if task.from.path.to_lowercase().ends_with("makefile") && task.kind.is_none() {
        let mut stack = Stack::new(Kind::Make, "make", "", task.from);
        stack.image = Some(super::image::image(Kind::Make, None));
        stacks.push(stack);
        stacks.sort_by(|a, b| (&a.dir, a.kind).cmp(&(&b.dir, b.kind)));
    }
}

/// The stack that a command works on: of its language, in its folder or the nearest above; else the only one below.
fn owner(step: &Step, stacks: &[Stack]) -> Option<usize> {
    let dir = target(step);
    let fits = |stack: &Stack| match step.kind {
        Some(kind) => stack.kind == kind,
        None => has_code(stack),
    };
    let launcher =
        |stack: &Stack| stack.kind != Kind::Java || (stack.tool == "gradle") == (step.run.contains("gradle"));
    let candidates = || stacks.iter().enumerate().filter(|(_, stack)| fits(stack) && launcher(stack));
    let above = candidates()
        .filter(|(_, stack)| within(&dir, &stack.dir))
        .max_by_key(|(at, stack)| (stack.dir.len(), std::cmp::Reverse(*at)));
    let mut below = candidates().filter(|(_, stack)| within(&stack.dir, &dir));
    let found = above.or_else(|| below.next().filter(|_| below.next().is_none()))?;
    // Preparing is shared by nobody but the language that it is for.
    (step.kind.is_some() || step.part > Part::Install || step.part == Part::Setup).then_some(found.0)
}

/// The folder that a command names by a flag, or the one that it runs in.
fn target(step: &Step) -> String {
    let words: Vec<&str> = step.run.split_whitespace().collect();
    let flags = ["--prefix", "--cwd", "-C", "--dir", "--manifest-path", "--directory", "--project", "-p"];
    for pair in words.windows(2) {
        if let [flag, value] = pair
            && flags.contains(flag)
            && (*flag != "-p" || step.kind == Some(Kind::Java))
        {
            let value = if *flag == "--manifest-path" { split(value).0 } else { value };
            return super::tree::resolve(&step.dir, value).unwrap_or_default();
        }
    }
    step.dir.clone()
}

/// What the jobs do that check this stack. Jobs that differ only in their commands are one; a job with a container,
/// variables or services of its own is told apart.
fn taken_over(stack: &mut Stack, mine: &[&Step], ci: &Ci) {
    let mut jobs: Vec<usize> = mine.iter().filter(|step| step.part.checks()).map(|step| step.job).collect();
    jobs.dedup();
    // The plainest job that tests is the one that others vary.
    let plain = |job: &&usize| {
        let most = mine.iter().filter(|step| step.job == **job).map(|step| step.part).max();
        let around = Surroundings::of(**job, mine, ci);
        (std::cmp::Reverse(most), around.container.is_some(), around.services.len(), around.env.len())
    };
    let Some(main) = jobs.iter().min_by_key(plain) else { return };
    let main_place = Surroundings::of(*main, mine, ci);
    let (with, apart): (Vec<usize>, Vec<usize>) =
        jobs.iter().partition(|job| Surroundings::of(**job, mine, ci).fits(&main_place));
    let own = stack.commands.clone();
    for job in apart.into_iter().take(MAX_EXTRAS) {
        let place = Surroundings::of(job, mine, ci);
        let name = telling(ci.jobs.get(job).map_or("", |job| &job.name), mine.iter().find(|step| step.job == job));
        let commands = chosen((stack, &own), mine, &[job]);
        if stack.extras.iter().all(|extra| extra.commands != commands) {
            stack.extras.push(Extra {
                name,
                image: place.container,
                commands,
                env: place.env,
                services: place.services,
            });
        }
    }
    stack.commands = chosen((stack, &own), mine, &with);
    stack.env.extend(main_place.env);
    stack.services = main_place.services;
    stack.image = main_place.container.or(stack.image.take());
    by_name(&stack.services, &mut stack.env, &mut stack.commands);
    for extra in &mut stack.extras {
        by_name(&extra.services, &mut extra.env, &mut extra.commands);
    }
}

/// A job's id, or its workflow's name where every other workflow has a job of that id.
fn telling(job: &str, step: Option<&&Step>) -> String {
    let plain = |name: &str| matches!(name, "test" | "tests" | "build" | "lint" | "check" | "ci" | "main" | "run");
    let file = step.map_or("", |step| split(&step.from.path).1);
    let file = file.split('.').next().unwrap_or("");
    if plain(job) && !plain(file) && !file.is_empty() { file.to_owned() } else { job.to_owned() }
}

/// What a job has around its commands on this stack.
struct Surroundings {
    container: Option<String>,
    env: BTreeMap<String, String>,
    services: Vec<Beside>,
}

impl Surroundings {
    fn of(job: usize, mine: &[&Step], ci: &Ci) -> Surroundings {
        let known = ci.jobs.get(job).cloned().unwrap_or_default();
        let mut env = known.env;
        env.extend(mine.iter().filter(|step| step.job == job).flat_map(|step| step.env.clone()));
        Surroundings { container: known.container, env, services: known.services }
    }

    fn fits(&self, main: &Surroundings) -> bool {
        self.container == main.container
            && self.env.iter().all(|(name, value)| main.env.get(name) == Some(value))
            && self.services.iter().all(|service| main.services.contains(service))
    }
}

/// The commands of these jobs, each once, with what they need and do not bring by themselves.
fn chosen((stack, own): (&Stack, &[Command]), mine: &[&Step], jobs: &[usize]) -> Vec<Command> {
    let mut steps: Vec<&Step> = mine.iter().copied().filter(|step| jobs.contains(&step.job)).collect();
    // What several jobs need is prepared by each; here it is once.
    steps.sort_by_key(|step| step.part.min(Part::Prepare));
    let mut seen = BTreeSet::new();
    let mut commands: Vec<Command> = Vec::new();
    for step in steps.into_iter().filter(|step| seen.insert((step.run.clone(), step.dir.clone()))) {
        let from = (Origin::Workflow, step.from.clone());
        commands.push(Command::new(step.part, step.run.clone(), &step.dir, from));
    }
    let brings = |part: Part| commands.iter().any(|command| command.part == part);
    let says = |word: &str| commands.iter().any(|command| command.part <= Part::Install && command.run.contains(word));
    let (installs, tool) = (brings(Part::Install), stack.tool.clone());
    let mut all: Vec<Command> = own
        .iter()
        .filter(|command| match command.part {
            Part::Setup if stack.kind == Kind::Elixir => !says("local.hex"),
            Part::Setup if stack.kind == Kind::Node => {
                !says("corepack") && !says("npm install -g") && !says("--global")
            }
            Part::Setup if stack.kind == Kind::Python => uses(&commands, &tool) && !says(&format!("install {tool}")),
            Part::Setup => true,
            Part::Install => !installs && needs_install(stack, &commands),
            _ => false,
        })
        .cloned()
        .collect();
    all.extend(commands);
    all.sort_by_key(|command| command.part.min(Part::Prepare));
    all
}

fn uses(commands: &[Command], tool: &str) -> bool {
    let word =
        |command: &Command| command.run.split_whitespace().any(|word| word == tool || (tool == "uv" && word == "uvx"));
    commands.iter().any(word) || !commands.iter().any(|command| command.part == Part::Install)
}

/// `tox` and `nox` and `uv run` bring what they need by themselves.
fn needs_install(stack: &Stack, commands: &[Command]) -> bool {
    let own = |command: &&Command| {
        command.part.checks()
            && !["tox", "nox", "uvx ", "uv run", "pre-commit"].iter().any(|word| command.run.contains(word))
    };
    stack.kind != Kind::Python || commands.iter().any(|command| own(&command))
}

/// On GitHub's runners a service answers at localhost; here it has a name.
fn by_name(services: &[Beside], env: &mut BTreeMap<String, String>, commands: &mut [Command]) {
    for service in services {
        let Some(port) = service.port else { continue };
        for host in ["localhost", "127.0.0.1"] {
            let (from, to) = (format!("{host}:{port}"), format!("{}:{port}", service.name));
            env.values_mut().for_each(|value| *value = value.replace(&from, &to));
            commands.iter_mut().for_each(|command| command.run = command.run.replace(&from, &to));
        }
    }
    if let [service] = services {
        let hosts = env
            .iter_mut()
            .filter(|(key, value)| key.ends_with("HOST") && matches!(value.as_str(), "localhost" | "127.0.0.1"));
        hosts.for_each(|(_, value)| value.clone_from(&service.name));
    }
}

fn by_tasks(stack: &mut Stack, tasks: Vec<Task>) {
    let tested = tasks.iter().any(|task| task.part == Part::Test);
    let linted = tasks.iter().any(|task| task.part == Part::Lint);
    stack.commands.retain(|command| match command.part {
        Part::Test | Part::Build => !tested,
        Part::Lint => !linted,
        _ => true,
    });
    let dir = stack.dir.clone();
    for task in tasks {
        let from = (Origin::Task, task.from);
        stack.commands.extend(task.run.iter().map(|run| Command::new(task.part, run.clone(), &dir, from.clone())));
    }
    stack.commands.sort_by_key(|command| command.part);
}
