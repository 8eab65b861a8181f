//! One look, one step: what was seen and said gives where the rollout stands and what is to be done.

use super::bound::{enough_at, within};
use super::judge::{Evidence, Interval, LIMIT, WARM_LIMIT, convicts};
use super::machine::{
    Action, Counts, Health, Looked, Observation, Outcome, Phase, Probed, Rollout, Steer, Undecided, Why,
};
use super::weight::Weight;

/// More time than this never passes between two looks, whatever the clock says.
const LONGEST_MS: i64 = 10_000;
/// A candidate that is not ready after this long never will be.
const PREPARE_MS: i64 = 120_000;
/// Probes that fail in a row before a candidate is taken back.
const PROBES: u32 = 3;
/// The candidate's rate may at most be this much above stable's, as far as can be told.
const WITHIN: f64 = 0.05;

/// Takes a look and everything that people have said so far.
pub fn step(mut rollout: Rollout, orders: &[Steer], seen: &Observation) -> (Rollout, Vec<Action>) {
    if rollout.ended().is_some() {
        return (rollout, Vec::new());
    }
    let stays = rollout.phase == Phase::Ending(Outcome::Live);
    absorb(&mut rollout, seen);
    for order in orders.iter().skip(rollout.heard) {
        obey(&mut rollout, order, seen.now);
    }
    rollout.heard = rollout.heard.max(orders.len());
    watch(&mut rollout, seen);
    go_on(&mut rollout, seen);
    let actions = if stays { adopt(&mut rollout) } else { act(&mut rollout, seen) };
    (rollout, actions)
}

/// Adds what happened since the last look.
fn absorb(rollout: &mut Rollout, seen: &Observation) {
    let weight = seen.weight.unwrap_or_default();
    let (passed, candidate, stable, before) = match &rollout.looked {
        None => (0, Counts::default(), Counts::default(), weight),
        Some(old) => {
            let passed = (seen.now - old.at).clamp(0, LONGEST_MS);
            // A proxy that began a new life counts from nothing.
            let zero = Counts::default();
            let (c, s) = if old.boot == seen.boot { (old.candidate, old.stable) } else { (zero, zero) };
            (passed, seen.candidate.since(c), seen.stable.since(s), old.weight)
        }
    };
    let both = before == weight && weight > Weight::ZERO && weight < Weight::ALL;
    rollout.candidate = rollout.candidate.and(candidate);
    if rollout.full_at.is_none() {
        rollout.stable = rollout.stable.and(stable);
    }
    let all = candidate.requests.saturating_add(stable.requests);
    // While the share changed, what each was really given says more than either share.
    let share = if both { weight.share() } else { candidate.requests as f64 / (all.max(1)) as f64 };
    rollout.evidence = rollout.evidence.and(Interval { candidate: candidate.bad, stable: stable.bad, share });
    if rollout.first_traffic_at.is_some() {
        rollout.age_ms += passed;
    }
    // What was on its way there is not there yet, however long that took.
    if before == weight && weight == rollout.target {
        rollout.stayed_ms += passed;
        rollout.here = rollout.here.and(candidate);
        rollout.here_stable = rollout.here_stable.and(stable);
    }
    let old = rollout.looked.as_ref().filter(|old| old.boot == seen.boot).map(|old| old.probed).unwrap_or_default();
    absorb_probes(rollout, (old, seen.probed));
    rollout.exposure = rollout.exposure.saturating_add(i64::from(before.basis_points()) * passed);
    rollout.most = rollout.most.max(weight);
    if weight > Weight::ZERO && rollout.first_traffic_at.is_none() {
        rollout.first_traffic_at = Some(seen.now);
    }
    let sick = matches!(seen.health, Health::Failing(_) | Health::Crashing(_));
    if (sick || candidate.bad > 0) && rollout.first_traffic_at.is_some() {
        rollout.bad_since.get_or_insert(seen.now);
    }
    let Observation { now, boot, probed, .. } = seen.clone();
    let (candidate, stable) = (seen.candidate, seen.stable);
    rollout.looked = Some(Looked { at: now, boot, candidate, stable, weight, probed });
}

/// Both were asked as often, whatever their shares of the traffic are.
fn absorb_probes(rollout: &mut Rollout, (old, new): (Probed, Probed)) {
    if rollout.looked.is_none() || rollout.phase != Phase::Baking {
        return;
    }
    let (candidate, stable) = (new.candidate.since(old.candidate), new.stable.since(old.stable));
    rollout.probes = rollout.probes.saturating_add(candidate.requests);
    rollout.evidence = rollout.evidence.and(Interval { candidate: candidate.bad, stable: stable.bad, share: 0.5 });
    for (counts, more) in [
        (&mut rollout.candidate, candidate),
        (&mut rollout.here, candidate),
        (&mut rollout.stable, stable),
        (&mut rollout.here_stable, stable),
    ] {
        *counts = counts.and(more);
    }
}

