//! Plain text of at most [`WIDTH`] columns: texts beside a label, and tables.

/// Columns; a README and a terminal beside an editor have these.
const WIDTH: usize = 100;
/// Columns of the labels on the left.
const LABEL: usize = 12;

/// A label on the left, and the text beside it, wrapped.
pub(super) fn labelled(label: &str, text: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.lines().flat_map(|line| wrapped(line, WIDTH - LABEL - 2)).enumerate() {
        let label = if index == 0 { label } else { "" };
        out.push_str(format!("  {label:<LABEL$}{line}").trim_end());
        out.push('\n');
    }
    out
}

/// Text from the left edge on, wrapped.
pub(super) fn paragraph(text: &str) -> String {
    wrapped(text, WIDTH).into_iter().map(|line| line + "\n").collect()
}

/// The line in lines of at most `width` characters, broken at spaces where there are some.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.len() > width {
            lines.push(String::new());
        } else if used > 0 {
            lines.iter_mut().last().into_iter().for_each(|line| line.push(' '));
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.iter_mut().last().into_iter().for_each(|line| line.extend(word.iter()));
            lines.push(String::new());
            word = rest;
        }
        lines.iter_mut().last().into_iter().for_each(|line| line.extend(word.iter()));
    }
    lines
}

/// Numbers are compared digit by digit, so they end below each other.
pub(super) fn align_right(rows: &mut [Vec<String>], column: usize, header: &[&str]) {
    let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
    let width = cells.chain(header.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0);
    for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
        *cell = format!("{cell:>width$}");
    }
}

/// Lines of a table, two columns to the right, cut where they would be too wide.
pub(super) fn indented(lines: &str) -> String {
    let cut = |line: &str| match line.char_indices().nth(WIDTH - 2) {
        None => format!("  {line}\n"),
        Some(_) => format!("  {}...\n", line.chars().take(WIDTH - 5).collect::<String>()),
    };
    lines.lines().map(cut).collect()
}

/// 1234567 as `1 234 567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_are_cut() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(labelled("got", "a\nb"), "  got         a\n              b\n");
    }

    #[test]
    fn a_line_of_a_table_that_is_too_wide_is_cut() {
        let (fits, wide) = ("x".repeat(WIDTH - 2), "x".repeat(WIDTH - 1));
        assert_eq!(indented(&fits), format!("  {fits}\n"));
        assert_eq!(indented(&wide), format!("  {}...\n", "x".repeat(WIDTH - 5)));
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(123), "123");
        assert_eq!(thousands(1_234_567), "1 234 567");
    }
}
