//! One look, one step: what was seen and said gives where the rollout stands and what is to be done.

use super::bound::{enough_at, within};
use super::counts::{Counts, Probed, Signal};
use super::judge::{Evidence, Interval, LIMIT, WARM_LIMIT, convicts};
use super::machine::{Action, Health, Looked, Observation, Outcome, Phase, Rollout, Steer, Undecided, Why};
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
    let all = candidate.requests.saturating_add(stable.requests);
    // While the share changed, what each was really given says more than either share.
    let share = if both { weight.share() } else { candidate.requests as f64 / (all.max(1)) as f64 };
    let timed = timed(rollout, seen);
    weigh(rollout, ((candidate, stable), share), timed);
    if rollout.first_traffic_at.is_some() {
        rollout.age_ms += passed;
    }
    // What was on its way there is not there yet, however long that took.
    let there = before == weight && weight == rollout.target;
    if there {
        rollout.stayed_ms += passed;
    }
    add(rollout, (candidate, stable), (there, timed));
    let old = rollout.looked.as_ref().filter(|old| old.boot == seen.boot).map(|old| old.probed).unwrap_or_default();
    absorb_probes(rollout, (old, seen.probed), timed);
    rollout.exposure = rollout.exposure.saturating_add(i64::from(before.basis_points()) * passed);
    rollout.most = rollout.most.max(weight);
    if weight > Weight::ZERO && rollout.first_traffic_at.is_none() {
        rollout.first_traffic_at = Some(seen.now);
    }
    let sick = matches!(seen.health, Health::Failing(_) | Health::Crashing(_));
    if (sick || candidate.bad > 0) && rollout.first_traffic_at.is_some() {
        rollout.bad_since.get_or_insert(seen.now);
    }
    if timed && candidate.slow > 0 && rollout.first_traffic_at.is_some() {
        rollout.timed.since.get_or_insert(seen.now);
    }
    let Observation { now, boot, probed, slow_ms, .. } = seen.clone();
    let (candidate, stable) = (seen.candidate, seen.stable);
    rollout.looked = Some(Looked { at: now, boot, candidate, stable, weight, probed, slow_ms });
}

/// Whether all answers since the last look were timed, by the bound that the plan goes by.
fn timed(rollout: &Rollout, seen: &Observation) -> bool {
    let bound = rollout.plan.slow_ms;
    bound.is_some() && seen.slow_ms == bound && rollout.looked.as_ref().is_some_and(|old| old.slow_ms == bound)
}

/// What came since the last look, as evidence: both versions' counts, and the candidate's share of the traffic.
fn weigh(rollout: &mut Rollout, ((candidate, stable), share): ((Counts, Counts), f64), timed: bool) {
    let of = |signal| Interval { candidate: candidate.against(signal), stable: stable.against(signal), share };
    rollout.evidence = rollout.evidence.and(of(Signal::Bad));
    if timed {
        rollout.timed.evidence = rollout.timed.evidence.and(of(Signal::Slow));
    }
}

/// Adds it up: since the beginning, and where it is, if it was `there` all the while.
fn add(rollout: &mut Rollout, (candidate, stable): (Counts, Counts), (there, timed): (bool, bool)) {
    let slow = &mut rollout.timed;
    let slow = [&mut slow.candidate, &mut slow.stable, &mut slow.here, &mut slow.here_stable];
    let all = [&mut rollout.candidate, &mut rollout.stable, &mut rollout.here, &mut rollout.here_stable];
    let full = rollout.full_at.is_some();
    for [own, others, here, others_here] in [Some(all), timed.then_some(slow)].into_iter().flatten() {
        *own = own.and(candidate);
        if !full {
            *others = others.and(stable);
        }
        if there {
            *here = here.and(candidate);
            *others_here = others_here.and(stable);
        }
    }
}

