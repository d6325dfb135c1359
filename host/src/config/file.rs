//! What a person may write in `sluicegate.toml`. Every field has a default, said in its comment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::Problems;
use super::prices::PricesFile;
use super::problem::suggestion;
use super::wording::plain;

/// The whole file.
#[derive(Debug, Default)]
pub struct File {
    /// `[server]`: the public port and its bounds.
    pub server: Server,
    /// `[upstream]`: bounds of the calls to providers.
    pub upstream: Upstream,
    /// `[providers.NAME]`: who can be asked.
    pub providers: BTreeMap<String, Entry<Provider>>,
    /// `[targets.NAME]`: a model at a provider.
    pub targets: BTreeMap<String, Entry<Target>>,
    /// `[models.NAME]`: what callers ask for; `[models."*"]` is any model that is not named.
    pub models: BTreeMap<String, Entry<Model>>,
    /// `[plugins]`: where plugins are, and their bounds as a whole.
    pub plugins: Plugins,
    /// `[stream]`: how streams are cut into windows.
    pub stream: Stream,
    /// `[translation]`: what may be left out on the way to a provider of another dialect.
    pub translation: Translation,
    /// `[auth]`: who may call.
    pub auth: Auth,
    /// `[auth.jwt]`: callers with a token.
    pub jwt: Option<Entry<Jwt>>,
    /// `[admin]`: the port for operators.
    pub admin: Admin,
    /// `[prices]`: what tokens cost.
    pub prices: Prices,
    /// `[log]`: what is logged, and how.
    pub log: Log,
    /// `[tenants.NAME]`: what a tenant may take; `[tenants."*"]` is each that is not named.
    pub tenants: BTreeMap<String, Entry<Tenant>>,
    /// `[store]`: where what outlives an exchange is kept.
    pub store: Store,
    /// `[reservation]`: how much is reserved for an exchange.
    pub reservation: Reservation,
    /// `[escalations]`: exchanges that are handed over to people.
    pub escalations: Escalations,
    /// `[cache]`: answers that are kept.
    pub cache: Cache,
    /// `[ledger]`: what is kept of exchanges.
    pub ledger: Ledger,
    /// `[telemetry]`: where spans are sent.
    pub telemetry: Telemetry,
    /// `[alerts]`: what operators are told of as it happens.
    pub alerts: Alerts,
    /// `[alerts.rules.NAME]`: when they are.
    pub alert_rules: BTreeMap<String, Entry<AlertRule>>,
    /// `[embedders.NAME]`: what turns texts into vectors.
    pub embedders: BTreeMap<String, Entry<Embedder>>,
    /// Named tables that cannot be read, as `targets.small`: what refers to them is not wrong for that.
    pub unreadable: BTreeSet<String>,
}

impl File {
    /// Whether this named table is there and cannot be read.
    pub(super) fn is_unreadable(&self, table: &str, name: &str) -> bool {
        self.unreadable.contains(table) || self.unreadable.contains(&format!("{table}.{name}"))
    }

    /// Whether some table of this kind cannot be read.
    pub(super) fn has_unreadable(&self, table: &str) -> bool {
        self.unreadable.iter().any(|name| name.split('.').next() == Some(table))
    }
}

/// A named table, and where it stands.
#[derive(Debug)]
pub struct Entry<T> {
    /// Bytes of the file that hold its name.
    pub span: Range<usize>,
    /// What it says.
    pub value: T,
}

/// `[server]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port of the public port: `"127.0.0.1:8080"`. Port 0 takes a free one.
    pub listen: Option<Spanned<String>>,
    /// Connections at the same time: `10000`.
    pub connections_max: Option<Spanned<u64>>,
    /// Bytes of a request's head: `65536`.
    pub header_bytes_max: Option<Spanned<u64>>,
    /// Milliseconds for a request's head to arrive: `10000`.
    pub header_ms: Option<Spanned<u64>>,
    /// Bytes of a request's body: `10485760`. Pictures are sent inside it.
    pub body_bytes_max: Option<Spanned<u64>>,
    /// Milliseconds for a request's body to arrive: `30000`.
    pub body_ms: Option<Spanned<u64>>,
    /// Milliseconds that a caller may leave what is sent to it unread: `30000`.
    pub write_ms: Option<Spanned<u64>>,
    /// Milliseconds for open exchanges to end after a signal to stop: `30000`.
    pub drain_ms: Option<Spanned<u64>>,
}

