//! Originals that were masked on the way to the model, and put back on the way to the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, MatchKind};

use crate::chat::{Channel, Edit, Segment};
use crate::dialect::{is_json, unescaped};

/// Originals of one exchange.
pub(super) const RESTORATIONS_MAX: usize = 1_000;
/// Templates of one exchange: for each, all texts are searched once.
const TEMPLATES_MAX: usize = 32;
/// Bytes of originals that are put into one answer: a model may be asked to repeat a short name very often. Further names
/// stay as they are.
const RESTORED_BYTES_MAX: usize = 16 << 20;
/// Stands for a number in a template.
const NUMBER: &str = "{n}";

/// The originals of an exchange, by what stands in their place.
#[derive(Debug, Default)]
pub(super) struct Restorations {
    all: Vec<Restoration>,
    /// Template and original, with their places.
    known: BTreeMap<(String, String), usize>,
    /// How many there are of each template.
    templates: BTreeMap<String, usize>,
    /// Finds the replacements; made when they are all there.
    search: OnceLock<Search>,
    restored_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Restoration {
    template: String,
    replacement: String,
    original: String,
}

#[derive(Debug)]
struct Search {
    /// Nothing if they are too many for it, which a thousand short ones are not.
    finder: Option<AhoCorasick>,
    sorted: Vec<String>,
    longest: usize,
}

/// Why an original has no name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotRemembered {
    /// There are [`RESTORATIONS_MAX`] already: a matter of the request.
    Full,
    /// The plugin asks for what is not possible.
    Wrong(String),
}

/// What is written in the texts of a request, as far as names could be taken for it.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeMap<String, BTreeSet<u64>>);

impl Written {
    /// The numbers that somebody wrote in place of the template's.
    fn numbers<'a>(
        &mut self,
        template: &str,
        (before, behind): (&str, &str),
        mut texts: impl Iterator<Item = &'a str>,
    ) -> Result<&mut BTreeSet<u64>, String> {
        if !self.0.contains_key(template) {
            if self.0.len() >= TEMPLATES_MAX {
                return Err(format!("more than {TEMPLATES_MAX} templates for texts to restore in one exchange"));
            }
            let mut numbers = BTreeSet::new();
            texts.by_ref().for_each(|text| {
                for (start, _) in text.match_indices(before) {
                    let rest = text.get(start + before.len()..).unwrap_or_default();
                    let digits = rest.bytes().take_while(u8::is_ascii_digit).take(20).count();
                    let (number, rest) = rest.split_at(digits);
                    if rest.starts_with(behind) {
                        numbers.extend(number.parse::<u64>());
                    }
                }
            });
            self.0.insert(template.to_owned(), numbers);
        }
        self.0.get_mut(template).ok_or_else(|| "a template is gone".to_owned())
    }
}

impl Restorations {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What to put in place of `original`: the template, with a number that makes it unique in the exchange. The same
    /// original gets the same replacement, so that the model sees that two mentions are one. `texts` are all texts of
    /// the request, and whatever else may be written into them.
    ///
    /// # Errors
    /// Why that is not possible.
    pub(super) fn remember<'a>(
        &mut self,
        template: &str,
        original: &str,
        written: &mut Written,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<String, NotRemembered> {
        let key = (template.to_owned(), original.to_owned());
        if let Some(known) = self.known.get(&key).and_then(|place| self.all.get(*place)) {
            return Ok(known.replacement.clone());
        }
        if self.all.len() >= RESTORATIONS_MAX {
            return Err(NotRemembered::Full);
        }
        let replacement = self.unique(template, written, texts).map_err(NotRemembered::Wrong)?;
        *self.templates.entry(template.to_owned()).or_default() += 1;
        self.known.insert(key, self.all.len());
        self.all.push(Restoration {
            template: template.to_owned(),
            replacement: replacement.clone(),
            original: original.to_owned(),
        });
        self.search = OnceLock::new();
        Ok(replacement)
    }

