//! From what a person wrote to what the program needs: defaults filled in, names looked up, numbers bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use toml::Spanned;
use tracing::level_filters::LevelFilter;

use super::platform::{Kind, bedrock_url, platform};
use super::prices;
use super::problem::suggestion;
use super::{
    Balance, Breaker, Group, Log, Member, Model, Platform, Plugins, Problems, Reservation, Retry, Secret, Server,
    Settings, Stream, Target, Translation, Upstream, alerts, cache, callers, embedders, escalations, file, ledger,
    store, telemetry, tenants,
};
use crate::dialect::{Dialect, Wire};
use crate::prices::{Prices, Table, providers, seller, takes_stream_options};

/// The name under `[models]` and `[tenants]` that stands for all others.
pub(super) const ANY: &str = "*";
/// The address where the sandbox model would be; the program puts the real one in when it listens.
pub(super) const SANDBOX_URL: &str = "http://127.0.0.1/v1";
/// The host that is known to speak Responses too.
const OPENAI: &str = "api.openai.com";

pub(super) fn resolve(file: file::File, base: &Path, problems: &mut Problems) -> Settings {
    let server = server(&file.server, problems);
    let upstream = upstream(&file.upstream, base, problems);
    let price_table = price_table(&file.prices, base, problems);
    let targets = targets(&file, &price_table, base, problems);
    let mut models = models(&file, &targets, problems);
    let any_model = models.remove(ANY).unwrap_or_default();
    let models_unreadable = file.has_unreadable("models");
    if models.is_empty() && any_model.groups.is_empty() && file.models.is_empty() && !models_unreadable {
        problems.add(
            None,
            "models",
            "no model is configured, so every request would be refused; add [models.NAME] with targets = [\"...\"]",
        );
    }
    // A model that cannot be read may be the one that leads to a target.
    if !models_unreadable {
        unused(&file, problems);
    }
    let admin = callers::admin(&file.admin, server.listen, base, problems);
    Settings {
        server,
        upstream,
        models,
        targets: targets.iter().filter_map(|(name, target)| Some((name.clone(), target.clone()?))).collect(),
        any_model,
        plugins: plugins(&file.plugins, base, problems),
        stream: stream(&file.stream, problems),
        auth: callers::auth(&file.auth, file.jwt.as_ref(), base, problems),
        admin,
        translation: Translation { leave_out: file.translation.leave_out.clone().unwrap_or_default() },
        prices: price_table,
        log: log(&file.log, problems),
        tenants: tenants::tenants(&file, problems),
        store: store::store(&file.store, base, problems),
        reservation: Reservation {
            answer_tokens: number(
                file.reservation.answer_tokens.as_ref(),
                4_096,
                1..=10_000_000,
                "reservation.answer_tokens",
                problems,
            ),
        },
        embedders: embedders::embedders(&file, &targets, base, problems),
        escalations: escalations::escalations(&file.escalations, base, problems),
        cache: cache::cache(&file.cache, base, problems),
        ledger: ledger::ledger(&file.ledger, base, problems),
        telemetry: telemetry::telemetry(&file.telemetry, variable, base, problems),
        alerts: alerts::alerts(&file, base, problems),
    }
}

/// What a variable of the environment says.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A number within its bounds, or the default with a problem noted.
pub(super) fn number(
    given: Option<&Spanned<u64>>,
    default: u64,
    allowed: RangeInclusive<u64>,
    field: &str,
    problems: &mut Problems,
) -> u64 {
    let Some(given) = given else { return default };
    if allowed.contains(given.get_ref()) {
        return *given.get_ref();
    }
    let (least, most) = (allowed.start(), allowed.end());
    problems.add(Some(given.span()), field, format!("must be from {least} to {most}; the default is {default}"));
    default
}

fn size(
    given: Option<&Spanned<u64>>,
    default: u64,
    allowed: RangeInclusive<u64>,
    field: &str,
    problems: &mut Problems,
) -> usize {
    usize::try_from(number(given, default, allowed, field, problems)).unwrap_or(usize::MAX)
}

fn whole(
    given: Option<&Spanned<u64>>,
    default: u64,
    allowed: RangeInclusive<u64>,
    field: &str,
    problems: &mut Problems,
) -> u32 {
    u32::try_from(number(given, default, allowed, field, problems)).unwrap_or(u32::MAX)
}

