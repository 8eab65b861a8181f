//! One arm for each command. A refusal is a value with words; nothing here fails.

use super::asks::{ask, withdraw};
use super::branch::rerun;
use super::checks::{Ask, plan};
use super::state::{LastCommand, PullState, Refused, hold};
use super::{Change, Command, Item, Why};
use crate::domain::ask::{Answered, Said};
use crate::domain::command::{self, Parsed, Typed, Verb};
use crate::domain::event::Comment;
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::plan::{NAME, News, Values, begun};
use crate::domain::project::Trigger;
use crate::domain::speech;
use crate::domain::task::{Event, Key, Task};
use crate::domain::update::course;

/// A command that is found this long after it was typed is not executed: the world has moved on.
const STALE_MS: i64 = 10 * 60 * 1000;
/// No line is shown back beyond this many characters.
const LONGEST: usize = 200;

/// What came of a command: an accepted one is answered in the sticky comment, a refused one by a short reply.
enum Answer {
    Done(String),
    Refused(String),
    /// Somebody else answers it.
    Asked,
}

/// Reads a comment and, if it is a command, does or refuses it.
pub(super) fn comment(state: &mut PullState, comment: &Comment, facts: &Facts, changes: &mut Vec<Change>) {
    if comment.bot {
        return;
    }
    let line = first_line(&comment.body);
    let parsed = command::parse(&comment.body);
    let verb = meant(&parsed);
    let answer = match parsed {
        Parsed::NotForUs | Parsed::Unknown { did_you_mean: None, .. } => return,
        Parsed::Unknown { word, did_you_mean: Some(near) } => Answer::Refused(speech::command::unknown(&word, near)),
        Parsed::Usage { command, problem } => Answer::Refused(problem.sentence(command.command())),
        Parsed::Command(_) if facts.now - comment.created_at > STALE_MS => {
            Answer::Refused(speech::command::stale(&line))
        }
        Parsed::Command(typed) => obey(state, comment, &typed, (facts, &mut *changes)),
    };
    let (said, answer) = match answer {
        Answer::Done(text) => (Said::Done, text),
        Answer::Refused(text) => (Said::Refused, text),
        Answer::Asked => (Said::Pending, String::new()),
    };
    let row = Command {
        comment: comment.id,
        author: comment.author.clone(),
        text: line.clone(),
        sha: state.pull.head_sha.clone(),
        state: said,
        answer: answer.clone(),
    };
    changes.push(Change::Command(row));
    changes.push(Change::Do(Task::SyncReaction { repo: state.repo.clone(), comment: comment.id }));
    let last = LastCommand { comment: comment.id, author: comment.author.clone(), text: line, answer };
    match said {
        Said::Done => {
            state.last = Some(last);
            state.tell(changes);
            verb.into_iter().for_each(|verb| state.resolve(&comment.author, verb, changes));
        }
        Said::Refused => refuse(state, (comment.id, &comment.author), verb, changes),
        Said::Pending => state.pending.push(comment.id),
    }
}

/// Posts the short reply, which is folded away when the same person's next try succeeds.
fn refuse(state: &mut PullState, (comment, author): (i64, &str), verb: Option<Verb>, changes: &mut Vec<Change>) {
    if let Some(verb) = verb {
        state.refuse(Refused { comment, author: author.to_owned(), verb });
    }
    let (repo, number) = (state.repo.clone(), state.pull.number);
    changes.push(Change::Do(Task::SyncReply { repo, number, comment }));
}

/// An environment decided on a command of this pull request, or says how far it is.
pub(super) fn answered(state: &mut PullState, said: &Answered, changes: &mut Vec<Change>) {
    let (comment, words) = (said.comment, said.words.clone());
    changes.push(Change::Answer { comment, state: said.outcome, words: words.clone() });
    if said.outcome != Said::Pending {
        state.pending.retain(|pending| *pending != comment);
        changes.push(Change::Do(Task::SyncReaction { repo: state.repo.clone(), comment }));
    }
    // A refusal has a reply of its own, and is not told twice.
    let shows = if said.outcome == Said::Refused { speech::command::see_reply() } else { words };
    let newest = state.last.as_ref().is_none_or(|last| last.comment <= comment);
    let shown = state.last.as_ref().is_some_and(|last| last.comment == comment);
    if shown || (newest && said.outcome != Said::Refused) {
        state.last = Some(LastCommand { comment, author: said.author.clone(), text: said.line.clone(), answer: shows });
    }
    match said.outcome {
        Said::Refused => refuse(state, (comment, &said.author), Some(said.verb), changes),
        Said::Done => state.resolve(&said.author, said.verb, changes),
        Said::Pending => {}
    }
    state.tell(changes);
}

