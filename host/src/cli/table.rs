//! What goes to standard output: texts, and tables for a terminal.

use std::io::Write;

/// Print a text and a line break. It may be that nobody reads, as behind `head`, or that a disk is full.
pub(super) fn say(text: &str) -> Result<(), String> {
    say_to(&mut std::io::stdout(), text)
}

/// The same to something else.
pub(super) fn say_to(output: &mut dyn Write, text: &str) -> Result<(), String> {
    writeln!(output, "{text}").map_err(|error| format!("writing the output: {error}"))
}

/// Rows of cells under a header, each column as wide as its widest cell, two spaces apart.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(&mut header.iter().copied());
    for row in rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "long one".to_owned()], vec!["bcd".to_owned(), "x".to_owned()]];
        assert_eq!(table(&["n", "what"], &rows), "n    what\na    long one\nbcd  x\n");
    }
}
