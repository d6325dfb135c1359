//! A text in words, as far as they have to be told apart.

use crate::tables::{NAMES_IN_CAPITALS, WITH_VERB, apart, figures, role, usual};

/// A word, a number, or something that is not to be read but compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    /// In small letters, where letters are all there is.
    pub(crate) text: String,
    /// A name, a number, a quotation or code: it has no other form, and no part in the grammar.
    pub(crate) is_fixed: bool,
    /// Whether it begins with a capital, where that says something.
    pub(crate) is_capital: Option<bool>,
    /// Whether a sentence or a part of one begins with it.
    pub(crate) is_first: bool,
    /// Whether it has an apostrophe and an `s`, and owns what comes next.
    pub(crate) is_owner: bool,
}

impl Word {
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), is_fixed: false, is_capital: None, is_first: false, is_owner: false }
    }

    fn fixed(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_fixed: true, is_capital: None, is_first: false, is_owner: false }
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        !self.is_fixed && self.text == text
    }
}

/// What a text is read with.
struct Reader {
    words: Vec<Word>,
    /// It has capitals alone, so they say nothing.
    is_shouted: bool,
    /// A sentence begins.
    begins: bool,
    /// A part of a sentence begins.
    breaks: bool,
}

/// The words of a text, without its punctuation.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let text = text.replace(['\u{2019}', '\u{2018}'], "'").replace(['\u{201c}', '\u{201d}'], "\"");
    let is_shouted = !text.chars().any(char::is_lowercase);
    let mut reader = Reader { words: Vec::new(), is_shouted, begins: true, breaks: true };
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some((quoted, after)) = quotation(rest) {
            let quoted: Vec<&str> = quoted.split_whitespace().collect();
            // The mark tells it from a word that is not quoted.
            reader.push(Word::fixed(format!("\"{}", quoted.join(" "))));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            rest = after;
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (chunk, after) = rest.split_at(end);
            reader.chunk(chunk, after);
            rest = after;
        }
        rest = rest.trim_start();
    }
    reader.words
}

/// What stands in quotation marks or backticks at the beginning of a text, and what comes after it.
fn quotation(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    let ticks = text.len() - text.trim_start_matches(mark).len();
    let (opening, inside) = text.split_at(if mark == '`' { ticks } else { 1 });
    let closes = |(at, _): &(usize, &str)| {
        let after = inside.get(at + opening.len()..).and_then(|after| after.chars().next());
        // "don't" in single marks does not end there.
        mark != '\'' || !after.is_some_and(char::is_alphanumeric)
    };
    let (end, _) = inside.match_indices(opening).find(closes).filter(|(end, _)| *end > 0)?;
    Some((inside.get(..end)?, inside.get(end + opening.len()..)?))
}

impl Reader {
    fn push(&mut self, word: Word) {
        self.words.push(Word { is_first: self.breaks, ..word });
        (self.begins, self.breaks) = (false, false);
    }

    /// What stands between blanks.
    fn chunk(&mut self, chunk: &str, after: &str) {
        let mut core = chunk.trim_end_matches(['.', ',', '?', '!', ':', ';', ')', '"', '\'', '\u{2026}']);
        // A factorial is no exclamation.
        if core.ends_with(|last: char| last.is_ascii_digit())
            && chunk.get(core.len()..).is_some_and(|end| end.starts_with('!'))
        {
            core = chunk.get(..=core.len()).unwrap_or(core);
        }
        let is_minus = |text: &str| matches!(text, "-" | "\u{2212}");
        let is_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        let is_dash = matches!(core, "-" | "--" | "\u{2013}" | "\u{2014}");
        let between_numbers =
            self.words.last().is_some_and(|word| is_digit(&word.text)) && is_digit(after.trim_start());
        if is_minus(core) && between_numbers {
            self.push(Word::fixed("-"));
        } else if !core.is_empty() && !is_dash {
            self.core(core);
        }
        let end = chunk.get(core.len()..).unwrap_or_default();
        self.breaks |= is_dash || end.contains(['.', ',', '?', '!', ':', ';']);
        self.begins |= end.contains(['.', '?', '!', ':']);
    }

