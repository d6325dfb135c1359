//! OpenAI's models on Azure. The bodies are OpenAI's own; where they are sent to and how they say who asks is not.
//!
//! Source: Microsoft's public reference of Azure OpenAI, as it stood on 28 November 2026: the API without versions below
//! `/openai/v1`, and the one with versions, in which the path names what of a model has been deployed.

use std::borrow::Cow;

use http::header::{self, HeaderName};

use crate::config::{Azure, Platform, Target};
use crate::dialect::{Address, Dialect, Wire, Wrong, segment};

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Where on Azure is what other providers have at `path`; the same for those.
///
/// # Errors
/// When no path can have the name of the deployment in it.
pub(super) fn path(
    target: &Target,
    wire: Wire,
    address: &Address,
    path: Cow<'static, str>,
) -> Result<Cow<'static, str>, Wrong> {
    let Platform::Azure(azure) = &target.platform else { return Ok(path) };
    Ok(match (&azure.api_version, wire) {
        (Some(version), Wire::Dialect(Dialect::OpenAi)) => {
            let deployment = segment(address.model.as_deref().unwrap_or_default())?;
            format!("/openai/deployments/{deployment}{path}?api-version={version}").into()
        }
        // What is deployed stands in the body.
        (Some(_) | None, _) => below(azure, &path).into(),
    })
}

/// Where the list of models is.
pub(super) fn models_path(target: &Target, path: &'static str) -> Cow<'static, str> {
    match &target.platform {
        Platform::Azure(azure) => below(azure, path).into(),
        Platform::Own | Platform::Aws(_) => path.into(),
    }
}

fn below(azure: &Azure, path: &str) -> String {
    match &azure.api_version {
        Some(version) => format!("/openai{path}?api-version={version}"),
        None => format!("/openai/v1{path}"),
    }
}

/// The header in which Azure takes a key.
pub(super) fn key_header(target: &Target) -> Option<HeaderName> {
    match &target.platform {
        Platform::Azure(Azure { entra_id: true, .. }) => Some(header::AUTHORIZATION),
        Platform::Azure(Azure { entra_id: false, .. }) => Some(API_KEY),
        Platform::Own | Platform::Aws(_) => None,
    }
}
