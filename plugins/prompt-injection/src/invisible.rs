//! Characters that a reader does not see and a model does.

use std::ops::Range;

/// What a run of invisible characters is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// It belongs there: an emoji, a script that needs joiners, a byte order mark at the start.
    Fitting,
    /// Nothing is seen of it and nothing needs it.
    Stray,
    /// It turns the direction of text that has none to turn.
    Direction,
    /// Text in tag characters.
    Tags(String),
    /// Bytes in variation selectors.
    Selectors(String),
}

/// In text without any letter that runs from right to left within that many bytes, direction marks are stray.
const DIRECTION_REACH: usize = 96;

/// An emoji takes one variation selector; a few may stand in a row by mistake.
const SELECTORS_MIN: usize = 4;

/// A region's flag is spelled with at most six tags and an end.
const FLAG_TAGS_MAX: usize = 7;

/// Characters without a look of their own.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180E | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB
        | 0xE0000..=0xE01EF)
}

/// The same as a class for an expression; variation selectors count from two on, since emoji are full of single ones.
pub(crate) const INVISIBLE: &str = r"[\u{AD}\u{34F}\u{61C}\u{115F}\u{1160}\u{17B4}\u{17B5}\u{180B}-\u{180E}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}-\u{206F}\u{3164}\u{FEFF}\u{FFA0}\u{FFF9}-\u{FFFB}\u{E0000}-\u{E00FF}]+|[\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}]{2,}";

/// Judge a run of invisible characters by what stands around it.
pub(crate) fn judge(text: &str, run: &Range<usize>) -> Run {
    let slice = text.get(run.clone()).unwrap_or_default();
    let before = text.get(..run.start).unwrap_or_default();
    let after = text.get(run.end..).unwrap_or_default();
    let tags = slice.chars().filter(|&c| is_tag(c)).count();
    if tags > 0 {
        let flag = before.ends_with('\u{1F3F4}') && slice.ends_with('\u{E007F}') && tags <= FLAG_TAGS_MAX;
        return if flag { Run::Fitting } else { Run::Tags(slice.chars().filter_map(tagged).collect()) };
    }
    if slice.chars().all(is_selector) {
        let few = slice.chars().count() < SELECTORS_MIN;
        return if few { Run::Fitting } else { Run::Selectors(selected(slice)) };
    }
    let near = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_latin(c));
    let beside_other_script = near(before.chars().next_back()) || near(after.chars().next());
    let only = |belongs: fn(char) -> bool| slice.chars().all(belongs);
    if only(is_directional) {
        let turned =
            |c: char| matches!(u32::from(c), 0x590..=0x8FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFC | 0x1E800..=0x1EFFF);
        let reach = before.chars().rev().take(DIRECTION_REACH).chain(after.chars().take(DIRECTION_REACH));
        let marks = only(|c| matches!(c, '\u{200E}' | '\u{200F}' | '\u{61C}'));
        return match reach.into_iter().any(turned) {
            true => Run::Fitting,
            false if marks => Run::Stray,
            false => Run::Direction,
        };
    }
    let byte_order_mark = run.start == 0 && slice == "\u{FEFF}";
    let soft_hyphen = only(|c| c == '\u{AD}');
    if byte_order_mark || soft_hyphen || (beside_other_script && slice.chars().count() <= 2) {
        return Run::Fitting;
    }
    Run::Stray
}

fn is_latin(character: char) -> bool {
    matches!(u32::from(character), 0xA0..=0x24F | 0x2000..=0x206F)
}

fn is_directional(character: char) -> bool {
    matches!(u32::from(character), 0x61C | 0x200E | 0x200F | 0x202A..=0x202E | 0x2066..=0x2069)
}

fn is_tag(character: char) -> bool {
    matches!(u32::from(character), 0xE0000..=0xE007F)
}

fn tagged(character: char) -> Option<char> {
    u32::from(character).checked_sub(0xE0000).and_then(char::from_u32).filter(|c| !c.is_ascii_control() && c.is_ascii())
}

fn is_selector(character: char) -> bool {
    matches!(u32::from(character), 0xFE00..=0xFE0F | 0xE0100..=0xE01EF)
}

/// The bytes that 256 selectors can stand for.
fn selected(slice: &str) -> String {
    let byte = |c: char| match u32::from(c) {
        code @ 0xFE00..=0xFE0F => u8::try_from(code - 0xFE00).ok(),
        code => code.checked_sub(0xE0100 - 16).and_then(|byte| u8::try_from(byte).ok()),
    };
    let bytes: Vec<u8> = slice.chars().filter_map(byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn judged(before: &str, run: &str, after: &str) -> Run {
        judge(&format!("{before}{run}{after}"), &(before.len()..before.len() + run.len()))
    }

    #[test]
    fn what_belongs_there_is_left_alone() {
        assert_eq!(judged("👨", "\u{200d}", "👩"), Run::Fitting);
        assert_eq!(judged("می", "\u{200c}", "خواهم"), Run::Fitting);
        assert_eq!(judged("", "\u{feff}", "name,amount"), Run::Fitting);
        assert_eq!(judged("🏴", "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", " "), Run::Fitting);
        assert_eq!(judged("שלום ", "\u{200f}", "!"), Run::Fitting);
        assert_eq!(judged("Donau", "\u{ad}", "dampf"), Run::Fitting);
    }

    #[test]
    fn what_hides_something_is_named() {
        assert_eq!(judged("hi", "\u{e0069}\u{e0067}\u{e006e}", ""), Run::Tags("ign".into()));
        assert_eq!(judged("ig", "\u{200b}", "nore"), Run::Stray);
        assert_eq!(judged("ig", "\u{202e}", "nore"), Run::Direction);
        assert_eq!(judged("x", "\u{e0153}\u{e0154}\u{e0155}\u{e0156}", ""), Run::Selectors("cdef".into()));
    }

    /// The function and the expression say the same, save for single variation selectors.
    #[test]
    fn the_class_agrees_with_the_function() {
        let patterns = sluicegate_plugin::Patterns::compile(&[INVISIBLE]).unwrap();
        for character in ('\u{80}'..='\u{E01FF}').filter(|&c| !is_selector(c)) {
            let found = !patterns.find(&character.to_string()).is_empty();
            assert_eq!(found, is_invisible(character), "{:x}", u32::from(character));
        }
    }
}