    /// The same, without the punctuation after it.
    fn core(&mut self, core: &str) {
        let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '\'');
        if usual(&core.to_lowercase()).is_none() && core.contains('-') && core.split('-').all(is_word) {
            core.split('-').for_each(|part| self.part(part));
        } else {
            self.part(core);
        }
    }

    fn part(&mut self, part: &str) {
        let is_letter = |c: char| c.is_alphabetic() || matches!(c, '\'' | '-');
        if part.chars().all(is_letter) && part.starts_with(char::is_alphabetic) {
            self.letters(part);
        } else if let Some((number, unit)) = number(part) {
            self.push(Word::fixed(number));
            if !unit.is_empty() {
                self.push(Word::plain(&unit.to_lowercase()));
            }
        } else if part.chars().all(|c| c.is_alphanumeric() || c == '.') {
            self.push(Word::fixed(part.to_lowercase()));
        } else {
            self.push(Word::fixed(part));
        }
    }

    fn letters(&mut self, word: &str) {
        let lower = word.to_lowercase();
        let capitals = word.chars().filter(|c| c.is_uppercase()).count();
        let begins_large = word.starts_with(char::is_uppercase);
        let says_nothing = self.is_shouted || self.begins && begins_large;
        let is_capital = (!says_nothing).then_some(begins_large);
        let all_capitals = !self.is_shouted && capitals > 1 && capitals == word.chars().count();
        let is_named = all_capitals && NAMES_IN_CAPITALS.contains(&lower.as_str())
            || is_capital == Some(true) && matches!(word, "May" | "Will");
        if is_named {
            return self.push(Word { is_capital, ..Word::fixed(word) });
        }
        if let Some(number) = figures(&lower) {
            return self.push(Word::fixed(number));
        }
        if let Some(words) = apart(&lower) {
            return words.split(' ').for_each(|word| self.push(Word::plain(word)));
        }
        let Some((stem, end)) = lower.split_once('\'') else {
            let text = usual(&lower).unwrap_or(&lower);
            // A name has no plural; that it is one shows in the middle of a sentence alone.
            let is_fixed = (is_capital == Some(true) || all_capitals) && role(text).is_none();
            return self.push(Word { is_fixed, is_capital, ..Word::plain(text) });
        };
        let second = match end {
            "s" if WITH_VERB.contains(&stem) => "is",
            "s" => {
                let is_fixed = is_capital == Some(true);
                return self.push(Word { is_fixed, is_capital, is_owner: true, ..Word::plain(stem) });
            }
            "re" => "are",
            "ll" => "will",
            "ve" => "have",
            "d" => "would",
            "t" if stem.ends_with('n') => {
                self.push(Word::plain(stem.strip_suffix('n').unwrap_or(stem)));
                return self.push(Word::plain("not"));
            }
            _ => return self.push(Word::fixed(lower)),
        };
        self.push(Word::plain(stem));
        self.push(Word::plain(second));
    }
}

/// A number without the commas between thousands, or a rank with a `#` before it; and the unit that is written to it.
fn number(part: &str) -> Option<(String, &str)> {
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let end = part.find(|c| !is_figure(c)).unwrap_or(part.len());
    let (figures, unit) = part.split_at(end);
    if !figures.starts_with(|c: char| c.is_ascii_digit())
        || !unit.chars().all(|c| c.is_alphabetic() || matches!(c, '%' | '°'))
    {
        return None;
    }
    let mut groups = figures.split(',');
    let is_first = groups.next().is_some_and(|first| first.len() <= 3);
    let are_thousands = is_first && groups.all(|group| group.split('.').next().is_some_and(|whole| whole.len() == 3));
    let figures = if are_thousands { figures.replace(',', "") } else { figures.to_owned() };
    match unit {
        "st" | "nd" | "rd" | "th" => Some((format!("#{figures}"), "")),
        unit => Some((figures, unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_text_is_cut_into_words() {
        for (text, expected) in [
            ("What's up?", vec!["what", "is", "up"]),
            ("I can't, and she won\u{2019}t :)", vec!["i", "can", "not", "and", "she", "will", "not"]),
            ("a check-in (late), really...", vec!["a", "check", "in", "late", "really"]),
            ("the 2nd of 1,000 is 15% of 8GB", vec!["the", "#2", "of", "1000", "is", "15", "%", "of", "8", "gb"]),
            ("two thirds, the third", vec!["2", "thirds", "the", "#3"]),
            ("Python 3.11 or C# at a@b.c", vec!["python", "3.11", "or", "C#", "at", "a@b.c"]),
            ("say \"Good  day\" or 'don't' or `x = 1`", vec!["say", "\"Good day", "or", "\"don't", "or", "\"x = 1"]),
            ("5 - 3 or 5! - never", vec!["5", "-", "3", "or", "5!", "never"]),
            ("Is 1,5 less than 15?", vec!["is", "1,5", "less", "than", "15"]),
            ("", vec![]),
            ("?! -- \u{2014}", vec![]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_known_by_their_capitals() {
        let fixed = |text: &str| -> Vec<String> {
            words(text).into_iter().filter(|word| word.is_fixed).map(|word| word.text).collect()
        };
        assert_eq!(fixed("Who does Ada Lovelace know in the US? Us."), ["ada", "lovelace", "US"]);
        assert_eq!(fixed("Can I go in May or may I not?"), ["May"]);
        assert_eq!(fixed("WHAT DOES IT COST US"), Vec::<String>::new());
    }
}
