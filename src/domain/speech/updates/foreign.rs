//! Texts from packages and advisories inside our Markdown. What they say stays; what they could do is gone: no HTML, no links,
//! no mentions, no references to issues (a reference notifies people, and after `fixes` closes the issue), no pictures.

use pulldown_cmark::{BrokenLink, CowStr, Event, Options, Parser, Tag, TagEnd};

use crate::domain::run::{code, escape_md, fence, unseen};

/// Lists within lists are shown so deep.
const DEEP: usize = 4;
/// A block of code is shown so long, in bytes.
const CODE: usize = 4_000;

/// Names, versions, paths and commands are shown so long, in characters: longer ones want to hide something, or to fill a page.
const NAME: usize = 120;
/// Sentences of others are shown so long, in characters.
const SENTENCE: usize = 600;

/// The first characters, and a sign where there were more.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => {
            let head: String = text.chars().take(most.saturating_sub(3)).collect();
            format!("{}...", head.trim_end())
        }
        None => text.to_owned(),
    }
}

/// A sentence of somebody else's.
pub fn line(text: &str) -> String {
    safe(&cut(text, SENTENCE))
}

fn safe(text: &str) -> String {
    joined(&escape_md(&bare(text)))
}

/// A name, a version, a path: as inline code.
pub fn quoted(text: &str) -> String {
    code(&cut(text, NAME))
}

/// Text inside HTML of ours, on one line.
pub fn html(text: &str) -> String {
    let line: String = bare(&cut(text, NAME)).chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let mut out = String::with_capacity(line.len());
    for c in line.chars().filter(|c| !unseen(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '@' | '#' => out.extend([c, '\u{2060}']),
            c => out.push(c),
        }
    }
    joined(&out)
}

/// Inline code for a table's cell.
pub fn cell(text: &str) -> String {
    quoted(text).replace('|', "\\|")
}

/// An address that may stand in a link of ours: `https`, a host, and nothing that could end the link or hide where it goes.
pub fn address(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/?=&%+,:;#@".contains(c);
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let named = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'));
    (named && url.len() <= 500 && rest.chars().all(plain)).then_some(url)
}

/// A link where the address is one, else the text alone. The text is Markdown of ours.
pub fn link(text: &str, url: Option<&str>) -> String {
    match url.and_then(address) {
        Some(url) => format!("[{text}]({url})"),
        None => text.to_owned(),
    }
}

/// The text without the schemes of addresses: what is left is no link, and says as much.
fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let scheme = ["https://", "http://", "ftp://"].into_iter().find(|scheme| starts(rest, scheme));
        let taken = scheme.map_or_else(|| c.len_utf8(), str::len);
        if scheme.is_none() {
            out.push(c);
        }
        rest = &rest[taken..];
    }
    out
}

/// Joints without width in what GitHub would make a link or a reference of although no Markdown says so. `@` and `#` have
/// theirs from `escape_md`.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = [("gh-", 2), ("www.", 3), ("://", 1)].into_iter().find(|(word, _)| starts(rest, word));
        let taken = word.map_or_else(|| c.len_utf8(), |(_, at)| at);
        out.push_str(&rest[..taken]);
        if word.is_some() {
            out.push('\u{2060}');
        }
        rest = &rest[taken..];
    }
    out
}

fn starts(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// A piece that may stand alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Markdown of ours, without a newline at its end.
    text: String,
    /// A line of a list, which follows another without an empty line.
    item: bool,
}

/// A foreign text as harmless pieces, which may be cut between any two.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut page = Page::default();
    // Where a link leads stands at the end of the file, which is not here: `[#12]` and `[@who]` lose their brackets all the same.
    let known = |link: BrokenLink<'_>| {
        let named = link.reference.starts_with(|c: char| matches!(c, '#' | '@' | '!') || c.is_ascii_digit());
        named.then_some((CowStr::Borrowed(""), CowStr::Borrowed("")))
    };
    Parser::new_with_broken_link_callback(text, Options::empty(), Some(known)).for_each(|event| page.take(event));
    page.end();
    page.blocks
}

