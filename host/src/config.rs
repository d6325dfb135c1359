//! Configuration in two stages: [`mod@file`] is what a person writes, this module what the program needs. Nothing
//! here is optional in the sense of "default": `resolve` has filled in and checked everything.

mod alerts;
mod cache;
mod callers;
#[cfg(test)]
mod documented;
mod embedders;
mod environment;
mod escalations;
pub mod file;
mod grants;
pub mod installation;
mod key_set;
mod layers;
mod ledger;
mod platform;
pub mod prices;
mod problem;
mod resolve;
mod schema;
mod secret;
mod store;
mod telemetry;
mod tenants;
mod webhook;
mod wording;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::pki_types::CertificateDer;

pub use alerts::{Alerts, Denied, Latency, Rule, When};
pub use callers::{Admin, Auth, Jwt, KeySource, is_loopback};
pub use environment::{from_environment, variables_in_force};
pub use grants::{ClockGrant, Destination, Grants, HttpGrant, KvGrant, ModelGrant};
pub use installation::{Installation, Mode, OnFailure, StreamMode};
pub use key_set::{PublicKey, read_key_set};
pub use layers::{Files, Layer};
pub use prices::price_table;
pub use problem::{Problem, Problems};
pub use schema::check as check_plugin_config;
pub use secret::Secret;
pub use telemetry::{Otlp, Protocol, Telemetry};

use crate::chat::Task;
use crate::dialect::{Dialect, Wire};
use crate::limits::{Account, Budget, Limits};
use crate::money::Money;
use crate::prices::{Prices, Table};

/// Everything that the program needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The public port and its bounds.
    pub server: Server,
    /// Bounds of the calls to providers.
    pub upstream: Upstream,
    /// What callers may ask for, by name.
    pub models: BTreeMap<String, Model>,
    /// Who can be asked, by name.
    pub targets: BTreeMap<String, Arc<Target>>,
    /// Where requests for any other model go; empty to refuse them.
    pub any_model: Model,
    /// Where plugins are, and their bounds as a whole.
    pub plugins: Plugins,
    /// How streams are cut into windows.
    pub stream: Stream,
    /// What may be left out on the way to a provider of another dialect.
    pub translation: Translation,
    /// The operator's prices, which lie over those that are built in.
    pub prices: Table,
    /// Who may call.
    pub auth: Auth,
    /// The port for operators, if there is one.
    pub admin: Option<Admin>,
    /// What is logged, and how.
    pub log: Log,
    /// What tenants may take.
    pub tenants: Tenants,
    /// Where what outlives an exchange is kept.
    pub store: Store,
    /// How much is reserved.
    pub reservation: Reservation,
    /// Exchanges that are handed over to people.
    pub escalations: Escalations,
    /// Where answers are kept.
    pub cache: Cache,
    /// What turns texts into vectors, by name.
    pub embedders: BTreeMap<String, Embedder>,
    /// What is kept of exchanges.
    pub ledger: Ledger,
    /// Where spans are sent.
    pub telemetry: Telemetry,
    /// What operators are told of as it happens.
    pub alerts: Alerts,
}

impl Settings {
    /// What a target costs when it is asked for `model`, where it does not name its own; nothing if that is not known.
    #[must_use]
    pub fn prices_of(&self, target: &Target, model: &str) -> Option<Prices> {
        let model = target.model.as_deref().unwrap_or(model);
        target.prices.or_else(|| self.prices.prices(target.prices_as.as_deref()?, model))
    }

    /// What a name that a caller asks for leads to.
    #[must_use]
    pub fn model(&self, name: &str) -> &Model {
        self.models.get(name).unwrap_or(&self.any_model)
    }

