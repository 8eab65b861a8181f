//! Which files an engine is to bring: its patterns are not the globs of `fairway.toml`, and its own are read literally
//! where a name was meant. What comes is looked through again here, so a pattern may bring too much and never too little.

/// The most patterns that one glob becomes.
const MOST: usize = 256;

/// The engine's patterns for a glob: it knows no `{a,b}`, and says `[^a]` for `[!a]`.
pub fn of_glob(glob: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut left = vec![glob.to_owned()];
    while let Some(next) = left.pop() {
        match choice(&next) {
            Some(choice) if left.len() + done.len() < MOST => {
                let (before, after) = (&next[..choice.from], &next[choice.to..]);
                left.extend(choice.words.iter().rev().map(|word| format!("{before}{word}{after}")));
            }
            _ => done.push(next.replace("[!", "[^")),
        }
    }
    done
}

/// The engine's pattern for one path. What could mean something becomes `?`: escapes are not heard in every position.
pub fn of_name(name: &str) -> String {
    name.replace(['*', '[', ']', '{', '}', '\\', '^', '!'], "?")
}

/// The first `{a,b}` of a glob: where it stands, and its words.
struct Choice {
    from: usize,
    to: usize,
    words: Vec<String>,
}

fn choice(glob: &str) -> Option<Choice> {
    let (mut from, mut depth, mut begin) = (0, 0_u32, 0);
    let (mut escaped, mut class) = (false, false);
    let mut words = Vec::new();
    for (at, letter) in glob.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match letter {
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            _ if class => {}
            '{' => {
                depth += 1;
                if depth == 1 {
                    (from, begin) = (at, at + 1);
                }
            }
            ',' if depth == 1 => {
                words.push(glob[begin..at].to_owned());
                begin = at + 1;
            }
            '}' if depth == 1 => {
                words.push(glob[begin..at].to_owned());
                return Some(Choice { from, to: at + 1, words });
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_becomes_the_patterns_of_an_engine() {
        assert_eq!(of_glob("out/*.xml"), ["out/*.xml"]);
        assert_eq!(of_glob("{a,b{1,2}}/{x,y}"), ["a/x", "a/y", "b1/x", "b1/y", "b2/x", "b2/y"]);
        assert_eq!(of_glob("[!ab]{,.d}"), ["[^ab]", "[^ab].d"]);
        assert_eq!(of_glob("a\\{b,c}[{]"), ["a\\{b,c}[{]"]);
        assert_eq!(of_glob("a{b"), ["a{b"], "no glob, and no end of it either");
        assert!(of_glob(&"{a,b}".repeat(40)).len() <= MOST + 40, "bounded");
        assert_eq!(of_name("d [1]{2}*?!"), "d ?1??2????");
    }
}
