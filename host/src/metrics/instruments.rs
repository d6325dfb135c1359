//! What counts and measures: the instruments of `prometheus-client`, each with the labels that its declaration has.

use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge;
use prometheus_client::metrics::histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Kind, Metric};

/// A declaration with so many labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<const LABELS: usize>(pub(super) &'static Metric);

/// The value of a label.
#[derive(Clone, Debug)]
pub(super) enum Label {
    /// A word of ours.
    Word(&'static str),
    /// A name that the operator has given.
    Name(Arc<str>),
}

impl Deref for Label {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Name(name) => name,
        }
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Label {}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// What one series of a metric is told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labels<const LABELS: usize> {
    values: [Label; LABELS],
    names: &'static [&'static str],
}

impl<const LABELS: usize> Hash for Labels<LABELS> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The names are the same for all series of a metric.
        self.values.hash(state);
    }
}

impl<const LABELS: usize> EncodeLabelSet for Labels<LABELS> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let mut pairs = self.names.iter().zip(&self.values);
        pairs.try_for_each(|(name, value)| (*name, &**value).encode(encoder.encode_label()))
    }
}

/// Makes histograms with these bounds.
#[derive(Clone, Debug)]
pub(super) struct Bounds(&'static [f64]);

impl MetricConstructor<histogram::Histogram> for Bounds {
    fn new_metric(&self) -> histogram::Histogram {
        histogram::Histogram::new(self.0.iter().copied())
    }
}

/// Counts.
#[derive(Debug)]
pub(super) struct Counter<const LABELS: usize>(Series<LABELS, counter::Counter, fn() -> counter::Counter>);

/// Adds up dollars.
#[derive(Debug)]
pub(super) struct Amount<const LABELS: usize>(Series<LABELS, Dollars, fn() -> Dollars>);

type Dollars = counter::Counter<f64, AtomicU64>;

/// Goes up and down.
#[derive(Debug)]
pub(super) struct Gauge<const LABELS: usize>(Series<LABELS, gauge::Gauge, fn() -> gauge::Gauge>);

/// Counts times by their length.
#[derive(Debug)]
pub(super) struct Histogram<const LABELS: usize>(Series<LABELS, histogram::Histogram, Bounds>);

#[derive(Debug)]
struct Series<const LABELS: usize, M, C> {
    names: &'static [&'static str],
    family: Family<Labels<LABELS>, M, C>,
}

impl<const LABELS: usize, M: Clone, C: MetricConstructor<M>> Series<LABELS, M, C> {
    fn with(&self, values: [Label; LABELS], change: impl FnOnce(&M)) {
        change(&self.family.get_or_create(&Labels { values, names: self.names }));
    }
}

impl<const LABELS: usize> Counter<LABELS> {
    pub(super) fn add(&self, labels: [Label; LABELS], count: u64) {
        self.0.with(labels, |counter| _ = counter.inc_by(count));
    }
}

impl<const LABELS: usize> Amount<LABELS> {
    pub(super) fn add(&self, labels: [Label; LABELS], dollars: f64) {
        self.0.with(labels, |counter| _ = counter.inc_by(dollars));
    }
}

impl<const LABELS: usize> Gauge<LABELS> {
    pub(super) fn set(&self, labels: [Label; LABELS], value: impl TryInto<i64>) {
        let value = value.try_into().unwrap_or(i64::MAX);
        self.0.with(labels, |gauge| _ = gauge.set(value));
    }

    pub(super) fn change(&self, labels: [Label; LABELS], by: i64) {
        self.0.with(labels, |gauge| _ = gauge.inc_by(by));
    }
}

impl<const LABELS: usize> Histogram<LABELS> {
    pub(super) fn measure(&self, labels: [Label; LABELS], time: Duration) {
        self.0.with(labels, |histogram| histogram.observe(time.as_secs_f64()));
    }
}

/// Instruments that are told together.
#[derive(Debug, Default)]
pub(super) struct Page(Registry);

impl Page {
    pub(super) fn counter<const LABELS: usize>(&mut self, declared: Declared<LABELS>) -> Counter<LABELS> {
        Counter(self.series(declared, counter::Counter::default))
    }

    pub(super) fn amount<const LABELS: usize>(&mut self, declared: Declared<LABELS>) -> Amount<LABELS> {
        Amount(self.series(declared, Dollars::default))
    }

    pub(super) fn gauge<const LABELS: usize>(&mut self, declared: Declared<LABELS>) -> Gauge<LABELS> {
        Gauge(self.series(declared, gauge::Gauge::default))
    }

    pub(super) fn histogram<const LABELS: usize>(&mut self, declared: Declared<LABELS>) -> Histogram<LABELS> {
        let bounds = match declared.0.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::Gauge => &[],
        };
        Histogram(self.series(declared, Bounds(bounds)))
    }

    fn series<const LABELS: usize, M, C>(&mut self, declared: Declared<LABELS>, new: C) -> Series<LABELS, M, C>
    where
        M: EncodeMetric + TypedMetric + Debug + Send + Sync + 'static,
        C: MetricConstructor<M> + Clone + Debug + Send + Sync + 'static,
    {
        let metric = declared.0;
        let family = Family::new_with_constructor(new);
        // The library writes the ends of names itself.
        let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
        let unit = UNITS.into_iter().find_map(|unit| Some((name.strip_suffix(unit)?.strip_suffix('_')?, unit)));
        match unit {
            Some((name, unit)) => {
                self.0.register_with_unit(name, metric.help.trim(), Unit::Other(unit.to_owned()), family.clone());
            }
            None => self.0.register(name, metric.help.trim(), family.clone()),
        }
        Series { names: metric.labels, family }
    }

    /// Write them down.
    pub(super) fn write(&self, text: &mut String) {
        // Nothing goes wrong where the writer is a text.
        let _ = encode_registry(text, &self.0);
    }
}

/// The end of all that is told.
pub(super) fn end(text: &mut String) {
    let _ = encode_eof(text);
}

/// The units that names may end in.
pub(super) const UNITS: [&str; 2] = ["seconds", "dollars"];
