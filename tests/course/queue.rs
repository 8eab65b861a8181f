//! A default branch with a merge queue: updates that may be merged go there, and nothing is promised that GitHub refuses.

use fairway::playground::PullDesk;
use serde_json::json;

use super::*;

impl Play {
    /// A shop whose updates are open, and whose default branch then gets a merge queue that wants these checks.
    async fn queued(checks: &[&str]) -> Play {
        let play = Play::start(&[], "[updates]\n").await;
        let required: Vec<serde_json::Value> = checks.iter().map(|name| json!({ "context": name })).collect();
        let rules = json!([
            { "type": "merge_queue" },
            { "type": "required_status_checks", "parameters": { "required_status_checks": required } },
        ]);
        play.world.hub.act(|hub| {
            let id = hub.repo("acme/shop").expect("it is there").id;
            let repo = hub.repos.get_mut(&id).expect("it is there");
            repo.rulesets.insert(1, json!({ "id": 1, "name": "queue", "enforcement": "active", "rules": rules }));
        });
        play
    }

    /// From now on they may be merged.
    async fn allow(&self) {
        let text = "[pipeline.test]\nrun = [\"ok\"]\n[updates]\nautomerge = \"patch\"\n";
        self.world.hub.repo("acme/shop").push("bob", "main", "Merge them", &[("fairway.toml", Some(text))]);
        self.pass().await;
    }

    fn desk(&self) -> PullDesk {
        self.world.hub.repo("acme/shop").pull(1)
    }

    /// Heads of the groups in the queue.
    fn groups(&self) -> Vec<String> {
        self.world.hub.look(|hub| {
            let repo = hub.repo("acme/shop").expect("it is there");
            repo.queue.values().map(|group| group.head_sha.clone()).collect()
        })
    }
}

#[tokio::test]
async fn what_may_be_merged_goes_into_the_queue_and_its_checks_come_there() {
    let play = Play::queued(&["fairway / test"]).await;
    play.allow().await;
    assert_eq!(play.shown().await, "safe-cargo Queued");
    let groups = play.groups();
    let [group] = groups.as_slice() else { panic!("{groups:?}") };
    let checks = play.world.hub.repo("acme/shop").checks(group);
    let checks: Vec<String> =
        checks.into_iter().map(|check| format!("{} {:?}", check.name, check.conclusion)).collect();
    assert_eq!(checks, ["fairway / test Some(\"success\")"], "the queue waits for them for ever otherwise");
    assert!(
        play.pull(1).1.contains("In the merge queue: GitHub merges it when it passes there."),
        "{}",
        play.pull(1).1
    );
    assert_eq!(play.refs().iter().filter(|name| name.contains("candidates")).count(), 0);
    play.desk().end_group("alice", "merged");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Merged");
    let head = play.world.hub.repo("acme/shop").head("main").expect("a commit");
    assert_eq!(play.yard.lock_at("acme/shop", &head).matches("1.1.0").count(), 5);
    play.world.finish().await;
}

#[tokio::test]
async fn what_the_queue_takes_out_says_why_and_is_not_put_in_again_by_itself() {
    let play = Play::queued(&["fairway / test"]).await;
    play.allow().await;
    play.desk().end_group("alice", "CI_FAILURE");
    play.pass().await;
    let body = play.pull(1).1;
    assert!(body.contains("The merge queue took it out (a check failed there)"), "{body}");
    let repo = play.world.hub.repo("acme/shop");
    repo.push("bob", "main", "Else", &[("README.md", Some("Else.\n"))]);
    play.pass().await;
    assert!(play.shown().await.starts_with("safe-cargo Open (the merge queue took it out"), "{}", play.shown().await);
    assert!(play.groups().is_empty());
    play.desk().comment("alice", "/update");
    play.pass().await;
    assert_eq!((play.shown().await.as_str(), play.groups().len()), ("safe-cargo Queued", 1));
    // A push to the branch takes it out at GitHub's; from then on it is a person's.
    play.desk().end_group("alice", "MANUAL");
    repo.push("alice", "fairway/update-safe-cargo", "Mine", &[("README.md", Some("Mine.\n"))]);
    play.pass().await;
    assert!(play.shown().await.starts_with("safe-cargo Theirs"), "{}", play.shown().await);
    play.world.finish().await;
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_turned_on() {
    let play = Play::queued(&["fairway / test", "lint"]).await;
    play.allow().await;
    let why = "Pull request Required status check \"lint\" is expected";
    assert_eq!(play.shown().await, format!("safe-cargo Open (not put into the merge queue: GitHub says \"{why}\")"));
    let body = play.pull(1).1;
    assert!(body.contains("Not put into the merge queue") && body.contains("lint"), "{body}");
    assert!(play.groups().is_empty());
    play.world.finish().await;
}

#[tokio::test]
async fn what_a_person_put_in_is_followed_like_our_own() {
    let play = Play::queued(&[]).await;
    play.desk().enqueue("alice");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Open");
    play.allow().await;
    assert_eq!((play.shown().await.as_str(), play.groups().len()), ("safe-cargo Queued", 1));
    play.desk().end_group("alice", "merged");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Merged");
    play.world.finish().await;
}
