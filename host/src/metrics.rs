//! What is counted and measured, for Prometheus: every metric there is, in one table.
//!
//! Each combination of labels is a series that Prometheus keeps, so every label has few values: words of ours, or names that
//! the operator has given. What callers choose, as the name of a model, counts under its name only if the operator has
//! written that name too, and else as `other`.

#[cfg(test)]
mod documented;
mod instruments;
mod now;
mod over;

use std::sync::Arc;

use crate::config::Settings;
use crate::gateway::Gateway;
use crate::store::Unanswered;
use instruments::{Amount, Counter, Declared, Gauge, Histogram, Label, Page};
use over::Names;

/// A metric, as it is declared.
#[derive(Debug)]
pub struct Metric {
    /// Its name, with its unit and, if it only grows, `_total` at the end.
    pub name: &'static str,
    /// What it does over time.
    pub kind: Kind,
    /// What it tells.
    pub help: &'static str,
    /// What its series differ in.
    pub labels: &'static [&'static str],
}

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts values by their size, up to each of these bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word that Prometheus has for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// Seconds of whole exchanges: as the GenAI conventions of OpenTelemetry want it for `gen_ai.server.request.duration`.
const EXCHANGE: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68];
/// Seconds to the first token: the same for `gen_ai.server.time_to_first_token`.
const FIRST_TOKEN: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0];
/// Seconds of what the gateway does itself: from a verdict that is remembered to a model that a plugin asks.
const INSIDE: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    1.0, 5.0,
];

