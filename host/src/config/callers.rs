//! Who may call, and where operators look: `[auth]`, `[admin]`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use toml::Spanned;

use super::resolve::{milliseconds, secret};
use super::{Problems, Secret, file};

/// Who may call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    /// Whether callers must say who they are; nothing where it depends on whether anybody could.
    pub required: Option<bool>,
    /// Callers with a token, if there are such.
    pub jwt: Option<Jwt>,
}

/// Whose tokens are taken, and what their claims mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    /// Where the issuer's public keys are.
    pub keys: KeySource,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The claim with the tenant; nothing if all callers belong to one.
    pub tenant_claim: Option<String>,
    /// The claim with the user.
    pub user_claim: String,
    /// The claim with the models that may be asked for; nothing if that is all.
    pub models_claim: Option<String>,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// How often the keys are read again.
    pub refresh: Duration,
}

/// Where an issuer's public keys are.
#[derive(Clone, Debug, PartialEq)]
pub enum KeySource {
    /// At this address.
    Url(Uri),
    /// In this file.
    File(PathBuf),
}

/// The port for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What its callers must know; nothing if being on this machine is enough.
    pub token: Option<Secret>,
}

/// Whether only this machine reaches who listens there.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

pub(super) fn auth(
    file: &file::Auth,
    jwt: Option<&file::Entry<file::Jwt>>,
    base: &Path,
    problems: &mut Problems,
) -> Auth {
    Auth { required: file.required, jwt: jwt.and_then(|entry| tokens(entry, base, problems)) }
}

fn tokens(entry: &file::Entry<file::Jwt>, base: &Path, problems: &mut Problems) -> Option<Jwt> {
    let written = &entry.value;
    let keys = match (&written.jwks_url, &written.jwks_file) {
        (Some(url), None) => match own_url(url.get_ref(), "https://issuer.example/.well-known/jwks.json") {
            Ok(url) => Some(KeySource::Url(url)),
            Err(wrong) => {
                problems.add(Some(url.span()), "auth.jwt.jwks_url", wrong);
                None
            }
        },
        (None, Some(path)) => Some(KeySource::File(base.join(path.get_ref()))),
        _ => {
            let message = "name one place for the issuer's keys: jwks_url = \"https://...\" or jwks_file = \"PATH\"";
            problems.add(Some(entry.span.clone()), "auth.jwt", message);
            None
        }
    };
    let mut not_empty = |field: &str, given: Option<&Spanned<String>>| {
        let given = given?;
        if given.get_ref().trim().is_empty() {
            problems.add(
                Some(given.span()),
                format!("auth.jwt.{field}"),
                "is empty; a token of the issuer shows what belongs here",
            );
        }
        Some(given.get_ref().clone())
    };
    let issuer = not_empty("issuer", Some(&written.issuer))?;
    let audience = not_empty("audience", Some(&written.audience))?;
    let tenant_claim = not_empty("tenant_claim", written.tenant_claim.as_ref());
    let user_claim = not_empty("user_claim", written.user_claim.as_ref()).unwrap_or_else(|| "sub".to_owned());
    let models_claim = not_empty("models_claim", written.models_claim.as_ref());
    let leeway = milliseconds(written.leeway_ms.as_ref(), 60_000, "auth.jwt.leeway_ms", problems);
    let refresh = milliseconds(written.refresh_ms.as_ref(), 300_000, "auth.jwt.refresh_ms", problems);
    Some(Jwt { keys: keys?, issuer, audience, tenant_claim, user_claim, models_claim, leeway, refresh })
}

/// The address of a service that the gateway itself trusts or tells something: whoever can change what it answers makes
/// tokens, whoever can read what it is told learns of callers. So it is asked over TLS, or it is on this machine.
pub(super) fn own_url(given: &str, example: &str) -> Result<Uri, String> {
    let example = format!("write it as {example:?}");
    let uri: Uri = given.parse().map_err(|_| format!("is not an address; {example}"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback);
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_here => {}
        Some("http") => {
            return Err(format!("http is for this machine alone, as others could answer instead; {example}"));
        }
        _ => return Err(format!("does not begin with https:// and a host; {example}")),
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("credentials do not belong into an address".to_owned());
    }
    Ok(uri)
}

pub(super) fn admin(file: &file::Admin, public: SocketAddr, base: &Path, problems: &mut Problems) -> Option<Admin> {
    let token = file.token.as_ref().and_then(|source| secret(source, base, "admin.token", problems));
    let Some(given) = &file.listen else {
        if let Some(source) = &file.token {
            let message = "is of no use without listen: the admin port is off; add listen = \"127.0.0.1:8081\"";
            problems.add(Some(source.span()), "admin.token", message);
        }
        return None;
    };
    let Ok(listen) = given.get_ref().parse::<SocketAddr>() else {
        let message =
            format!("{:?} is not an address with a port, as \"127.0.0.1:8081\" or \"[::1]:8081\"", given.get_ref());
        problems.add(Some(given.span()), "admin.listen", message);
        return None;
    };
    if listen.port() != 0 && listen == public {
        problems.add(Some(given.span()), "admin.listen", "is the public port's address; use another one");
    }
    if !is_loopback(listen.ip()) && file.token.is_none() {
        let message = "others can reach this address; add token = { env = \"NAME\" }, or listen on 127.0.0.1";
        problems.add(Some(given.span()), "admin.listen", message);
    }
    if let (Some(token), Some(source)) = (&token, &file.token)
        && token.reveal().len() < TOKEN_BYTES_MIN
    {
        let message = format!("is shorter than {TOKEN_BYTES_MIN} characters; make one with: openssl rand -hex 32");
        problems.add(Some(source.span()), "admin.token", message);
    }
    Some(Admin { listen, token })
}

/// Characters of the token for the admin port: as many as 128 random bits have in hexadecimal digits.
const TOKEN_BYTES_MIN: usize = 32;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn a_token_has_a_least_length() {
        let folder = tempfile::tempdir().unwrap();
        let said = |length: usize| {
            std::fs::write(folder.path().join("token"), "x".repeat(length)).unwrap();
            let text = "[providers.s]\ndialect = 'sandbox'\n[targets.t]\nprovider = 's'\n[models.'*']\ntargets = ['t']\n\
                        [admin]\nlisten = '0.0.0.0:8081'\ntoken = { file = 'token' }";
            parse("x", text, folder.path()).map_err(|problems| problems.to_string())
        };
        assert!(said(TOKEN_BYTES_MIN).is_ok());
        let wrong = said(TOKEN_BYTES_MIN - 1).unwrap_err();
        assert!(wrong.starts_with("x:9: admin.token: is shorter than 32 characters"), "{wrong}");
    }
}