    /// What so many tokens can cost at most, at the dearest of some targets that are asked for `model`. Targets whose prices
    /// are not known cost nothing as far as anybody can tell.
    #[must_use]
    pub fn dearest<'a>(
        &self,
        targets: impl Iterator<Item = &'a Arc<Target>>,
        model: &str,
        input_tokens: u64,
        output_tokens: u64,
    ) -> Money {
        let prices = targets.filter_map(|target| self.prices_of(target, model));
        prices.map(|prices| prices.estimate(input_tokens, output_tokens)).max().unwrap_or_default()
    }

    /// What is not wrong and yet good to know: targets whose exchanges have no cost, since their prices are not known, and
    /// limits that are smaller than what is reserved for each request that does not say how long its answer may be.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let costs = self.all_targets().filter_map(|target| self.note_of_cost(target));
        let limits = self.tenants.limits().filter_map(|(tenant, limits)| self.note_of_limits(tenant, limits));
        let models = self.models.iter().map(|(name, model)| (name.as_str(), model));
        let credentials = models.chain([(resolve::ANY, &self.any_model)]).filter_map(note_of_credentials);
        costs.chain(limits).chain(credentials).chain(self.alerts.note()).collect()
    }

    fn note_of_limits(&self, tenant: &str, limits: &Limits) -> Option<String> {
        let reserved = self.reservation.answer_tokens;
        let both = [("tokens_per_minute", limits.tokens_per_minute), ("tokens_per_day", limits.tokens_per_day)];
        let (field, limit) = both.into_iter().find(|(_, limit)| limit.is_some_and(|limit| limit <= reserved))?;
        Some(format!(
            "tenants.{tenant}.limits.{field}: {} has no room for a request that does not say max_tokens, for whose answer \
             reservation.answer_tokens ({reserved}) are reserved",
            limit?
        ))
    }

    fn note_of_cost(&self, target: &Target) -> Option<String> {
        let (name, provider) = (&target.name, &target.provider);
        let what = match (&target.prices, &target.prices_as, &target.model) {
            (Some(_), _, _) => return None,
            (None, None, _) => format!("no prices of provider {provider:?} are known"),
            // Whichever model is asked for may be known.
            (None, Some(_), None) => return None,
            (None, Some(seller), Some(model)) if self.prices.prices(seller, model).is_none() => {
                format!("no price of {model:?} is known")
            }
            (None, Some(_), Some(_)) => return None,
        };
        Some(format!(
            "targets.{name}: {what}, so its exchanges have no cost, and callers with a budget are refused; write \
             [targets.{name}.prices] with input and output"
        ))
    }

    /// Whether some target is the sandbox model, which then has to be started.
    #[must_use]
    pub fn needs_sandbox(&self) -> bool {
        self.all_targets().any(|target| target.sandbox)
    }

    /// Say where the sandbox model listens.
    pub fn sandbox_at(&mut self, base_url: &Uri) {
        let of_models = self.models.values_mut().chain([&mut self.any_model]).flat_map(Model::targets_mut);
        for target in of_models.chain(self.targets.values_mut()).filter(|target| target.sandbox) {
            *target = Arc::new(Target { base_url: base_url.clone(), ..Target::clone(target) });
        }
    }

    /// The name of a provider that is the gateway itself, listening at `listen`, if there is one: each request to it
    /// would come back without end. Other names of this machine than `localhost` are not known here.
    #[must_use]
    pub fn provider_that_is_the_gateway(&self, listen: SocketAddr) -> Option<&str> {
        let itself = self.all_targets().find(|target| !target.sandbox && leads_to(&target.base_url, listen))?;
        Some(&itself.provider)
    }

    /// All targets.
    pub fn all_targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.targets.values()
    }
}

/// Callers bring a credential for one provider; where several take it, it goes to whichever of them is asked.
fn note_of_credentials((name, model): (&str, &Model)) -> Option<String> {
    let mut families: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for target in model.targets().filter(|target| !target.sandbox && !target.has_credential()) {
        families.entry(target.dialect.family().word()).or_default().insert(&target.provider);
    }
    let providers = families.into_values().find(|providers| providers.len() > 1)?;
    let providers: Vec<&str> = providers.into_iter().collect();
    Some(format!(
        "models.{name}: the providers {} have no api_key, so whichever is asked is sent the caller's own credential",
        providers.join(", ")
    ))
}

