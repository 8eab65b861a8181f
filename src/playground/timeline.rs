//! A pull request as text: conversation and checks, for snapshots and for the demo.

use std::fmt::Write as _;

use super::world::{CheckRun, Comment, Happening, Pull, Remark, Repo, What, World};

impl World {
    /// The conversation with reactions, then the newest check runs of the head. SHAs are cut to seven digits.
    pub fn timeline(&self, repo: u64, number: u64) -> String {
        let Some(at) = self.repos.get(&repo) else {
            return "no such repository\n".into();
        };
        let Some(pull) = at.pulls.get(&number) else {
            return format!("no #{number}\n");
        };
        let mut out = format!("#{number} {} [{}]\n", pull.title, state(pull));
        for happening in &pull.timeline {
            line(&mut out, at, pull, happening);
        }
        let mut newest = std::collections::BTreeMap::new();
        for check in at.checks_of(&pull.head_sha) {
            newest.insert(check.name.as_str(), check);
        }
        for check in newest.values() {
            check_lines(&mut out, check);
        }
        out
    }
}

fn state(pull: &Pull) -> &'static str {
    match (pull.open, &pull.merged, pull.draft) {
        (_, Some(_), _) => "merged",
        (false, ..) => "closed",
        (_, _, true) => "draft",
        _ => "open",
    }
}

fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

fn line(out: &mut String, repo: &Repo, pull: &Pull, happening: &Happening) {
    let by = &happening.by;
    let text = match &happening.what {
        What::Opened => "opened".into(),
        What::Pushed { after, message, forced, .. } => {
            format!("{} {}: {message}", if *forced { "force-pushed" } else { "pushed" }, short(after))
        }
        What::Commented(id) => return comment_lines(out, by, repo.comments.get(id)),
        What::Requested(login) => format!("asked {login} for a review"),
        What::Reviewed(id) => {
            let review = pull.reviews.iter().find(|review| review.id == *id);
            format!("reviewed: {}", review.map_or("gone", |review| review.state.as_str()))
        }
        What::Labeled(name) => format!("labelled {name}"),
        What::Unlabeled(name) => format!("unlabelled {name}"),
        What::Closed => "closed".into(),
        What::Merged(sha) => format!("merged as {}", short(sha)),
        What::Reopened => "reopened".into(),
        What::Ready => "ready for review".into(),
        What::Drafted => "converted to draft".into(),
        What::Renamed(title) => format!("renamed to {title}"),
        What::Enqueued(sha) => format!("enqueued as {}", short(sha)),
        What::Dequeued(reason) => format!("left the queue: {reason}"),
        What::Deployed(id) => {
            let deployment = repo.deployments.get(id);
            let state = deployment.and_then(|at| at.statuses.last()).map_or("pending", |status| status.state.as_str());
            format!("deployed to {}: {state}", deployment.map_or("?", |at| at.environment.as_str()))
        }
    };
    // Writing to a String cannot fail; the same below.
    let _ = writeln!(out, "* {by} {text}");
    let of = |remark: &&Remark| happening.what == What::Reviewed(remark.review);
    for remark in pull.remarks.iter().filter(of) {
        let _ = writeln!(out, "    {}:{} {}", remark.path, remark.line, remark.body);
    }
}

fn comment_lines(out: &mut String, by: &str, comment: Option<&Comment>) {
    let Some(comment) = comment else {
        let _ = writeln!(out, "{by}: (deleted)");
        return;
    };
    if let Some(reason) = &comment.minimised {
        let _ = writeln!(out, "{by}: (This comment was marked as {reason}.)");
        return;
    }
    let edited = if comment.updated_at == comment.created_at { "" } else { " (edited)" };
    let mut lines = comment.body.lines();
    let _ = writeln!(out, "{by}{edited}: {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "{}", format!("    {line}").trim_end());
    }
    for reaction in &comment.reactions {
        let _ = writeln!(out, "    :{}: {}", reaction.content, reaction.author);
    }
}

fn check_lines(out: &mut String, check: &CheckRun) {
    let state = check.conclusion.as_deref().unwrap_or(&check.status);
    let title = check.title.as_deref().map(|title| format!(": {title}")).unwrap_or_default();
    let _ = writeln!(out, "[{}] {state}{title}", check.name);
    for at in &check.annotations {
        let _ = writeln!(
            out,
            "    {}:{} {}: {}",
            at.path,
            at.start_line,
            at.level,
            at.message.lines().next().unwrap_or_default()
        );
    }
    if check.status == "completed" && !check.actions.is_empty() {
        let labels: Vec<String> = check.actions.iter().map(|action| format!("({})", action.label)).collect();
        let _ = writeln!(out, "    {}", labels.join(" "));
    }
}
