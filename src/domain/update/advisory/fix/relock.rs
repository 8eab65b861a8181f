//! The lock that a set of versions makes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::world::World;
use crate::domain::update::model::{Ecosystem, Found, Locked, Origin};

impl World<'_> {
    /// The lock of a set of items that was found: its packages by name and version, each with what it needs.
    pub(super) fn lock(&mut self, found: &Found, items: &[usize]) -> Vec<Locked> {
        if items.is_empty() {
            return found.locked.clone();
        }
        let (old, new): (Vec<usize>, Vec<usize>) = items.iter().partition(|item| self.items[**item].place.is_some());
        let stays: HashSet<usize> = old.iter().filter_map(|item| self.items[*item].place).collect();
        let mut lock: Vec<Locked> = Vec::new();
        let mut at: HashMap<usize, usize> = HashMap::new();
        let mut sources: Vec<Option<usize>> = Vec::new();
        let by_place: HashMap<usize, usize> =
            self.items.iter().enumerate().filter_map(|(item, one)| Some((one.place?, item))).collect();
        for (place, locked) in found.locked.iter().enumerate() {
            let item = by_place.get(&place).copied();
            if item.is_some() && !stays.contains(&place) {
                continue;
            }
            if let Some(item) = item {
                at.insert(item, lock.len());
            }
            sources.push(item);
            lock.push(locked.clone());
        }
        let file = found.locked.first().map(|one| one.file.clone()).unwrap_or_default();
        for item in new {
            at.insert(item, lock.len());
            sources.push(Some(item));
            lock.push(Locked {
                ecosystem: Ecosystem::Cargo,
                file: file.clone(),
                name: self.text(self.items[item].name).to_owned(),
                version: self.items[item].text.clone(),
                origin: Origin::Registry,
                needs: Vec::new(),
            });
        }
        self.link(found, &mut lock, &sources, &at);
        lock
    }

    fn link(&mut self, found: &Found, lock: &mut [Locked], sources: &[Option<usize>], at: &HashMap<usize, usize>) {
        let same =
            |lock: &[Locked], one: &Locked| lock.iter().position(|l| l.name == one.name && l.version == one.version);
        for (place, source) in sources.iter().enumerate() {
            let mut needs = BTreeSet::new();
            if let Some(item) = source {
                let wanted = self.needs(*item).to_vec();
                for (req, to) in wanted {
                    let kept = to.and_then(|to| at.get(&to));
                    let any = || {
                        at.iter()
                            .filter(|(item, _)| self.meets(req, **item))
                            .max_by_key(|(item, _)| &self.items[**item].version)
                    };
                    needs.extend(kept.or_else(|| any().map(|(_, place)| place)).copied());
                }
            } else {
                // A member of the workspace needs what the manifests require.
                for need in lock[place].needs.clone() {
                    let old = &found.locked[need];
                    let moved = || {
                        let roots = self.roots.iter().filter(|(req, _)| self.text(self.reqs[*req].name) == old.name);
                        let mut met = roots.flat_map(|(req, _)| at.iter().filter(|(item, _)| self.meets(*req, **item)));
                        met.next().map(|(_, place)| *place)
                    };
                    needs.extend(same(lock, old).or_else(moved));
                }
            }
            lock[place].needs = needs.into_iter().collect();
        }
    }
}