/// Whether who connects to this address meets who listens there.
fn leads_to(address: &Uri, listen: SocketAddr) -> bool {
    let default_port = if address.scheme_str() == Some("https") { 443 } else { 80 };
    if address.port_u16().unwrap_or(default_port) != listen.port() {
        return false;
    }
    let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
    // To connect to no address in particular is to connect to this machine.
    let asked: Vec<IpAddr> = match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(ip) if ip.is_unspecified() => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        Ok(ip) => vec![ip],
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        Err(_) => Vec::new(),
    };
    let listening = listen.ip().to_canonical();
    asked.iter().any(|ip| *ip == listening || (listening.is_unspecified() && ip.is_loopback()))
}

/// The public port and its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Connections at the same time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Bytes of a request's head.
    pub header_bytes_max: usize,
    /// Time for a request's head to arrive, and for an idle connection to send the next.
    pub header: Duration,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Time for a request's body to arrive.
    pub body: Duration,
    /// Time that a caller may leave what is sent to it unread.
    pub write: Duration,
    /// Time for open exchanges to end after a signal to stop.
    pub drain: Duration,
}

/// Bounds of the calls to providers.
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    /// Time to connect, TLS included.
    pub connect: Duration,
    /// Time to the first token of an answer that streams, or to the first byte of one that does not.
    pub first_token: Duration,
    /// Time between two pieces of an answer.
    pub idle: Duration,
    /// Time for a whole exchange.
    pub total: Duration,
    /// Bytes of an answer that is not a stream, and of a stream that is withheld.
    pub answer_bytes_max: usize,
    /// Bytes of one event of a stream.
    pub event_bytes_max: usize,
    /// When and how often the targets are asked once more.
    pub retry: Retry,
    /// When a target is left alone for a while.
    pub breaker: Breaker,
    /// Certificates of authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Names of hosts that may lead to addresses which only this machine can reach.
    pub local_hosts: Vec<String>,
}

/// When and how often the targets are asked once more when all have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often.
    pub retries_max: u32,
    /// How long to wait before that the first time.
    pub wait: Duration,
    /// How long a provider may ask to wait.
    pub retry_after_max: Duration,
}

/// When a target is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row after which it is; 0 for never.
    pub failures: u32,
    /// For how long the first time.
    pub cooldown: Duration,
    /// For how long at most.
    pub cooldown_max: Duration,
}

/// What callers ask for: groups of targets, asked one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// In the order of their priorities.
    pub groups: Vec<Group>,
}

/// Targets of the same priority.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which of them is asked first.
    pub balance: Balance,
    /// At least one.
    pub members: Vec<Member>,
}

/// A target of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The target.
    pub target: Arc<Target>,
    /// How often it is drawn, against the others.
    pub weight: u32,
}

/// Which target of a group is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The first.
    #[default]
    Order,
    /// One that is drawn by its weight.
    Weight,
    /// The faster of two that are drawn.
    Latency,
}

impl Model {
    /// All its targets.
    pub fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.groups.iter().flat_map(|group| &group.members).map(|member| &member.target)
    }

    fn targets_mut(&mut self) -> impl Iterator<Item = &mut Arc<Target>> {
        self.groups.iter_mut().flat_map(|group| &mut group.members).map(|member| &mut member.target)
    }
}

/// A model at a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name in the configuration.
    pub name: String,
    /// The provider's name in the configuration.
    pub provider: String,
    /// The provider's wire format.
    pub dialect: Wire,
    /// Where its models run.
    pub platform: Platform,
    /// It also speaks OpenAI's Responses.
    pub responses: bool,
    /// It also speaks OpenAI's completions.
    pub completions: bool,
    /// What the provider calls the model; nothing to pass on what the caller asked for.
    pub model: Option<String>,
    /// The provider's address, without a slash at the end.
    pub base_url: Uri,
    /// Sent as the dialect has it; nothing to pass on what the caller sent.
    pub api_key: Option<Secret>,
    /// Started by the gateway itself: `base_url` is set when it listens.
    pub sandbox: bool,
    /// What it costs, where that does not depend on the name of the model.
    pub prices: Option<Prices>,
    /// Whose prices in the table count; nothing where nobody knows.
    pub prices_as: Option<String>,
    /// Whether streams may be asked for their usage.
    pub stream_usage: bool,
    /// Whether it is told of the trace that a request belongs to.
    pub trace_context: bool,
    /// Words about it, for routers.
    pub tags: Vec<String>,
    /// Tokens that it can read at once, if the operator said so.
    pub context_tokens: Option<u32>,
}

