//! US social security numbers, in the form `123-45-6789` or `123 45 6789`.

use sluicegate_plugin::scan::Reader;

use crate::groups::Groups;

/// The end of the number at the reader's place.
pub(crate) fn end(reader: &Reader<'_>, groups: &Groups) -> Option<usize> {
    let start = reader.start();
    if !reader.is(start, |byte| byte.is_ascii_digit()) || !groups.has_shape(&[3, 2, 4]) {
        return None;
    }
    let [first, second, last, ..] = groups.groups() else { return None };
    let separated = matches!(first.separator, b"-" | b" ") && first.separator == second.separator;
    let ends = !last.is_joined() && !reader.word_at(last.end);
    (separated && ends && is_assigned(groups.digits(9))).then_some(last.end)
}

/// Numbers that are never assigned: area 000, 666 or 900 and above, group 00, serial 0000 (Social Security
/// Administration, "Social Security Number Randomization", 2011).
fn is_assigned(digits: &[u8]) -> bool {
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..9)) else {
        return false;
    };
    area != b"000" && area != b"666" && !area.starts_with(b"9") && group != b"00" && serial != b"0000"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unassigned_ranges_are_none() {
        assert!(is_assigned(b"123456789"));
        for digits in ["000456789", "666456789", "900456789", "999999999", "123006789", "123450000"] {
            assert!(!is_assigned(digits.as_bytes()), "{digits}");
        }
    }
}
