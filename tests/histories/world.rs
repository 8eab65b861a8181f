//! The world around: an environment's row and its lane, rollouts' rows, a target, timers, a clock that jumps.

use std::collections::{BTreeMap, VecDeque};

use fairway::domain::ask::{Ask, Said};
use fairway::domain::command::Order;
use fairway::domain::decide::{Change, EnvState, environment};
use fairway::domain::dice::Dice;
use fairway::domain::event::Pull;
use fairway::domain::facts::{EnvFacts, Front, Lineage, Proof, Standing};
use fairway::domain::ids::Repo;
use fairway::domain::project::{Environment, Project};
use fairway::domain::release::RolloutSpec;
use fairway::domain::rollout::{Counts, Health, Rollout, Stage, Steer, Undecided, Weight};
use fairway::domain::run::Conclusion;
use fairway::domain::task::{Event, Key, Task};

use crate::target::Target;
use crate::watcher::Frozen;

const FILE: &str = r#"
[pipeline.image]
run = ["ok"]
export = "dist/"
[environment.production]
release = "image"
start = "./shop"
port = 8080
"#;

/// A rollout's row, and what the rules want to know of its way.
pub struct Row {
    pub number: i64,
    pub spec: RolloutSpec,
    pub release: String,
    pub state: Option<Rollout>,
    pub orders: Vec<Steer>,
    /// Most of the traffic that it had.
    pub most: Weight,
    /// Where it is now: how long, how many requests, and how many orders had been heard when it came there.
    pub stayed_ms: i64,
    pub requests: u64,
    pub heard: usize,
}

impl Row {
    pub fn ended(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.ended().is_some())
    }
}

/// A command that was typed, and what came of it.
pub struct Typed {
    pub ask: Ask,
    pub said: Option<Said>,
    /// What it was to take away.
    pub bad: Option<String>,
    /// Rollouts that had begun when it was answered last.
    pub begun: usize,
}

pub struct World {
    pub seed: u64,
    told: bool,
    pub dice: Dice,
    pub now: i64,
    pub repo: Repo,
    project: Project,
    /// As the default branch defines it now.
    pub environment: Environment,
    pub env: Option<EnvState>,
    pub mail: VecDeque<Event>,
    timers: Vec<i64>,
    pub rows: Vec<Row>,
    pub target: Target,
    pub frozen: Option<Frozen>,
    /// Commit and release that the rows say serve.
    pub truth: Option<(String, String)>,
    pub typed: BTreeMap<i64, Typed>,
    /// The newest commit.
    pub newest: u64,
    /// Nothing fails any more.
    pub calm: bool,
    /// What a command that is heard now would take away.
    pub bad: Option<String>,
}

impl World {
    pub fn new(seed: u64, told: bool) -> World {
        let mut dice = Dice::new(seed);
        let project = fairway::domain::project::parse(FILE).expect("the file is right");
        let mut environment = project.environments[0].clone();
        environment.stages = stages(&mut dice);
        environment.stage_max_ms = 1_000 * (5 + dice.roll(60) as i64);
        environment.undecided = match dice.roll(4) {
            0 => Undecided::Advance,
            1 => Undecided::Probe,
            _ => Undecided::Hold,
        };
        environment.watch_ms = 1_000 * dice.roll(30) as i64;
        environment.irreversible = dice.roll(10) == 0;
        environment.slow_ms = (dice.roll(2) == 0).then_some(800);
        World {
            seed,
            told,
            dice,
            now: 1_000_000_000,
            repo: Repo {
                installation: 1,
                id: 1,
                owner: "acme".into(),
                name: "shop".into(),
                default_branch: "main".into(),
            },
            project,
            environment,
            env: None,
            mail: VecDeque::new(),
            timers: Vec::new(),
            rows: Vec::new(),
            target: Target::new(),
            frozen: None,
            truth: None,
            typed: BTreeMap::new(),
            newest: 1,
            calm: false,
            bad: None,
        }
    }

