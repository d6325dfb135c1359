//! OpenAI's models on Azure: where they are asked there, and with which header.

use hyper::http::request::Parts;

use super::failure::Failure;

/// The path that OpenAI has for what is asked at one of Azure's; the same path if it is none.
///
/// # Errors
/// When nobody says who asks.
pub(super) fn path(head: &Parts) -> Result<String, Failure> {
    let path = head.uri.path();
    let Some(below) = path.strip_prefix("/openai/") else { return Ok(path.to_owned()) };
    if !head.headers.contains_key("api-key") {
        return Err(Failure::on_demand(401, None, Some("Access denied due to missing subscription key.")));
    }
    let has_version = head.uri.query().is_some_and(|query| query.starts_with("api-version="));
    let deployed = below.strip_prefix("deployments/").and_then(|rest| rest.split_once('/'));
    Ok(match (below.strip_prefix("v1/"), deployed) {
        (Some(rest), _) if !has_version => format!("/v1/{rest}"),
        (None, Some((_, rest))) if has_version => format!("/v1/{rest}"),
        (None, None) if has_version => format!("/v1/{below}"),
        _ => path.to_owned(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(path: &str) -> Parts {
        Request::builder().uri(path).header("api-key", "k").body(()).unwrap().into_parts().0
    }

    #[test]
    fn azures_paths_are_openais() {
        for (theirs, ours) in [
            ("/openai/v1/chat/completions", "/v1/chat/completions"),
            ("/openai/deployments/a%2Fb/chat/completions?api-version=2024-10-21", "/v1/chat/completions"),
            ("/openai/responses?api-version=preview", "/v1/responses"),
            ("/openai/deployments/a/chat/completions", "/openai/deployments/a/chat/completions"),
            ("/v1/models", "/v1/models"),
        ] {
            assert_eq!(path(&head(theirs)).unwrap(), ours);
        }
        let mut anonymous = head("/openai/v1/models");
        anonymous.headers.clear();
        assert_eq!(path(&anonymous).unwrap_err().status, 401);
    }
}
