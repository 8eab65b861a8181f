//! Takes secrets out of output as it streams, also when one is cut in two by the pipe.

/// Replaces what must not be seen. Holds back as many bytes as the longest word has, so that none slips through in halves.
#[derive(Clone)]
pub struct Mask {
    words: Vec<Vec<u8>>,
    held: Vec<u8>,
    longest: usize,
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STARS: &[u8] = b"***";

impl Mask {
    /// Of these values, their lines, and the forms in which they travel.
    pub fn new<'a>(values: impl Iterator<Item = &'a str>) -> Mask {
        use base64::Engine as _;
        let mut words: Vec<Vec<u8>> = Vec::new();
        for value in values {
            for line in std::iter::once(value).chain(value.lines()).map(str::trim).filter(|l| l.len() >= 4) {
                words.push(line.as_bytes().to_vec());
                let encoded = base64::engine::general_purpose::STANDARD.encode(line);
                words.push(encoded.trim_end_matches('=').as_bytes().to_vec());
                // As reports have it: XML, and a JSON string without its quotes.
                words.push(xml(line).into_bytes());
                let json = serde_json::Value::from(line).to_string();
                words.push(json.trim_matches('"').as_bytes().to_vec());
                words.push(
                    percent_encoding::utf8_percent_encode(line, percent_encoding::NON_ALPHANUMERIC)
                        .to_string()
                        .into_bytes(),
                );
            }
        }
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        let longest = words.first().map_or(0, Vec::len);
        Mask { words, held: Vec::new(), longest }
    }

    /// Takes bytes in and gives those that can be shown by now.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.take(self.longest.saturating_sub(1))
    }

    /// Gives what is left at the end.
    pub fn rest(&mut self) -> Vec<u8> {
        self.take(0)
    }

    fn take(&mut self, keep: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.held.len());
        let mut at = 0;
        while at < self.held.len().saturating_sub(keep) || (keep == 0 && at < self.held.len()) {
            match self.words.iter().find(|word| self.held[at..].starts_with(word)) {
                Some(word) => {
                    out.extend_from_slice(STARS);
                    at += word.len();
                }
                None => {
                    // Nothing starts here; jump to where something could.
                    let end = self.held.len() - keep;
                    let next =
                        self.held[at + 1..end].iter().position(|b| self.words.iter().any(|w| w.first() == Some(b)));
                    let until = next.map_or(end.max(at + 1), |n| at + 1 + n);
                    out.extend_from_slice(&self.held[at..until]);
                    at = until;
                }
            }
        }
        self.held.drain(..at.min(self.held.len()));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_whole_halved_and_encoded() {
        let text = b"a hunter22 b aHVudGVyMjI= c";
        for cut in 0..text.len() {
            let mut mask = Mask::new(["hunter22"].into_iter());
            let mut out = mask.pass(&text[..cut]);
            out.extend(mask.pass(&text[cut..]));
            out.extend(mask.rest());
            assert_eq!(String::from_utf8_lossy(&out), "a *** b ***= c", "cut at {cut}");
        }
    }

    #[test]
    fn without_secrets_nothing_is_held_back() {
        let mut mask = Mask::new(std::iter::empty());
        assert_eq!(mask.pass(b"\x00\xffabc"), b"\x00\xffabc");
        assert!(mask.rest().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn nothing_else_changes(text in "[a-f]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..5)) {
            let mut mask = Mask::new(["abcabc"].into_iter());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.sort_unstable();
            let (mut out, mut from) = (Vec::new(), 0);
            for cut in cuts {
                out.extend(mask.pass(&text.as_bytes()[from..cut]));
                from = cut;
            }
            out.extend(mask.pass(&text.as_bytes()[from..]));
            out.extend(mask.rest());
            assert_eq!(String::from_utf8_lossy(&out), text.replace("abcabc", "***"));
        }
    }
}