/// `[upstream]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Milliseconds to connect, TLS included: `5000`.
    pub connect_ms: Option<Spanned<u64>>,
    /// Milliseconds to the first token of an answer, or to its first byte where it is no stream: `120000`. Models that
    /// reason take their time.
    pub first_token_ms: Option<Spanned<u64>>,
    /// Milliseconds between two pieces of an answer: `60000`.
    pub idle_ms: Option<Spanned<u64>>,
    /// Milliseconds for a whole exchange: `600000`.
    pub total_ms: Option<Spanned<u64>>,
    /// Bytes of an answer that is not a stream, and of a stream that is withheld: `16777216`.
    pub answer_bytes_max: Option<Spanned<u64>>,
    /// Bytes of one event of a stream: `1048576`.
    pub event_bytes_max: Option<Spanned<u64>>,
    /// How often the targets are asked once more when all have failed: `2`; 0 to never repeat.
    pub retries_max: Option<Spanned<u64>>,
    /// Milliseconds to wait before that the first time, and twice as long each time after; a random part is added, so that
    /// not all come back at once: `250`.
    pub retry_ms: Option<Spanned<u64>>,
    /// Milliseconds that a provider may ask to wait for in `Retry-After`; where it asks for more, the caller is told so
    /// instead: `5000`.
    pub retry_after_ms_max: Option<Spanned<u64>>,
    /// Failures in a row after which a target rests: `5`; 0 to let none rest.
    pub breaker_failures: Option<Spanned<u64>>,
    /// Milliseconds of its first rest, doubled as long as it fails afterwards: `1000`.
    pub breaker_ms: Option<Spanned<u64>>,
    /// Milliseconds of the longest rest, also of one that a provider asks for: `60000`.
    pub breaker_ms_max: Option<Spanned<u64>>,
    /// Certificates of authorities to trust beside the system's, in PEM, relative to this file. For providers inside
    /// a company.
    pub ca_file: Option<Spanned<PathBuf>>,
    /// Names of hosts, as `["model.internal"]`, that may lead to this machine itself, to its link, or to its cloud's
    /// metadata, as only `localhost` may otherwise, and addresses that are written as such.
    pub local_hosts: Option<Vec<Spanned<String>>>,
}

/// `[providers.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The wire format: `"openai"`, `"anthropic"`, `"gemini"`, `"responses"`, `"azure"` for OpenAI's models on Azure,
    /// `"bedrock"` for Amazon Bedrock, or `"sandbox"` for the model server that is built in.
    pub dialect: Spanned<String>,
    /// Its address, as `"https://api.openai.com/v1"`, or `"https://NAME.openai.azure.com"` on Azure. The sandbox needs none,
    /// nor does Bedrock: there it follows from `region`.
    pub base_url: Option<Spanned<String>>,
    /// The credential: `{ env = "OPENAI_API_KEY" }` or `{ file = "/run/secrets/key" }`. Without one, what the
    /// caller sends as its own is passed on, if the caller speaks the same dialect.
    pub api_key: Option<Spanned<SecretSource>>,
    /// Whether one of the dialect `"openai"` or `"azure"` speaks OpenAI's Responses too.
    pub responses: Option<Spanned<bool>>,
    /// Whether one of the dialect `"openai"` speaks OpenAI's completions too.
    pub completions: Option<Spanned<bool>>,
    /// Whose prices count, as `"openai"`, for proxies and resellers: told by the host of `base_url`.
    pub prices_as: Option<Spanned<String>>,
    /// Whether streams are asked for their usage, which some servers refuse: `true`, but for Mistral.
    pub stream_usage: Option<bool>,
    /// Whether it is told of the trace that a request belongs to, in `traceparent`: `false`.
    pub trace_context: Option<bool>,
    /// On Azure: the version of the API, as `"2024-10-21"`. Without it, the API that needs none.
    pub api_version: Option<Spanned<String>>,
    /// On Azure: whether `api_key` is a token of Entra ID: `false`.
    pub entra_id: Option<Spanned<bool>>,
    /// On Bedrock: the region that answers, as `"eu-central-1"`.
    pub region: Option<Spanned<String>>,
    /// On Bedrock, instead of `api_key`: what requests are signed with, a secret too.
    pub access_key_id: Option<Spanned<SecretSource>>,
    /// On Bedrock: the secret half of it.
    pub secret_access_key: Option<Spanned<SecretSource>>,
    /// On Bedrock: what temporary keys come with.
    pub session_token: Option<Spanned<SecretSource>>,
}

