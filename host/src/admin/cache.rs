//! `/api/cache`: what became of questions, and answers that are to be forgotten.

use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::{Refused, json, only, parse};
use crate::gateway::Gateway;
use crate::moment;
use crate::reply::Body;
use crate::store::answers::{Purge, unhex};
use crate::store::counters::Moment;

/// Which answers are to be forgotten: those that satisfy each condition.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    key: Option<String>,
    /// Empty for the answers that all tenants share.
    tenant: Option<String>,
    model: Option<String>,
    /// Those that were given before: a time, as `2027-01-31T00:00:00Z`.
    before: Option<String>,
    /// All of them: so that nobody says it by saying nothing.
    all: Option<bool>,
}

#[derive(Serialize)]
struct Purged {
    purged: u64,
}

/// Answer a request below `/api/cache`.
pub(super) async fn answer(
    gateway: &Gateway,
    method: &Method,
    below: &[&str],
    body: &[u8],
) -> Result<Response<Body>, Refused> {
    match below {
        [] => only(method, &Method::GET).map(|()| json(StatusCode::OK, &gateway.cache.told())),
        ["purge"] => {
            only(method, &Method::POST)?;
            let purge = conditions(&parse(body)?)?;
            let (tenant, model, before) = (purge.tenant.as_deref(), purge.model.as_deref(), purge.before);
            let before = before.map(Moment::rfc3339);
            let purged =
                gateway.cache.purge(purge.clone()).await.map_err(|failure| Refused::Cache(failure.to_string()))?;
            info!(purged, tenant, model, before, "kept answers were purged");
            Ok(json(StatusCode::OK, &Purged { purged }))
        }
        _ => Err(Refused::NotFound),
    }
}

fn conditions(written: &Conditions) -> Result<Purge, Refused> {
    let wrong = |field, why: &str| Refused::Wrong(Some(field), why.to_owned());
    let Conditions { key, tenant, model, before, all } = written;
    let key = key.as_deref().map(|key| unhex(key).ok_or_else(|| wrong("key", "is not a key: 64 hexadecimal digits")));
    let before = before.as_deref().map(|before| match before.parse::<moment::Moment>() {
        Ok(moment) => Ok(Moment(moment.seconds().saturating_mul(1_000))),
        Err(why) => Err(wrong("before", &why.to_string())),
    });
    let purge = Purge {
        key: key.transpose()?,
        tenant: tenant.as_deref().map(Into::into),
        model: model.as_deref().map(Into::into),
        before: before.transpose()?,
    };
    match (purge == Purge::default(), all.unwrap_or_default()) {
        (true, false) => Err(wrong("all", "say which answers, by key, tenant, model or before, or `all`: true")),
        (false, true) => Err(wrong("all", "means all of them, and so does not go with other conditions")),
        (true, true) | (false, false) => Ok(purge),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Purge, String> {
        let refused = |refused| match refused {
            Refused::Wrong(field, why) => format!("{}: {why}", field.unwrap_or_default()),
            other => format!("{other:?}"),
        };
        parse(body.as_bytes()).and_then(|written| conditions(&written)).map_err(refused)
    }

    #[test]
    fn which_answers_has_to_be_said() {
        assert_eq!(read(r#"{"all":true}"#), Ok(Purge::default()));
        assert!(read("{}").unwrap_err().starts_with("all: say which"));
        assert!(read(r#"{"all":true,"model":"m"}"#).unwrap_err().starts_with("all: means all"));
        let key = "0f".repeat(32);
        let purge = read(&format!(r#"{{"key":"{key}","tenant":"","before":"1970-01-01T00:00:09Z"}}"#)).unwrap();
        assert_eq!(purge.key, Some([15; 32]));
        assert_eq!((purge.tenant.as_deref(), purge.before), (Some(""), Some(Moment(9_000))));
        for wrong in [r#"{"key":"0f"}"#, r#"{"key":"é"}"#, r#"{"before":"soon"}"#, r#"{"keys":[]}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
