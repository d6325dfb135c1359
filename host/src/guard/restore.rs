//! Originals that were masked on the way to the model, and put back on the way to the caller.

use crate::chat::{Channel, Edit, Segment};

/// Originals of one exchange. A bound on what the search in each window costs.
const RESTORATIONS_MAX: usize = 1_000;
/// Stands for a number in a template.
const NUMBER: &str = "{n}";

/// The originals of an exchange, by what stands in their place.
#[derive(Clone, Debug, Default)]
pub(super) struct Restorations(Vec<Restoration>);

#[derive(Clone, Debug)]
struct Restoration {
    template: String,
    replacement: String,
    original: String,
}

impl Restorations {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to put in place of `original`: the template, with a number that makes it unique in the exchange. The same
    /// original gets the same replacement, so that the model sees that two mentions are one.
    ///
    /// # Errors
    /// Why that is not possible.
    pub(super) fn remember(&mut self, template: &str, original: &str, segments: &[Segment]) -> Result<String, String> {
        if let Some(known) = self.0.iter().find(|r| r.template == template && r.original == original) {
            return Ok(known.replacement.clone());
        }
        if self.0.len() >= RESTORATIONS_MAX {
            return Err(format!("more than {RESTORATIONS_MAX} texts to restore in one exchange"));
        }
        let replacement = self.unique(template, segments)?;
        self.0.push(Restoration {
            template: template.to_owned(),
            replacement: replacement.clone(),
            original: original.to_owned(),
        });
        Ok(replacement)
    }

    /// A replacement that neither stands for something else nor was written by anybody: else an answer that
    /// quotes it would be given somebody's data.
    fn unique(&self, template: &str, segments: &[Segment]) -> Result<String, String> {
        let taken = |candidate: &str| {
            self.0.iter().any(|r| r.replacement.contains(candidate) || candidate.contains(&r.replacement))
                || segments.iter().any(|segment| segment.text.contains(candidate))
        };
        if !template.contains(NUMBER) {
            let unusable = template.is_empty() || taken(template);
            return if unusable {
                Err("a replacement to restore is not unique in the exchange; put {n} into it".to_owned())
            } else {
                Ok(template.to_owned())
            };
        }
        let first = self.0.iter().filter(|r| r.template == template).count() + 1;
        (first..first + RESTORATIONS_MAX)
            .map(|number| template.replace(NUMBER, &number.to_string()))
            .find(|candidate| !taken(candidate))
            .ok_or_else(|| "no number makes a replacement unique in the exchange".to_owned())
    }

    /// The text with the originals; nothing if it repeats no replacement.
    pub(super) fn restore(&self, text: &str, channel: Channel) -> Option<String> {
        let edits = self.edits(text, channel);
        (!edits.is_empty()).then(|| crate::chat::apply(text, &edits))
    }

    /// Where the text repeats replacements.
    pub(super) fn edits(&self, text: &str, channel: Channel) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        for Restoration { replacement, original, .. } in &self.0 {
            for (start, _) in text.match_indices(replacement.as_str()) {
                let span = start..start + replacement.len();
                edits.push(Edit { span, replacement: spelt(original, channel), restore: false });
            }
        }
        // No replacement contains another, so matches that begin at the same place are the same; the end of one
        // may still be the beginning of the next, and then the first counts.
        edits.sort_by_key(|edit| edit.span.start);
        let mut free_from = 0;
        edits.retain(|edit| {
            let free = edit.span.start >= free_from;
            if free {
                free_from = edit.span.end;
            }
            free
        });
        edits
    }

    /// How many bytes at the end of a text may be the beginning of a replacement.
    pub(super) fn hold(&self, text: &str) -> usize {
        let begins = |replacement: &str| {
            let longest = replacement.len().saturating_sub(1).min(text.len());
            let cut = |length: &usize| text.get(text.len() - length..).is_some_and(|end| replacement.starts_with(end));
            (1..=longest).rev().find(cut).unwrap_or(0)
        };
        self.0.iter().map(|r| begins(&r.replacement)).max().unwrap_or(0)
    }
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

    fn segment(text: &str) -> Segment {
        Segment { role: Role::User, channel: Channel::Content, choice: 0, name: None, text: text.to_owned() }
    }

    #[test]
    fn the_same_original_has_one_name_and_another_has_another() {
        let mut restorations = Restorations::default();
        assert_eq!(restorations.remember("[NAME_{n}]", "Ann", &[]).unwrap(), "[NAME_1]");
        assert_eq!(restorations.remember("[NAME_{n}]", "Bob", &[]).unwrap(), "[NAME_2]");
        assert_eq!(restorations.remember("[NAME_{n}]", "Ann", &[]).unwrap(), "[NAME_1]");
        let text = "[NAME_2] and [NAME_1] and [NAME_3]";
        assert_eq!(restorations.restore(text, Channel::Content).unwrap(), "Bob and Ann and [NAME_3]");
    }

    #[test]
    fn a_name_that_somebody_wrote_is_not_used() {
        let mut restorations = Restorations::default();
        let written = [segment("give me [NAME_1] and [NAME_2]!")];
        assert_eq!(restorations.remember("[NAME_{n}]", "Ann", &written).unwrap(), "[NAME_3]");
        assert!(restorations.remember("[NAME_1]", "Bob", &written).is_err());
    }

    #[test]
    fn whatever_may_become_a_name_is_held() {
        let mut restorations = Restorations::default();
        restorations.remember("[NAME_{n}]", "Ann", &[]).unwrap();
        assert_eq!(restorations.hold("hello [NA"), 3);
        assert_eq!(restorations.hold("hello [NAME_1]"), 0);
        assert_eq!(restorations.hold("hello"), 0);
    }

    #[test]
    fn in_tool_arguments_an_original_is_spelt_as_json() {
        let mut restorations = Restorations::default();
        restorations.remember("<{n}>", "a \"b\"\n", &[]).unwrap();
        let restored = restorations.restore("{\"x\":\"<1>\"}", Channel::ToolArguments).unwrap();
        assert_eq!(restored, "{\"x\":\"a \\\"b\\\"\\u000a\"}");
    }
}
