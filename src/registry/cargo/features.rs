//! Which features of a crate bring which of its optional dependencies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

type Features = HashMap<String, Vec<String>>;

/// For each of these dependencies, by the names that the manifest has for them, the features that bring it, also through
/// others. A feature for a dependency alone has its name, unless `dep:` names that dependency somewhere.
pub fn by(optional: &[&str], features: [&str; 2]) -> BTreeMap<String, Vec<String>> {
    let mut all = Features::new();
    for text in features {
        all.extend(serde_json::from_str::<Features>(text).unwrap_or_default());
    }
    let mut from: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut hidden: BTreeSet<&str> = BTreeSet::new();
    for (feature, brings) in &all {
        for brought in brings {
            hidden.extend(brought.strip_prefix("dep:"));
            let plain = brought.strip_prefix("dep:").unwrap_or(brought);
            match plain.split_once('/') {
                // Only if something else brings it.
                Some((name, _)) if name.ends_with('?') => {}
                Some((name, _)) => from.entry(name).or_default().push(feature),
                None => from.entry(plain).or_default().push(feature),
            }
        }
    }
    let bringing = |name: &&str| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        seen.extend(Some(*name).filter(|name| !hidden.contains(name)));
        let mut open = vec![*name];
        while let Some(at) = open.pop() {
            open.extend(from.get(at).into_iter().flatten().copied().filter(|feature| seen.insert(feature)));
        }
        ((*name).to_owned(), seen.into_iter().map(str::to_owned).collect())
    };
    optional.iter().map(bringing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_brought_by_features_of_features() {
        let features = r#"{"default":["net"],"net":["mio/os-poll","dep:socket2"],"log":["tracing?/std"]}"#;
        let by = by(&["mio", "socket2", "tracing", "bytes"], [features, r#"{"full":["net","bytes"]}"#]);
        let said: Vec<String> = by.iter().map(|(name, by)| format!("{name}: {}", by.join(" "))).collect();
        assert_eq!(
            said,
            ["bytes: bytes full", "mio: default full mio net", "socket2: default full net", "tracing: tracing"]
        );
    }

    #[test]
    fn features_in_a_circle_or_none_are_no_harm() {
        assert_eq!(by(&["x"], [r#"{"a":["b"],"b":["a","x"]}"#, "no object"])["x"], ["a", "b", "x"]);
    }
}