    /// Prints a line where one history is replayed.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if self.told {
            println!("{:>8} {}", (self.now - 1_000_000_000) / 100, line());
        }
    }

    /// Time passes, requests come in, and the watcher looks.
    pub fn passes(&mut self) {
        let some = 100 + self.dice.roll(3_000) as i64;
        let passed = match self.dice.roll(40) {
            0 => 3_600_000,
            1 => -3_600_000,
            _ => some,
        };
        self.traffic(passed);
        let due = self.timers.extract_if(.., |at| *at <= self.now).count();
        self.mail.extend((0..due).map(|_| Event::Due));
        self.looks();
    }

    /// So much time, and the requests that come meanwhile.
    pub fn traffic(&mut self, passed: i64) {
        self.now += passed;
        let all = self.dice.roll(200);
        for (release, share) in self.target.served() {
            let requests = all * u64::from(share.basis_points()) / 10_000;
            let (bad, slow) = (badness(&release), slowness(&release));
            let more = Counts { requests, bad: self.dice.of(requests, bad), slow: self.dice.of(requests, slow) };
            self.target.counts(&release, more);
            if let Some(row) = self.rows.iter_mut().find(|row| !row.ended() && row.release == release) {
                row.requests += requests;
                row.stayed_ms += passed.clamp(0, 10_000);
            }
        }
    }

    /// Something fails: a process, the proxy; or somebody edits the file.
    pub fn breaks(&mut self) {
        let health = match self.dice.roll(5) {
            0 => Health::Failing(3),
            1 => Health::Crashing("it ended".to_owned()),
            _ => Health::Ready,
        };
        match self.dice.roll(6) {
            0 => self.target.restarts(),
            1 if self.dice.roll(2) == 0 => {
                self.environment.slow_ms = [None, Some(300), Some(800)][self.dice.roll(3) as usize]
            }
            1 => self.environment.start = format!("./shop {}", self.dice.roll(3)),
            _ => {
                for held in self.target.0.slots.values_mut() {
                    held.health = health.clone();
                }
            }
        }
    }

    /// The environment takes what is next in its lane.
    pub fn reacts(&mut self) {
        let Some(event) = self.mail.front().cloned() else { return };
        let facts = self.facts(&event);
        let (state, changes) = environment(self.env.clone(), &event, &facts);
        self.say(|| format!("react: {event:?}"));
        let going = self.env.as_ref().and_then(|env| env.going.as_ref()).map(|going| going.number);
        let going = going.and_then(|number| self.rows.iter().find(|row| row.number == number));
        self.bad = going.map(|row| &row.release).or(self.truth.as_ref().map(|(_, release)| release)).cloned();
        self.mail.pop_front();
        self.env = state;
        for change in changes {
            self.apply(change);
        }
    }

    /// It decides, and is cut off before the one transaction: it decides again, another time.
    pub fn crashes_in_a_reaction(&mut self) {
        if let Some(event) = self.mail.front().cloned() {
            let facts = self.facts(&event);
            drop(environment(self.env.clone(), &event, &facts));
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Do(Task::Event { key: Key::Env(..), event }) => self.mail.push_back(*event),
            Change::Do(Task::Event { event, .. }) => {
                if let Event::Answered(answered) = *event {
                    self.say(|| format!("  [{}] {:?}: {}", answered.comment, answered.outcome, answered.words));
                    self.answered(answered.comment, answered.outcome);
                }
            }
            Change::At(at, Task::Ring { .. }) => self.timers.push(at),
            Change::Steer { number, steer, .. } => {
                let row = self.rows.iter_mut().find(|row| row.number == number && !row.ended());
                if let Some(row) = row {
                    row.orders.push(steer);
                }
            }
            Change::Roll { number, spec, .. } => self.begins(number, *spec),
            _ => {}
        }
    }

    fn begins(&mut self, number: i64, spec: RolloutSpec) {
        let seed = self.seed;
        assert!(self.rows.iter().all(Row::ended), "seed {seed}: rollout {number} begins beside another one");
        // As `worker::watch` names it.
        let release = format!("{}-{}-{}", spec.version.sha, spec.version.release, spec.environment.digest());
        self.say(|| format!("  rollout {number} begins: {:?} {release:.7}", spec.kind));
        self.rows.push(Row {
            number,
            spec,
            release,
            state: None,
            orders: Vec::new(),
            most: Weight::ZERO,
            stayed_ms: 0,
            requests: 0,
            heard: 0,
        });
    }

    /// What `worker::gather::environment` would find.
    fn facts(&mut self, event: &Event) -> EnvFacts {
        let state = self.env.as_ref();
        let asked = if let Event::Ask(ask) = event { Some(ask) } else { None };
        let first = state.and_then(|s| s.queue.first()).map(|waiting| &waiting.ask);
        let wants = asked.filter(|ask| matches!(ask.order, Order::Deploy { .. } | Order::Weight(_)));
        let front = match (first, wants) {
            (Some(first), Some(ask)) if first.pull.is_some() && first.pull == ask.pull => Some(ask),
            (Some(first), _) => Some(first),
            (None, wants) => wants,
        };
        let mut facts = EnvFacts {
            now: self.now,
            name: "production".to_owned(),
            definition: Err(String::new()),
            last: None,
            standing: Standing::default(),
            front: None,
            host: Ok(()),
        };
        let going = state.and_then(|state| state.going.as_ref());
        let owed = going.and_then(|going| going.asked.first());
        if asked.or(front).or(owed).is_none() || (asked.is_none() && owed.is_none() && going.is_some()) {
            return facts;
        }
        let broken = !self.calm && self.dice.roll(50) == 0;
        facts.definition = match broken {
            true => Err("the file is broken".to_owned()),
            false => Ok((Box::new(self.project.clone()), Box::new(self.environment.clone()))),
        };
        if let Some(ask) = asked.or(front) {
            let allowed = ask.by != "mallory";
            facts.standing = Standing { login: ask.by.clone(), allowed, writes: allowed, ..Standing::default() };
        }
        if let Some(ask) = front.cloned().filter(|_| !broken) {
            facts.front = Some(self.front(ask));
        }
        facts
    }

    fn front(&mut self, mut ask: Ask) -> Front {
        let merge = ask.comment.is_none();
        let number = ask.pull.unwrap_or(1);
        ask.pull = Some(number);
        let lineage = |other: Option<&String>| other.filter(|other| **other != ask.sha).map(|o| lineage(o, &ask.sha));
        let state = self.env.as_ref();
        let live = lineage(state.and_then(|s| s.live.as_ref()).map(|live| &live.sha));
        let held = lineage(state.and_then(|s| s.held.as_ref()).map(|held| &held.bad));
        let (conclusion, reverts, hotfix) = match self.dice.roll(12) {
            0 if !self.calm => (None, false, true),
            1 if !self.calm => (Some(Conclusion::Failure), false, true),
            2 => (Some(Conclusion::Success), true, true),
            3 => (Some(Conclusion::Success), false, false),
            _ => (Some(Conclusion::Success), false, true),
        };
        if conclusion.is_none() {
            // Its run ends some time.
            self.timers.push(self.now + 5_000);
        }
        let proof = Proof {
            pipeline: "image".to_owned(),
            attempt: 1,
            conclusion,
            export: Some("export".to_owned()),
            lost: false,
            ended_at: self.now,
        };
        Front {
            pull: (!merge).then(|| pull(number, &ask.sha)),
            approvals: if hotfix { vec!["carol".to_owned()] } else { Vec::new() },
            live,
            held,
            reverts,
            proofs: vec![proof],
            foreign: BTreeMap::new(),
            elsewhere: None,
            ask,
        }
    }

    /// Rings every timer now, whatever its time.
    pub fn rings(&mut self) {
        let due = self.timers.drain(..).count();
        self.mail.extend((0..due).map(|_| Event::Due));
    }
}