/// Where a secret is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// An environment variable.
    pub env: Option<String>,
    /// A file that holds it and nothing else.
    pub file: Option<PathBuf>,
}

/// `[targets.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A name under `[providers]`.
    pub provider: Spanned<String>,
    /// What the provider calls the model: `"gpt-5-mini"`. Without it, the name that the caller asked for.
    pub model: Option<String>,
    /// What it costs: as the table has it.
    pub prices: Option<PricesFile>,
    /// Words about it, for routers: `["strong", "code"]`.
    pub tags: Option<Vec<String>>,
    /// Tokens that it can read at once, for routers: `400000`.
    pub context_tokens: Option<Spanned<u32>>,
    /// Whether it is there for plugins, and no model need lead to it: `false`.
    pub for_plugins: Option<bool>,
}

/// `[models.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Names under `[targets]`, or tables like `{ target = "small", weight = 3, priority = 2 }`.
    pub targets: Spanned<Vec<Spanned<Member>>>,
    /// Who is asked first among targets with the same priority: `"order"` for the order in which they stand, `"weight"` by
    /// chance, `"latency"` for the faster of two that are drawn: `"order"`. The others come after it.
    pub balance: Option<Spanned<String>>,
}

/// A target of a model: its name, or a table.
#[derive(Debug)]
pub struct Member {
    /// A name under `[targets]`.
    pub target: String,
    /// How often it is drawn, against the others: `1`.
    pub weight: Option<u64>,
    /// Targets with a higher number are asked when those with a lower one have failed: `1`.
    pub priority: Option<u64>,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            target: String,
            weight: Option<u64>,
            priority: Option<u64>,
        }
        struct MemberVisitor;
        impl<'de> Visitor<'de> for MemberVisitor {
            type Value = Member;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E>(self, name: &str) -> Result<Member, E> {
                Ok(Member { target: name.to_owned(), weight: None, priority: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
                let Table { target, weight, priority } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Member { target, weight, priority })
            }
        }
        deserializer.deserialize_any(MemberVisitor)
    }
}

/// `[plugins]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugins {
    /// The directory to load from and to watch, relative to this file: `"plugins"`. Without it, no plugins.
    pub directory: Option<Spanned<PathBuf>>,
    /// Start even though the directory is missing or a plugin in it is broken: `false`.
    pub start_without_broken: Option<bool>,
    /// Milliseconds for all guardrails of one phase of an exchange: `1000`.
    pub chain_ms: Option<Spanned<u64>>,
    /// The directory where compiled components are kept from one start to the next, relative to this file:
    /// `"sluicegate-compiled"`. It is made, with its key beside it.
    pub compiled_directory: Option<Spanned<PathBuf>>,
    /// Bytes of remembered verdicts: `33554432`; 0 to remember none.
    pub memo_bytes: Option<Spanned<u64>>,
    /// Milliseconds without a change in the directory before it is read: `200`.
    pub settle_ms: Option<Spanned<u64>>,
    /// Failures in a row after which a plugin is taken out: `5`; 0 to never take one out.
    pub breaker_failures: Option<Spanned<u64>>,
    /// Milliseconds between two probes of a plugin that was taken out: `1000`.
    pub breaker_probe_ms: Option<Spanned<u64>>,
    /// How often an answer guardrail may ask the model once more: `1`.
    pub retries_max: Option<Spanned<u64>>,
}

