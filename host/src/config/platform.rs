//! What is particular about providers whose models run on somebody's platform: Azure and Amazon Bedrock.

use std::path::Path;

use toml::Spanned;

use super::file::{Entry, Provider, SecretSource};
use super::resolve::secret;
use super::{AwsKeys, Azure, Platform, Problems};

/// What a provider's `dialect` says beside the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Sandbox,
    Azure,
    Bedrock,
}

/// What the fields of a provider say about its platform; nothing if one of them is wrong.
pub(super) fn platform(
    name: &str,
    entry: &Entry<Provider>,
    kind: Kind,
    base: &Path,
    problems: &mut Problems,
) -> Option<Platform> {
    let field = |field: &str| format!("providers.{name}.{field}");
    let written = &entry.value;
    let strange = strangers(written, kind);
    for (stranger, span, of) in &strange {
        problems.add(
            Some(span.clone()),
            field(stranger),
            format!("is for a provider of the dialect {of:?}; remove this line"),
        );
    }
    if !strange.is_empty() {
        return None;
    }
    match kind {
        Kind::Plain | Kind::Sandbox => Some(Platform::Own),
        Kind::Azure => azure(name, entry, problems),
        Kind::Bedrock => bedrock(name, entry, base, problems),
    }
}

/// Fields that are there and say nothing about a provider of this kind: their names, where they stand, and whom they are for.
fn strangers(written: &Provider, kind: Kind) -> Vec<(&'static str, std::ops::Range<usize>, &'static str)> {
    let azure = [
        ("api_version", written.api_version.as_ref().map(Spanned::span)),
        ("entra_id", written.entra_id.as_ref().map(Spanned::span)),
    ];
    let bedrock = [
        ("region", written.region.as_ref().map(Spanned::span)),
        ("access_key_id", written.access_key_id.as_ref().map(Spanned::span)),
        ("secret_access_key", written.secret_access_key.as_ref().map(Spanned::span)),
        ("session_token", written.session_token.as_ref().map(Spanned::span)),
    ];
    let azure = azure.into_iter().filter(|_| kind != Kind::Azure).map(|(name, span)| (name, span, "azure"));
    let bedrock = bedrock.into_iter().filter(|_| kind != Kind::Bedrock).map(|(name, span)| (name, span, "bedrock"));
    azure.chain(bedrock).filter_map(|(name, span, of)| Some((name, span?, of))).collect()
}

fn azure(name: &str, entry: &Entry<Provider>, problems: &mut Problems) -> Option<Platform> {
    let field = |field: &str| format!("providers.{name}.{field}");
    let written = &entry.value;
    let mut wrong = false;
    if written.api_key.is_none() {
        // Callers believe that they talk to OpenAI: their keys are not for Azure.
        let message = "is missing; name its place, as { env = \"AZURE_OPENAI_API_KEY\" }";
        problems.add(Some(entry.span.clone()), field("api_key"), message);
        wrong = true;
    }
    if let Some(given) = written.base_url.as_ref().filter(|given| given.get_ref().contains("/openai")) {
        let message = "has a path that is added to it; write it as \"https://NAME.openai.azure.com\"";
        problems.add(Some(given.span()), field("base_url"), message);
        wrong = true;
    }
    let api_version = written.api_version.as_ref();
    if let Some(given) = api_version.filter(|given| !is_plain(given.get_ref())) {
        problems.add(Some(given.span()), field("api_version"), "is no version; write it as \"2024-10-21\"");
        wrong = true;
    }
    let entra_id = written.entra_id.as_ref().is_some_and(|entra_id| *entra_id.get_ref());
    let api_version = api_version.map(|version| version.get_ref().clone());
    (!wrong).then_some(Platform::Azure(Azure { api_version, entra_id }))
}

/// Letters, digits, dots and dashes, as they may stand in an address.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.len() <= 64 && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// The region, if it is one.
fn region(name: &str, written: &Provider, problems: &mut Problems) -> Option<String> {
    let given = written.region.as_ref()?;
    if is_plain(given.get_ref()) && !given.get_ref().contains('.') {
        return Some(given.get_ref().clone());
    }
    problems.add(Some(given.span()), format!("providers.{name}.region"), "is no region; write it as \"eu-central-1\"");
    None
}

fn bedrock(name: &str, entry: &Entry<Provider>, base: &Path, problems: &mut Problems) -> Option<Platform> {
    let field = |field: &str| format!("providers.{name}.{field}");
    let written = &entry.value;
    let region = region(name, written, problems);
    if written.region.is_some() && region.is_none() {
        return None;
    }
    let keys = [&written.access_key_id, &written.secret_access_key, &written.session_token];
    let is_signed = keys.iter().any(|key| key.is_some());
    if written.api_key.is_some() {
        if is_signed {
            let message = "stands beside the keys to sign with; keep one of the two";
            problems.add(written.api_key.as_ref().map(Spanned::span), field("api_key"), message);
            return None;
        }
        return Some(Platform::Own);
    }
    let mut needed = |value: &Option<Spanned<SecretSource>>, word: &str| match value {
        Some(source) => secret(source, base, field(word), problems),
        None => {
            let message = match is_signed {
                true => "is missing; the two halves of a key go together",
                false => "is missing, and so is api_key; one of the two says who asks",
            };
            problems.add(Some(entry.span.clone()), field(word), message);
            None
        }
    };
    let access_key_id = needed(&written.access_key_id, "access_key_id");
    let secret_access_key = needed(&written.secret_access_key, "secret_access_key");
    let session_token = match &written.session_token {
        Some(source) => Some(secret(source, base, field("session_token"), problems)?),
        None => None,
    };
    let Some(region) = region else {
        let message = "is missing; requests are signed for one region, as \"eu-central-1\"";
        problems.add(Some(entry.span.clone()), field("region"), message);
        return None;
    };
    let (access_key_id, secret_access_key) = (access_key_id?, secret_access_key?);
    Some(Platform::Aws(AwsKeys { region, access_key_id, secret_access_key, session_token }))
}

/// Where Bedrock answers in the region of a provider, if it names one.
pub(super) fn bedrock_url(written: &Provider) -> Option<String> {
    let region = written.region.as_ref()?.get_ref();
    is_plain(region).then(|| format!("https://bedrock-runtime.{region}.amazonaws.com"))
}
