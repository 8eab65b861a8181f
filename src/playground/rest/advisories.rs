//! The advisories of all the world.

use serde_json::Value;

use super::answer::Answer;
use super::call::{Call, Reply};

/// Pages by cursor, newest first, as GitHub sorts them unless told otherwise.
pub fn list(call: &mut Call<'_>) -> Reply {
    // An Enterprise server has none until its administrator connects it.
    let all = call.world.advisories.clone().ok_or_else(Answer::not_found)?;
    let affects: Option<Vec<&str>> = call.query("affects").map(|names| names.split(',').collect());
    if affects.as_ref().is_some_and(|names| names.len() > 1000) {
        return Err(Answer::unprocessable("affects takes at most 1000 packages"));
    }
    // Dates and times in one form compare as texts.
    let since = match call.query("modified") {
        None => "",
        Some(range) => {
            range.strip_prefix(">=").ok_or_else(|| Answer::unprocessable("modified: only >= is known here"))?
        }
    };
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let about = |one: &Value| {
        one["vulnerabilities"].as_array().into_iter().flatten().any(|part| {
            let package = &part["package"];
            let name = package["name"].as_str().unwrap_or_default();
            call.query("ecosystem").is_none_or(|ecosystem| package["ecosystem"] == ecosystem)
                && affects.as_ref().is_none_or(|names| names.contains(&name))
        })
    };
    let mut found: Vec<Value> =
        all.into_iter().filter(|one| about(one) && text(one, "updated_at").as_str() >= since).collect();
    let key = if call.query("sort") == Some("updated") { "updated_at" } else { "published_at" };
    found.sort_by_key(|one| std::cmp::Reverse((text(one, key), text(one, "ghsa_id"))));
    let size = call.query("per_page").and_then(|size| size.parse().ok()).unwrap_or(30_usize).clamp(1, 100);
    let begin = call.query("after").and_then(|at| at.parse().ok()).unwrap_or(0_usize);
    let more = found.len() > begin + size;
    let answer = Answer::ok(found.into_iter().skip(begin).take(size).collect());
    Ok(if more { answer.with("Link", next(call, begin + size)) } else { answer })
}

fn next(call: &Call<'_>, after: usize) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let kept = call.query.iter().filter(|(name, _)| *name != "after");
    let mut query: Vec<String> = kept.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    query.push(format!("after={after}"));
    format!("<{}{}?{}>; rel=\"next\"", call.world.url, call.path, query.join("&"))
}