/// Both were asked as often, whatever their shares of the traffic are.
fn absorb_probes(rollout: &mut Rollout, (old, new): (Probed, Probed), timed: bool) {
    if rollout.looked.is_none() || rollout.phase != Phase::Baking {
        return;
    }
    let both = (new.candidate.since(old.candidate), new.stable.since(old.stable));
    rollout.probes = rollout.probes.saturating_add(both.0.requests);
    weigh(rollout, (both, 0.5), timed);
    add(rollout, both, (true, timed));
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
    let at = rollout.looked.as_ref().map_or(rollout.target, |looked| looked.weight);
    rollout.signals().find_map(|signal| {
        let (evidence, limit) = rollout.judged(signal);
        let (candidate, stable) = rollout.compared(signal);
        let pair = |counts: Counts| (counts.against(signal), counts.requests);
        let enough = convicts(evidence, limit, pair(candidate), pair(stable));
        enough.then_some(Why::Worse { signal, evidence, limit, at })
    })
}

impl Rollout {
    /// What it is judged by.
    pub fn signals(&self) -> impl Iterator<Item = Signal> + use<> {
        std::iter::once(Signal::Bad).chain(self.plan.slow_ms.map(|_| Signal::Slow))
    }

    /// Requests that it still wants where it is before it may go on, if none of them speaks against it; `None` when that
    /// cannot be told.
    pub fn wanted(&self) -> Option<u64> {
        let mut most = 0;
        for signal in self.signals() {
            let (candidate, stable) = self.here(signal);
            let enough = enough_at(candidate.against(signal), stable.rate(signal) + WITHIN)?;
            most = most.max(enough.saturating_sub(candidate.requests));
        }
        Some(most)
    }

    /// The evidence against the candidate by one signal, and from where on it is enough. Each of two has half of the
    /// false alarms that one alone may raise.
    pub fn judged(&self, signal: Signal) -> (f64, f64) {
        let signals = self.signals().count() as f64;
        match (self.full_at, signal) {
            (Some(_), _) => (against_history(self.compared(signal), signal), WARM_LIMIT * signals),
            (None, Signal::Bad) => (self.evidence.value(), LIMIT * signals),
            (None, Signal::Slow) => (self.timed.evidence.value(), LIMIT * signals),
        }
    }

    /// What is compared by a signal: both versions since the candidate has traffic. Once it has everything, what it
    /// answers since then beside what stable answered until then.
    pub fn compared(&self, signal: Signal) -> (Counts, Counts) {
        match (self.full_at, signal) {
            (None, Signal::Bad) => (self.candidate, self.stable),
            (None, Signal::Slow) => (self.timed.candidate, self.timed.stable),
            (Some(_), Signal::Bad) => (self.here, self.stable),
            (Some(_), Signal::Slow) => (self.timed.here, self.timed.stable),
        }
    }

    /// The candidate and stable where it is now, by a signal.
    pub fn here(&self, signal: Signal) -> (Counts, Counts) {
        match signal {
            Signal::Bad => (self.here, self.here_stable),
            Signal::Slow => (self.timed.here, self.timed.here_stable),
        }
    }

    /// Whether answers should be timed and are not: the host is older than this, or goes by another bound.
    pub fn untimed(&self) -> bool {
        let bound = self.plan.slow_ms;
        let looked = self.looked.as_ref().filter(|looked| looked.weight > Weight::ZERO);
        bound.is_some() && looked.is_some_and(|looked| looked.slow_ms != bound)
    }
}

/// After the last stage: what it answers now beside what stable answered until then.
fn against_history((new, old): (Counts, Counts), signal: Signal) -> f64 {
    let all = new.requests.saturating_add(old.requests);
    if old.requests == 0 || all == 0 {
        return 0.0;
    }
    let share = new.requests as f64 / all as f64;
    let (candidate, stable) = (new.against(signal), old.against(signal));
    Evidence::default().and(Interval { candidate, stable, share }).value()
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
            (rollout.bad_since, rollout.timed.since) = (None, None);
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

/// Whether it is known well enough where it is: at worst it is this little worse than stable, by every signal. What nobody
/// measured is not known.
fn enough(rollout: &Rollout) -> bool {
    let known = |signal: Signal| {
        let (candidate, stable) = rollout.here(signal);
        // Beside a stable that always fails anything would do, even a candidate that nobody asked yet.
        candidate.requests > 0 && within(candidate.against(signal), candidate.requests, stable.rate(signal) + WITHIN)
    };
    rollout.plan.back || rollout.signals().all(known)
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
    let timed = &mut rollout.timed;
    for here in [&mut rollout.here, &mut rollout.here_stable, &mut timed.here, &mut timed.here_stable] {
        *here = Counts::default();
    }
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