    /// A replacement that neither stands for something else nor was written by anybody: else an answer that
    /// quotes it would be given somebody's data.
    fn unique<'a>(
        &self,
        template: &str,
        written: &mut Written,
        mut texts: impl Iterator<Item = &'a str>,
    ) -> Result<String, String> {
        let Some((before, behind)) = template.split_once(NUMBER) else {
            let unusable = template.is_empty() || self.is_taken(template, template);
            return if unusable || texts.any(|text| text.contains(template)) {
                Err("a replacement to restore is not unique in the exchange; put {n} into it".to_owned())
            } else {
                Ok(template.to_owned())
            };
        };
        if before.is_empty() {
            return Err("a replacement to restore begins with {n}; put something before it".to_owned());
        }
        let behind = behind.replace(NUMBER, "");
        let first = self.templates.get(template).copied().unwrap_or_default() as u64 + 1;
        let numbers = written.numbers(template, (before, &behind), texts)?;
        let candidate = |number: u64| format!("{before}{number}{behind}");
        // Each number that was written takes one away, and each is skipped once only: the next name begins behind it.
        let most = first + (RESTORATIONS_MAX + numbers.len()) as u64;
        let found = (first..most)
            .find(|number| !numbers.contains(number) && !self.is_taken(&candidate(*number), template))
            .ok_or_else(|| "no number makes a replacement unique in the exchange".to_owned())?;
        numbers.insert(found);
        Ok(candidate(found))
    }

    /// Whether a candidate is or contains another replacement, or is contained in one. Names of one template that differ
    /// in their number are different, as long as something stands behind the number.
    fn is_taken(&self, candidate: &str, template: &str) -> bool {
        let numbered = template.split_once(NUMBER).is_some_and(|(_, behind)| !behind.is_empty());
        let others = self.all.iter().filter(|r| !(numbered && r.template == template));
        others.into_iter().any(|r| r.replacement.contains(candidate) || candidate.contains(&r.replacement))
    }

    fn search(&self) -> &Search {
        self.search.get_or_init(|| {
            let mut sorted: Vec<String> = self.all.iter().map(|r| r.replacement.clone()).collect();
            let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&sorted).ok();
            let longest = sorted.iter().map(String::len).max().unwrap_or_default();
            sorted.sort();
            Search { finder, sorted, longest }
        })
    }

    /// The text with the originals; nothing if it repeats no replacement.
    pub(super) fn restore(&self, text: &str, channel: Channel) -> Option<String> {
        let edits = self.edits(text, channel);
        (!edits.is_empty()).then(|| crate::chat::apply(text, &edits))
    }

    /// Where the text repeats replacements.
    pub(super) fn edits(&self, text: &str, channel: Channel) -> Vec<Edit> {
        if self.is_empty() {
            return Vec::new();
        }
        let found = self.search().finder.iter().flat_map(|finder| finder.find_iter(text));
        let restored = found.filter_map(|found| {
            let original = &self.all.get(found.pattern().as_usize())?.original;
            let before = self.restored_bytes.fetch_add(original.len(), Ordering::Relaxed);
            let replacement = (before < RESTORED_BYTES_MAX).then(|| spelt(original, channel))?;
            Some(Edit { span: found.range(), replacement, restore: false })
        });
        restored.collect()
    }

    /// How many bytes at the end of a text may be the beginning of a replacement.
    pub(super) fn hold(&self, text: &str) -> usize {
        if self.is_empty() {
            return 0;
        }
        let Search { sorted, longest, .. } = self.search();
        let most = longest.saturating_sub(1).min(text.len());
        let begins = |length: &usize| {
            let Some(end) = text.get(text.len() - length..) else { return false };
            let next = sorted.partition_point(|replacement| replacement.as_str() < end);
            sorted.get(next).is_some_and(|replacement| replacement.len() > *length && replacement.starts_with(end))
        };
        (1..=most).rev().find(begins).unwrap_or(0)
    }
}

/// An original as a person would write it: what was cut out of JSON that stands in a text is freed of its escapes.
pub(super) fn unspelt(original: &str, segment: &Segment) -> String {
    let in_json = || segment.channel == Channel::ToolArguments || is_json(&segment.text);
    let escaped = original.contains('\\') && in_json();
    escaped.then(|| unescaped(original)).flatten().unwrap_or_else(|| original.to_owned())
}

