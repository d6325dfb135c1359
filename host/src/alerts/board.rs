//! How every alert stands: for each rule, what it is about, what was counted of that, and whether it has fired. Nothing here waits
//! or asks anybody; what was seen is handed in, and what has changed comes out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::counted::{Counted, Reading};
use super::hysteresis::{At, Change, Levels, State, Why};
use super::subject::{Budgeted, Subject};
use super::tally::Counts;
use crate::config::{Denied, Latency, Rule, When};
use crate::moment::Moment;

/// Subjects of a rule that operators are shown, the worst first.
const SHOWN_MAX: usize = 100;

/// What one look has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What was counted since the look before.
    pub(super) counts: Counts,
    /// The names of the plugins in service.
    pub(super) plugins: Vec<String>,
    /// The names of the targets.
    pub(super) targets: Vec<String>,
    /// All budgets, if they are known at the moment.
    pub(super) budgets: Option<Vec<Budgeted>>,
}

/// An alert has fired or is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The alert: the same when it fires and when it is over.
    pub(crate) alert: Arc<str>,
    pub(crate) change: Change,
    /// The name of the rule.
    pub(crate) rule: String,
    /// What the rule says.
    pub(crate) says: Rule,
    pub(crate) subject: Subject,
    /// What was found, if anything was.
    pub(crate) value: Option<f64>,
    /// Since when it has been at the threshold.
    pub(crate) since: Moment,
    /// When this happened.
    pub(crate) at: Moment,
}

/// How a rule stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) rule: String,
    pub(crate) says: Rule,
    /// Subjects for which it has fired.
    pub(crate) active: usize,
    /// All subjects, of which the worst are listed.
    pub(crate) subjects: usize,
    pub(crate) worst: Vec<Shown>,
}

/// How one subject of a rule stands.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) subject: Subject,
    pub(crate) state: &'static str,
    pub(crate) value: Option<f64>,
    pub(crate) since: Option<Moment>,
    pub(crate) alert: Option<Arc<str>>,
}

/// All rules.
#[derive(Debug, Default)]
pub(super) struct Board {
    rules: BTreeMap<String, Ruled>,
}

#[derive(Debug)]
struct Ruled {
    rule: Rule,
    watched: BTreeMap<Subject, Watched>,
}

/// One subject of a rule.
#[derive(Debug)]
struct Watched {
    state: State,
    value: Option<f64>,
    /// While it is active.
    alert: Option<Arc<str>>,
    counted: Counted,
}

impl Board {
    /// Look once, with these rules; says what has changed.
    pub(super) fn look(&mut self, rules: &BTreeMap<String, Rule>, seen: &Seen, now: At) -> Vec<Event> {
        let mut events = Vec::new();
        for (name, ruled) in std::mem::take(&mut self.rules) {
            match rules.get(&name) {
                Some(rule) if *rule == ruled.rule => drop(self.rules.insert(name, ruled)),
                Some(_) => ruled.ends(&name, Why::RuleChanged, now, &mut events),
                None => ruled.ends(&name, Why::RuleRemoved, now, &mut events),
            }
        }
        for (name, rule) in rules {
            let new = || Ruled { rule: rule.clone(), watched: BTreeMap::new() };
            self.rules.entry(name.clone()).or_insert_with(new).look(name, seen, now, &mut events);
        }
        events
    }

    /// How all rules stand.
    pub(super) fn standing(&self) -> Vec<Standing> {
        self.rules.iter().map(|(name, ruled)| ruled.standing(name)).collect()
    }
}

impl Ruled {
    fn look(&mut self, name: &str, seen: &Seen, now: At, events: &mut Vec<Event>) {
        let Some(readings) = readings(&self.rule.when, seen) else { return };
        let is_gone = |subject: &Subject| !readings.contains_key(subject);
        let gone: Vec<Subject> = self.watched.keys().filter(|subject| is_gone(subject)).cloned().collect();
        for subject in gone {
            if let Some(mut watched) = self.watched.remove(&subject) {
                events.extend(watched.ends(name, &self.rule, &subject, Why::SubjectRemoved, now));
            }
        }
        for (subject, reading) in readings {
            let watched = self.watched.entry(subject.clone()).or_insert_with(|| Watched::new(&self.rule.when, now));
            events.extend(watched.look(name, &self.rule, &subject, reading, now));
        }
    }

    fn ends(self, name: &str, why: Why, now: At, events: &mut Vec<Event>) {
        for (subject, mut watched) in self.watched {
            events.extend(watched.ends(name, &self.rule, &subject, why, now));
        }
    }

