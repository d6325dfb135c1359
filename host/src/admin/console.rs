//! The console: what the ledger and the gateway know, as pages that a person reads. They are made here and nothing is loaded
//! from elsewhere; all that changes anything is a form of this console, sent by whoever may look.

mod chart;
mod escalations;
mod exchange;
mod exchanges;
mod feedback;
mod keys;
mod me;
mod overview;
mod page;
mod plugins;
mod session;
mod sessions;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response};
use maud::{Markup, html};

use super::{GET_AND_POST, Port, Refused};
use crate::gateway::Gateway;
use crate::ledger::{Ledger, Place};
use crate::moment::Moment;
use crate::reply::Body;
use crate::store::ledger::Failure;
use page::{Asset, Page};
pub(crate) use session::Signer;

/// Subjects of an alert that are named on each page.
const ALERTS_SHOWN: usize = 5;
/// Rows of a page.
const ROWS: usize = 50;

/// Someone who looks at the console.
struct Visit<'a> {
    gateway: &'a Gateway,
    port: &'a Port,
    head: &'a Parts,
}

/// What is shown: the body of a page.
struct Shown {
    title: String,
    part: &'static str,
    is_live: bool,
    body: Markup,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Ledger(failure.to_string())
    }
}

/// Answer a request below `/console`.
pub(super) async fn answer(
    gateway: &Gateway,
    port: &Port,
    head: &Parts,
    below: &[&str],
    form: &[u8],
) -> Result<Response<Body>, Refused> {
    let visit = Visit { gateway, port, head };
    if let ([asset], &Method::GET) = (below, &head.method)
        && let Some(asset) = Asset::at(asset)
    {
        return Ok(asset.response());
    }
    if head.method == Method::POST {
        return visit.take(below, &Form::read(form)).await;
    }
    if head.method != Method::GET {
        return Err(Refused::NoSuchMethod(GET_AND_POST));
    }
    if !port.signer.lets_in(&head.headers, Moment::now()) {
        return Ok(visit.page(&enter(None)).await);
    }
    let shown = visit.show(below).await?;
    Ok(visit.page(&shown).await)
}

/// Whether a request is one of whoever looks at the console: what is wrong with it is said on a page.
pub(super) fn is_for_it(head: &Parts) -> bool {
    head.uri.path().split('/').nth(1) == Some("console")
}

/// The page that says why there is no other.
pub(super) fn refused(port: &Port, head: &Parts, refused: Refused) -> Response<Body> {
    let allowed = refused.allowed();
    let (status, _, field, message) = refused.said();
    let title = match status.canonical_reason() {
        Some(reason) => format!("{}: {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    let body = html! {
        p.card { @if let Some(field) = field { code { (field) } ": " } (message) }
        @if let Some(before) = came_from(head) { p { a href=(before) { "Back to the page before" } } }
        p { a href="/console" { "To the overview" } }
    };
    let form_token = port.signer.form_token(&head.headers);
    let page = Page {
        title: &title,
        part: "",
        is_live: false,
        warnings: Vec::new(),
        has_session: false,
        form_token: &form_token,
    };
    let mut response = page::page(&head.headers, &page, &body);
    *response.status_mut() = status;
    response.headers_mut().extend(allowed.map(|allowed| (http::header::ALLOW, allowed)));
    response
}

impl<'a> Visit<'a> {
    async fn show(&self, below: &[&str]) -> Result<Shown, Refused> {
        let query = Form::read(self.head.uri.query().unwrap_or_default().as_bytes());
        match below {
            [] | [""] => overview::show(self, &query).await,
            ["exchanges"] => exchanges::show(self, &query).await,
            ["exchanges", id] => exchange::show(self, id).await,
            ["sessions"] => sessions::list(self, &query).await,
            ["session"] => sessions::one(self, &query).await,
            ["plugins"] => plugins::list(self).await,
            ["plugins", name] => plugins::one(self, &decoded(name)).await,
            ["escalations"] => escalations::list(self, &query).await,
            ["escalations", reference] => escalations::one(self, &decoded(reference)).await,
            ["feedback"] => feedback::list(self, &query).await,
            ["keys"] => keys::show(self).await,
            _ => Err(Refused::NotFound),
        }
    }

    /// What a form asks for.
    async fn take(&self, below: &[&str], form: &Form) -> Result<Response<Body>, Refused> {
        let (headers, signer) = (&self.head.headers, &self.port.signer);
        if !signer.is_own_form(headers, form.get("token").unwrap_or_default()) {
            return Err(Refused::Elsewhere("this form is of another session; load the page again"));
        }
        match below {
            ["enter"] => return Ok(self.enter(form).await),
            ["theme"] => {
                let mut response = page::see_other(came_from(self.head).as_deref().unwrap_or("/console"));
                let cookie = page::theme_cookie(form.get("theme").unwrap_or_default());
                response.headers_mut().append(http::header::SET_COOKIE, cookie);
                return Ok(response);
            }
            _ => {}
        }
        if !signer.lets_in(headers, Moment::now()) {
            return Err(Refused::NoToken);
        }
        match below {
            ["leave"] => {
                let mut response = page::see_other("/console");
                response.headers_mut().append(http::header::SET_COOKIE, Signer::no_cookie());
                Ok(response)
            }
            ["exchanges", id, "feedback"] => feedback::take(self, id, form).await,
            ["escalations", reference, what] => escalations::take(self, &decoded(reference), what, form).await,
            _ => Err(Refused::NotFound),
        }
    }

    /// Let in whoever knows the token.
    async fn enter(&self, form: &Form) -> Response<Body> {
        let given = form.get("secret").unwrap_or_default();
        let is_it = self.port.settings.token.as_ref().is_some_and(|token| session::is_token(token, given));
        if !is_it {
            return self.page(&enter(Some("This is not the token."))).await;
        }
        let mut response = page::see_other("/console");
        response.headers_mut().append(http::header::SET_COOKIE, self.port.signer.cookie(Moment::now()));
        response
    }

    async fn page(&self, shown: &Shown) -> Response<Body> {
        let headers = &self.head.headers;
        let is_in = self.port.signer.lets_in(headers, Moment::now());
        let page = Page {
            title: &shown.title,
            part: shown.part,
            is_live: shown.is_live,
            warnings: if is_in { self.warnings() } else { Vec::new() },
            has_session: is_in && self.port.settings.token.is_some(),
            form_token: &self.form_token(),
        };
        page::page(headers, &page, &shown.body)
    }

    fn form_token(&self) -> String {
        self.port.signer.form_token(&self.head.headers)
    }

    /// What is not as it should be, whichever page is looked at.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(ledger) = &self.gateway.observers.ledger {
            let told = ledger.told();
            if let Some(why) = told.trouble {
                warnings.push(format!("Exchanges are not recorded at the moment, and served all the same: {why}"));
            }
            if told.dropped > 0 {
                let dropped = told.dropped;
                warnings.push(format!("{dropped} exchanges since the start are not recorded: too many waited."));
            }
        }
        for standing in self.gateway.observers.alerts.standing().iter().filter(|standing| standing.active > 0) {
            let active = standing.worst.iter().filter(|one| one.alert.is_some()).take(ALERTS_SHOWN);
            let subjects: Vec<String> = active.map(|one| one.subject.to_string()).collect();
            warnings.push(format!("Alert {}: {}", standing.rule, subjects.join(", ")));
        }
        let broken = self.gateway.broken();
        if !broken.is_empty() {
            let names: Vec<&str> = broken.iter().map(|broken| broken.name.as_str()).collect();
            warnings.push(format!("Not in service as they lie in the plugin directory: {}", names.join(", ")));
        }
        warnings
    }

    fn ledger(&self) -> Result<&'a Arc<Ledger>, Refused> {
        self.gateway.observers.ledger.as_ref().ok_or_else(|| {
            Refused::Ledger("nothing is recorded: [ledger] says enabled = false in the configuration".to_owned())
        })
    }
}

