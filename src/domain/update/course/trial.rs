//! What of a group works, found out by halves: the passing rest and the culprits, each alone.

use serde::{Deserialize, Serialize};

/// A commit that holds some units of a group, made on top of the default branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Itself.
    pub sha: String,
    /// The commit of the default branch that it was made from.
    pub base: String,
    /// The digest of all manifests and locks there.
    #[serde(default)]
    pub digest: String,
    /// What the locks have otherwise, by name.
    pub changes: Vec<super::Moved>,
    /// When it was made; Unix milliseconds.
    #[serde(default)]
    pub at: i64,
}

/// Units that passed, and the candidate that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Places in the group.
    pub units: Vec<usize>,
    /// What they were tested in.
    pub candidate: Candidate,
}

/// A unit that did not pass alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// Its place in the group.
    pub unit: usize,
    /// Why, in words.
    pub why: String,
    /// The candidate that it failed in, whose runs have the log; `None`: no client made one.
    pub sha: Option<String>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make a candidate of `now` and test it.
    Try,
    /// These pass together.
    Passed(Proven),
    /// No unit passes.
    Nothing,
}

/// How far a group's units are known to work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Places of the units that are tested now.
    pub now: Vec<usize>,
    /// Sets that are still to be tested, the next one last.
    todo: Vec<Vec<usize>>,
    good: Vec<Proven>,
    /// Those that are out.
    pub culprits: Vec<Culprit>,
    /// Whether `now` is all that passed in parts.
    whole: bool,
    /// Candidates that were tested so far.
    pub tested: u32,
}

impl Trial {
    /// All units at once, as it works mostly.
    pub fn of(units: usize) -> Trial {
        Trial { now: (0..units).collect(), ..Trial::default() }
    }

    /// `now` passed in this candidate.
    pub fn passed(&mut self, candidate: Candidate) -> Next {
        self.tested += 1;
        let proven = Proven { units: std::mem::take(&mut self.now), candidate };
        if self.whole || (self.todo.is_empty() && self.good.is_empty()) {
            return Next::Passed(proven);
        }
        self.good.push(proven);
        self.next()
    }

    /// `now` failed.
    pub fn failed(&mut self, why: &str, sha: Option<&str>) -> Next {
        self.tested += 1;
        let mut units = std::mem::take(&mut self.now);
        let culprit = |unit: usize, why: &str| Culprit { unit, why: why.to_owned(), sha: sha.map(str::to_owned) };
        if self.whole {
            // Each part passes and all of them do not: the smallest part has to wait.
            let smallest = (0..self.good.len()).min_by_key(|at| self.good[*at].units.len());
            if let Some(out) = smallest.map(|at| self.good.remove(at)) {
                let why = format!("it passes alone, and not together with the others: {why}");
                self.culprits.extend(out.units.into_iter().map(|unit| culprit(unit, &why)));
            }
        } else if units.len() <= 1 {
            self.culprits.extend(units.pop().map(|unit| culprit(unit, why)));
        } else {
            let second = units.split_off(units.len() / 2);
            self.todo.push(second);
            self.todo.push(units);
        }
        self.next()
    }

    fn next(&mut self) -> Next {
        if let Some(units) = self.todo.pop() {
            self.now = units;
            return Next::Try;
        }
        match self.good.len() {
            0 => Next::Nothing,
            1 => self.good.pop().map_or(Next::Nothing, Next::Passed),
            _ => {
                self.now = self.good.iter().flat_map(|proven| proven.units.iter().copied()).collect();
                self.now.sort_unstable();
                self.whole = true;
                Next::Try
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a trial of `count` units; `bad` says whether a set fails.
    fn run(count: usize, bad: impl Fn(&[usize]) -> bool) -> (Vec<usize>, Vec<usize>, u32) {
        let mut trial = Trial::of(count);
        let mut passed = Vec::new();
        for _ in 0..100 {
            let now = trial.now.clone();
            let next = if bad(&now) { trial.failed("no", None) } else { trial.passed(Candidate::default()) };
            match next {
                Next::Try => {}
                Next::Nothing => break,
                Next::Passed(proven) => {
                    assert!(!bad(&proven.units), "{:?}", proven.units);
                    passed = proven.units;
                    break;
                }
            }
        }
        let mut out: Vec<usize> = trial.culprits.iter().map(|culprit| culprit.unit).collect();
        out.sort_unstable();
        (passed, out, trial.tested)
    }

    #[test]
    fn what_passes_at_once_is_tested_once() {
        assert_eq!(run(5, |_| false), (vec![0, 1, 2, 3, 4], vec![], 1));
    }

    #[test]
    fn one_of_five_is_found_and_the_others_pass_together() {
        for culprit in 0..5 {
            let (passed, out, tested) = run(5, |set| set.contains(&culprit));
            assert_eq!((passed, out), ((0..5).filter(|unit| *unit != culprit).collect(), vec![culprit]));
            assert!(tested <= 8, "{tested}");
        }
    }

    #[test]
    fn every_set_of_culprits_is_found() {
        for mask in 0_u32..64 {
            let bad = |set: &[usize]| set.iter().any(|unit| mask >> unit & 1 == 1);
            let (passed, out, _) = run(6, bad);
            let expected: Vec<usize> = (0..6).filter(|unit| mask >> unit & 1 == 1).collect();
            assert_eq!(out, expected);
            assert_eq!(passed, (0..6).filter(|unit| mask >> unit & 1 == 0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn two_that_only_fail_together_do_not_lose_all() {
        let (passed, out, _) = run(4, |set| set.contains(&0) && set.contains(&3));
        assert!(passed.len() >= 2, "{passed:?}");
        assert_eq!(passed.len() + out.len(), 4);
    }
}
