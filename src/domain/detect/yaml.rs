//! YAML as a tree with lines. Aliases are taken at their word only as long as the tree stays small.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// A larger tree is refused; real workflows have a few thousand nodes.
const MAX_NODES: usize = 50_000;
/// Deeper than this nobody writes.
const MAX_DEPTH: usize = 50;

/// A value and where it begins.
#[derive(Clone, Debug)]
pub struct Node {
    pub line: u32,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; keys that are no plain text are left out.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The values of a map; none of anything else.
    pub fn entries(&self) -> &[(String, Node)] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The values of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The text under a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    /// One text, the texts of a list, or the keys of a map.
    pub fn words(&self) -> Vec<&str> {
        match &self.value {
            Value::Text(text) => vec![text],
            Value::List(items) => items.iter().filter_map(Node::text).collect(),
            Value::Map(entries) => entries.iter().map(|(key, _)| key.as_str()).collect(),
        }
    }
}

/// A container that is still open.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<String>,
    /// Whether a key was read, though it may be one that is left out.
    keyed: bool,
}

/// The first document. On failure the line that cannot be read, where it is known.
pub fn parse(text: &str) -> Result<Node, Option<u32>> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Some(to_u32(error.marker().line())))?;
        let line = to_u32(span.start.line());
        match event {
            Event::DocumentEnd => break,
            Event::Scalar(text, _, anchor, _) => {
                reader.closed(Node { line, value: Value::Text(text.into_owned()) }, anchor, line)?;
            }
            Event::SequenceStart(anchor, _) => reader.open(Value::List(Vec::new()), anchor, line)?,
            Event::MappingStart(anchor, _) => reader.open(Value::Map(Vec::new()), anchor, line)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = reader.stack.pop() {
                    reader.closed(open.node, open.anchor, line)?;
                }
            }
            Event::Alias(anchor) => {
                let node = reader.anchors.get(&anchor).cloned().ok_or(Some(line))?;
                reader.count += size(&node);
                reader.closed(node, 0, line)?;
            }
            _ => {}
        }
    }
    reader.root.ok_or(None)
}

#[derive(Default)]
struct Reader {
    stack: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    count: usize,
}

impl Reader {
    fn open(&mut self, value: Value, anchor: usize, line: u32) -> Result<(), Option<u32>> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Some(line));
        }
        self.stack.push(Open { node: Node { line, value }, anchor, key: None, keyed: false });
        Ok(())
    }

    fn closed(&mut self, node: Node, anchor: usize, line: u32) -> Result<(), Option<u32>> {
        self.count += 1;
        if self.count > MAX_NODES {
            return Err(Some(line));
        }
        if anchor > 0 {
            self.count += size(&node);
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) if open.keyed => {
                open.keyed = false;
                entries.extend(open.key.take().map(|key| (key, node)));
            }
            Value::Map(_) => {
                open.keyed = true;
                open.key = node.text().map(str::to_owned);
            }
            Value::Text(_) => {}
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Text(_) => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_keeps_its_lines() {
        let root = parse("on: [push]\njobs:\n  test:\n    steps:\n      - run: |\n          make\n").expect("valid");
        assert_eq!(root.get("on").map(Node::words), Some(vec!["push"]));
        let steps = root.get("jobs").and_then(|jobs| jobs.get("test")).and_then(|job| job.get("steps"));
        let run = steps.and_then(|steps| steps.items().first()).and_then(|step| step.get("run")).expect("a step");
        // Of a block it is the line of its text, not that of its mark.
        assert_eq!((run.line, run.text()), (6, Some("make\n")));
    }

    #[test]
    fn a_bomb_of_aliases_and_a_deep_hole_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let last = format!("*a{}", n - 1);
            bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![last; 9].join(", ")));
        }
        assert!(parse(&bomb).is_err());
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse("a: *nobody").is_err());
        assert!(parse("a: [1").is_err());
    }
}