/// `[stream]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// New bytes after which guardrails are called: `256`.
    pub window_bytes: Option<Spanned<u64>>,
    /// Milliseconds after which they are called for fewer: `20`.
    pub window_ms: Option<Spanned<u64>>,
    /// Released bytes that they see again: `256`, which is also the least.
    pub context_bytes: Option<Spanned<u64>>,
    /// Bytes that they may hold back: `4096`.
    pub hold_bytes_max: Option<Spanned<u64>>,
    /// Milliseconds that they may hold a byte back while more text arrives: `60000`.
    pub hold_ms_max: Option<Spanned<u64>>,
}

/// `[translation]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// Fields that may be left out where the provider's dialect has no word for them, by their names, as `["top_k"]`, or
    /// `["*"]` for all: `[]`. A request with any other is refused.
    pub leave_out: Option<Vec<String>>,
}

/// `[auth]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Whether callers must say who they are. Without it, they must as soon as there is a key or `[auth.jwt]`, and wherever
    /// `listen` is not on this machine alone.
    pub required: Option<bool>,
}

/// `[auth.jwt]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// The issuer's public keys: `"https://issuer.example/.well-known/jwks.json"`.
    pub jwks_url: Option<Spanned<String>>,
    /// The same in a file, relative to this one.
    pub jwks_file: Option<Spanned<PathBuf>>,
    /// What the claim `iss` must be.
    pub issuer: Spanned<String>,
    /// What the claim `aud` must hold.
    pub audience: Spanned<String>,
    /// The claim with the tenant. Without it, all belong to the tenant `default`.
    pub tenant_claim: Option<Spanned<String>>,
    /// The claim with the user: `"sub"`.
    pub user_claim: Option<Spanned<String>>,
    /// The claim with the models that may be asked for. Without it, all.
    pub models_claim: Option<Spanned<String>>,
    /// Milliseconds by which clocks may differ: `60000`.
    pub leeway_ms: Option<Spanned<u64>>,
    /// Milliseconds after which the keys are read again: `300000`.
    pub refresh_ms: Option<Spanned<u64>>,
}

/// `[admin]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Address and port of the admin port: `"127.0.0.1:8081"`. Without it, there is none.
    pub listen: Option<Spanned<String>>,
    /// What its callers must know: `{ env = "NAME" }` or `{ file = "PATH" }`. Needed where others can reach the address.
    pub token: Option<Spanned<SecretSource>>,
}

/// `[prices]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// A file of prices that lies over those that are built in, relative to this file. It is read when this file is.
    pub file: Option<Spanned<PathBuf>>,
}

/// `[log]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The least severe level that is written: `"info"`. `"sluicegate=debug,hyper=warn"` is fine too.
    pub level: Option<Spanned<String>>,
    /// `"text"` for people, `"json"` for machines: `"text"`.
    pub format: Option<Spanned<String>>,
}

/// `[tenants.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// How much it may ask for: `{ requests_per_minute = 60 }`; without a limit, as much as it likes.
    pub limits: Option<Limits>,
    /// How much it may spend, in dollars: `{ day = "5.00" }`; without a bound, as much as it likes.
    pub budget: Option<Budget>,
    /// Whether its prompts and answers are kept in the ledger, as the guardrails let them pass: `false`.
    pub capture: Option<bool>,
    /// What each of its sessions may take: `{ steps_max = 50 }`; without a limit, as much as it likes.
    pub session: Option<Session>,
}

/// `[tenants.NAME.session]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Steps.
    pub steps_max: Option<Spanned<u64>>,
    /// Tokens of requests and answers together.
    pub tokens_max: Option<Spanned<u64>>,
    /// What they may cost, in dollars: `"1.00"`.
    pub usd_max: Option<Spanned<String>>,
    /// Seconds after the first step in which another one may begin.
    pub seconds_max: Option<Spanned<u64>>,
    /// How often the same call of a tool, with the same arguments, may have given the same result, or the model said the same.
    pub repeats_max: Option<Spanned<u64>>,
}

