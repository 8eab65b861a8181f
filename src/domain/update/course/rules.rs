//! `[updates]` of fairway.toml, as far as it decides when something is opened and what is merged.

use jiff::civil::Weekday;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::Kind;
use crate::domain::project::duration;
use crate::domain::project::keys::UPDATES;
use crate::domain::update::ignore::Ignore;
use crate::domain::update::model::Proposal;

/// When routine updates begin; fixes never wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Any time.
    #[default]
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// On Mondays.
    Weekly,
    /// On the first of a month.
    Monthly,
    /// Never.
    Off,
}

/// What is merged without a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automatic {
    /// Fixes of advisories.
    Security,
    /// What is safe by its authors' promise.
    Patch,
    /// A group by its name.
    Group(String),
}

/// What a repository asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Whether anything but fixes is opened: `[updates]` is there.
    pub routine: bool,
    /// Whether fixes are opened.
    #[serde(default = "yes")]
    pub security: bool,
    /// When.
    pub schedule: Schedule,
    /// What is merged by itself.
    pub automerge: Vec<Automatic>,
    /// Whether such a merge may reach an environment that follows the default branch.
    pub deploys: bool,
    /// Names, and the patterns of packages that belong to them.
    pub groups: Vec<(String, Vec<String>)>,
    /// Milliseconds of pipelines a week for candidates; fixes are exempt.
    pub minutes_ms: i64,
}

/// Two hours a week.
const MINUTES_MS: i64 = 2 * 60 * 60 * 1000;

impl Default for Course {
    fn default() -> Course {
        Course {
            routine: false,
            security: true,
            schedule: Schedule::Daily,
            automerge: Vec::new(),
            deploys: false,
            groups: Vec::new(),
            minutes_ms: MINUTES_MS,
        }
    }
}

impl Course {
    /// Reads `[updates]`; without one only fixes are opened.
    ///
    /// # Errors
    /// What is wrong with it, and how it should look.
    pub fn read(updates: Option<&Table>) -> Result<Course, String> {
        let Some(updates) = updates else { return Ok(Course::default()) };
        let mut course = Course { routine: true, ..Course::default() };
        if let Some(value) = updates.get("schedule") {
            course.schedule = schedule(value)?;
        }
        if let Some(value) = updates.get("automerge") {
            course.automerge = automatic(value)?;
        }
        if let Some(value) = updates.get("automerge_deploys") {
            course.deploys = value
                .as_bool()
                .ok_or("`automerge_deploys` of [updates] is true or false; true lets a merge that nobody looked at reach environments with after_merge")?;
        }
        if let Some(value) = updates.get("security") {
            course.security = value.as_bool().ok_or(
                "`security` of [updates] is true or false; write security = false for no pull requests about advisories",
            )?;
        }
        if let Some(value) = updates.get("groups") {
            course.groups = named(value)?;
        }
        if let Some(value) = updates.get("minutes") {
            course.minutes_ms = value.as_str().and_then(duration).ok_or_else(|| {
                format!("`minutes = {value}` of [updates] is no time; write minutes = \"2h\": of pipelines, a week")
            })?;
        }
        if let Some(unknown) = updates.keys().find(|key| !UPDATES.knows(key)) {
            return Err(format!("[updates] has no `{unknown}`; it knows {}", UPDATES.names().join(", ")));
        }
        Ok(course)
    }

    /// Whether routine updates begin at this time; Unix milliseconds, days as in UTC.
    pub fn due(&self, now: i64) -> bool {
        let Ok(at) = Timestamp::from_millisecond(now) else { return false };
        let day = at.to_zoned(TimeZone::UTC).date();
        match self.schedule {
            Schedule::Daily => true,
            Schedule::Weekdays => !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday),
            Schedule::Weekly => day.weekday() == Weekday::Monday,
            Schedule::Monthly => day.day() == 1,
            Schedule::Off => false,
        }
    }

    /// Whether a group of that kind is merged without a person.
    pub fn merges(&self, kind: &Kind) -> bool {
        self.automerge.iter().any(|automatic| match (automatic, kind) {
            (Automatic::Security, Kind::Security(_)) | (Automatic::Patch, Kind::Safe) => true,
            (Automatic::Group(name), Kind::Named(group)) => name == group,
            _ => false,
        })
    }

    /// The rule by which a group of that kind is merged without a person, as it may stand in the file.
    pub fn rule(&self, kind: &Kind) -> Option<String> {
        let word = match kind {
            Kind::Security(_) => "security".to_owned(),
            Kind::Safe => "patch".to_owned(),
            Kind::Named(name) => format!("group:{name}"),
            Kind::Breaking | Kind::Batch => return None,
        };
        self.merges(kind).then(|| format!("automerge = [\"{word}\"]"))
    }

    /// The group that it is put into by name.
    pub fn group_of(&self, proposal: &Proposal) -> Option<&str> {
        let has = |pattern: &String| Ignore::parse(pattern).is_ok_and(|rule| rule.names(proposal));
        self.groups.iter().find(|(_, patterns)| patterns.iter().any(has)).map(|(name, _)| name.as_str())
    }
}

