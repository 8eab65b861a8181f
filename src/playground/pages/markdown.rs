//! Markdown as GitHub shows it, from people and Apps that are not trusted: no tag reaches the page but a few without
//! attributes, no link but to the web or this site, no picture from elsewhere.

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, html};

const TAGS: &[&str] = &[
    "details",
    "summary",
    "b",
    "i",
    "em",
    "strong",
    "sub",
    "sup",
    "kbd",
    "code",
    "pre",
    "p",
    "ul",
    "ol",
    "li",
    "br",
    "hr",
    "blockquote",
];
const SCHEMES: &[&str] = &["https://", "http://", "mailto:", "#", "/"];

/// HTML of a Markdown text, safe to put in a page.
pub fn render(text: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_GFM;
    let mut in_picture = false;
    let events = Parser::new_ext(text, options).filter_map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::InlineHtml(tame(&raw).into())),
        Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link) if in_picture => None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Some(Event::Start(Tag::Link { link_type, dest_url: safe_address(dest_url, link_type), title, id }))
        }
        Event::Start(Tag::Image { dest_url, title, id, .. }) => {
            in_picture = true;
            let dest_url = safe_address(dest_url, LinkType::Inline);
            Some(Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title, id }))
        }
        Event::End(TagEnd::Image) => {
            in_picture = false;
            Some(Event::End(TagEnd::Link))
        }
        Event::SoftBreak => Some(Event::HardBreak),
        other => Some(other),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn safe_address<'a>(address: CowStr<'a>, kind: LinkType) -> CowStr<'a> {
    let lower = address.to_ascii_lowercase();
    let relative = !lower.contains(':') && !lower.starts_with("//");
    if relative || kind == LinkType::Email || (SCHEMES.iter().any(|s| lower.starts_with(s)) && !lower.starts_with("//"))
    {
        address
    } else {
        CowStr::Borrowed("#")
    }
}

/// Keeps the known tags (bare), drops comments, and shows everything else as the text that it is.
fn tame(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find('<') {
        push_text(&mut out, &rest[..start]);
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        match known_tag(&rest[..end]) {
            Some(tag) => out.push_str(&tag),
            None => push_text(&mut out, &rest[..end]),
        }
        rest = &rest[end..];
    }
    push_text(&mut out, rest);
    out
}

fn known_tag(tag: &str) -> Option<String> {
    let inside = tag.strip_prefix('<')?.strip_suffix('>')?;
    let (slash, name) = inside.strip_prefix('/').map_or(("", inside), |name| ("/", name));
    let name = name.trim_end_matches('/').trim().to_ascii_lowercase();
    if name == "details open" && slash.is_empty() {
        return Some("<details open>".to_owned());
    }
    TAGS.contains(&name.as_str()).then(|| format!("<{slash}{name}>"))
}

fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_tags_live_and_others_are_text() {
        assert_eq!(
            render("<details><summary>Log</summary>\n\n**x**\n\n</details>\n<!-- fairway:status v1 {} -->"),
            "<details><summary>Log</summary>\n<p><strong>x</strong></p>\n</details>\n"
        );
        assert_eq!(render("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(render("a <b onclick=x>y</b>"), "<p>a &lt;b onclick=x&gt;y</b></p>\n");
    }

    #[test]
    fn links_stay_on_the_web_and_pictures_become_links() {
        assert_eq!(render("[x](javascript:alert)"), "<p><a href=\"#\">x</a></p>\n");
        assert_eq!(render("[x](//evil.example)"), "<p><a href=\"#\">x</a></p>\n");
        assert_eq!(render("![pic](https://e.example/p.png)"), "<p><a href=\"https://e.example/p.png\">pic</a></p>\n");
        assert_eq!(render("[x](/acme/shop)"), "<p><a href=\"/acme/shop\">x</a></p>\n");
    }

    proptest! {
        #[test]
        fn no_attribute_survives(text in "[<>a-z/\" =!\\[\\]()\n-]{0,60}(<(img|a|b|details|svg) on[a-z]{1,5}=\"?x\"?/?>)[<>a-z/ ]{0,20}") {
            let html = render(&text);
            for tag in html.split('<').skip(1).filter_map(|part| part.split_once('>')).map(|(tag, _)| tag) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(name != "img" && name != "svg" && name != "script", "{html}");
                prop_assert!(name == "a" || !tag.contains("=x") && !tag.contains("=\"x\""), "{html}");
            }
        }
    }
}