impl Target {
    /// What it is spoken to in, by a caller of this dialect who asks this: the same, if it speaks that too.
    #[must_use]
    pub fn dialect_for(&self, caller: Dialect, task: Task) -> Wire {
        match task {
            Task::Converse => match caller {
                Dialect::Responses if self.responses => Wire::Dialect(caller),
                Dialect::Completions if self.completions => Wire::Dialect(caller),
                Dialect::OpenAi | Dialect::Anthropic | Dialect::Gemini | Dialect::Responses | Dialect::Completions => {
                    self.dialect
                }
            },
            // There is one format of it in each family.
            Task::Embed => self.dialect.family(),
            Task::CountTokens if self.responses => Wire::Dialect(Dialect::Responses),
            Task::CountTokens => self.dialect,
        }
    }

    /// Whether it is asked with a credential of the operator's.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.api_key.is_some() || matches!(self.platform, Platform::Aws(_))
    }
}

/// Where a provider's models run: what a request is addressed to there, and how it says who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Where the wire format is at home.
    Own,
    /// Microsoft's Azure.
    Azure(Azure),
    /// Amazon's AWS, whose requests are signed.
    Aws(AwsKeys),
}

/// What Azure has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Azure {
    /// The version of the API; nothing for the one without versions.
    pub api_version: Option<String>,
    /// The key is a token of Entra ID.
    pub entra_id: bool,
}

/// What requests to AWS are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// The region that answers.
    pub region: String,
    /// The public half.
    pub access_key_id: Secret,
    /// The other half.
    pub secret_access_key: Secret,
    /// What temporary keys come with.
    pub session_token: Option<Secret>,
}

/// Where plugins are, and their bounds as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugins {
    /// The directory to load from and to watch; nothing to run without plugins.
    pub directory: Option<PathBuf>,
    /// Start even though the directory is missing or a plugin in it is broken.
    pub start_without_broken: bool,
    /// Time for all guardrails of one phase of an exchange.
    pub chain: Duration,
    /// Where compiled components are kept from one start to the next.
    pub compiled: PathBuf,
    /// Bytes of remembered verdicts.
    pub memo_bytes: u64,
    /// Time without a change in the directory before it is read.
    pub settle: Duration,
    /// Failures in a row after which a plugin is taken out.
    pub breaker_failures: u32,
    /// Time between two probes of a plugin that was taken out.
    pub breaker_probe: Duration,
    /// How often an answer guardrail may ask the model once more.
    pub retries_max: u32,
}

/// How streams are cut into windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stream {
    /// New bytes after which guardrails are called.
    pub window_bytes: usize,
    /// Time after which they are called for fewer.
    pub window: Duration,
    /// Released bytes that they see again.
    pub context_bytes: usize,
    /// Bytes that they may hold back.
    pub hold_bytes_max: usize,
    /// How long they may hold a byte back while more text arrives.
    pub hold: Duration,
}

/// What may be left out on the way to a provider of another dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// Names of fields, or `*` for all.
    pub leave_out: Vec<String>,
}

impl Translation {
    /// Whether a field with this path may be left out: by its path without numbers, or by its last name.
    #[must_use]
    pub fn leaves_out(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or_default();
        let bare: String = path.chars().filter(|c| !matches!(c, '[' | ']' | '0'..='9')).collect();
        self.leave_out.iter().any(|allowed| allowed == "*" || *allowed == bare || allowed == last)
    }
}

