//! `/api/keys`: what `sluicegate keys` does, over HTTP.

use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::{GET_AND_POST, POST, Refused, json, parse};
use crate::caller::DEFAULT_TENANT;
use crate::config::Secret;
use crate::gateway::Gateway;
use crate::key::{Draft, Key, Models};
use crate::reply::Body;
use crate::store::issue::{self, GRACE};
use crate::store::written::{WrittenBudget, WrittenKey, WrittenLimits};

/// What makes a key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    tenant: Option<String>,
    models: Option<Vec<String>>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    limits: WrittenLimits,
    #[serde(default)]
    budget: WrittenBudget,
    /// A time, or how long from now.
    expires: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// How long the older secret works: `24h`.
    grace: Option<String>,
}

/// A key, and its secret where that is seen for the only time.
#[derive(Serialize)]
struct Shown {
    key: WrittenKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Serialize)]
struct List {
    keys: Vec<WrittenKey>,
}

/// Answer a request below `/api/keys`.
pub(super) async fn answer(
    gateway: &Gateway,
    method: &Method,
    below: &[&str],
    body: &[u8],
) -> Result<Response<Body>, Refused> {
    let auth = &gateway.auth;
    match (below, method.as_str()) {
        ([], "GET") => {
            let keys = auth.keys().await?;
            Ok(json(StatusCode::OK, &List { keys: keys.iter().map(WrittenKey::from).collect() }))
        }
        ([], "POST") => {
            let draft = draft(parse(body)?)?;
            let (key, secret) = auth.with_store(|store| issue::create(store, draft)).await?;
            info!(key = key.id, tenant = key.tenant, "key created");
            Ok(shown(StatusCode::CREATED, &key, Some(secret)))
        }
        ([id, "rotate"], "POST") => {
            let Rotate { grace } = if body.is_empty() { Rotate::default() } else { parse(body)? };
            let grace = match grace {
                None => GRACE,
                Some(text) => humantime::parse_duration(&text)
                    .map_err(|_| Refused::Wrong(Some("grace"), "must be a time, as \"24h\"".to_owned()))?,
            };
            let id = (*id).to_owned();
            let (key, secret) = auth.with_store(move |store| issue::rotate(store, &id, grace)).await?;
            info!(key = key.id, tenant = key.tenant, "key rotated");
            Ok(shown(StatusCode::OK, &key, Some(secret)))
        }
        ([id, "revoke"], "POST") => {
            let id = (*id).to_owned();
            let key = auth.with_store(move |store| issue::revoke(store, &id)).await?;
            info!(key = key.id, tenant = key.tenant, "key revoked");
            Ok(shown(StatusCode::OK, &key, None))
        }
        ([], _) => Err(Refused::NoSuchMethod(GET_AND_POST)),
        ([_, "rotate" | "revoke"], _) => Err(Refused::NoSuchMethod(POST)),
        _ => Err(Refused::NotFound),
    }
}

fn shown(status: StatusCode, key: &Key, secret: Option<Secret>) -> Response<Body> {
    json(status, &Shown { key: key.into(), secret: secret.map(|secret| secret.reveal().to_owned()) })
}

fn draft(create: Create) -> Result<Draft, Refused> {
    let Create { name, tenant, models, tags, limits, budget, expires } = create;
    let wrong = |field, why: String| Refused::Wrong(Some(field), why);
    let expires = expires.map(|text| text.parse().map_err(|why| wrong("expires", format!("{text:?} {why}"))));
    Ok(Draft {
        name,
        tenant: tenant.unwrap_or_else(|| DEFAULT_TENANT.to_owned()),
        models: models.map_or(Models::Any, Models::from_names),
        tags,
        limits: limits.into(),
        budget: budget.try_into().map_err(|(field, why)| wrong(field, why))?,
        expires: expires.transpose()?,
    })
}