/// Declares metrics, and the list of them all. The documentation of each is its help text too.
macro_rules! metrics {
    ($(#[doc = $help:literal] $metric:ident: $kind:expr, $name:literal [$($label:literal)*];)+) => {
        $(
            #[doc = $help]
            const $metric: Declared<{ <[&str]>::len(&[$($label),*]) }> =
                Declared(&Metric { name: $name, kind: $kind, help: $help, labels: &[$($label),*] });
        )+
        /// All that there are.
        pub const ALL: &[&Metric] = &[$($metric.0),+];
    };
}

metrics! {
    /// Exchanges that are over, by how they ended: `answered`, `provider_error`, `provider_refused`, `caller-gone`, or the code of an error
    EXCHANGES: Kind::Counter, "sluicegate_exchanges_total" ["task" "model" "tenant" "outcome"];
    /// Exchanges that are under way
    IN_FLIGHT: Kind::Gauge, "sluicegate_exchanges_in_flight" [];
    /// Time from the head of a request to the end of its answer
    EXCHANGE_DURATION: Kind::Histogram(EXCHANGE), "sluicegate_exchange_duration_seconds" ["task" "model"];
    /// Time from the head of a request to the first text that goes to the caller, of answers that stream
    FIRST_TEXT: Kind::Histogram(FIRST_TOKEN), "sluicegate_first_token_seconds" ["model"];
    /// Tokens that providers say they have used: `input`, `cached_input`, `cache_write`, `output`, `reasoning`, each token once
    TOKENS: Kind::Counter, "sluicegate_tokens_total" ["model" "tenant" "kind"];
    /// What was spent in US dollars, as far as prices are known, on answers (`provider`) and by plugins (`plugin`)
    COST: Kind::Counter, "sluicegate_cost_dollars_total" ["model" "tenant" "spent_on"];
    /// Exchanges of which it is not known all that they cost
    COST_UNKNOWN: Kind::Counter, "sluicegate_cost_unknown_total" ["model"];
    /// Targets that were asked, by what came of it: `answered`, `caller-gone` where it had not begun to, a status, or the code of an error
    ATTEMPTS: Kind::Counter, "sluicegate_attempts_total" ["target" "result"];
    /// Time until a target had said its last word
    ATTEMPT_DURATION: Kind::Histogram(EXCHANGE), "sluicegate_attempt_duration_seconds" ["target"];
    /// Time until a target began to answer: the first token of a stream, or the head of another answer
    ATTEMPT_FIRST_TOKEN: Kind::Histogram(FIRST_TOKEN), "sluicegate_attempt_first_token_seconds" ["target"];
    /// Whether a target is left alone for a while, as it has failed or has asked for that
    TARGET_RESTING: Kind::Gauge, "sluicegate_target_resting" ["target"];
    /// Exchanges that a target is answering
    TARGET_IN_FLIGHT: Kind::Gauge, "sluicegate_target_in_flight" ["target"];
    /// What plugins decided
    VERDICTS: Kind::Counter, "sluicegate_plugin_verdicts_total" ["plugin" "export" "phase" "verdict"];
    /// Calls of plugins, by how they ended: `said`, or a word for each kind of failure
    CALLS: Kind::Counter, "sluicegate_plugin_calls_total" ["plugin" "outcome"];
    /// Time that a plugin takes for what it is asked at once, remembered verdicts and all
    CALL_DURATION: Kind::Histogram(INSIDE), "sluicegate_plugin_call_duration_seconds" ["plugin" "export"];
    /// Texts that plugins were asked about, by what decided: a `call`, the `memory` of an earlier one, or the `prefilter`
    WINDOWS: Kind::Counter, "sluicegate_plugin_windows_total" ["plugin" "decided_by"];
    /// Fuel that plugins have used
    FUEL: Kind::Counter, "sluicegate_plugin_fuel_total" ["plugin"];
    /// What plugins have found
    FINDINGS: Kind::Counter, "sluicegate_plugin_findings_total" ["plugin"];
    /// Whether a plugin is taken out, as it keeps failing
    TAKEN_OUT: Kind::Gauge, "sluicegate_plugin_taken_out" ["plugin"];
    /// Plugins in the directory that cannot be in service as they are
    BROKEN: Kind::Gauge, "sluicegate_plugins_broken" [];
    /// Parts of requests and answers that were passed on without a look
    NOT_INSPECTED: Kind::Counter, "sluicegate_not_inspected_total" ["phase"];
    /// Exchanges that were handed over to people
    ESCALATIONS: Kind::Counter, "sluicegate_escalations_total" [];
    /// Escalations that wait for an answer; left out where they cannot be read
    ESCALATIONS_OPEN: Kind::Gauge, "sluicegate_escalations_open" [];
    /// How long the oldest of them has waited
    ESCALATIONS_OLDEST: Kind::Gauge, "sluicegate_escalations_oldest_seconds" [];
    /// How exchanges stood with the cache: `hit`, `stale`, `miss`, `bypass`
    CACHE: Kind::Counter, "sluicegate_cache_exchanges_total" ["state"];
    /// What answers from memory had cost in US dollars when a model gave them
    CACHE_SAVED: Kind::Counter, "sluicegate_cache_saved_dollars_total" [];
    /// Time to look for an answer (`answer`), and for the vector of a question (`embedding`)
    LOOKUP_DURATION: Kind::Histogram(INSIDE), "sluicegate_cache_lookup_duration_seconds" ["sought"];
    /// Answers that were kept
    CACHE_KEPT: Kind::Counter, "sluicegate_cache_kept_total" [];
    /// Calls in which a store of the cache has failed
    CACHE_FAILURES: Kind::Counter, "sluicegate_cache_failures_total" [];
    /// Callers that wait for the answer to a question which another one asks
    CACHE_FOLLOWERS: Kind::Gauge, "sluicegate_cache_followers" [];
    /// Plugin calls that have one of the places
    POOL_CALLS: Kind::Gauge, "sluicegate_pool_calls" [];
    /// Places for plugin calls; more of them wait
    POOL_PLACES: Kind::Gauge, "sluicegate_pool_places" [];
    /// Exchanges that wait to be written to the ledger
    LEDGER_WAITING: Kind::Gauge, "sluicegate_ledger_waiting" [];
    /// Exchanges that were written to the ledger
    LEDGER_WRITTEN: Kind::Counter, "sluicegate_ledger_written_total" [];
    /// Exchanges that the ledger has lost
    LEDGER_DROPPED: Kind::Counter, "sluicegate_ledger_dropped_total" [];
    /// Whether the ledger cannot be written at the moment
    LEDGER_FAILING: Kind::Gauge, "sluicegate_ledger_failing" [];
    /// Exchanges whose spans wait to be sent
    SPANS_WAITING: Kind::Gauge, "sluicegate_spans_waiting" [];
    /// Exchanges whose spans the collector has taken
    SPANS_SENT: Kind::Counter, "sluicegate_spans_sent_total" [];
    /// Exchanges whose spans are lost
    SPANS_DROPPED: Kind::Counter, "sluicegate_spans_dropped_total" [];
    /// Alerts that have fired and are not over, by rule
    ALERTS: Kind::Gauge, "sluicegate_alerts_active" ["rule"];
    /// What came of telling the webhook of alerts: `delivered`, `failed` for each try, `given-up`, `dropped`
    ALERTS_TOLD: Kind::Counter, "sluicegate_alert_deliveries_total" ["outcome"];
    /// The number of the generation of plugins and settings in service
    GENERATION: Kind::Gauge, "sluicegate_generation" [];
    /// Changes of plugins or settings that are in service (`succeeded`) or cannot be (`failed`)
    RELOADS: Kind::Counter, "sluicegate_reloads_total" ["result"];
    /// 1, for the version that runs
    BUILD: Kind::Gauge, "sluicegate_build_info" ["version"];
}

/// Results of a reload.
const RELOADED: Label = Label::Word("succeeded");
const NOT_RELOADED: Label = Label::Word("failed");

/// What is counted while exchanges end; what is told of the moment is looked up when somebody asks.
#[derive(Debug)]
pub struct Metrics {
    page: Page,
    names: arc_swap::ArcSwap<Names>,
    exchanges: Counter<4>,
    in_flight: Gauge<0>,
    exchange_duration: Histogram<2>,
    first_text: Histogram<1>,
    tokens: Counter<3>,
    cost: Amount<3>,
    cost_unknown: Counter<1>,
    attempts: Counter<2>,
    attempt_duration: Histogram<1>,
    attempt_first_token: Histogram<1>,
    verdicts: Counter<4>,
    calls: Counter<2>,
    call_duration: Histogram<2>,
    windows: Counter<2>,
    fuel: Counter<1>,
    findings: Counter<1>,
    not_inspected: Counter<1>,
    escalations: Counter<0>,
    cache: Counter<1>,
    cache_saved: Amount<0>,
    lookup_duration: Histogram<1>,
    reloads: Counter<1>,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let mut page = Page::default();
        let metrics = Self {
            names: arc_swap::ArcSwap::from_pointee(Names::of(settings)),
            exchanges: page.counter(EXCHANGES),
            in_flight: page.gauge(IN_FLIGHT),
            exchange_duration: page.histogram(EXCHANGE_DURATION),
            first_text: page.histogram(FIRST_TEXT),
            tokens: page.counter(TOKENS),
            cost: page.amount(COST),
            cost_unknown: page.counter(COST_UNKNOWN),
            attempts: page.counter(ATTEMPTS),
            attempt_duration: page.histogram(ATTEMPT_DURATION),
            attempt_first_token: page.histogram(ATTEMPT_FIRST_TOKEN),
            verdicts: page.counter(VERDICTS),
            calls: page.counter(CALLS),
            call_duration: page.histogram(CALL_DURATION),
            windows: page.counter(WINDOWS),
            fuel: page.counter(FUEL),
            findings: page.counter(FINDINGS),
            not_inspected: page.counter(NOT_INSPECTED),
            escalations: page.counter(ESCALATIONS),
            cache: page.counter(CACHE),
            cache_saved: page.amount(CACHE_SAVED),
            lookup_duration: page.histogram(LOOKUP_DURATION),
            reloads: page.counter(RELOADS),
            page,
        };
        // What is seen for the first time when it is 1 has not grown, as far as Prometheus can tell.
        [RELOADED, NOT_RELOADED].into_iter().for_each(|result| metrics.reloads.add([result], 0));
        metrics
    }

    /// From now on, these names count as such.
    pub(crate) fn knows(&self, settings: &Settings) {
        self.names.store(Arc::new(Names::of(settings)));
    }

    /// An exchange begins.
    pub(crate) fn begins(&self) {
        self.in_flight.change([], 1);
    }

    /// Files have changed, and what they say now is in service, or cannot be.
    pub(crate) fn reloaded(&self, succeeded: bool) {
        self.reloads.add([if succeeded { RELOADED } else { NOT_RELOADED }], 1);
    }

    /// All of them, in the text format of OpenMetrics; with the escalations that wait, if that is known.
    #[must_use]
    pub fn text(&self, gateway: &Gateway, escalations: Option<Unanswered>) -> String {
        let mut text = String::new();
        self.page.write(&mut text);
        now::page(gateway, escalations).write(&mut text);
        instruments::end(&mut text);
        text
    }
}

/// What [`Metrics::text`] is, in the words of HTTP.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