/// Rows from before the key was there.
fn yes() -> bool {
    true
}

fn schedule(value: &Value) -> Result<Schedule, String> {
    match value.as_str() {
        Some("daily") => Ok(Schedule::Daily),
        Some("weekdays") => Ok(Schedule::Weekdays),
        Some("weekly") => Ok(Schedule::Weekly),
        Some("monthly") => Ok(Schedule::Monthly),
        Some("off") => Ok(Schedule::Off),
        _ => Err(format!(
            "`schedule = {value}` of [updates] is not known; write \"daily\", \"weekdays\", \"weekly\", \"monthly\" or \"off\""
        )),
    }
}

fn automatic(value: &Value) -> Result<Vec<Automatic>, String> {
    let words: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |words| words.iter().collect());
    let one = |word: &Value| match word.as_str() {
        Some("security") => Ok(vec![Automatic::Security]),
        Some("patch") => Ok(vec![Automatic::Patch]),
        Some("none") => Ok(Vec::new()),
        Some(word) if word.starts_with("group:") => Ok(vec![Automatic::Group(word["group:".len()..].to_owned())]),
        _ => Err(format!(
            "`automerge = {value}` of [updates] is not known; write \"security\", \"patch\", \"group:NAME\", a list of them, or \"none\""
        )),
    };
    Ok(words.into_iter().map(one).collect::<Result<Vec<_>, String>>()?.concat())
}

fn named(value: &Value) -> Result<Vec<(String, Vec<String>)>, String> {
    let wrong = || "`groups` of [updates] is a table; write groups = { aws = [\"aws-*\"] }".to_owned();
    let mut groups = Vec::new();
    for (name, patterns) in value.as_table().ok_or_else(wrong)? {
        let mut read = Vec::new();
        for pattern in patterns.as_array().ok_or_else(wrong)? {
            let pattern = pattern.as_str().ok_or_else(wrong)?;
            Ignore::parse(pattern).map_err(|why| format!("group `{name}` of [updates]: {why}"))?;
            read.push(pattern.to_owned());
        }
        groups.push((name.clone(), read));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Course, String> {
        Course::read(Some(&text.parse().expect("a table")))
    }

    #[test]
    fn what_is_merged_and_when_is_said_in_the_file() {
        let course = read("schedule = \"weekdays\"\nautomerge = [\"security\", \"group:aws\"]\nminutes = \"30m\"")
            .expect("fine");
        assert!(course.merges(&Kind::Security(None)) && course.merges(&Kind::Named("aws".into())));
        assert!(!course.merges(&Kind::Safe) && !course.merges(&Kind::Breaking) && !course.deploys);
        assert_eq!(course.minutes_ms, 30 * 60 * 1000);
        // 2026-01-05 is a Monday.
        let monday = 1_767_614_400_000;
        let day = 24 * 60 * 60 * 1000;
        assert!(course.due(monday) && !course.due(monday - day) && !course.due(monday - 2 * day));
        assert!(Course { schedule: Schedule::Weekly, ..course.clone() }.due(monday));
        assert!(!Course { schedule: Schedule::Monthly, ..course.clone() }.due(monday));
        assert!(!Course { schedule: Schedule::Off, ..course }.due(monday));
        assert!(!Course::read(None).expect("fine").routine);
    }

    #[test]
    fn what_is_wrong_says_how_it_is_written() {
        for wrong in [
            "schedule = \"sometimes\"",
            "automerge = 3",
            "groups = [\"x\"]",
            "minutes = 5",
            "security = 1",
            "automerg = \"none\"",
        ] {
            let why = read(wrong).expect_err(wrong);
            assert!(why.contains("write") || why.contains("knows"), "{why}");
        }
    }
}