/// The page of the console from which one came.
fn came_from(head: &Parts) -> Option<String> {
    let referer = head.headers.get(http::header::REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|address| address.parse::<http::Uri>().ok());
    let path = path.as_ref().and_then(http::Uri::path_and_query).map(|path| path.as_str());
    path.filter(|path| path.starts_with("/console")).map(str::to_owned)
}

/// The page for whoever has not said the token.
fn enter(wrong: Option<&str>) -> Shown {
    let body = html! {
        form.card method="post" action="/console/enter" {
            @if let Some(wrong) = wrong { p role="alert" { (wrong) } }
            label { "The token of " code { "[admin]" }
                input type="password" name="secret" autocomplete="current-password" required autofocus;
            }
            p {}
            button.main type="submit" { "Enter" }
        }
    };
    Shown { title: "Enter".to_owned(), part: "", is_live: false, body }
}

/// One element of a path, as it was before it was written into one.
fn decoded(element: &str) -> String {
    percent_encoding::percent_decode_str(element).decode_utf8_lossy().into_owned()
}

/// Names and values, of a form or of a query.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(text: &[u8]) -> Self {
        let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        Self(form_urlencoded::parse(text).map(owned).collect())
    }

    /// Whether it says nothing.
    fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, value)| value.trim().is_empty())
    }

    /// What a name was given, if that is anything.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The same as a text of its own.
    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// All of it with one name given another value, as a query.
    fn with(&self, name: &str, value: &str) -> String {
        self.with_all(&[(name, value)])
    }

    /// The same with several.
    fn with_all(&self, new: &[(&str, &str)]) -> String {
        let is_new = |name: &str| new.iter().any(|(new, _)| *new == name);
        let others = self.0.iter().filter(|(name, value)| !is_new(name) && !value.trim().is_empty());
        let pairs = others.map(|(name, value)| (name.as_str(), value.as_str())).chain(new.iter().copied());
        form_urlencoded::Serializer::new(String::from("?"))
            .extend_pairs(pairs.filter(|(_, value)| !value.is_empty()))
            .finish()
    }

    /// The place behind which a list is to go on, if it says one.
    fn place(&self) -> Option<Place> {
        let at_ms = self.get(BEFORE)?.parse().ok()?;
        let text = |name| self.text(name).unwrap_or_default();
        Some(Place { at_ms, tenant: text(BEFORE_TENANT), name: text(BEFORE_NAME) })
    }

    /// All of it, for the list to go on behind another place.
    fn behind(&self, place: &Place) -> String {
        let Place { at_ms, tenant, name } = place;
        self.with_all(&[(BEFORE, &at_ms.to_string()), (BEFORE_TENANT, tenant), (BEFORE_NAME, name)])
    }
}

/// What a place in a list is said in.
const BEFORE: &str = "before";
const BEFORE_TENANT: &str = "before-tenant";
const BEFORE_NAME: &str = "before-name";
