//! What it costs more that a router decides who answers: the intent router, by patterns.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sluicegate::capability::Counts;
use sluicegate::chat::{Channel, Request, Role, RouteDecision, RouteTarget, Segment};
use sluicegate::config::Installation;
use sluicegate::plugin::{Calling, Plugin, Runtime, Source, digest};

use crate::Result;
use crate::figures::Series;
use crate::lab::{Lab, built};
use crate::load::{self, Case, Load, Round};
use crate::prose::{Chat, fresh, prose};
use crate::rows::fork::own_cpu;
use crate::table::{Line, us};

/// How much of the bare proxy's cost of an exchange a routing may add.
const ADDED_MAX: f64 = 0.5;
/// Bytes of what is asked.
const BYTES: usize = 1024;
/// Intents of which one is meant, as an operator writes them.
const INSTALLATION: &str = r#"
[grants.embedding]

[[config.intents]]
name = "small-talk"
patterns = ['(?i)^\s*(hi|hello|hey|good (morning|evening))\b']
unless = ['\?']
words_max = 6
answer = "Hello! What can I do for you?"

[[config.intents]]
name = "code"
patterns = [
    "```",
    { pattern = '(?i)\b(function|compile|stack trace)\b', score = 0.4 },
    { pattern = '(?i)\b(python|rust|javascript)\b', score = 0.4 },
]
targets = ["strong"]

[[config.intents]]
name = "billing"
patterns = ['(?i)\brefund\b']
targets = ["small"]
"#;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let fresh = || Load::steady(lab.scale.time, || Chat::of_body(BYTES).request());
    let cases = [Case { child: &lab.bare, load: fresh() }];
    let figures = load::in_turns(&cases, lab.scale.rounds, Round::cpu_per_exchange).await?;
    let [bare] = figures.as_slice() else { return Err("a case is missing".to_owned()) };
    let router = Router::load().await?;
    let (mut rounds, mut fuel) = (Series::default(), 0);
    for _ in 0..lab.scale.rounds {
        let requests: Vec<Request> = (0..lab.scale.calls / 20).map(|_| asks()).collect();
        let before = own_cpu().await?;
        for request in &requests {
            fuel = router.route(request).await?;
        }
        let cpu = own_cpu().await?.saturating_sub(before);
        rounds.0.push(cpu.as_secs_f64() * 1e6 / requests.len() as f64);
    }
    let ratio: Series = rounds.0.iter().map(|round| round / bare.least()).collect();
    Ok(vec![
        Line::new("bare proxy, CPU per exchange, 1 KB", us(bare.least())),
        Line::new(format!("routing by patterns, 1 KB, alone ({fuel} fuel)"), us(rounds.median()))
            .at_most(&ratio, ADDED_MAX),
    ])
}

/// The intent router in this process.
struct Router {
    runtime: Arc<Runtime>,
    plugin: Arc<Plugin>,
    targets: Vec<RouteTarget>,
    name: Arc<str>,
}

impl Router {
    async fn load() -> Result<Self> {
        let runtime = Arc::new(Runtime::new(0)?);
        let component = built("intent-router")?;
        let installation = Installation::parse("intent-router", "intent-router.toml", INSTALLATION, Path::new(""));
        let source = Source {
            installation: installation.map_err(|problems| problems.to_string())?,
            digest: digest(&component),
            component: component.into(),
            breaker_failures: 0,
            breaker_probe: Duration::from_secs(1),
        };
        let plugin = runtime.load(source).await.map_err(|error| format!("loading the router: {error}"))?;
        let targets = ["small", "strong", "other"].map(target).into();
        Ok(Self { runtime, plugin: Arc::new(plugin), targets, name: "bench".into() })
    }

    /// Routes one request, and gives the fuel that it took.
    async fn route(&self, request: &Request) -> Result<u64> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
        let counts = &Counts::default();
        let calling =
            Calling { exchange: &self.name, tenant: &self.name, counts, deadline, triggers: None, behalf: None };
        let inspected = self.runtime.route(&self.plugin, calling, request, &self.targets).await;
        let routing = inspected.said.map_err(|failure| format!("the router failed: {}", failure.detail))?;
        match routing.decision {
            RouteDecision::Targets(_) => Ok(inspected.receipt.fuel),
            other => Err(format!("the router said {other:?}")),
        }
    }
}

/// A question about code that nobody has seen.
fn asks() -> Request {
    let text = format!("{} Why does this function in Rust not end?", prose(fresh(), BYTES));
    let segment = Segment { role: Role::User, channel: Channel::Content, choice: 0, name: None, text, is_json: false };
    Request { model: "gpt-5-mini".to_owned(), segments: vec![segment], ..Request::default() }
}

fn target(name: &str) -> RouteTarget {
    RouteTarget {
        name: name.to_owned(),
        provider: "bench".to_owned(),
        model: "bench".to_owned(),
        tags: vec![name.to_owned()],
        healthy: true,
        in_flight: 0,
        first_token: None,
        dollars: Some((0.25, 2.0)),
        context_tokens: Some(128_000),
    }
}
