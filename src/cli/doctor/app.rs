//! Looks at the App at GitHub: its credentials, where it is installed, what it was granted, what reaches it.

use std::path::PathBuf;

use super::super::open;
use crate::clock::Clock;
use crate::domain::speech::setup::{self, Source, app as speech};
use crate::domain::tick::Tick;
use crate::github::{AppInfo, GitHub, GitHubError, Installation, permissions};
use crate::settings::{AppIdentity, Credentials, IntakeChoice, Settings, is_private};

/// Accounts whose permissions and repositories are looked at; the others are like them.
const ACCOUNTS: usize = 20;

/// Credentials, and where they come from.
pub struct Known {
    /// As whom Fairway works.
    pub identity: AppIdentity,
    /// Where from.
    pub from: From,
}

/// Where credentials come from.
pub enum From {
    /// The environment.
    Environment,
    /// The file of `fairway setup`.
    File(PathBuf),
    /// Just now from GitHub; printed, and kept nowhere.
    Printed,
}

/// The credentials that `serve` would take; `None` when there are none yet.
///
/// # Errors
/// What is wrong with those that are there, and what to do.
pub fn find(settings: &Settings) -> Result<Option<Known>, (String, String)> {
    if settings.gives_app() {
        let identity = settings.app("serve").map_err(|problems| {
            let whys: Vec<String> = problems.iter().map(|p| format!("FAIRWAY_{}: {}", p.key, p.why)).collect();
            let fixes: Vec<&str> = problems.iter().map(|p| p.fix.as_str()).collect();
            (whys.join("; "), fixes.join("; "))
        })?;
        return Ok(Some(Known { identity, from: From::Environment }));
    }
    let path = settings.credentials_file();
    let kept = Credentials::read(&path).map_err(|why| (why, setup::mend(&path.display().to_string())))?;
    Ok(kept.map(|kept| Known { identity: settings.identity(&kept), from: From::File(path) }))
}

/// The same for who only looks.
///
/// # Errors
/// A tick that says what is wrong, or that there are none.
pub fn known(settings: &Settings) -> Result<Known, Tick> {
    let found = find(settings).map_err(speech::bad_credentials)?;
    found.ok_or_else(|| speech::no_credentials(&settings.credentials_file().display().to_string()))
}

impl Known {
    /// A client with them.
    ///
    /// # Errors
    /// A tick, when they are none.
    pub fn github(&self, settings: &Settings, clock: &Clock) -> Result<GitHub, Tick> {
        open::github(settings, &self.identity, clock).map_err(|error| {
            speech::bad_credentials((
                format!("{error:#}"),
                setup::mend(&settings.credentials_file().display().to_string()),
            ))
        })
    }

    /// Says something of where they come from.
    pub fn source<T>(&self, say: impl FnOnce(Source<'_>) -> T) -> T {
        match &self.from {
            From::Environment => say(Source::Environment),
            From::File(path) => say(Source::File(&path.display().to_string())),
            From::Printed => say(Source::Printed),
        }
    }

    fn open_to_others(&self) -> bool {
        matches!(&self.from, From::File(path) if !is_private(path))
    }
}

/// Every tick about the App.
pub async fn look(settings: &Settings, known: &Known, github: &GitHub) -> Vec<Tick> {
    let (app, open) = (known.identity.app_id, known.open_to_others());
    let mut ticks = vec![known.source(|source| speech::credentials(app, source, open))];
    let info = match github.app().await {
        Ok(info) => info,
        Err(error) => {
            let answered = !matches!(error, GitHubError::Unavailable { .. } | GitHubError::RateLimited { .. });
            ticks.push(known.source(|source| speech::no_app(&error.to_string(), answered, source)));
            ticks.extend(speech::not_looked_at(speech::NO_ANSWER));
            return ticks;
        }
    };
    ticks.push(speech::app(&info.name, &info.owner));
    let page = settings_page(github, &info);
    match github.installations().await {
        Ok(all) => {
            let served = served(&all, known, &info, &mut ticks);
            granted(&served, (&info, &page), &mut ticks);
            ticks.extend(events(&info, &page));
            ticks.push(hook(settings, known, github, &page).await);
            ticks.push(repository(github, &served).await);
        }
        Err(error) => ticks.push(speech::unanswered("installation", &error.to_string())),
    }
    ticks
}

/// Where the App's owner changes it.
fn settings_page(github: &GitHub, info: &AppInfo) -> String {
    let whose = if info.of_organisation { format!("/organizations/{}", info.owner) } else { String::new() };
    format!("{}{whose}/settings/apps/{}", github.web_url(), info.slug)
}

/// The installations that are served, with ticks about all of them.
fn served<'a>(all: &'a [Installation], known: &Known, info: &AppInfo, ticks: &mut Vec<Tick>) -> Vec<&'a Installation> {
    let (ours, others): (Vec<_>, Vec<_>) = all.iter().partition(|at| known.identity.orgs.serves(&at.account));
    let (away, there): (Vec<_>, Vec<_>) = ours.into_iter().partition(|at| at.suspended);
    match there.is_empty() {
        false => ticks.push(speech::installation(&there.iter().map(|at| at.account.as_str()).collect::<Vec<_>>())),
        true if away.is_empty() => ticks.push(speech::no_installation(&info.html_url)),
        true => {}
    }
    ticks.extend(away.iter().map(|at| speech::suspended(&at.account, &at.html_url)));
    ticks.extend(others.iter().take(ACCOUNTS).map(|at| speech::not_served(&at.account)));
    there
}

