//! Rewrite a text into the form that the signals are written for: lower case, no accents, no invisible
//! characters, look-alikes replaced, white space collapsed.

use crate::{
    fold::{Folded, fold, is_greek_or_cyrillic, look_alike},
    invisible::is_invisible,
    view::{Disguise, View},
};
use std::ops::Range;

/// Append the normal form of `text[region]` to the view. The result counts the Latin words in which a
/// letter of another script stood.
pub(crate) fn append(view: &mut View, text: &str, region: &Range<usize>) -> Vec<Range<usize>> {
    let slice = text.get(region.clone()).unwrap_or_default();
    let mut mixed = Vec::new();
    let mut script: Option<Script> = None;
    let mut blank: Option<(Range<usize>, char)> = None;
    for (at, character) in slice.char_indices() {
        let origin = region.start + at..region.start + at + character.len_utf8();
        if is_invisible(character) {
            if view.text.ends_with(|c: char| c.is_ascii_alphabetic()) && blank.is_none() {
                view.note(Disguise::Invisible);
            }
            continue;
        }
        let folded = if character.is_ascii_whitespace() { Folded::Space } else { fold(character) };
        if !in_word(character) {
            script = None;
        }
        let plain = match folded {
            Folded::Mark => continue,
            Folded::Space => {
                let (start, sign) = blank.map_or((origin.start, ' '), |(first, sign)| (first.start, sign));
                blank = Some((start..origin.end, if character == '\n' { '\n' } else { sign }));
                continue;
            }
            Folded::Styled(plain) | Folded::Plain(plain) => plain,
        };
        if let Some((span, sign)) = blank.take() {
            view.push(sign, &span);
        }
        if matches!(folded, Folded::Styled(_)) && plain.is_ascii_alphanumeric() {
            view.note(Disguise::Styled);
        }
        if !is_greek_or_cyrillic(character) {
            view.push(plain, &origin);
            continue;
        }
        let known = *script.get_or_insert_with(|| {
            let word = word_around(slice, at);
            let script = Script::of(slice.get(word.clone()).unwrap_or_default());
            if script == Script::Mixed {
                mixed.push(region.start + word.start..region.start + word.end);
            }
            script
        });
        if known == Script::Mixed {
            view.note(Disguise::LookAlike);
        }
        view.push(if known == Script::Honest { plain } else { look_alike(character).unwrap_or(plain) }, &origin);
    }
    mixed
}

/// What a word with Greek or Cyrillic letters is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    /// A word of that script, or one with letters that resemble no Latin one: `Telegramж`, `Δt`.
    Honest,
    /// Look-alikes alone: a short word of that script, or a whole word in disguise. Read as Latin.
    Alike,
    /// Look-alikes among Latin letters.
    Mixed,
}

impl Script {
    fn of(word: &str) -> Self {
        let latin = word.chars().filter(char::is_ascii_alphabetic).count();
        let foreign = || word.chars().filter(|&c| is_greek_or_cyrillic(c));
        if foreign().any(|c| look_alike(c).is_none()) {
            Self::Honest
        } else if latin == 0 {
            Self::Alike
        } else {
            Self::Mixed
        }
    }
}

fn in_word(character: char) -> bool {
    character.is_alphabetic() || is_invisible(character) || matches!(fold(character), Folded::Mark)
}

fn word_around(slice: &str, at: usize) -> Range<usize> {
    let (before, after) = (slice.get(..at).unwrap_or_default(), slice.get(at..).unwrap_or_default());
    let start = before
        .rfind(|c| !in_word(c))
        .map_or(0, |end| end + before.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8));
    start..at + after.find(|c| !in_word(c)).unwrap_or(after.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn normal(text: &str) -> (View, usize) {
        let mut view = View::default();
        let mixed = append(&mut view, text, &(0..text.len()));
        (view, mixed.len())
    }

    #[test]
    fn disguises_are_undone() {
        for (text, plain) in [
            ("IGNORE\t\n  all", "ignore\nall"),
            ("ig\u{200b}nore\u{2060}", "ignore"),
            ("іgnоrе", "ignore"),
            ("ｉｇｎｏｒｅ １", "ignore 1"),
            ("𝐢𝐠𝐧𝐨𝐫𝐞", "ignore"),
            ("précédentes, außer", "precedentes, auser"),
            ("i\u{301}g\u{302}n", "ign"),
            ("“x” — ‘y’", "\"x\" - 'y'"),
            ("инструкции", "инструкции"),
            ("忽略", "忽略"),
        ] {
            assert_eq!(normal(text).0.text, plain, "{text}");
        }
    }

    #[test]
    fn only_words_of_mixed_letters_count_as_disguised() {
        assert_eq!(normal("іgnоrе аll").1, 2);
        assert_eq!(normal("Мой API-ключ, IT-отдел, Telegramж, Δt = 5 µs, сор").1, 0);
    }

    #[test]
    fn places_are_found_again_in_the_original() {
        let text = "á ig\u{200b}nоre  ALL";
        let view = normal(text).0;
        let at = view.text.find("ignore all").unwrap();
        let origin = view.origin(&(at..at + "ignore all".len()));
        assert_eq!(&text[origin], "ig\u{200b}nоre  ALL");
    }
}