/// The command that somebody typed, or meant to: a later one of the same kind is their next try.
fn meant(parsed: &Parsed) -> Option<Verb> {
    match parsed {
        Parsed::Command(typed) => Some(typed.command),
        Parsed::Usage { command, .. } => Some(*command),
        Parsed::Unknown { did_you_mean, .. } => did_you_mean.and_then(command::find).map(|row| row.verb),
        Parsed::NotForUs => None,
    }
}

fn obey(
    state: &mut PullState,
    comment: &Comment,
    typed: &Typed,
    (facts, changes): (&Facts, &mut Vec<Change>),
) -> Answer {
    let role = facts.role.unwrap_or_default();
    let row = typed.command.command();
    if !command::allowed(role, row) {
        // A name is repeated only where there is such a check or environment: whoever has the permission is to copy
        // the line.
        let named = typed.args.first().filter(|name| {
            let home = matches!(&facts.home, Some(ProjectAt::Found(home)) if home.environment(name).is_some());
            home || state.checks.as_ref().is_some_and(|checks| checks.items.iter().any(|item| item.pipeline == **name))
        });
        return Answer::Refused(speech::command::not_allowed(row, named, (&comment.author, role)));
    }
    match typed.command {
        Verb::Help => Answer::Done(speech::command::help(role)),
        Verb::Status => Answer::Done(speech::command::status(state, &facts.environments)),
        Verb::Deploy | Verb::Rollout | Verb::Rollback | Verb::Lock | Verb::Unlock | Verb::Freeze | Verb::Unfreeze => {
            match ask(state, (comment, &first_line(&comment.body)), typed, (facts, changes)) {
                Ok(None) => Answer::Asked,
                Ok(Some(words)) => Answer::Done(words),
                Err(words) => Answer::Refused(words),
            }
        }
        Verb::Cancel if !state.pending.is_empty() => {
            let checks = stop(state, &comment.author, changes);
            withdraw(state, comment, changes);
            Answer::Done(speech::command::withdrawn(checks, &state.environments))
        }
        Verb::Onboard => onboard(state, facts, changes),
        Verb::New => begin(state, typed, facts, changes),
        Verb::Plan => steer_plan(state, typed, facts, changes),
        Verb::Update | Verb::Ignore => steer_update(state, typed, changes),
        _ if !state.pull.open => Answer::Refused(speech::command::closed(row)),
        Verb::Retry => retry(state, typed.args.first(), facts, changes),
        Verb::Cancel => cancel(state, &comment.author, changes),
        Verb::Run => run(state, comment, typed.args.first(), (facts, changes)),
    }
}

/// Closed means no until somebody says otherwise.
fn onboard(state: &PullState, facts: &Facts, changes: &mut Vec<Change>) -> Answer {
    if !matches!(facts.home, None | Some(ProjectAt::Missing)) {
        return Answer::Refused(speech::onboard::opened::there_already());
    }
    let event = Event::Consider { repo: state.repo.clone(), asked: true };
    changes.push(Change::Do(Task::tell(Key::Onboard(state.repo.id), event)));
    Answer::Done(speech::onboard::opened::asked())
}

/// A repository that has nothing yet begins from a plan.
fn begin(state: &PullState, typed: &Typed, facts: &Facts, changes: &mut Vec<Change>) -> Answer {
    if !matches!(facts.home, None | Some(ProjectAt::Missing)) {
        return Answer::Refused(speech::onboard::opened::there_already());
    }
    let (plan, given) = typed.args.0.split_first().map_or(("", &[][..]), |(plan, given)| (plan.as_str(), given));
    let mut inputs = Values::from([(NAME.to_owned(), state.repo.name.clone())]);
    for word in given {
        match word.split_once('=') {
            Some((name, value)) => drop(inputs.insert(name.to_owned(), value.to_owned())),
            None => return Answer::Refused(speech::plan::no_value(word)),
        }
    }
    if let Err(words) = begun(plan, &inputs) {
        return Answer::Refused(speech::plan::not_begun(plan, &words));
    }
    let event = Event::Begin { repo: state.repo.clone(), plan: plan.to_owned(), inputs };
    changes.push(Change::Do(Task::tell(Key::Onboard(state.repo.id), event)));
    Answer::Done(speech::plan::begins(plan))
}

/// A plan's next versions, as far as this repository is concerned.
fn steer_plan(state: &PullState, typed: &Typed, facts: &Facts, changes: &mut Vec<Change>) -> Answer {
    let followed = match &facts.home {
        Some(ProjectAt::Found(home)) => home.plan.clone(),
        _ => None,
    };
    let Some(name) = followed else { return Answer::Refused(speech::plan::none()) };
    let (repo, pin) = (state.repo.id, typed.args.first() == Some("pin"));
    let news = if pin { News::Pin { repo } } else { News::Retry { repo } };
    changes.push(Change::Do(Task::tell(Key::Plan(name.clone()), Event::Plan(Box::new(news)))));
    Answer::Done(if pin { speech::plan::pinned(&name) } else { speech::plan::tried(&name) })
}