/// The name of a file that is made when it is needed.
pub(super) fn file_name<'a>(
    given: Option<&'a Spanned<PathBuf>>,
    default: &'a str,
    field: &str,
    problems: &mut Problems,
) -> &'a Path {
    match given {
        Some(given) if given.get_ref().as_os_str().is_empty() => {
            problems.add(Some(given.span()), field, format!("is empty; name a file, as \"{default}\""));
            Path::new(default)
        }
        Some(given) => given.get_ref(),
        None => Path::new(default),
    }
}

pub(super) fn milliseconds(
    given: Option<&Spanned<u64>>,
    default: u64,
    field: &str,
    problems: &mut Problems,
) -> Duration {
    // A day is longer than any wait that makes sense, and far from overflowing a clock.
    Duration::from_millis(number(given, default, 1..=86_400_000, field, problems))
}

fn server(file: &file::Server, problems: &mut Problems) -> Server {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    if let Some(given) = &file.listen {
        match given.get_ref().parse() {
            Ok(address) => listen = address,
            Err(_) => problems.add(
                Some(given.span()),
                "server.listen",
                format!("{:?} is not an address with a port, as \"127.0.0.1:8080\" or \"[::1]:8080\"", given.get_ref()),
            ),
        }
    }
    Server {
        listen,
        connections_max: size(file.connections_max.as_ref(), 10_000, 1..=1_000_000, "server.connections_max", problems),
        header_bytes_max: size(
            file.header_bytes_max.as_ref(),
            64 << 10,
            (8 << 10)..=(1 << 20),
            "server.header_bytes_max",
            problems,
        ),
        header: milliseconds(file.header_ms.as_ref(), 10_000, "server.header_ms", problems),
        body_bytes_max: size(
            file.body_bytes_max.as_ref(),
            10 << 20,
            (1 << 10)..=(256 << 20),
            "server.body_bytes_max",
            problems,
        ),
        body: milliseconds(file.body_ms.as_ref(), 30_000, "server.body_ms", problems),
        write: milliseconds(file.write_ms.as_ref(), 30_000, "server.write_ms", problems),
        drain: milliseconds(file.drain_ms.as_ref(), 30_000, "server.drain_ms", problems),
    }
}

fn upstream(file: &file::Upstream, base: &Path, problems: &mut Problems) -> Upstream {
    Upstream {
        connect: milliseconds(file.connect_ms.as_ref(), 5_000, "upstream.connect_ms", problems),
        first_token: milliseconds(file.first_token_ms.as_ref(), 120_000, "upstream.first_token_ms", problems),
        idle: milliseconds(file.idle_ms.as_ref(), 60_000, "upstream.idle_ms", problems),
        total: milliseconds(file.total_ms.as_ref(), 600_000, "upstream.total_ms", problems),
        answer_bytes_max: size(
            file.answer_bytes_max.as_ref(),
            16 << 20,
            (1 << 10)..=(256 << 20),
            "upstream.answer_bytes_max",
            problems,
        ),
        event_bytes_max: size(
            file.event_bytes_max.as_ref(),
            1 << 20,
            (1 << 10)..=(64 << 20),
            "upstream.event_bytes_max",
            problems,
        ),
        retry: Retry {
            retries_max: whole(file.retries_max.as_ref(), 2, 0..=10, "upstream.retries_max", problems),
            wait: milliseconds(file.retry_ms.as_ref(), 250, "upstream.retry_ms", problems),
            retry_after_max: milliseconds(
                file.retry_after_ms_max.as_ref(),
                5_000,
                "upstream.retry_after_ms_max",
                problems,
            ),
        },
        breaker: Breaker {
            failures: whole(file.breaker_failures.as_ref(), 5, 0..=1_000_000, "upstream.breaker_failures", problems),
            cooldown: milliseconds(file.breaker_ms.as_ref(), 1_000, "upstream.breaker_ms", problems),
            cooldown_max: milliseconds(file.breaker_ms_max.as_ref(), 60_000, "upstream.breaker_ms_max", problems),
        },
        authorities: match &file.ca_file {
            None => Vec::new(),
            Some(given) => authorities(&base.join(given.get_ref())).unwrap_or_else(|wrong| {
                problems.add(Some(given.span()), "upstream.ca_file", wrong);
                Vec::new()
            }),
        },
        local_hosts: local_hosts(file.local_hosts.as_deref().unwrap_or_default(), problems),
    }
}

