//! What all pages have in common: the frame, the way around, and headers that let a browser do nothing but show them.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::session::cookie;
use crate::plugin::digest;
use crate::reply::Body;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

/// Nothing is loaded from elsewhere, no script stands in a page, nothing can be put around one.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of the console: where they are, what they are called, and the key that leads there behind `g`.
pub(super) const PARTS: [(&str, &str, &str); 7] = [
    ("/console", "Overview", "o"),
    ("/console/exchanges", "Exchanges", "e"),
    ("/console/sessions", "Sessions", "s"),
    ("/console/plugins", "Plugins", "p"),
    ("/console/escalations", "Escalations", "q"),
    ("/console/feedback", "Feedback", "f"),
    ("/console/keys", "Keys", "k"),
];

/// What a page is about.
pub(super) struct Page<'a> {
    /// Its heading.
    pub(super) title: &'a str,
    /// The part that it belongs to: the address of one of [`PARTS`]; empty for none.
    pub(super) part: &'a str,
    /// It is shown anew every few seconds.
    pub(super) is_live: bool,
    /// What the gateway has to say on each page.
    pub(super) warnings: Vec<String>,
    /// Who looks can end that.
    pub(super) has_session: bool,
    /// What forms carry.
    pub(super) form_token: &'a str,
}

/// The page around a body.
pub(super) fn page(head: &HeaderMap, page: &Page<'_>, body: &Markup) -> Response<Body> {
    let theme = cookie(head, THEME).filter(|theme| matches!(*theme, "light" | "dark"));
    let markup = html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) " · Sluicegate" }
                link rel="icon" href=(Asset::Icon.path());
                link rel="stylesheet" href=(Asset::Style.path());
                script src=(Asset::Script.path()) defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href="/console" { (PreEscaped(ICON)) span { "Sluicegate" } }
                    nav aria-label="Parts of the console" {
                        @for (path, name, key) in PARTS {
                            a href=(path) data-key=(key) title=(format!("g {key}")) aria-current=[(path == page.part).then_some("page")] { (name) }
                        }
                    }
                    @if page.has_session {
                        form.leave method="post" action="/console/leave" {
                            (token(page.form_token))
                            button.quiet type="submit" { "Leave" }
                        }
                    }
                }
                @for warning in &page.warnings { p.warning role="status" { (warning) } }
                main #main data-live[page.is_live] {
                    h1 { (page.title) }
                    (body)
                }
                footer {
                    span { "sluicegate " (env!("CARGO_PKG_VERSION")) }
                    span.hint { "keys: " kbd { "/" } " search, " kbd { "j" } " " kbd { "k" } " up and down, " kbd { "g" } " and a letter to a part: "
                        @for (_, name, key) in PARTS { span title=(name) { kbd { (key) } } " " } }
                    form.themes method="post" action="/console/theme" {
                        (token(page.form_token))
                        @for name in ["system", "light", "dark"] {
                            button.quiet name="theme" value=(name) aria-pressed=(name == theme.unwrap_or("system")) { (name) }
                        }
                    }
                }
            }
        }
    };
    respond(StatusCode::OK, "text/html; charset=utf-8", markup.into_string().into())
}

/// The field by which a form is known as one of the console.
pub(super) fn token(token: &str) -> Markup {
    html! { input type="hidden" name="token" value=(token); }
}

/// The cookie with the theme that a person wants.
const THEME: &str = "sluicegate-theme";

/// What keeps a theme; an empty one follows the system.
pub(super) fn theme_cookie(theme: &str) -> HeaderValue {
    let (value, age) = match theme {
        "light" => ("light", 31_536_000),
        "dark" => ("dark", 31_536_000),
        _ => ("", 0),
    };
    let cookie = format!("{THEME}={value}; Path=/console; Max-Age={age}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A file that pages need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asset {
    Style,
    Script,
    Icon,
}

impl Asset {
    /// The one at this path below `/console/`.
    pub(super) fn at(path: &str) -> Option<Self> {
        [Self::Style, Self::Script, Self::Icon].into_iter().find(|asset| asset.name() == path)
    }

    fn text(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Style => (STYLE, "css", "text/css; charset=utf-8"),
            Self::Script => (SCRIPT, "js", "text/javascript; charset=utf-8"),
            Self::Icon => (ICON, "svg", "image/svg+xml"),
        }
    }

    /// Another one when the text is another one: browsers keep it for as long as they like.
    fn name(self) -> String {
        let (text, ending, _) = self.text();
        format!("{}.{ending}", digest(text.as_bytes()).get(..16).unwrap_or_default())
    }

    fn path(self) -> String {
        format!("/console/{}", self.name())
    }

    pub(super) fn response(self) -> Response<Body> {
        let (text, _, kind) = self.text();
        let mut response = respond(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()));
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, forever);
        response
    }
}

/// To another page, after a form was taken.
pub(super) fn see_other(path: &str) -> Response<Body> {
    let mut response = respond(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    let location = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/console"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