/// `limits` of a tenant.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests in a minute.
    pub requests_per_minute: Option<Spanned<u64>>,
    /// Requests in a day.
    pub requests_per_day: Option<Spanned<u64>>,
    /// Tokens in a minute, of requests and answers together.
    pub tokens_per_minute: Option<Spanned<u64>>,
    /// Tokens in a day, of requests and answers together.
    pub tokens_per_day: Option<Spanned<u64>>,
    /// Exchanges at the same time.
    pub concurrent: Option<Spanned<u64>>,
}

/// `budget` of a tenant: dollars as texts, since `0.1` is not a number that a computer has.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// In a day.
    pub day: Option<Spanned<String>>,
    /// In a month.
    pub month: Option<Spanned<String>>,
    /// In all.
    pub total: Option<Spanned<String>>,
}

/// `[store]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The file with the keys, what was used of limits and budgets, and what waits for people, relative to this one: `"sluicegate.db"`. It is
    /// made when there is something to keep.
    pub path: Option<Spanned<PathBuf>>,
    /// A Redis or Valkey that several gateways share: `{ url = { env = "REDIS_URL" } }`.
    pub redis: Option<Redis>,
    /// A PostgreSQL with the extension `pgvector`, where several gateways find the questions whose answers Redis keeps:
    /// `{ url = { env = "POSTGRES_URL" } }`.
    pub postgres: Option<Postgres>,
    /// Milliseconds to wait for Redis: `500`.
    pub wait_ms: Option<Spanned<u64>>,
    /// Bytes that all plugins together may keep in the file: `1073741824`.
    pub kv_bytes_max: Option<Spanned<u64>>,
    /// What becomes of requests with limits while it cannot be asked: `"closed"` refuses them, `"open"` lets them pass:
    /// `"closed"`.
    pub on_failure: Option<Spanned<String>>,
}

/// `redis` of the store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Its address, which may hold a password: `redis://:PASSWORD@HOST:6379/0`, or `rediss://` for TLS.
    pub url: Spanned<SecretSource>,
}

/// `postgres` of the store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Its address, which may hold a password: `postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require`.
    pub url: Spanned<SecretSource>,
}

/// `[reservation]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// Tokens of an answer where the request does not say how many it may have: `4096`.
    pub answer_tokens: Option<Spanned<u64>>,
}

/// `[ledger]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Whether exchanges are kept, for the console, for `sluicegate export` and for feedback: `true`.
    pub enabled: Option<bool>,
    /// The file that they are kept in, relative to this one: `"sluicegate-ledger.db"`. With `[store.postgres]` they are
    /// there instead.
    pub path: Option<Spanned<PathBuf>>,
    /// Days that an exchange is kept: `30`.
    pub keep_days: Option<Spanned<u64>>,
    /// Bytes that all of it may take; then the oldest go first: `4294967296`.
    pub bytes_max: Option<Spanned<u64>>,
    /// Days that prompts and answers are kept, of tenants with `capture = true`: `7`.
    pub keep_texts_days: Option<Spanned<u64>>,
    /// Bytes of the prompt and of the answer of one exchange each; of longer ones the beginning is kept: `262144`.
    pub text_bytes_max: Option<Spanned<u64>>,
    /// Bytes of memory in which exchanges may wait to be written; what does not fit is counted, and not kept: `67108864`.
    pub queue_bytes_max: Option<Spanned<u64>>,
    /// Milliseconds to wait for a database: `5000`.
    pub wait_ms: Option<Spanned<u64>>,
}

/// `[telemetry]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Where spans are sent by OTLP: `"http://127.0.0.1:4318"`. Without it, `OTEL_EXPORTER_OTLP_ENDPOINT` counts; without that,
    /// none are sent.
    pub endpoint: Option<Spanned<String>>,
    /// How: `"http/protobuf"` or `"grpc"`. Without it, `OTEL_EXPORTER_OTLP_PROTOCOL` counts; without that, `"http/protobuf"`.
    pub protocol: Option<Spanned<String>>,
    /// Headers with it, which are secrets: `{ authorization = { env = "NAME" } }`. Without any, those of
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub headers: Option<BTreeMap<String, Spanned<SecretSource>>>,
    /// What the gateway is called there. Without it, `OTEL_SERVICE_NAME` counts; without that, `"sluicegate"`.
    pub service_name: Option<Spanned<String>>,
    /// Which part of the traces that begin here is recorded; of others it is up to who began them: `1.0`.
    pub sample_ratio: Option<Spanned<f64>>,
    /// Milliseconds to wait for the collector: `10000`.
    pub timeout_ms: Option<Spanned<u64>>,
}