/// What tenants may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenants {
    /// Those with limits of their own.
    pub named: BTreeMap<String, Account>,
    /// What each of the others may take, by itself.
    pub any: Option<(Limits, Budget)>,
    /// Whether prompts and answers of a tenant are kept.
    pub captured: BTreeMap<String, bool>,
    /// Whether those of each of the others are.
    pub captures_others: bool,
    /// What each session of a tenant may take.
    pub sessions: BTreeMap<String, SessionLimits>,
    /// What each session of the others may take.
    pub sessions_of_others: SessionLimits,
}

/// How much one session may take; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionLimits {
    /// Its steps.
    pub steps_max: Option<u64>,
    /// Tokens of requests and answers together.
    pub tokens_max: Option<u64>,
    /// What they may cost.
    pub money_max: Option<Money>,
    /// How long after its first step another one may begin.
    pub time_max: Option<Duration>,
    /// How often the same call of a tool may give the same, or the model say the same.
    pub repeats_max: Option<u64>,
}

impl SessionLimits {
    /// Whether there is anything to count.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        *self != Self { repeats_max: self.repeats_max, ..Self::default() }
    }
}

impl Tenants {
    /// Whether nothing is said about any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.any.is_none()
    }

    /// What each session of a tenant may take.
    #[must_use]
    pub fn session(&self, tenant: &str) -> &SessionLimits {
        self.sessions.get(tenant).unwrap_or(&self.sessions_of_others)
    }

    /// Whether prompts and answers of a tenant are kept.
    #[must_use]
    pub fn captures(&self, tenant: &str) -> bool {
        self.captured.get(tenant).copied().unwrap_or(self.captures_others)
    }

    /// What a tenant may take, if anything is said about it.
    #[must_use]
    pub fn account(&self, tenant: &str) -> Option<Account> {
        let any = || self.any.map(|(limits, budget)| Account { name: Self::name(tenant), limits, budget });
        self.named.get(tenant).cloned().or_else(any)
    }

    /// The limits of each tenant about which something is said, and of all others as `*`.
    fn limits(&self) -> impl Iterator<Item = (&str, &Limits)> {
        let named = self.named.iter().map(|(name, account)| (name.as_str(), &account.limits));
        named.chain(self.any.iter().map(|(limits, _)| (resolve::ANY, limits)))
    }

    /// What a tenant's counters are kept under.
    fn name(tenant: &str) -> Arc<str> {
        format!("tenant:{tenant}").into()
    }
}

/// Where what outlives an exchange is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The file of the embedded store, which is made when there is something to keep.
    pub path: PathBuf,
    /// The address of the shared store, if there is one: limits and budgets are counted there.
    pub redis: Option<Secret>,
    /// The address of the database in which gateways with a shared store find questions by what they mean.
    pub postgres: Option<Secret>,
    /// The longest wait for the shared store.
    pub wait: Duration,
    /// Bytes that all plugins together may keep in the file; a shared store has a bound of its own.
    pub kv_bytes_max: u64,
    /// What becomes of exchanges with limits while it cannot be asked.
    pub on_failure: OnFailure,
}

/// Where answers are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The file of the embedded cache, which is made when there is something to keep.
    pub path: PathBuf,
    /// Bytes of the answers that are kept in memory.
    pub memory_bytes_max: u64,
    /// Bytes of the answers that are kept in the file.
    pub file_bytes_max: u64,
    /// Bytes of the vectors by which questions are found.
    pub vectors_bytes_max: u64,
    /// Bytes of one answer.
    pub entry_bytes_max: u64,
    /// The longest wait for a store.
    pub wait: Duration,
    /// The longest wait for a question's vector.
    pub embedding_wait: Duration,
}

