//! A look at a rollout as `worker::watch` does it, but for the waiting: it may be cut off between any two deeds, and one that was
//! only frozen wakes up when somebody else has the rollout.

use fairway::domain::rollout::{
    Action, Counts, Health, Observation, Outcome, Phase, Rollout, Weight, done_first, due, moved, step, told,
};
use fairway::domain::task::Event;
use fairway::host::{Service, Split, TargetError};

use crate::target::Target;
use crate::world::World;

/// What was still to be done by a watcher whose lease ran out.
pub struct Frozen {
    release: String,
    slow_ms: Option<i64>,
    seen: Service,
    actions: Vec<Action>,
}

/// Where a look stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Never,
    /// Before the first deed.
    AtOnce,
    /// After the first half: done and not written down, or the other way round.
    Half,
}

impl World {
    /// Looks at what is on its way, and is cut off now and then.
    pub fn looks(&mut self) {
        let cut = match self.dice.roll(6) {
            0 => Cut::AtOnce,
            1 => Cut::Half,
            _ => Cut::Never,
        };
        if self.dice.roll(10) == 0 {
            self.wakes();
        }
        self.look(cut);
    }

    /// Looks, undisturbed.
    pub fn looks_well(&mut self) {
        self.look(Cut::Never);
    }

    fn look(&mut self, cut: Cut) {
        let Some(at) = self.rows.iter().position(|row| !row.ended()) else { return };
        let (release, orders) = (self.rows[at].release.clone(), self.rows[at].orders.clone());
        let before = self.rows[at].state.clone().unwrap_or_else(|| self.rows[at].spec.begin());
        let service = self.target.0.clone();
        let mut seen = observe(&service, &release, self.now);
        let (mut after, mut actions) = step(before.clone(), &orders, &seen);
        if actions.contains(&Action::Prepare) {
            let health = if self.dice.roll(3) == 0 { Health::Starting } else { Health::Ready };
            if let Err(TargetError::Refused(why)) = self.target.prepare(&release, health) {
                seen.health = Health::Crashing(why);
                (after, actions) = step(before.clone(), &orders, &seen);
            }
            actions.retain(|action| *action != Action::Prepare);
        }
        self.say(|| format!("look: {:?} -> {:?} {actions:?}", before.phase, after.phase));
        let slow_ms = self.rows[at].spec.environment.slow_ms;
        let rest = Frozen { release, slow_ms, seen: service, actions };
        let first = done_first(&rest.actions);
        if cut == Cut::AtOnce {
            // What comes after the row needs the row, and whoever lost the lease writes none.
            if first {
                self.freezes(rest);
            }
            return;
        }
        if first && !self.act(at, &rest) {
            return;
        }
        self.holds();
        if cut == Cut::Half && first {
            return;
        }
        // Meanwhile somebody may say something, or the environment hear of something.
        if !self.calm && self.dice.roll(8) == 0 {
            self.types();
            self.reacts();
        }
        if self.rows[at].state.is_none() || moved(&before, &after) || due(&before, self.now) {
            self.writes_down(at, &before, after);
        }
        self.holds();
        if cut == Cut::Half {
            return self.freezes(rest);
        }
        if !first {
            self.act(at, &rest);
        }
    }

    fn writes_down(&mut self, at: usize, before: &Rollout, after: Rollout) {
        let seed = self.seed;
        let row = &mut self.rows[at];
        assert!(!row.ended(), "seed {seed}: rollout {} ended twice", row.number);
        assert!(
            rank(&after.phase) >= rank(&before.phase),
            "seed {seed}: {:?} came after {:?}",
            after.phase,
            before.phase
        );
        if let Some(news) = told(before, &after) {
            self.mail.push_back(Event::Rollout { number: row.number, news });
        }
        if after.ended() == Some(Outcome::Live) {
            self.truth = Some((row.spec.version.sha.clone(), row.release.clone()));
        }
        row.state = Some(after);
    }

    fn act(&mut self, at: usize, todo: &Frozen) -> bool {
        for action in &todo.actions {
            let before = self.target.share(&todo.release);
            let done = act(&mut self.target, todo, *action);
            self.say(|| format!("  {action:?}: {done:?}"));
            let after = self.target.share(&todo.release);
            if *action == Action::Probe {
                self.rows[at].requests += 1;
            }
            if after > before && matches!(action, Action::Write(_)) {
                self.rose(at, after);
            }
            match done {
                Err(TargetError::Stale(_) | TargetError::Refused(_)) if matches!(action, Action::Write(_)) => {}
                Err(_) => return false,
                Ok(()) => {}
            }
        }
        true
    }

    fn freezes(&mut self, todo: Frozen) {
        if self.dice.roll(2) == 0 {
            self.frozen = Some(todo);
        }
    }

    /// A watcher that lost its lease does what it was about to do. It can write nothing down.
    fn wakes(&mut self) {
        let Some(todo) = self.frozen.take() else { return };
        let Some(at) = self.rows.iter().rposition(|row| row.release == todo.release) else { return };
        self.say(|| "a frozen watcher wakes".to_owned());
        self.act(at, &todo);
        self.holds();
    }
}

/// What `worker::watch` makes of a service.
fn observe(service: &Service, release: &str, now: i64) -> Observation {
    let slot = service.slot_of(release);
    let weight = slot.map(|slot| match (service.split.stable, service.split.candidate) {
        (Some(stable), _) if stable == slot => Weight::ALL,
        (_, Some(candidate)) if candidate == slot => Weight::of(service.split.weight),
        _ => Weight::ZERO,
    });
    let counts = |release: &str| service.counts.get(release).copied().unwrap_or_default();
    let stable = service.split.stable.and_then(|slot| service.slots.get(&slot));
    let health = slot.and_then(|slot| service.slots.get(&slot)).map(|held| held.health.clone());
    Observation {
        now,
        weight,
        boot: service.boot.clone(),
        health: health.unwrap_or(Health::Starting),
        candidate: counts(release),
        stable: stable
            .filter(|held| held.release != release)
            .map_or_else(Counts::default, |held| counts(&held.release)),
        probed: service.probed,
        slow_ms: service.split.slow_ms,
    }
}

/// What `worker::watch` does to the host.
fn act(target: &mut Target, todo: &Frozen, action: Action) -> Result<(), TargetError> {
    let (seen, salt, slow_ms) = (&todo.seen, String::new(), todo.slow_ms);
    let Some(slot) = seen.slot_of(&todo.release) else { return Ok(()) };
    let stable = seen.split.stable == Some(slot);
    match action {
        Action::Write(weight) if !stable => {
            let (stable, weight) = (seen.split.stable, weight.basis_points());
            let split = Split { stable, candidate: Some(slot), weight, salt, slow_ms };
            target.split(seen.generation, split)
        }
        Action::Adopt => {
            if !stable {
                target
                    .split(seen.generation, Split { stable: Some(slot), candidate: None, weight: 0, salt, slow_ms })?;
            }
            target.retire(slot.other())
        }
        Action::Probe => {
            target.probe();
            Ok(())
        }
        Action::Retire if !stable => target.retire(slot),
        Action::Prepare | Action::Write(_) | Action::Retire => Ok(()),
    }
}

fn rank(phase: &Phase) -> u8 {
    match phase {
        Phase::Preparing => 0,
        Phase::Baking => 1,
        Phase::Warm => 2,
        Phase::Ending(_) => 3,
        Phase::Done(_) => 4,
    }
}