/// `[cache]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// The file with kept answers, relative to this one: `"sluicegate-cache.db"`. It is made when there is something to
    /// keep, and may be deleted at any time.
    pub path: Option<Spanned<PathBuf>>,
    /// Bytes of the answers that are kept in memory: `67108864`.
    pub memory_bytes_max: Option<Spanned<u64>>,
    /// Bytes of the answers that are kept in the file: `1073741824`.
    pub file_bytes_max: Option<Spanned<u64>>,
    /// Bytes of the vectors by which questions are found, in memory and in the file each: `268435456`.
    pub vectors_bytes_max: Option<Spanned<u64>>,
    /// Bytes of one answer: `1048576`.
    pub entry_bytes_max: Option<Spanned<u64>>,
    /// Milliseconds to wait for a store; then a model is asked: `50`.
    pub wait_ms: Option<Spanned<u64>>,
    /// Milliseconds to wait for the vector of a question; then it is not looked for by its meaning: `1000`.
    pub embedding_wait_ms: Option<Spanned<u64>>,
}

/// `[escalations]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalations {
    /// Hours in which a person may answer: `72`.
    pub expire_hours: Option<Spanned<u64>>,
    /// Days for which one is kept after it was answered or has expired: `30`.
    pub keep_days: Option<Spanned<u64>>,
    /// How many of a tenant may be open at a time: `1000`. Further ones are refused.
    pub open_max: Option<Spanned<u64>>,
    /// Who is told of each: `{ url = "https://...", secret = { env = "NAME" } }`; without one, nobody.
    pub webhook: Option<Webhook>,
}

/// `webhook` of the escalations and of the alerts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where messages go.
    pub url: Spanned<String>,
    /// What they are signed with, as Standard Webhooks have it: `whsec_...`.
    pub secret: Spanned<SecretSource>,
}

/// `[alerts]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Who is told: `{ url = "https://...", secret = { env = "NAME" } }`; without one, nobody, and alerts are in the log, in the
    /// metrics and on the admin port alone.
    pub webhook: Option<Webhook>,
    /// Whether there is a rule of each kind beside those that are written, under the name of its kind: `true` with a webhook.
    pub standard_rules: Option<bool>,
    /// Milliseconds between two looks at what is counted: `5000`.
    pub look_ms: Option<Spanned<u64>>,
}

/// `[alerts.rules.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Its kind: `"budget"`, `"plugin-failures"`, `"target-errors"`, `"target-latency"` or `"denials"`.
    pub when: Spanned<String>,
    /// Where it fires: a share, as `0.8`; of `"target-latency"` seconds; of `"denials"` how many times as many as usual.
    pub threshold: Option<Spanned<f64>>,
    /// Below which it is over; from there to `threshold` all stays as it is.
    pub clear: Option<Spanned<f64>>,
    /// Seconds that are looked at: `300`. Not for `"budget"`.
    pub window_seconds: Option<Spanned<u64>>,
    /// Seconds before those, which say what is usual: `3600`. For `"denials"` alone.
    pub baseline_seconds: Option<Spanned<u64>>,
    /// Seconds for which it must be at the threshold before it fires: `0`; `60` for `"target-latency"`.
    pub for_seconds: Option<Spanned<u64>>,
    /// Calls, attempts or denials in the window with fewer of which it does not fire: `20`. Not for `"budget"`.
    pub count_min: Option<Spanned<u64>>,
    /// Which percentile of the times counts: `95`. For `"target-latency"` alone.
    pub percentile: Option<Spanned<u64>>,
    /// Which times: `"first_token"`, or `"attempt"` to its end: `"first_token"`. For `"target-latency"` alone.
    pub measure: Option<Spanned<String>>,
    /// The one plugin that counts. For `"plugin-failures"` and `"denials"`.
    pub plugin: Option<Spanned<String>>,
    /// The one target that counts. For `"target-errors"` and `"target-latency"`.
    pub target: Option<Spanned<String>>,
    /// The one tenant that counts. For `"budget"`, with its keys, and `"denials"`.
    pub tenant: Option<Spanned<String>>,
}