/// An update's own pull request is made anew, or not wanted.
fn steer_update(state: &PullState, typed: &Typed, changes: &mut Vec<Change>) -> Answer {
    let verb = typed.command;
    if !course::is_ours(&state.pull) {
        return Answer::Refused(speech::updates::course::no_update(verb == Verb::Ignore));
    }
    let pull = state.pull.number;
    let (news, words) = match verb {
        Verb::Ignore => {
            let name = typed.args.first().map(str::to_owned);
            let words = speech::updates::course::ignored(name.as_deref());
            (course::News::Refuse { pull, name }, words)
        }
        _ => (course::News::Again { pull }, speech::updates::course::anew()),
    };
    changes.push(Change::Do(Task::tell(Key::Updates(state.repo.id), Event::Updates(Box::new(news)))));
    Answer::Done(words)
}

fn retry(state: &mut PullState, name: Option<&str>, facts: &Facts, changes: &mut Vec<Change>) -> Answer {
    if let Some(why) = hold(state, facts) {
        return Answer::Refused(speech::command::held(&why));
    }
    let head = state.pull.head_sha.clone();
    let Some(checks) = state.checks.as_mut() else { return Answer::Refused(speech::command::no_checks()) };
    if let Some(name) = name {
        let Some(item) = checks.items.iter().find(|i| i.pipeline == name) else {
            return Answer::Refused(speech::command::no_such_check(name, &names(&checks.items), "retry"));
        };
        if item.live() {
            return Answer::Refused(speech::command::still_running(name));
        }
    }
    let started = rerun(checks, name, facts, changes);
    if started.is_empty() {
        return Answer::Refused(speech::command::nothing_failed(&names(&checks.items)));
    }
    Answer::Done(speech::command::running(&started, &head))
}

fn stop(state: &mut PullState, by: &str, changes: &mut Vec<Change>) -> usize {
    let why = Why::Cancelled { by: by.to_owned() };
    state.checks.as_mut().map_or(0, |checks| checks.drop_live(&why, changes))
}

fn cancel(state: &mut PullState, by: &str, changes: &mut Vec<Change>) -> Answer {
    let count = stop(state, by, changes);
    if count == 0 {
        return Answer::Refused(speech::command::nothing_runs());
    }
    Answer::Done(speech::command::cancelled(count))
}

/// `/run` allows a fork's commit, and starts pipelines anew on everybody's.
fn run(
    state: &mut PullState,
    comment: &Comment,
    name: Option<&str>,
    (facts, changes): (&Facts, &mut Vec<Change>),
) -> Answer {
    let head = state.pull.head_sha.clone();
    if state.pull.fork {
        if let Some(sentence) = &facts.forks_refused {
            return Answer::Refused(sentence.clone());
        }
        // Whoever allows a stranger's code allows what they saw, not what was pushed meanwhile.
        if state.head_at(comment.created_at).is_none_or(|seen| seen.sha != head) {
            return Answer::Refused(speech::command::head_moved(&head));
        }
        state.approved = Some(head.clone());
    }
    let Some(ProjectAt::Found(project)) = facts.project.as_ref() else {
        return Answer::Refused(speech::command::no_project(facts.project.as_ref()));
    };
    if let Some(name) = name.filter(|n| project.pipeline(n).is_none()) {
        let known: Vec<String> = project.pipelines.iter().map(|p| p.name.clone()).collect();
        return Answer::Refused(speech::command::no_such_check(name, &known, "run"));
    }
    let started = match (name, state.checks.as_mut().filter(|c| c.sha == head)) {
        (Some(name), Some(checks)) if checks.items.iter().any(|i| i.pipeline == name) => {
            rerun(checks, Some(name), facts, changes)
        }
        (None, Some(checks)) if checks.items.iter().any(Item::live) => Vec::new(),
        _ => run_all(state, facts, changes),
    };
    if started.is_empty() {
        return Answer::Refused(speech::command::already_running());
    }
    Answer::Done(speech::command::running(&started, &head))
}

fn run_all(state: &mut PullState, facts: &Facts, changes: &mut Vec<Change>) -> Vec<String> {
    let head = state.pull.head_sha.clone();
    let tries = state.checks.as_ref().map_or(0, super::Checks::tries);
    let ask = Ask { sha: &head, trust: state.trust(), trigger: Trigger::PullRequest, tries, hold: None };
    let checks = plan(&ask, facts, changes);
    let started = checks.items.iter().filter(|i| i.live()).map(|i| i.pipeline.clone()).collect();
    state.checks = Some(checks);
    started
}

fn names(items: &[Item]) -> Vec<String> {
    items.iter().map(|i| i.pipeline.clone()).collect()
}

/// The first line that is not blank, as it may be shown back.
fn first_line(body: &str) -> String {
    let line = body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    command::plain(line.trim()).chars().take(LONGEST).collect()
}