/// What is kept of exchanges that are over, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Whether anything is.
    pub enabled: bool,
    /// The file of the embedded ledger, which is made with the first exchange.
    pub path: PathBuf,
    /// How long an exchange is kept.
    pub keep: Duration,
    /// Bytes that all of it may take; then the oldest go first.
    pub bytes_max: u64,
    /// How long prompts and answers are kept, where they are.
    pub keep_texts: Duration,
    /// Bytes of the texts of one exchange.
    pub text_bytes_max: usize,
    /// Bytes that may wait to be written; what does not fit is not kept, and counted.
    pub queue_bytes_max: usize,
    /// The longest wait for a database.
    pub wait: Duration,
}

/// What turns texts into vectors.
#[derive(Clone, Debug, PartialEq)]
pub enum Embedder {
    /// A sentence transformer in this process.
    Local {
        /// Where it is.
        directory: PathBuf,
        /// Threads that run it.
        threads: usize,
    },
    /// A provider's endpoint.
    Target {
        /// Who is asked.
        target: Arc<Target>,
        /// How many numbers a vector has, if that is not up to the model.
        dimensions: Option<u32>,
    },
}

/// How much is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Tokens of an answer where the request does not say how many it may have.
    pub answer_tokens: u64,
}

/// What becomes of exchanges that are handed over to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalations {
    /// The time for an answer.
    pub expire: Duration,
    /// How long one is kept after it was answered or has expired.
    pub keep: Duration,
    /// How many of a tenant may be open at a time.
    pub open_max: u64,
    /// Who is told of each, if anybody.
    pub webhook: Option<Webhook>,
}

/// Where signed messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: http::Uri,
    /// What they are signed with, as Standard Webhooks have it.
    pub secret: Secret,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe level that is written, with `tracing`'s filter syntax.
    pub level: String,
    /// One JSON object a line, for machines.
    pub json: bool,
}

/// Read a configuration file, and the profile that is laid over it.
///
/// # Errors
/// All that is wrong with them.
pub fn load(files: &Files) -> Result<Settings, Problems> {
    parse_layers(&files.read()?, files.directory())
}

/// Read a configuration from its text. `name` stands in the problems, relative paths are below `base`.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(name: &str, text: &str, base: &Path) -> Result<Settings, Problems> {
    parse_layers(&[Layer { name: name.to_owned(), text: text.to_owned() }], base)
}

/// Read a configuration from the texts of its files, each laid over those before it.
///
/// # Errors
/// All that is wrong with them.
pub fn parse_layers(layers: &[Layer], base: &Path) -> Result<Settings, Problems> {
    let (settings, problems) = resolved(layers, base)?;
    problems.into_result(settings)
}

fn resolved(layers: &[Layer], base: &Path) -> Result<(Settings, Problems), Problems> {
    let mut problems = Problems::of_layers(layers);
    let Some(document) = layers::laid_over(layers, &mut problems) else { return Err(problems) };
    let file = file::read(document, &mut problems);
    let settings = resolve::resolve(file, base, &mut problems);
    Ok((settings, problems))
}

/// Where the embedded store is, for programs that need no secret.
///
/// # Errors
/// All that is wrong with the configuration but for secrets that are not there.
pub fn store_path(files: &Files) -> Result<PathBuf, Problems> {
    let (settings, problems) = resolved(&files.read()?, files.directory())?;
    problems.of_the_text().into_result(settings.store.path)
}

/// A field that two configurations have different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// With its tables, as `targets.small.model`.
    pub field: String,
    /// What the one says, as TOML.
    pub one: Option<String>,
    /// What the other says, as TOML.
    pub other: Option<String>,
}