fn local_hosts(given: &[Spanned<String>], problems: &mut Problems) -> Vec<String> {
    for name in given {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if name.get_ref().is_empty() || !is_name(name.get_ref()) {
            let wrong =
                format!("{:?} is not the name of a host; write it alone, as \"model.internal\"", name.get_ref());
            problems.add(Some(name.span()), "upstream.local_hosts", wrong);
        }
    }
    given.iter().map(|name| name.get_ref().trim_end_matches('.').to_owned()).collect()
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("reading {}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    if certificates.is_empty() {
        Err(format!("{} holds no certificate in PEM", path.display()))
    } else {
        Ok(certificates)
    }
}

fn plugins(file: &file::Plugins, base: &Path, problems: &mut Problems) -> Plugins {
    Plugins {
        directory: directory(file.directory.as_ref(), base, problems),
        compiled: base.join(file_name(
            file.compiled_directory.as_ref(),
            "sluicegate-compiled",
            "plugins.compiled_directory",
            problems,
        )),
        start_without_broken: file.start_without_broken.unwrap_or_default(),
        chain: milliseconds(file.chain_ms.as_ref(), 1_000, "plugins.chain_ms", problems),
        memo_bytes: number(file.memo_bytes.as_ref(), 32 << 20, 0..=(64 << 30), "plugins.memo_bytes", problems),
        settle: milliseconds(file.settle_ms.as_ref(), 200, "plugins.settle_ms", problems),
        breaker_failures: whole(file.breaker_failures.as_ref(), 5, 0..=1_000_000, "plugins.breaker_failures", problems),
        breaker_probe: milliseconds(file.breaker_probe_ms.as_ref(), 1_000, "plugins.breaker_probe_ms", problems),
        retries_max: whole(file.retries_max.as_ref(), 1, 0..=5, "plugins.retries_max", problems),
    }
}

fn directory(given: Option<&Spanned<PathBuf>>, base: &Path, problems: &mut Problems) -> Option<PathBuf> {
    let given = given?;
    if given.get_ref().as_os_str().is_empty() {
        let message = "is empty; name a directory, or remove this line to run without plugins";
        problems.add(Some(given.span()), "plugins.directory", message);
        return None;
    }
    Some(base.join(given.get_ref()))
}

