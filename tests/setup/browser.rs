//! Somebody at a browser, without a browser: pages are loaded, forms are sent as they stand there.

use serde_json::Value;

/// alice, who manages acme.
pub struct Browser {
    client: reqwest::Client,
}

/// A form as a page has it.
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    pub fn new() -> Browser {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Browser { client: client.build().expect("a client") }
    }

    /// Status, and where it leads or else the page.
    pub async fn get(&self, url: &str) -> (u16, String) {
        Browser::answer(self.client.get(url)).await
    }

    /// Status and heading of a page: what one sees at first.
    pub async fn sees(&self, url: &str) -> String {
        let (status, page) = self.get(url).await;
        format!("{status} {}", heading(&page))
    }

    pub async fn post(&self, form: &Form) -> (u16, String) {
        let pairs: Vec<String> = form.fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self.client.post(&form.action).body(pairs.join("&"));
        Browser::answer(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request.header("cookie", "speaker=alice").send().await.expect("an answer");
        let status = answer.status().as_u16();
        let to = answer.headers().get("location").map(|to| to.to_str().expect("an address").to_owned());
        match to {
            Some(to) => (status, to),
            None => (status, answer.text().await.expect("a page")),
        }
    }

    /// From the link in the terminal to the address that GitHub brings the answer to. `name`: what is typed at GitHub.
    pub async fn to_the_answer(&self, link: &str, name: Option<&str>) -> String {
        let (status, page) = self.get(link).await;
        assert_eq!(status, 200, "{page}");
        let manifest = form(&page, "");
        let github = manifest.action.split("/organizations").next().expect("a host").to_owned();
        let (status, page) = self.post(&manifest).await;
        assert_eq!(status, 200, "{page}");
        let mut confirm = form(&page, &github);
        if let Some(name) = name {
            confirm.fields.iter_mut().find(|(field, _)| field == "name").expect("its name").1 = name.to_owned();
        }
        let (status, answer) = self.post(&confirm).await;
        assert_eq!(status, 303, "{answer}");
        answer
    }
}

/// The last form of a page: the one before belongs to the frame. Addresses without a host are below `host`.
pub fn form(page: &str, host: &str) -> Form {
    let start = page.rfind("<form").expect("a form");
    let text = &page[start..];
    let action = attribute(text, "action=\"").expect("where it goes");
    let action = if action.starts_with('/') { format!("{host}{action}") } else { action };
    let inputs = text.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let field = |tag: &str| Some((attribute(tag, "name=\"")?, attribute(tag, "value=\"").unwrap_or_default()));
    Form { action, fields: inputs.filter_map(field).collect() }
}

/// The manifest that a page sends to GitHub.
pub fn manifest(page: &str) -> Value {
    let form = form(page, "");
    let manifest = form.fields.into_iter().find(|(name, _)| name == "manifest").expect("a manifest");
    serde_json::from_str(&manifest.1).expect("JSON")
}

pub fn heading(page: &str) -> String {
    let start = page.find("<h1>").map_or(0, |at| at + 4);
    unescaped(page[start..].split("</h1>").next().unwrap_or_default())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(name)? + name.len();
    Some(unescaped(tag[start..].split('"').next()?))
}

fn unescaped(text: &str) -> String {
    let entities = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