/// What two configurations have different, by field. Secrets are never in a file, only where they are; there they need not
/// be for this.
///
/// # Errors
/// All that is wrong with one of them.
pub fn differences(one: &Files, other: &Files) -> Result<Vec<Difference>, Problems> {
    let fields = |files: &Files| {
        let layers = files.read()?;
        let (_, problems) = resolved(&layers, files.directory())?;
        problems.of_the_text().into_result(())?;
        let document = layers::laid_over(&layers, &mut Problems::of_layers(&layers)).unwrap_or_default();
        Ok(layers::fields(&document))
    };
    let (one, other) = (fields(one)?, fields(other)?);
    let all: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |field: &&&String| one.get(**field) != other.get(**field);
    let difference = |field: &String| Difference {
        field: field.clone(),
        one: one.get(field).cloned(),
        other: other.get(field).cloned(),
    };
    Ok(all.iter().filter(differs).map(|field| difference(field)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asking(base_url: &str) -> Settings {
        let text = format!(
            "[providers.p]\ndialect = \"openai\"\nbase_url = \"{base_url}\"\n[targets.t]\nprovider = \"p\"\n\
             [models.m]\ntargets = [\"t\"]\n"
        );
        parse("x", &text, Path::new("")).unwrap()
    }

    #[test]
    fn a_provider_that_is_the_gateway_is_known_by_its_address() {
        for (base_url, listen, is_it) in [
            ("http://127.0.0.1:8080/v1", "127.0.0.1:8080", true),
            ("http://localhost:8080", "127.0.0.1:8080", true),
            ("http://LOCALHOST:8080/v1", "[::1]:8080", true),
            ("http://[::1]:8080/v1", "[::1]:8080", true),
            ("http://[::ffff:127.0.0.1]:8080/v1", "127.0.0.1:8080", true),
            ("http://0.0.0.0:8080/v1", "127.0.0.1:8080", true),
            ("http://127.0.0.1:8080/v1", "0.0.0.0:8080", true),
            ("http://localhost:8080/v1", "[::]:8080", true),
            ("http://0.0.0.0:8080/v1", "0.0.0.0:8080", true),
            ("http://192.0.2.7:8080/v1", "192.0.2.7:8080", true),
            ("http://127.0.0.1/v1", "127.0.0.1:80", true),
            ("https://127.0.0.1/v1", "127.0.0.1:443", true),
            ("http://127.0.0.1:8081/v1", "127.0.0.1:8080", false),
            ("http://127.0.0.2:8080/v1", "127.0.0.1:8080", false),
            ("http://[::1]:8080/v1", "127.0.0.1:8080", false),
            ("http://192.0.2.7:8080/v1", "127.0.0.1:8080", false),
            ("http://api.example.com:8080/v1", "0.0.0.0:8080", false),
            ("https://127.0.0.1/v1", "127.0.0.1:80", false),
        ] {
            let found = asking(base_url).provider_that_is_the_gateway(listen.parse().unwrap()).map(str::to_owned);
            assert_eq!(found.as_deref(), is_it.then_some("p"), "{base_url} {listen}");
        }
    }

    #[test]
    fn the_sandbox_is_never_the_gateway() {
        let text = "providers.s.dialect = 'sandbox'\ntargets.t.provider = 's'\nmodels.'*'.targets = ['t']";
        let settings = parse("x", text, Path::new("")).unwrap();
        assert_eq!(settings.provider_that_is_the_gateway("127.0.0.1:80".parse().unwrap()), None);
    }

    #[test]
    fn every_name_with_a_dot_that_has_no_quotes_is_told() {
        let text = "[providers.p]\ndialect = 'sandbox'\n[targets.gpt-4.1]\nprovider = 'p'\n[targets.gpt-4.2]\n\
                    provider = 'p'\n[targets.gpt-4.2.3]\nprovider = 'p'\n\
                    [models.'*']\ntargets = ['gpt-4.1', 'gpt-4.2', 'gpt-4.2.3']";
        let problems = parse("x", text, Path::new("")).unwrap_err();
        let said: Vec<(usize, &str)> = problems.found().iter().map(|one| (one.line, one.message.as_str())).collect();
        let hint = "a name with a dot needs quotes, as [targets";
        assert_eq!(
            said,
            [
                (3, format!("there is no field `1`; {hint}.\"gpt-4.1\"]").as_str()),
                (5, format!("there is no field `2`; {hint}.\"gpt-4.2\"]").as_str()),
                (7, format!("there is no field `2.3`; {hint}.\"gpt-4.2.3\"]").as_str()),
            ]
        );
    }
}