/// A rising way to everything.
fn stages(dice: &mut Dice) -> Vec<Stage> {
    let mut weight = 0;
    let mut stages = Vec::new();
    for _ in 0..dice.roll(4) {
        weight += 100 + dice.roll(3_000) as u16;
        if weight < 10_000 {
            stages.push(Stage { weight: Weight::of(weight), stay_ms: 1_000 * dice.roll(20) as i64 });
        }
    }
    stages.push(Stage { weight: Weight::ALL, stay_ms: 0 });
    stages
}

/// How often a release fails: most never, some a little, some much, some always.
fn badness(release: &str) -> f64 {
    match release.bytes().take(7).map(u32::from).sum::<u32>() % 7 {
        0 => 0.02,
        1 => 0.4,
        2 => 1.0,
        _ => 0.0,
    }
}

/// How often a release answers slowly: seldom, a little, or nearly always.
fn slowness(release: &str) -> f64 {
    match release.bytes().take(7).map(u32::from).sum::<u32>() % 5 {
        0 => 0.03,
        1 => 0.9,
        _ => 0.001,
    }
}

/// Commits have a line and a number: the later has the earlier one of its line in it, and of the main line too.
fn lineage(other: &str, sha: &str) -> Lineage {
    let (line, number) = sha.split_at(1);
    let (other_line, other_number) = other.split_at(1);
    match (line == other_line, number >= other_number) {
        (true, true) => Lineage::Contains,
        (true, false) => Lineage::Behind,
        _ => Lineage::Lacks,
    }
}

fn pull(number: i64, sha: &str) -> Pull {
    Pull {
        number,
        title: "A change".to_owned(),
        author: "bob".to_owned(),
        head_sha: sha.to_owned(),
        head_ref: "change".to_owned(),
        head_repo: Some(1),
        base_sha: String::new(),
        base_ref: "main".to_owned(),
        fork: false,
        draft: false,
        open: true,
        merged: false,
        merge_commit_sha: None,
    }
}
