//! Dates that name a day, a month and a year, as people write them.

use sluicegate_plugin::scan::{Reader, is_latin_lead};

/// The longest date: `30th of September, 1980` and some letters more in other languages.
pub(crate) const BYTES_MAX: usize = 40;
const MONTH_BYTES_MAX: usize = 12;

/// How the months begin in English, German, French, Spanish, Italian, Portuguese and Dutch; letters may follow.
const MONTHS: [&str; 38] = [
    "jan", "gen", "ene", "feb", "fev", "fév", "mar", "mär", "mrt", "mrz", "maa", "apr", "avr", "abr", "may", "mai",
    "mei", "mag", "jun", "jui", "giu", "jul", "lug", "aug", "aou", "aoû", "ago", "sep", "set", "oct", "okt", "ott",
    "out", "nov", "dec", "dez", "dic", "déc",
];

/// What finds dates that are whole but perhaps for the last digits of the year, and more.
pub(crate) fn pattern() -> String {
    let months = MONTHS.join("|");
    format!(
        "(?i)[0-9][-/.年月] ?[0-9]{{1,2}}[-/.年月] ?[0-9]|[0-9][a-z]{{0,2}}\\.?[ /-](?:of |de )?(?:{months})[a-zà-ž]*[-/., del]{{1,5}}[0-9]|(?:{months})[a-zà-ž]*\\.? [0-9]{{1,2}}[a-z]{{0,2}}\\.?,? [0-9]"
    )
}

/// Matches the beginning of a date that [`pattern`] does not find yet.
pub(crate) fn beginning() -> String {
    let months = MONTHS.join("|");
    format!(
        "(?i)[0-9]{{1,4}}(?:[-/.年月] ?[0-9]{{0,2}}(?:[-/.年月] ?)?|[a-z]{{0,2}}\\.?(?:[ /-](?:(?:of|de) ?)?[a-zà-ž]{{0,12}}[-/., del]{{0,5}})?)|(?:{months})[a-zà-ž]{{0,12}}\\.? ?(?:[0-9]{{1,2}}[a-z]{{0,2}}\\.?,? ?)?"
    )
}

/// The end of the date at `at`.
pub(crate) fn end(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let end = match reader.at(at)? {
        byte if byte.is_ascii_digit() => numeric(reader, at).or_else(|| day_first(reader, at)),
        byte if byte.is_ascii_alphabetic() => month_first(reader, at),
        _ => None,
    };
    end.filter(|end| !reader.word_at(*end))
}

/// `1980-03-14`, `14/3/1980`, `3/14/80`, `14. 3. 1980`, `1980年3月14日`.
fn numeric(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let (first, first_end) = number(reader, at, 4)?;
    let (second_at, separator) = separator(reader, first_end)?;
    let (second, second_end) = number(reader, second_at, 2)?;
    let (third_at, _) = self::separator(reader, second_end).filter(|(_, same)| *same == separator)?;
    let (third, third_end) = number(reader, third_at, 4)?;
    let day_and_month = |a: u32, b: u32| (1..=31).contains(&a.max(b)) && (1..=12).contains(&a.min(b));
    let year_first = first_end - at == 4 && is_year(first) && third_end - third_at <= 2 && day_and_month(second, third);
    let year_last = first_end - at <= 2
        && day_and_month(first, second)
        && match third_end - third_at {
            4 => is_year(third),
            2 => true,
            _ => false,
        };
    let end =
        if separator == Separator::Cjk && reader.has(third_end, "日".as_bytes()) { third_end + 3 } else { third_end };
    (year_first || year_last).then_some(end)
}

/// `14 March 1980`, `14th of March, 1980`, `14. März 1980`, `14 de marzo de 1980`.
fn day_first(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let end = ordinal(reader, day(reader, at)?);
    let end = skip_one(reader, end, &[b" of ", b" de ", b" ", b"-", b"/"])?;
    let end = month(reader, end)?;
    let end = skip_one(reader, end, &[b", ", b". ", b" de ", b" del ", b" ", b"-", b"/"])?;
    year(reader, end)
}

/// `March 14, 1980`, `Mar 14th 1980`.
fn month_first(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let end = month(reader, at)?;
    let end = skip_one(reader, end, &[b". ", b" "])?;
    let end = ordinal(reader, day(reader, end)?);
    let end = skip_one(reader, end, &[b", ", b" "])?;
    year(reader, end)
}

#[derive(Clone, Copy, PartialEq)]
enum Separator {
    Ascii(u8),
    Cjk,
}

/// The separator at `at`, and the place behind it.
fn separator(reader: &Reader<'_>, at: usize) -> Option<(usize, Separator)> {
    match reader.at(at)? {
        byte @ (b'-' | b'/') => Some((at + 1, Separator::Ascii(byte))),
        b'.' => Some((at + 1 + usize::from(reader.has(at + 1, b" ")), Separator::Ascii(b'.'))),
        _ if reader.has(at, "年".as_bytes()) || reader.has(at, "月".as_bytes()) => Some((at + 3, Separator::Cjk)),
        _ => None,
    }
}

/// The number at `at`, of one to `digits_max` digits, and its end.
fn number(reader: &Reader<'_>, at: usize, digits_max: usize) -> Option<(u32, usize)> {
    let end = reader.run(at, digits_max, |byte| byte.is_ascii_digit());
    let value = std::str::from_utf8(reader.slice(at, end)).ok()?.parse().ok()?;
    (!reader.is(end, |byte| byte.is_ascii_digit())).then_some((value, end))
}

fn day(reader: &Reader<'_>, at: usize) -> Option<usize> {
    number(reader, at, 2).filter(|(day, _)| (1..=31).contains(day)).map(|(_, end)| end)
}

fn year(reader: &Reader<'_>, at: usize) -> Option<usize> {
    number(reader, at, 4).filter(|(year, _)| is_year(*year)).map(|(_, end)| end)
}

/// Years in which people were born whose data anyone keeps.
fn is_year(year: u32) -> bool {
    (1850..=2099).contains(&year)
}

fn ordinal(reader: &Reader<'_>, at: usize) -> usize {
    skip_one(reader, at, &[b"st", b"nd", b"rd", b"th", b"er", b"."]).unwrap_or(at)
}

/// The place behind the first of `choices` that stands at `at`.
fn skip_one(reader: &Reader<'_>, at: usize, choices: &[&[u8]]) -> Option<usize> {
    choices.iter().find(|choice| reader.has_any_case(at, choice)).map(|choice| at + choice.len())
}

/// The end of the month's name at `at`.
fn month(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || is_latin_lead(byte) || (0x80..0xC0).contains(&byte);
    let end = reader.run(at, MONTH_BYTES_MAX, is_letter);
    let name = std::str::from_utf8(reader.slice(at, end)).ok()?.to_lowercase();
    MONTHS.iter().any(|month| name.starts_with(month)).then_some(end)
}