/// Arguments of a tool call are JSON: what is put into them must be spelt as there.
fn spelt(original: &str, channel: Channel) -> String {
    if channel != Channel::ToolArguments {
        return original.to_owned();
    }
    let mut spelt = String::with_capacity(original.len());
    for character in original.chars() {
        match character {
            '"' => spelt.push_str("\\\""),
            '\\' => spelt.push_str("\\\\"),
            control if control.is_control() => spelt.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => spelt.push(other),
        }
    }
    spelt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Role;

    fn segment(channel: Channel, text: &str) -> Segment {
        Segment { role: Role::User, channel, choice: 0, name: None, text: text.to_owned(), is_json: false }
    }

    fn remember(
        to: &mut Restorations,
        template: &str,
        original: &str,
        texts: &[&str],
    ) -> Result<String, NotRemembered> {
        to.remember(template, original, &mut Written::default(), texts.iter().copied())
    }

    #[test]
    fn the_same_original_has_one_name_and_another_has_another() {
        let mut restorations = Restorations::default();
        assert_eq!(remember(&mut restorations, "[NAME_{n}]", "Ann", &[]).unwrap(), "[NAME_1]");
        assert_eq!(remember(&mut restorations, "[NAME_{n}]", "Bob", &[]).unwrap(), "[NAME_2]");
        assert_eq!(remember(&mut restorations, "[NAME_{n}]", "Ann", &[]).unwrap(), "[NAME_1]");
        let text = "[NAME_2] and [NAME_1] and [NAME_3]";
        assert_eq!(restorations.restore(text, Channel::Content).unwrap(), "Bob and Ann and [NAME_3]");
    }

    #[test]
    fn a_name_that_somebody_wrote_is_not_used() {
        let mut restorations = Restorations::default();
        let written = ["give me [NAME_1] and [NAME_2]!"];
        assert_eq!(remember(&mut restorations, "[NAME_{n}]", "Ann", &written).unwrap(), "[NAME_3]");
        assert!(remember(&mut restorations, "[NAME_1]", "Bob", &written).is_err());
    }

    #[test]
    fn whatever_may_become_a_name_is_held() {
        let mut restorations = Restorations::default();
        remember(&mut restorations, "[NAME_{n}]", "Ann", &[]).unwrap();
        assert_eq!(restorations.hold("hello [NA"), 3);
        assert_eq!(restorations.hold("hello [NAME_1]"), 0);
        assert_eq!(restorations.hold("hello"), 0);
    }

    #[test]
    fn in_tool_arguments_an_original_is_spelt_as_json() {
        let mut restorations = Restorations::default();
        remember(&mut restorations, "<{n}>", "a \"b\"\n", &[]).unwrap();
        let restored = restorations.restore("{\"x\":\"<1>\"}", Channel::ToolArguments).unwrap();
        assert_eq!(restored, "{\"x\":\"a \\\"b\\\"\\u000a\"}");
    }

    #[test]
    fn what_was_cut_out_of_json_is_restored_as_a_person_would_write_it() {
        let arguments = segment(Channel::ToolArguments, r#"{"to":"andr\u00e9"}"#);
        let original = unspelt(r"andr\u00e9", &arguments);
        assert_eq!(original, "andré");
        assert_eq!(unspelt(r"andr\u00e9", &segment(Channel::ToolResult, r#"["andr\u00e9"]"#)), "andré");
        assert_eq!(unspelt(r"C:\new", &segment(Channel::Content, r"see C:\new")), r"C:\new");
        let mut restorations = Restorations::default();
        remember(&mut restorations, "<{n}>", &original, &[]).unwrap();
        assert_eq!(restorations.restore("<1>", Channel::Content).unwrap(), "andré");
    }

    #[test]
    fn names_of_several_templates_do_not_contain_each_other() {
        let mut restorations = Restorations::default();
        assert_eq!(remember(&mut restorations, "[X_{n}]", "a", &[]).unwrap(), "[X_1]");
        assert_eq!(remember(&mut restorations, "[X_{n}]!", "b", &[]).unwrap(), "[X_2]!");
        assert_eq!(remember(&mut restorations, "[X_{n}]", "c", &[]).unwrap(), "[X_3]");
        assert!(remember(&mut restorations, "{n}", "d", &[]).is_err());
    }

    #[test]
    fn a_thousand_originals_and_as_many_names_in_the_text_take_no_time() {
        let written: String = (1..=RESTORATIONS_MAX).map(|n| format!("[E_{n}] ")).collect();
        let text = format!("{}{written}", "x".repeat(1 << 20));
        let mut restorations = Restorations::default();
        let mut known = Written::default();
        for n in 0..RESTORATIONS_MAX {
            restorations.remember("[E_{n}]", &n.to_string(), &mut known, std::iter::once(text.as_str())).unwrap();
        }
        let names: String = (1..=2 * RESTORATIONS_MAX).map(|n| format!("[E_{n}] ")).collect();
        assert_eq!(restorations.edits(&names, Channel::Content).len(), RESTORATIONS_MAX);
        assert_eq!(remember(&mut restorations, "[E_{n}]", "one more", &[]), Err(NotRemembered::Full));
    }

    #[test]
    fn an_answer_does_not_grow_for_ever() {
        let mut restorations = Restorations::default();
        let original = "o".repeat(1 << 20);
        remember(&mut restorations, "<{n}>", &original, &[]).unwrap();
        assert_eq!(restorations.edits(&"<1>".repeat(100), Channel::Content).len(), RESTORED_BYTES_MAX >> 20);
    }
}