fn granted(served: &[&Installation], (info, page): (&AppInfo, &str), ticks: &mut Vec<Tick>) {
    let mut missing = Vec::new();
    for at in served.iter().take(ACCOUNTS) {
        for lack in permissions::lacks(at) {
            let told = speech::Lack {
                permission: lack.permission,
                level: lack.level,
                account: &at.account,
                cannot: &lack.cannot,
                asked: permissions::carries(&info.permissions, lack.permission, lack.level),
                accept_at: &at.html_url,
            };
            missing.push(speech::lacks(&told, page));
        }
    }
    match (served.is_empty(), missing.is_empty()) {
        (true, _) => ticks.push(Tick::skip("permissions", speech::NOT_INSTALLED)),
        (false, true) => ticks.push(speech::permissions()),
        (false, false) => ticks.append(&mut missing),
    }
}

fn events(info: &AppInfo, page: &str) -> Vec<Tick> {
    let unheard = permissions::unheard(&info.events, &info.permissions);
    if unheard.is_empty() {
        return vec![speech::events()];
    }
    unheard.iter().map(|(event, cannot)| speech::unheard(event, cannot, page)).collect()
}

async fn hook(settings: &Settings, known: &Known, github: &GitHub, page: &str) -> Tick {
    let seen = async { Ok::<_, GitHubError>((github.hook().await?, github.newest_delivery().await?)) };
    let (hook, newest) = match seen.await {
        Ok(seen) => seen,
        Err(error) => return speech::unanswered("webhook", &error.to_string()),
    };
    let secret = match &known.from {
        From::Environment => "FAIRWAY_WEBHOOK_SECRET".to_owned(),
        From::File(path) => path.display().to_string(),
        From::Printed => "the line FAIRWAY_WEBHOOK_SECRET above".to_owned(),
    };
    let seen = speech::Hook {
        url: &hook.url,
        content_type: &hook.content_type,
        newest: newest.as_ref().map(|newest| (newest.event.as_str(), newest.failed.as_deref())),
        settings: page,
        secret: &secret,
    };
    match settings.intake {
        IntakeChoice::Webhook => speech::webhook(&seen),
        IntakeChoice::Poll => speech::polled(&seen),
    }
}

async fn repository(github: &GitHub, served: &[&Installation]) -> Tick {
    for at in served.iter().take(ACCOUNTS) {
        match github.first_repository(at.id).await {
            Ok(Some((name, count))) => return speech::repository(&name, count),
            Ok(None) => {}
            Err(error) => return speech::unanswered("repository", &error.to_string()),
        }
    }
    match served.first() {
        Some(at) => speech::no_repository(&at.html_url),
        None => Tick::skip("repository", speech::NOT_INSTALLED),
    }
}
