//! Telephone numbers: international ones (ITU-T E.164), and the national forms that show what they are by their
//! separators. A bare row of digits is too often an order number.

use sluicegate_plugin::scan::Reader;

use crate::groups::Groups;

/// E.164, section 6.1.
const INTERNATIONAL_DIGITS_MAX: usize = 15;
/// Shorter ones exist, in a few small countries; shorter sums and codes with a `+` are far more usual.
const INTERNATIONAL_DIGITS_MIN: usize = 8;
/// Country code 1 has a fixed length: the North American Numbering Plan.
const NANP_DIGITS: usize = 11;
/// National numbers with their `0`: nine digits in a German town, twelve for some of its mobiles.
const NATIONAL_DIGITS_MIN: usize = 9;
const NATIONAL_DIGITS_MAX: usize = 12;

/// The end of the number at the reader's place, and how sure that is.
pub(crate) fn end(reader: &Reader<'_>, groups: &Groups) -> Option<(usize, f32)> {
    let start = reader.start();
    if reader.word_before(start) || reader.before(start) == Some(b'+') {
        return None;
    }
    let (end, score) = match reader.at(start)? {
        b'+' => (international(groups, 0)?, 0.9),
        b'(' => (north_american(groups).or_else(|| with_area(groups))?, 0.75),
        _ if groups.digits(2) == b"00" => (international(groups, 2)?, 0.7),
        b'0' => (with_trunk(groups)?, 0.65),
        _ => (north_american(groups)?, 0.7),
    };
    (!reader.word_at(end)).then_some((end, score))
}

/// `+49 30 123456`; with two digits of `prefix`, `0049 30 123456`.
fn international(groups: &Groups, prefix: usize) -> Option<usize> {
    let country = *groups.digits(prefix + 1).last()?;
    let (least, most) = match country {
        b'0' => return None,
        b'1' => (NANP_DIGITS, NANP_DIGITS),
        _ => (INTERNATIONAL_DIGITS_MIN, INTERNATIONAL_DIGITS_MAX),
    };
    let group = groups.last_within(prefix + most)?;
    // Without a plus and without separators it may be any number with leading zeros.
    let bare = prefix > 0 && groups.groups().len() == 1;
    (group.digits >= prefix + least + if bare { 2 } else { 0 }).then_some(group.end)
}

/// `(555) 234-5678`, `555.234.5678`, `1-555-234-5678`: neither area nor exchange begins with 0 or 1.
fn north_american(groups: &Groups) -> Option<usize> {
    let trunk = usize::from(groups.has_shape(&[1, 3, 3, 4]) && groups.digits(1) == b"1");
    if trunk == 0 && !groups.has_shape(&[3, 3, 4]) {
        return None;
    }
    let starts_high = |at: usize| groups.digits(at + 1).last().is_some_and(|digit| *digit >= b'2');
    let last = groups.groups().get(trunk + 2)?;
    (starts_high(trunk) && starts_high(trunk + 3) && !last.is_joined()).then_some(last.end)
}

/// `(030) 123456`, `(11) 98765-4321`.
fn with_area(groups: &Groups) -> Option<usize> {
    let area = groups.groups().first()?;
    let closed = area.separator.starts_with(b")") && (2..=5).contains(&area.digits);
    closed.then(|| national(groups))?
}

/// `030 123456`, `01 23 45 67 89`, `07911 123456`: the trunk prefix 0 of most of the world outside America.
fn with_trunk(groups: &Groups) -> Option<usize> {
    let dots = |count: usize| groups.groups().iter().take(count).all(|group| group.separator == b".");
    let network = groups.has_shape(&[3, 3, 3, 3]) && dots(3);
    if !matches!(groups.length(0), Some(2..=5)) || is_date(groups) || network {
        return None;
    }
    national(groups)
}

/// The longest number of a national length, in groups of two digits and more.
fn national(groups: &Groups) -> Option<usize> {
    let last = groups.last_within(NATIONAL_DIGITS_MAX).filter(|group| group.digits >= NATIONAL_DIGITS_MIN)?;
    let count = groups.groups().iter().take_while(|group| group.digits <= last.digits).count();
    let fits = count >= 2 && (0..count).all(|index| groups.length(index).is_some_and(|length| length >= 2));
    (fits && !last.is_joined()).then_some(last.end)
}

/// `01.02.2024 10` or `01/02/24 10`. Five pairs with the same separator are a French number.
fn is_date(groups: &Groups) -> bool {
    let [day, month, year, ..] = groups.groups() else { return false };
    let year_is_last =
        groups.has_shape(&[2, 2, 4]) || (groups.has_shape(&[2, 2, 2]) && year.separator != day.separator);
    year_is_last && day.is_joined() && month.separator == day.separator
}