fn obey(rollout: &mut Rollout, order: &Steer, now: i64) {
    let baking = rollout.phase == Phase::Baking;
    match order {
        // The rest of the traffic would go nowhere.
        Steer::Weight(_) if !rollout.plan.base => {}
        Steer::Abort { reason, by } if !matches!(rollout.phase, Phase::Ending(_) | Phase::Done(_)) => {
            let traffic = rollout.first_traffic_at.is_some();
            let outcome = if traffic { Outcome::AbortedManual } else { Outcome::Cancelled };
            take_back(rollout, (outcome, Why::Asked { by: by.clone(), reason: reason.clone() }), now);
        }
        Steer::Pause if baking || rollout.phase == Phase::Preparing => rollout.paused = true,
        Steer::Resume => {
            rollout.paused = false;
            rollout.plan.hold_at = None;
        }
        Steer::Promote => {
            rollout.paused = false;
            rollout.plan.hold_at = None;
            // Who says it while the share is still on its way means that one: two at once are one stage, not two.
            if baking && rollout.looked.as_ref().is_some_and(|looked| looked.weight == rollout.target) {
                enter_next(rollout);
            }
        }
        Steer::Weight(weight) if baking => {
            rollout.plan.hold_at = Some(*weight);
            by_hand(rollout, *weight);
        }
        Steer::Weight(weight) if rollout.phase == Phase::Preparing => rollout.plan.hold_at = Some(*weight),
        _ => {}
    }
}

fn take_back(rollout: &mut Rollout, (outcome, why): (Outcome, Why), now: i64) {
    rollout.failed_at = Some(now);
    rollout.why = why;
    rollout.target = Weight::ZERO;
    rollout.phase = Phase::Ending(outcome);
}

/// The judge and the probes look in every state that has a candidate, also while people hold it.
fn watch(rollout: &mut Rollout, seen: &Observation) {
    let sick = match &seen.health {
        Health::Crashing(words) => Some(words.clone()),
        Health::Failing(n) if *n >= PROBES => Some(format!("{n} health probes in a row failed")),
        _ => None,
    };
    match rollout.phase {
        Phase::Preparing => {
            // Nobody is served by it yet, so the time is its own: it has no age.
            let waited = rollout.stayed_ms >= PREPARE_MS;
            let why = match (&seen.health, sick) {
                (Health::Crashing(_), Some(words)) => Some(words),
                (Health::Ready, _) => None,
                _ if waited => Some(format!("it was not ready after {} s", PREPARE_MS / 1_000)),
                _ => None,
            };
            if let Some(words) = why {
                take_back(rollout, (Outcome::FailedBeforeTraffic, Why::NeverReady(words)), seen.now);
            }
        }
        Phase::Baking | Phase::Warm => {
            let why = sick.map(Why::Sick).or_else(|| worse(rollout));
            if let Some(why) = why.filter(|_| rollout.plan.base && !rollout.plan.irreversible) {
                take_back(rollout, (Outcome::AbortedAuto, why), seen.now);
            }
        }
        Phase::Ending(_) | Phase::Done(_) => {}
    }
}

/// What the judge says. A version that was live before is not judged: there is nowhere else to go.
fn worse(rollout: &Rollout) -> Option<Why> {
    if rollout.plan.back {
        return None;
    }
    let pair = |counts: Counts| (counts.bad, counts.requests);
    let (evidence, limit) = rollout.judged();
    let candidate = if rollout.phase == Phase::Warm { rollout.here } else { rollout.candidate };
    let at = rollout.looked.as_ref().map_or(rollout.target, |looked| looked.weight);
    convicts(evidence, limit, pair(candidate), pair(rollout.stable)).then_some(Why::Worse { evidence, limit, at })
}

impl Rollout {
    /// Requests that it still wants where it is before it may go on, if none of them fails; `None` when that cannot be told.
    pub fn wanted(&self) -> Option<u64> {
        let Counts { requests, bad } = self.here_stable;
        let stable = if requests == 0 { 0.0 } else { bad as f64 / requests as f64 };
        Some(enough_at(self.here.bad, stable + WITHIN)?.saturating_sub(self.here.requests))
    }

    /// The evidence against the candidate, and from where on it is enough.
    pub fn judged(&self) -> (f64, f64) {
        if self.full_at.is_some() { (against_history(self), WARM_LIMIT) } else { (self.evidence.value(), LIMIT) }
    }
}

