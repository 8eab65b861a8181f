//! What GitHub refuses in a check run: wrong words, and more than its limits.

use serde_json::Value;

use super::super::answer::Answer;

const STATUSES: &[&str] = &["queued", "in_progress", "completed"];
const CONCLUSIONS: &[&str] = &["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"];

/// Something wrong, and whether it is a limit.
type Wrong = Option<(bool, Answer)>;

fn invalid(field: &str, message: &str) -> Wrong {
    Some((false, Answer::invalid("CheckRun", field, "invalid", message)))
}

fn long(field: &str, message: &str) -> Wrong {
    Some((true, Answer::invalid("CheckRun", field, "custom", message)))
}

/// The first thing that is wrong with a request, if any.
pub fn wrong(body: &Value, creating: bool) -> Wrong {
    wrong_words(body, creating)
        .or_else(|| wrong_output(&body["output"], creating))
        .or_else(|| wrong_annotations(&body["output"]["annotations"]))
        .or_else(|| wrong_actions(&body["actions"]))
}

fn wrong_words(body: &Value, creating: bool) -> Wrong {
    if body["status"].as_str().is_some_and(|status| !STATUSES.contains(&status)) {
        return invalid("status", "status is not included in the list");
    }
    if body["conclusion"].as_str().is_some_and(|conclusion| !CONCLUSIONS.contains(&conclusion)) {
        return invalid("conclusion", "conclusion is not included in the list");
    }
    if body["status"] == "completed" && body["conclusion"].is_null() && creating {
        return invalid("conclusion", "conclusion is required when status is completed");
    }
    None
}

fn wrong_output(output: &Value, creating: bool) -> Wrong {
    if output.is_object() && (output["summary"].is_null() || creating && output["title"].is_null()) {
        return invalid("output", "output needs title and summary");
    }
    let over = |field: &&str| output[*field].as_str().is_some_and(|text| text.chars().count() > 65_535);
    let field = ["summary", "text"].into_iter().find(|field| over(field))?;
    long(field, &format!("{field} exceeds a maximum length of 65535"))
}

fn wrong_annotations(annotations: &Value) -> Wrong {
    let annotations = annotations.as_array().map_or(&[][..], Vec::as_slice);
    if annotations.len() > 50 {
        return long("annotations", "annotations exceeds a maximum quantity of 50");
    }
    annotations.iter().find_map(wrong_annotation)
}

fn wrong_annotation(annotation: &Value) -> Wrong {
    let whole = ["path", "message", "annotation_level"].iter().all(|field| annotation[*field].is_string());
    let level = matches!(annotation["annotation_level"].as_str(), Some("notice" | "warning" | "failure"));
    let (Some(start), Some(end)) = (annotation["start_line"].as_u64(), annotation["end_line"].as_u64()) else {
        return invalid("annotations", "start_line and end_line are required");
    };
    if !whole || !level || start > end {
        return invalid("annotations", "an annotation is not valid");
    }
    if start != end && !(annotation["start_column"].is_null() && annotation["end_column"].is_null()) {
        return invalid("annotations", "columns are only allowed on one line");
    }
    let over = |field: &str, most: usize| annotation[field].as_str().is_some_and(|text| text.len() > most);
    if over("message", 65_536) || over("raw_details", 65_536) || over("title", 255) {
        return long("annotations", "an annotation's text is too long");
    }
    None
}

fn wrong_actions(actions: &Value) -> Wrong {
    let actions = actions.as_array().map_or(&[][..], Vec::as_slice);
    if actions.len() > 3 {
        return long("actions", "actions exceeds a maximum quantity of 3");
    }
    let fits = |action: &Value, field: &str, most: usize| {
        action[field].as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
    };
    let fine =
        |action: &Value| fits(action, "label", 20) && fits(action, "identifier", 20) && fits(action, "description", 40);
    if actions.iter().all(fine) {
        return None;
    }
    long("actions", "label and identifier have at most 20, description at most 40 characters")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(body: &Value) -> Option<bool> {
        wrong(body, true).map(|(limit, _)| limit)
    }

    #[test]
    fn githubs_limits_are_limits_to_the_character() {
        let annotation =
            json!({ "path": "a", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m" });
        let with = |count: usize, summary: usize| json!({ "output": { "title": "t", "summary": "s".repeat(summary), "annotations": vec![annotation.clone(); count] } });
        assert_eq!(status(&with(50, 65_535)), None);
        assert_eq!(status(&with(51, 1)), Some(true));
        assert_eq!(status(&with(1, 65_536)), Some(true));
        let action = |label: usize| json!({ "actions": [{ "label": "l".repeat(label), "identifier": "i", "description": "d" }] });
        assert_eq!(status(&action(20)), None);
        assert_eq!(status(&action(21)), Some(true));
        assert_eq!(status(&json!({ "output": { "summary": "s" } })), Some(false));
        assert_eq!(status(&json!({ "conclusion": "stale" })), Some(false));
    }
}
