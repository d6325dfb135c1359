//! The README's tables against what the program reads: a field without documentation, a documented field that does not
//! exist, and a default that is not the one in force all fail here.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Installation, file, parse};

const README: &str = include_str!("../../../README.md");

/// A configuration without which nothing is right.
const LEAST: &str = "[providers.p]\ndialect = \"sandbox\"\n[targets.t]\nprovider = \"p\"\n\
                     [models.\"*\"]\ntargets = [\"t\"]\n";

/// A table of the README: the TOML table that it is about, and its fields with their defaults as written.
struct Table {
    name: &'static str,
    rows: Vec<(&'static str, &'static str)>,
}

impl Table {
    fn fields(&self) -> BTreeSet<&'static str> {
        self.rows.iter().map(|(field, _)| *field).collect()
    }

    /// The defaults that are values, as TOML, in a table called `name`.
    fn defaults(&self, name: &str) -> String {
        let lines = self.rows.iter().filter_map(|(field, default)| Some(format!("{field} = {}\n", literal(default)?)));
        let header = if name.is_empty() { String::new() } else { format!("[{name}]\n") };
        header + &lines.collect::<String>()
    }
}

/// What stands in backquotes and nothing else.
fn literal(cell: &'static str) -> Option<&'static str> {
    cell.strip_prefix('`')?.strip_suffix('`').filter(|inside| !inside.contains('`'))
}

/// The tables below a heading of the README.
fn tables(heading: &str) -> Vec<Table> {
    let start = README.find(&format!("\n### {heading}\n")).expect("the heading is gone") + 5;
    let section = README[start..].split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    let mut tables: Vec<Table> = Vec::new();
    for line in section.lines() {
        if let Some(heading) = line.strip_prefix("#### ") {
            let name = heading.split('`').nth(1).unwrap_or_default().trim_matches(['[', ']']);
            tables.push(Table { name, rows: Vec::new() });
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        if let (Some(field), Some(default), Some(table)) =
            (cells.first().and_then(|cell| cell.strip_prefix("| ")).and_then(literal), cells.get(1), tables.last_mut())
        {
            table.rows.push((field, default));
        }
    }
    tables
}

/// The fields that serde names when it meets one that it does not know.
fn known(error: &str) -> BTreeSet<&str> {
    let (_, expected) = error.split_once("expected").unwrap_or_else(|| panic!("no list of fields in {error:?}"));
    expected.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_readme_has_every_field_of_the_configuration() {
    let tables = tables("`sluicegate.toml`");
    let names: BTreeSet<&str> = tables.iter().map(|table| table.name.trim_end_matches(".NAME")).collect();
    assert_eq!(names, file::TABLES.iter().copied().collect());
    for table in &tables {
        let text = format!("[{}]\nnonsense = 1\n", table.name);
        let problems = parse("x", &text, Path::new("")).unwrap_err().to_string();
        let line = problems.lines().find(|line| line.contains("`nonsense`")).unwrap();
        assert_eq!(table.fields(), known(line), "[{}]", table.name);
    }
}

#[test]
fn the_defaults_in_the_readme_are_those_of_the_configuration() {
    let written: String = tables("`sluicegate.toml`")
        .iter()
        // Those with names have none, and `[auth.jwt]` has fields without a default.
        .filter(|table| !table.name.ends_with(".NAME") && table.name != "auth.jwt")
        .map(|table| table.defaults(table.name))
        .collect();
    assert!(written.lines().count() > 30, "{written}");
    let written = parse("x", &format!("{LEAST}{written}"), Path::new("")).unwrap();
    let default = parse("x", LEAST, Path::new("")).unwrap();
    assert_eq!(format!("{written:#?}"), format!("{default:#?}"));
}

#[test]
fn the_readme_has_every_place_for_a_secret() {
    let text = format!("{LEAST}[providers.q]\ndialect = \"openai\"\napi_key = {{ nonsense = \"x\" }}\n");
    let problems = parse("x", &text, Path::new("")).unwrap_err().to_string();
    for place in known(problems.lines().find(|line| line.contains("`nonsense`")).unwrap()) {
        assert!(README.contains(&format!("{{ {place} = \"")), "{place}");
    }
}

#[test]
fn the_readme_has_every_field_of_an_installation() {
    let tables = tables("`NAME.toml`");
    assert_eq!(
        tables.iter().map(|table| table.name).collect::<Vec<_>>(),
        [
            "",
            "limits",
            "cache",
            "grants.clock",
            "grants.kv",
            "grants.embedding",
            "grants.model",
            "grants.http",
            "grants.http.destinations.NAME"
        ]
    );
    for table in &tables {
        let header = if table.name.is_empty() { String::new() } else { format!("[{}]\n", table.name) };
        let problems = Installation::parse("NAME", "x", &format!("{header}nonsense = 1\n"), Path::new(""))
            .unwrap_err()
            .to_string();
        assert_eq!(table.fields(), known(&problems), "[{}]", table.name);
    }
}

/// What has no default, and has to be said.
const REQUIRED: [(&str, &str); 2] =
    [("grants.http.destinations.NAME", "url = 'https://crm.example/api'\n"), ("grants.model", "targets = ['small']\n")];

#[test]
fn the_defaults_in_the_readme_are_those_of_an_installation() {
    let read = |text: &str| Installation::parse("NAME", "x", text, Path::new("")).unwrap();
    for table in tables("`NAME.toml`") {
        let required = REQUIRED.into_iter().find(|(name, _)| *name == table.name).map_or("", |(_, required)| required);
        // Nothing is granted that is not named.
        let expected = match table.name {
            "" | "limits" | "cache" => "",
            name => &format!("[{name}]\n{required}"),
        };
        assert_eq!(read(&format!("{}\n{required}", table.defaults(table.name))), read(expected), "[{}]", table.name);
    }
}