/// After the last stage: what it answers now beside what stable answered until then.
fn against_history(rollout: &Rollout) -> f64 {
    let (new, old) = (rollout.here, rollout.stable);
    let all = new.requests.saturating_add(old.requests);
    if old.requests == 0 || all == 0 {
        return 0.0;
    }
    let share = new.requests as f64 / all as f64;
    Evidence::default().and(Interval { candidate: new.bad, stable: old.bad, share }).value()
}

fn go_on(rollout: &mut Rollout, seen: &Observation) {
    match rollout.phase {
        Phase::Preparing if seen.health == Health::Ready && !rollout.paused => {
            rollout.phase = Phase::Baking;
            match rollout.plan.hold_at {
                Some(weight) => by_hand(rollout, weight),
                None => enter_next(rollout),
            }
        }
        Phase::Baking if rollout.target == Weight::ALL && seen.weight == Some(Weight::ALL) => {
            rollout.full_at = Some(seen.now);
            rollout.phase = Phase::Warm;
            rollout.bad_since = None;
            arrive(rollout);
        }
        Phase::Baking if rollout.target == Weight::ALL => {}
        Phase::Baking => bake(rollout, seen),
        Phase::Warm if rollout.stayed_ms >= rollout.plan.watch_ms => rollout.phase = Phase::Ending(Outcome::Live),
        _ => {}
    }
}

fn bake(rollout: &mut Rollout, seen: &Observation) {
    if seen.weight != Some(rollout.target) {
        return;
    }
    let late = rollout.stayed_ms >= rollout.plan.stage_max_ms.max(rollout.stay_ms);
    let enough = enough(rollout);
    let holds = rollout.paused || rollout.plan.hold_at.is_some();
    rollout.undecided = late && !enough && !holds;
    if holds || rollout.stayed_ms < rollout.stay_ms {
        return;
    }
    if enough || (late && rollout.plan.undecided == Undecided::Advance) {
        enter_next(rollout);
    }
}

/// Whether it is known well enough where it is: at worst it is this little worse than stable.
fn enough(rollout: &Rollout) -> bool {
    if rollout.plan.back {
        return true;
    }
    let Counts { requests, bad } = rollout.here_stable;
    let stable = if requests == 0 { 0.0 } else { bad as f64 / requests as f64 };
    // Beside a stable that always fails anything would do, even a candidate that nobody asked yet.
    rollout.here.requests > 0 && within(rollout.here.bad, rollout.here.requests, stable + WITHIN)
}

fn enter_next(rollout: &mut Rollout) {
    let Some(stage) = rollout.plan.stages.get(rollout.next).copied() else { return };
    rollout.next += 1;
    rollout.target = stage.weight;
    rollout.stay_ms = stage.stay_ms;
    arrive(rollout);
}

/// A share by hand. The stages go on from there: the next one is the first that is larger.
fn by_hand(rollout: &mut Rollout, weight: Weight) {
    let next = rollout.plan.stages.iter().position(|stage| stage.weight > weight);
    rollout.next = next.unwrap_or(rollout.plan.stages.len());
    rollout.target = weight;
    rollout.stay_ms = 0;
    arrive(rollout);
}

fn arrive(rollout: &mut Rollout) {
    rollout.stayed_ms = 0;
    rollout.undecided = false;
    rollout.here = Counts::default();
    rollout.here_stable = Counts::default();
}

/// The old version may go. That it stays was written down at the look before: nobody takes it back any more.
fn adopt(rollout: &mut Rollout) -> Vec<Action> {
    rollout.phase = Phase::Done(Outcome::Live);
    vec![Action::Adopt]
}

/// What lies between what is and what should be.
fn act(rollout: &mut Rollout, seen: &Observation) -> Vec<Action> {
    match rollout.phase {
        Phase::Ending(Outcome::Live) => Vec::new(),
        Phase::Ending(outcome) => match seen.weight {
            Some(weight) if weight > Weight::ZERO => vec![Action::Write(Weight::ZERO)],
            _ => {
                rollout.phase = Phase::Done(outcome);
                vec![Action::Retire]
            }
        },
        Phase::Preparing | Phase::Baking | Phase::Warm => match seen.weight {
            // The proxy does not have the candidate yet, or any more: that comes before anything else.
            None => vec![Action::Prepare],
            Some(weight) if weight != rollout.target => vec![Action::Write(rollout.target)],
            Some(_) if rollout.asks() && rollout.plan.undecided == Undecided::Probe => vec![Action::Probe],
            Some(_) => Vec::new(),
        },
        Phase::Done(_) => Vec::new(),
    }
}