/// `[embedders.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedder {
    /// The directory of a sentence transformer, relative to this file: `"models/all-MiniLM-L6-v2"`.
    pub directory: Option<Spanned<PathBuf>>,
    /// Threads that run it: half as many as there are processors.
    pub threads: Option<Spanned<u64>>,
    /// A name under `[targets]`, whose model is asked: instead of a directory.
    pub target: Option<Spanned<String>>,
    /// How many numbers a vector of it has: as many as the model gives.
    pub dimensions: Option<Spanned<u64>>,
}

pub(super) const TABLES: &[&str] = &[
    "server",
    "upstream",
    "providers",
    "targets",
    "models",
    "plugins",
    "stream",
    "translation",
    "prices",
    "auth",
    "auth.jwt",
    "tenants",
    "store",
    "reservation",
    "escalations",
    "cache",
    "ledger",
    "telemetry",
    "alerts",
    "alerts.rules",
    "embedders",
    "admin",
    "log",
];

/// Read the file table by table, so that one mistake does not hide the next.
pub(super) fn read(document: DeTable<'_>, problems: &mut Problems) -> File {
    let mut file = File::default();
    for (key, value) in document {
        let (span, name) = (key.span(), key.into_inner());
        match &*name {
            "server" => file.server = table(&name, value, problems).unwrap_or_default(),
            "upstream" => file.upstream = table(&name, value, problems).unwrap_or_default(),
            "providers" => file.providers = named(&name, "dialect", value, &mut file.unreadable, problems),
            "targets" => file.targets = named(&name, "provider", value, &mut file.unreadable, problems),
            "models" => file.models = named(&name, "targets", value, &mut file.unreadable, problems),
            "plugins" => file.plugins = table(&name, value, problems).unwrap_or_default(),
            "stream" => file.stream = table(&name, value, problems).unwrap_or_default(),
            "translation" => file.translation = table(&name, value, problems).unwrap_or_default(),
            "auth" => auth(value, &mut file, problems),
            "alerts" => alerts(value, &mut file, problems),
            "admin" => file.admin = table(&name, value, problems).unwrap_or_default(),
            "prices" => file.prices = table(&name, value, problems).unwrap_or_default(),
            "log" => file.log = table(&name, value, problems).unwrap_or_default(),
            "tenants" => file.tenants = named(&name, "limits", value, &mut file.unreadable, problems),
            "store" => file.store = table(&name, value, problems).unwrap_or_default(),
            "embedders" => file.embedders = named(&name, "directory", value, &mut file.unreadable, problems),
            "reservation" => file.reservation = table(&name, value, problems).unwrap_or_default(),
            "cache" => file.cache = table(&name, value, problems).unwrap_or_default(),
            "ledger" => file.ledger = table(&name, value, problems).unwrap_or_default(),
            "telemetry" => file.telemetry = table(&name, value, problems).unwrap_or_default(),
            "escalations" => file.escalations = table(&name, value, problems).unwrap_or_default(),
            field if !matches!(value.get_ref(), DeValue::Table(_)) => {
                let message = "stands outside of all tables; write it below the one it belongs to, as [server]";
                problems.add(Some(span), field, message);
            }
            unknown => {
                let close = suggestion(unknown, TABLES.iter().copied());
                problems.add(Some(span), unknown, format!("there is no such table{close}"));
            }
        }
    }
    file
}

/// `[auth]`, and the table in it.
fn auth(mut value: Spanned<DeValue<'_>>, file: &mut File, problems: &mut Problems) {
    if let DeValue::Table(fields) = value.get_mut()
        && let Some((key, jwt)) = fields.remove_entry("jwt")
    {
        let span = key.span();
        match table("auth.jwt", jwt, problems) {
            Some(value) => file.jwt = Some(Entry { span, value }),
            None => drop(file.unreadable.insert("auth.jwt".to_owned())),
        }
    }
    file.auth = table("auth", value, problems).unwrap_or_default();
}

