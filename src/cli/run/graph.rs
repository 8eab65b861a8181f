//! Which pipeline may start next, and which never can.

use anyhow::bail;

use crate::domain::project::{self, Call, Pipeline, Project};

/// The pipelines that were asked for, with all they need.
pub struct Graph {
    nodes: Vec<Node>,
    started: i64,
}

struct Node {
    pipeline: Pipeline,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Passed,
    Failed,
}

impl Graph {
    /// The named pipelines, all when none is named, and what they need.
    ///
    /// # Errors
    /// A name that is not in the file.
    pub fn new(project: &Project, wanted: &[String]) -> anyhow::Result<Graph> {
        let known: Vec<&str> = project.pipelines.iter().map(|p| p.name.as_str()).collect();
        let mut names: Vec<String> =
            if wanted.is_empty() { known.iter().map(|n| (*n).to_owned()).collect() } else { wanted.to_vec() };
        let mut nodes: Vec<Node> = Vec::new();
        let mut at = 0;
        while at < names.len() {
            let Some(pipeline) = project.pipeline(&names[at]) else {
                bail!("there is no pipeline `{}` in fairway.toml; there is: {}", names[at], known.join(", "));
            };
            let new: Vec<String> = pipeline.needs.iter().filter(|n| !names.contains(n)).cloned().collect();
            names.extend(new);
            nodes.push(Node { pipeline: pipeline.into_owned(), state: State::Waiting });
            at += 1;
        }
        let sorted = project::order(&project.pipelines)
            .map_err(|cycle| anyhow::anyhow!("needs go in a circle: {}", cycle.0.join(", ")))?;
        nodes.sort_by_key(|node| sorted.iter().position(|p| p.name == node.pipeline.name).unwrap_or(usize::MAX));
        Ok(Graph { nodes, started: 0 })
    }

    /// One whose needs passed; it counts as running from now on.
    pub fn next(&mut self) -> Option<Pipeline> {
        let ready = (0..self.nodes.len()).find(|&i| self.waiting(i) && self.unmet(i).is_none() && self.met(i))?;
        self.nodes[ready].state = State::Running;
        self.started += 1;
        Some(self.nodes[ready].pipeline.clone())
    }

    /// How many have been started.
    pub fn started(&self) -> i64 {
        self.started
    }

    /// Whether more than one may run, so that a line has to say whose it is.
    pub fn several(&self) -> bool {
        self.nodes.len() > 1 || self.nodes.iter().any(|node| node.pipeline.call() == Some(Call::Checks))
    }

    /// Those that can no longer start, each with the need that did not pass.
    pub fn never(&mut self) -> Vec<(String, String)> {
        let mut told = Vec::new();
        while let Some((i, need)) =
            (0..self.nodes.len()).filter(|&i| self.waiting(i)).find_map(|i| Some((i, self.unmet(i)?)))
        {
            self.nodes[i].state = State::Failed;
            told.push((self.nodes[i].pipeline.name.clone(), need));
        }
        told
    }

    /// Notes an end, and the checks that it found.
    pub fn finished(&mut self, pipeline: &Pipeline, (passed, found): (bool, &[String])) {
        let state = if passed { State::Passed } else { State::Failed };
        self.nodes.iter_mut().filter(|n| n.pipeline.name == pipeline.name).for_each(|n| n.state = state);
        if pipeline.call() == Some(Call::Checks) {
            let new = found.iter().map(|name| pipeline.for_check(name));
            self.nodes.extend(new.map(|pipeline| Node { pipeline, state: State::Waiting }));
        }
    }

    /// Whether one did not pass.
    pub fn failed(&self) -> bool {
        self.nodes.iter().any(|node| node.state == State::Failed)
    }

    fn waiting(&self, i: usize) -> bool {
        self.nodes[i].state == State::Waiting
    }

    /// The nodes that a node needs; the checks that a need found are part of it.
    fn needs(&self, i: usize) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |other| {
            self.nodes[i].pipeline.needs.iter().any(|need| project::means(need, &other.pipeline.name))
        })
    }

    fn met(&self, i: usize) -> bool {
        self.needs(i).all(|need| need.state == State::Passed)
    }

    fn unmet(&self, i: usize) -> Option<String> {
        self.needs(i).find(|need| need.state == State::Failed).map(|need| need.pipeline.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(file: &str, wanted: &[&str]) -> Graph {
        let wanted: Vec<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
        Graph::new(&project::parse(file).expect("a file"), &wanted).expect("a graph")
    }

    fn drain(graph: &mut Graph) -> Vec<Pipeline> {
        std::iter::from_fn(|| graph.next()).collect()
    }

    fn names(pipelines: &[Pipeline]) -> Vec<&str> {
        pipelines.iter().map(|p| p.name.as_str()).collect()
    }

    const FILE: &str = "[pipeline.image]\nneeds = ['test', 'lint']\nrun = ['x']\n[pipeline.test]\nrun = ['x']\n[pipeline.lint]\nrun = ['x']\n[pipeline.docs]\nrun = ['x']\n";

    #[test]
    fn what_is_independent_starts_at_once_and_what_needs_waits() {
        let mut graph = graph(FILE, &["image"]);
        let first = drain(&mut graph);
        assert_eq!(names(&first), ["test", "lint"]);
        graph.finished(&first[0], (true, &[]));
        assert_eq!(names(&drain(&mut graph)), Vec::<&str>::new());
        graph.finished(&first[1], (true, &[]));
        assert_eq!(names(&drain(&mut graph)), ["image"]);
    }

    #[test]
    fn what_needs_a_failure_is_never_run() {
        let mut graph = graph(FILE, &[]);
        let first = drain(&mut graph);
        graph.finished(&first[0], (false, &[]));
        assert_eq!(graph.never(), [("image".to_owned(), first[0].name.clone())]);
        assert!(graph.failed());
    }

    #[test]
    fn checks_that_are_found_run_and_count_for_what_needs_them() {
        let file = "[pipeline.ci]\ndagger = 'check'\n[pipeline.image]\nneeds = ['ci']\nrun = ['x']\n";
        let mut graph = graph(file, &[]);
        let ci = drain(&mut graph);
        graph.finished(&ci[0], (true, &["lint".to_owned()]));
        let lint = drain(&mut graph);
        assert_eq!(names(&lint), ["ci/lint"]);
        graph.finished(&lint[0], (true, &[]));
        assert_eq!(names(&drain(&mut graph)), ["image"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_are_there() {
        let project = project::parse(FILE).expect("a file");
        let error = Graph::new(&project, &["tset".to_owned()]).map(|_| ()).expect_err("unknown");
        assert_eq!(error.to_string(), "there is no pipeline `tset` in fairway.toml; there is: image, test, lint, docs");
    }
}