    fn standing(&self, name: &str) -> Standing {
        let mut all: Vec<(&Subject, &Watched)> = self.watched.iter().collect();
        let rank = |watched: &Watched| (watched.state.is_active(), watched.value.unwrap_or(-1.0));
        all.sort_by(|(_, one), (_, other)| {
            let ((active, value), (other_active, other_value)) = (rank(one), rank(other));
            other_active.cmp(&active).then(other_value.total_cmp(&value))
        });
        let shown = |(subject, watched): &(&Subject, &Watched)| Shown {
            subject: (*subject).clone(),
            state: watched.state.word(),
            value: watched.value,
            since: watched.state.since().map(|since| since.moment),
            alert: watched.alert.clone(),
        };
        Standing {
            rule: name.to_owned(),
            says: self.rule.clone(),
            active: all.iter().filter(|(_, watched)| watched.state.is_active()).count(),
            subjects: all.len(),
            worst: all.iter().take(SHOWN_MAX).map(shown).collect(),
        }
    }
}

/// What was seen of each subject of a rule; nothing if it is not known which there are.
fn readings<'a>(when: &When, seen: &'a Seen) -> Option<BTreeMap<Subject, Reading<'a>>> {
    let counts = &seen.counts;
    let wanted = |names: &'a [String], one: &Option<String>| {
        let one = one.clone();
        names.iter().filter(move |name| one.as_ref().is_none_or(|one| one == *name))
    };
    Some(match when {
        When::Budget { tenant } => {
            let is_its = |budgeted: &&Budgeted| tenant.is_none() || budgeted.subject.tenant == *tenant;
            let budgets = seen.budgets.as_ref()?.iter().filter(is_its);
            budgets.map(|budgeted| (budgeted.subject.clone(), Reading::Share(budgeted.share))).collect()
        }
        When::PluginFailures { plugin, .. } => {
            let calls = |name: &String| counts.plugins.get(name).copied().unwrap_or_default();
            wanted(&seen.plugins, plugin).map(|name| (Subject::plugin(name), Reading::Calls(calls(name)))).collect()
        }
        When::TargetErrors { target, .. } => {
            let calls = |name: &String| counts.targets.get(name).map(|attempts| attempts.calls).unwrap_or_default();
            wanted(&seen.targets, target).map(|name| (Subject::target(name), Reading::Calls(calls(name)))).collect()
        }
        When::TargetLatency { target, measure, .. } => {
            let times = |name: &String| {
                counts.targets.get(name).map(|attempts| match measure {
                    Latency::FirstToken => &attempts.first_token,
                    Latency::Attempt => &attempts.whole,
                })
            };
            wanted(&seen.targets, target).map(|name| (Subject::target(name), Reading::Times(times(name)))).collect()
        }
        When::Denials { of: Denied::To(tenant), .. } => {
            let count = counts.denied_to.get(tenant).copied().unwrap_or_default();
            BTreeMap::from([(Subject::tenant(tenant), Reading::Denials(count))])
        }
        When::Denials { of, .. } => {
            let one = match of {
                Denied::By(plugin) => Some(plugin.clone()),
                Denied::ByEachPlugin | Denied::To(_) => None,
            };
            let count = |name: &String| counts.denied_by.get(name).copied().unwrap_or_default();
            wanted(&seen.plugins, &one).map(|name| (Subject::plugin(name), Reading::Denials(count(name)))).collect()
        }
    })
}

impl Watched {
    fn new(when: &When, now: At) -> Self {
        Self { state: State::default(), value: None, alert: None, counted: Counted::new(when, now.instant) }
    }

    fn look(&mut self, name: &str, rule: &Rule, subject: &Subject, reading: Reading<'_>, now: At) -> Option<Event> {
        self.value = self.counted.value(&rule.when, reading, now.instant);
        // Where nobody calls it, a window without a value is followed by one more of the same.
        let silence = rule.when.window().unwrap_or(Duration::MAX);
        let levels = Levels { fires: rule.threshold, clears: rule.clear, holds: rule.holds, silence };
        // The end of an alert forgets since when it was one.
        let before = self.state.since();
        let change = self.state.step(self.value, &levels, now)?;
        let since = self.state.since().or(before).unwrap_or(now).moment;
        self.event(name, rule, subject, change, since, now)
    }

    /// It is no longer looked at.
    fn ends(&mut self, name: &str, rule: &Rule, subject: &Subject, why: Why, now: At) -> Option<Event> {
        let since = self.state.since().filter(|_| self.state.is_active())?.moment;
        self.event(name, rule, subject, Change::Resolved(why), since, now)
    }

    fn event(
        &mut self,
        name: &str,
        rule: &Rule,
        subject: &Subject,
        change: Change,
        since: Moment,
        now: At,
    ) -> Option<Event> {
        let alert = match change {
            Change::Fired => self.alert.insert(new_id("alert")).clone(),
            Change::Resolved(_) => self.alert.take()?,
        };
        Some(Event {
            alert,
            change,
            rule: name.to_owned(),
            says: rule.clone(),
            subject: subject.clone(),
            value: self.value,
            since,
            at: now.moment,
        })
    }
}

/// A name for an alert or a message, sorted by time.
pub(super) fn new_id(prefix: &str) -> Arc<str> {
    format!("{prefix}_{}", Uuid::now_v7().simple()).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