fn stream(file: &file::Stream, problems: &mut Problems) -> Stream {
    Stream {
        window_bytes: size(file.window_bytes.as_ref(), 256, 1..=(1 << 20), "stream.window_bytes", problems),
        window: milliseconds(file.window_ms.as_ref(), 20, "stream.window_ms", problems),
        context_bytes: size(file.context_bytes.as_ref(), 256, 256..=(64 << 10), "stream.context_bytes", problems),
        hold_bytes_max: size(file.hold_bytes_max.as_ref(), 4 << 10, 64..=(16 << 20), "stream.hold_bytes_max", problems),
        hold: milliseconds(file.hold_ms_max.as_ref(), 60_000, "stream.hold_ms_max", problems),
    }
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

fn log(file: &file::Log, problems: &mut Problems) -> Log {
    let level = file.level.as_ref().map_or("info", |level| level.get_ref().as_str());
    // Such a filter takes any other word for the name of a module, and is then silent.
    let word = level.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(given) = file.level.as_ref().filter(|_| word && level.parse::<LevelFilter>().is_err()) {
        let close = suggestion(level, LEVELS.iter().copied());
        let known = "use \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
        problems.add(Some(given.span()), "log.level", format!("{level:?} is not a level; {known}{close}"));
    }
    if let (Err(error), Some(given)) = (tracing_subscriber::EnvFilter::builder().parse(level), file.level.as_ref()) {
        problems.add(
            Some(given.span()),
            "log.level",
            format!("{level:?} is not a level ({error}); use \"error\", \"warn\", \"info\", \"debug\" or \"trace\""),
        );
    }
    let json = match file.format.as_ref().map(|format| (format.get_ref().as_str(), format.span())) {
        None | Some(("text", _)) => false,
        Some(("json", _)) => true,
        Some((other, span)) => {
            problems.add(Some(span), "log.format", format!("{other:?} is not a format; use \"text\" or \"json\""));
            false
        }
    };
    Log { level: level.to_owned(), json }
}

fn price_table(file: &file::Prices, base: &Path, problems: &mut Problems) -> Table {
    let Some(given) = &file.file else { return Table::default() };
    prices::load(&base.join(given.get_ref())).unwrap_or_else(|wrong| {
        problems.absorb(wrong);
        Table::default()
    })
}

fn targets(
    file: &file::File,
    prices: &Table,
    base: &Path,
    problems: &mut Problems,
) -> BTreeMap<String, Option<Arc<Target>>> {
    let providers: BTreeMap<&str, Option<Provider>> = file
        .providers
        .iter()
        .map(|(name, entry)| (name.as_str(), provider(name, entry, prices, base, problems)))
        .collect();
    let mut targets = BTreeMap::new();
    for (name, entry) in &file.targets {
        let field = format!("targets.{name}.prices");
        let own = entry.value.prices.as_ref().map(|prices| prices::resolve(prices, &field, problems));
        let wanted = entry.value.provider.get_ref();
        if let Some(none) = entry.value.context_tokens.as_ref().filter(|tokens| *tokens.get_ref() == 0) {
            let message = "must be at least 1; without this line nothing is known about it";
            problems.add(Some(none.span()), format!("targets.{name}.context_tokens"), message);
        }
        let target = match providers.get(wanted.as_str()) {
            Some(Some(provider)) => Some(Arc::new(Target {
                name: name.clone(),
                provider: wanted.clone(),
                dialect: provider.dialect,
                platform: provider.platform.clone(),
                responses: provider.responses,
                completions: provider.completions,
                model: entry.value.model.clone(),
                base_url: provider.base_url.clone(),
                api_key: provider.api_key.clone(),
                sandbox: provider.sandbox,
                prices: own.or(provider.sandbox.then_some(Prices::FREE)),
                prices_as: provider.prices_as.clone(),
                stream_usage: provider.stream_usage,
                trace_context: provider.trace_context,
                tags: entry.value.tags.clone().unwrap_or_default(),
                context_tokens: entry.value.context_tokens.as_ref().map(|tokens| *tokens.get_ref()),
            })),
            // Its own mistake is noted already.
            Some(None) => None,
            None if file.is_unreadable("providers", wanted) => None,
            None => {
                let close = suggestion(wanted, file.providers.keys().map(String::as_str));
                problems.add(
                    Some(entry.value.provider.span()),
                    format!("targets.{name}.provider"),
                    format!("there is no provider {wanted:?}{close}"),
                );
                None
            }
        };
        targets.insert(name.clone(), target);
    }
    targets
}

struct Provider {
    dialect: Wire,
    platform: Platform,
    responses: bool,
    completions: bool,
    base_url: Uri,
    api_key: Option<Secret>,
    sandbox: bool,
    prices_as: Option<String>,
    stream_usage: bool,
    trace_context: bool,
}

fn provider(
    name: &str,
    entry: &file::Entry<file::Provider>,
    prices: &Table,
    base: &Path,
    problems: &mut Problems,
) -> Option<Provider> {
    let written = &entry.value;
    let field = |field: &str| format!("providers.{name}.{field}");
    let (dialect, kind) = match written.dialect.get_ref().as_str() {
        "openai" => (Wire::Dialect(Dialect::OpenAi), Kind::Plain),
        "anthropic" => (Wire::Dialect(Dialect::Anthropic), Kind::Plain),
        "gemini" => (Wire::Dialect(Dialect::Gemini), Kind::Plain),
        "responses" => (Wire::Dialect(Dialect::Responses), Kind::Plain),
        "azure" => (Wire::Dialect(Dialect::OpenAi), Kind::Azure),
        "bedrock" => (Wire::Bedrock, Kind::Bedrock),
        "sandbox" => (Wire::Dialect(Dialect::OpenAi), Kind::Sandbox),
        other => {
            let words = ["openai", "anthropic", "gemini", "responses", "azure", "bedrock", "sandbox"];
            let close = suggestion(other, words.into_iter());
            problems.add(
                Some(written.dialect.span()),
                field("dialect"),
                format!(
                    "{other:?} is not a dialect; use \"openai\", \"anthropic\", \"gemini\", \"responses\", \"azure\", \
                     \"bedrock\" or \"sandbox\"{close}"
                ),
            );
            return None;
        }
    };
    let sandbox = kind == Kind::Sandbox;
    let platform = platform(name, entry, kind, base, problems)?;
    let api_key = match &written.api_key {
        None => None,
        Some(source) => Some(secret(source, base, field("api_key"), problems)?),
    };
    let is_openais = dialect == Wire::Dialect(Dialect::OpenAi) && !sandbox;
    let more = [("responses", written.responses.as_ref()), ("completions", written.completions.as_ref())];
    for (name, given) in more {
        if let Some(given) = given.filter(|_| !is_openais) {
            problems.add(
                Some(given.span()),
                field(name),
                "is for a provider of the dialect \"openai\" or \"azure\"; remove this line",
            );
            return None;
        }
    }
    let [responses, completions] = more.map(|(_, given)| given.map(|given| *given.get_ref()));
    let prices_as = written.prices_as.as_ref().map(|given| given.get_ref().clone());
    if let Some(given) = written.prices_as.as_ref().filter(|given| !prices.knows(given.get_ref())) {
        let close = suggestion(given.get_ref(), providers(prices));
        let message = format!("no prices of {:?} are known{close}", given.get_ref());
        problems.add(Some(given.span()), field("prices_as"), message);
    }
    let base_url = address(name, entry, kind, problems)?;
    let is_openai = base_url.host().is_some_and(|host| host.eq_ignore_ascii_case(OPENAI));
    let speaks_all = sandbox || (is_openais && is_openai);
    let seller = seller(&base_url);
    Some(Provider {
        dialect,
        platform,
        responses: responses.unwrap_or(speaks_all),
        completions: completions.unwrap_or(speaks_all),
        base_url,
        api_key,
        sandbox,
        prices_as: prices_as.or(seller.map(str::to_owned)),
        stream_usage: written.stream_usage.unwrap_or(takes_stream_options(seller)),
        trace_context: written.trace_context.unwrap_or_default(),
    })
}

/// Where a provider is; nothing if that is wrong or missing.
fn address(name: &str, entry: &file::Entry<file::Provider>, kind: Kind, problems: &mut Problems) -> Option<Uri> {
    let field = format!("providers.{name}.base_url");
    let written = &entry.value;
    let given = match &written.base_url {
        Some(given) if kind == Kind::Sandbox => {
            problems.add(Some(given.span()), field, "the sandbox chooses its address itself; remove this line");
            return None;
        }
        Some(given) => given.clone(),
        None if kind == Kind::Sandbox => return Some(Uri::from_static(SANDBOX_URL)),
        None => match bedrock_url(written) {
            Some(url) => Spanned::new(entry.span.clone(), url),
            None => {
                let message = match kind {
                    Kind::Plain | Kind::Sandbox => {
                        "is missing; write the provider's address, as \"https://api.openai.com/v1\""
                    }
                    Kind::Azure => {
                        "is missing; write the address of the resource, as \"https://NAME.openai.azure.com\""
                    }
                    Kind::Bedrock => "is missing, and so is region, from which it would follow",
                };
                problems.add(Some(entry.span.clone()), field, message);
                return None;
            }
        },
    };
    base_url(given.get_ref()).map_err(|wrong| problems.add(Some(given.span()), field, wrong)).ok()
}

/// A provider's address without a slash at the end.
pub(super) fn base_url(given: &str) -> Result<Uri, String> {
    url(given, "https://api.openai.com/v1")
}

/// The address of a service, without a slash at the end; it should look like the example.
pub(super) fn url(given: &str, example: &str) -> Result<Uri, String> {
    let example = format!("write it as {example:?}");
    let uri: Uri = given
        .trim_end_matches('/')
        .parse()
        .map_err(|error: http::uri::InvalidUri| format!("{given:?} is not an address ({error}); {example}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
        return Err(format!("{given:?} does not begin with http:// or https:// and a host; {example}"));
    }
    if uri.query().is_some() {
        // Not repeated: some write a key there.
        return Err(format!("has a query, which would be lost; {example}"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("credentials do not belong into an address; name where the secret is".to_owned());
    }
    Ok(uri)
}

pub(super) fn secret(
    source: &Spanned<file::SecretSource>,
    base: &Path,
    field: impl Into<String>,
    problems: &mut Problems,
) -> Option<Secret> {
    let secret = match (&source.get_ref().env, &source.get_ref().file) {
        (Some(name), None) => Secret::from_env(name),
        (None, Some(path)) => Secret::from_file(&base.join(path)),
        _ => {
            let message = "name one place: { env = \"NAME\" } or { file = \"PATH\" }";
            problems.add(Some(source.span()), field, message);
            return None;
        }
    };
    secret.map_err(|wrong| problems.add_absent(Some(source.span()), field, wrong)).ok()
}

fn models(
    file: &file::File,
    targets: &BTreeMap<String, Option<Arc<Target>>>,
    problems: &mut Problems,
) -> BTreeMap<String, Model> {
    let mut models = BTreeMap::new();
    for (name, entry) in &file.models {
        let field = format!("models.{name}.targets");
        if name != ANY && name.contains(ANY) {
            problems.add(
                Some(entry.span.clone()),
                format!("models.{name}"),
                "a `*` stands for other names only where it is the whole name, as [models.\"*\"]; write each name out",
            );
        }
        let wanted = entry.value.targets.get_ref();
        if wanted.is_empty() {
            problems.add(Some(entry.value.targets.span()), &field, "is empty; name at least one target");
        }
        let balance = balance(entry.value.balance.as_ref(), &format!("models.{name}.balance"), problems);
        let mut by_priority: BTreeMap<u64, Vec<Member>> = BTreeMap::new();
        for member in wanted {
            let wanted = &member.get_ref().target;
            let weight = number(
                member.get_ref().weight.map(|weight| Spanned::new(member.span(), weight)).as_ref(),
                1,
                1..=1_000_000,
                &format!("{field}.weight"),
                problems,
            );
            if member.get_ref().weight.is_some() && balance != Balance::Weight {
                let message = format!("has weight, which counts only with balance = \"weight\" in [models.{name}]");
                problems.add(Some(member.span()), &field, message);
            }
            match targets.get(wanted) {
                Some(resolved) => {
                    let weight = u32::try_from(weight).unwrap_or(u32::MAX);
                    let members = resolved.iter().map(|target| Member { target: target.clone(), weight });
                    by_priority.entry(member.get_ref().priority.unwrap_or(1)).or_default().extend(members);
                }
                None if file.is_unreadable("targets", wanted) => {}
                None => {
                    let close = suggestion(wanted, targets.keys().map(String::as_str));
                    problems.add(Some(member.span()), &field, format!("there is no target {wanted:?}{close}"));
                }
            }
        }
        let groups = by_priority.into_values().filter(|members| !members.is_empty());
        models.insert(name.clone(), Model { groups: groups.map(|members| Group { balance, members }).collect() });
    }
    models
}

fn balance(given: Option<&Spanned<String>>, field: &str, problems: &mut Problems) -> Balance {
    let words = ["order", "weight", "latency"];
    match given.map(|given| (given.get_ref().as_str(), given.span())) {
        None | Some(("order", _)) => Balance::Order,
        Some(("weight", _)) => Balance::Weight,
        Some(("latency", _)) => Balance::Latency,
        Some((other, span)) => {
            let close = suggestion(other, words.into_iter());
            let message = format!("{other:?} is not a way to balance; use \"order\", \"weight\" or \"latency\"{close}");
            problems.add(Some(span), field, message);
            Balance::Order
        }
    }
}

/// A target or provider that nothing leads to is most likely a misspelt name somewhere else.
fn unused(file: &file::File, problems: &mut Problems) {
    let used: BTreeSet<&str> = file
        .models
        .values()
        .flat_map(|entry| entry.value.targets.get_ref())
        .map(|member| member.get_ref().target.as_str())
        .chain(file.embedders.values().filter_map(|entry| Some(entry.value.target.as_ref()?.get_ref().as_str())))
        .collect();
    let is_for_models = |entry: &file::Entry<file::Target>| entry.value.for_plugins != Some(true);
    let targets = file.targets.iter().filter(|(_, entry)| is_for_models(entry));
    for (name, entry) in targets.filter(|(name, _)| !used.contains(name.as_str())) {
        problems.add(
            Some(entry.span.clone()),
            format!("targets.{name}"),
            "no model leads to this target; name it in [models.NAME], or remove it, or say for_plugins = true",
        );
    }
}