/// As many of the pieces as fit into `most` bytes, and whether that is all.
pub fn fit(blocks: &[Block], most: usize) -> (String, bool) {
    let mut out = String::new();
    for (at, block) in blocks.iter().enumerate() {
        let close = at == 0 || (block.item && blocks[at - 1].item);
        let gap = if at == 0 {
            ""
        } else if close {
            "\n"
        } else {
            "\n\n"
        };
        if out.len() + gap.len() + block.text.len() > most {
            return (out, false);
        }
        out.push_str(gap);
        out.push_str(&block.text);
    }
    (out, true)
}

/// How many bytes all pieces take.
pub fn length(blocks: &[Block]) -> usize {
    blocks.iter().map(|block| block.text.len() + 2).sum()
}

#[derive(Default)]
struct Page {
    blocks: Vec<Block>,
    /// The paragraph so far, harmless.
    done: String,
    /// Its newest text, as written.
    raw: String,
    lists: usize,
    /// Whether the next paragraph begins an item.
    bullet: bool,
    /// The text of a block of code, while in one.
    listing: Option<String>,
    /// Within a picture, whose words are left out.
    picture: usize,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) if self.picture == 0 => match &mut self.listing {
                Some(listing) => listing.push_str(&text),
                None => self.raw.push_str(&text),
            },
            Event::Code(text) if self.picture == 0 => {
                self.settle();
                self.done.push_str(&code(&text));
            }
            Event::SoftBreak | Event::HardBreak => self.raw.push(' '),
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.finish(tag),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::List(_) => {
                self.flush();
                self.lists += 1;
            }
            Tag::Item => {
                self.flush();
                self.bullet = true;
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.listing = Some(String::new());
            }
            Tag::Image { .. } => self.picture += 1,
            Tag::Paragraph | Tag::Heading { .. } | Tag::BlockQuote(_) | Tag::HtmlBlock => self.flush(),
            _ => {}
        }
    }

    fn finish(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => {
                self.flush();
                self.lists = self.lists.saturating_sub(1);
                self.bullet = false;
            }
            TagEnd::CodeBlock => {
                let listing = self.listing.take().unwrap_or_default();
                let cut = listing.floor_char_boundary(CODE.min(listing.len()));
                let more = if cut < listing.len() { "\n..." } else { "" };
                let text = fence(&format!("{}{more}", &listing[..cut])).trim_end().to_owned();
                self.blocks.push(Block { text, item: false });
            }
            TagEnd::Image => self.picture = self.picture.saturating_sub(1),
            TagEnd::Heading(_) => {
                self.settle();
                // Bold instead of a heading: their headings are not ours.
                let text = std::mem::take(&mut self.done);
                if !text.trim().is_empty() {
                    self.blocks.push(Block { text: format!("**{}**", text.trim()), item: false });
                }
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    /// Makes the newest text harmless. At the start of a paragraph a blank would hide from `escape_md` that it is one.
    fn settle(&mut self) {
        let raw = std::mem::take(&mut self.raw);
        let text = if self.done.is_empty() { raw.trim_start() } else { raw.as_str() };
        self.done.push_str(&safe(text));
    }

    /// Ends the paragraph.
    fn flush(&mut self) {
        self.settle();
        let text = std::mem::take(&mut self.done);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if self.lists == 0 {
            self.blocks.push(Block { text: text.to_owned(), item: false });
            return;
        }
        let indent = "  ".repeat(self.lists.min(DEEP) - 1);
        let sign = if std::mem::take(&mut self.bullet) { "- " } else { "  " };
        self.blocks.push(Block { text: format!("{indent}{sign}{text}"), item: true });
    }

    /// What a text without an end leaves.
    fn end(&mut self) {
        self.flush();
    }
}