/// `[alerts]`, and the rules in it.
fn alerts(mut value: Spanned<DeValue<'_>>, file: &mut File, problems: &mut Problems) {
    if let DeValue::Table(fields) = value.get_mut()
        && let Some((_, rules)) = fields.remove_entry("rules")
    {
        file.alert_rules = named("alerts.rules", "when", rules, &mut file.unreadable, problems);
    }
    file.alerts = table("alerts", value, problems).unwrap_or_default();
}

/// The parser's words without those that only it understands.
pub(super) fn not_toml(message: &str) -> &str {
    message.trim_end_matches(", expected literal string")
}

pub(super) fn table<T: DeserializeOwned>(
    field: &str,
    value: Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<T> {
    let mut rest = value;
    let mut is_right = true;
    loop {
        let error = match T::deserialize(ValueDeserializer::from(rest.clone())) {
            Ok(table) => return is_right.then_some(table),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(rest.span());
        // Whether a field is missing is not known once others were left aside.
        if is_right || !error.message().starts_with("missing field") {
            let field = problems.field_at(field, &span);
            problems.add(Some(span.clone()), field, plain(error.message()));
        }
        is_right = false;
        // The parser stops at the first mistake: without it, the next one shows.
        if !leave_aside(&mut rest, &span) {
            return None;
        }
    }
}

/// Take the innermost field out that begins at this place, or holds it. Says whether there was one.
fn leave_aside(value: &mut Spanned<DeValue<'_>>, place: &Range<usize>) -> bool {
    let DeValue::Table(fields) = value.get_mut() else { return false };
    // The place of a table with a header of its own is that header, wherever its fields are.
    if fields.iter_mut().any(|(_, inner)| leave_aside(inner, place)) {
        return true;
    }
    let holds = |span: Range<usize>| span.contains(&place.start);
    let found = fields.iter().find(|(key, value)| holds(key.span()) || holds(value.span()));
    let name = found.map(|(key, _)| key.get_ref().to_string());
    name.is_some_and(|name| fields.remove(name.as_str()).is_some())
}

/// Tables with names, each of which must have the field `needed`.
fn named<T: DeserializeOwned>(
    field: &str,
    needed: &str,
    value: Spanned<DeValue<'_>>,
    unreadable: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> BTreeMap<String, Entry<T>> {
    let span = value.span();
    let DeValue::Table(entries) = value.into_inner() else {
        unreadable.insert(field.to_owned());
        problems.add(Some(span), field, format!("must be tables with names, as [{field}.NAME]"));
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for (key, value) in entries {
        let (span, name) = (key.span(), key.into_inner().into_owned());
        let whole = format!("{field}.{name}");
        let rests = rests_of_names(value.get_ref(), needed);
        for (rest, span) in &rests {
            let dotted = format!("{name}.{rest}");
            let message =
                format!("there is no field `{rest}`; a name with a dot needs quotes, as [{field}.{dotted:?}]");
            problems.add(Some(span.clone()), &whole, message);
            unreadable.insert(format!("{field}.{dotted}"));
        }
        if !rests.is_empty() {
            unreadable.insert(whole);
            continue;
        }
        match table(&whole, value, problems) {
            Some(value) => drop(read.insert(name, Entry { span, value })),
            None => drop(unreadable.insert(whole)),
        }
    }
    read
}

/// The rests of names with dots that stand without quotes, as `1` in `[models.gpt-4.1]`, and where. To TOML that is a
/// table in a table, and what it holds shows that it is not.
fn rests_of_names(table: &DeValue<'_>, needed: &str) -> Vec<(String, Range<usize>)> {
    let DeValue::Table(entries) = table else { return Vec::new() };
    let mut rests = Vec::new();
    for (key, value) in entries {
        let DeValue::Table(inner) = value.get_ref() else { continue };
        let part = key.get_ref();
        if inner.iter().any(|(field, _)| *field.get_ref() == needed) {
            rests.push((part.to_string(), key.span()));
        }
        let deeper = rests_of_names(value.get_ref(), needed);
        rests.extend(deeper.into_iter().map(|(rest, span)| (format!("{part}.{rest}"), span)));
    }
    rests
}
