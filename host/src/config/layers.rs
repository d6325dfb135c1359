//! A configuration file, and a profile that is laid over it: what the profile says counts, the rest stays.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::Problems;
use super::file::not_toml;

/// The files of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The file itself.
    pub base: PathBuf,
    /// The profile's, if one was named.
    pub profile: Option<PathBuf>,
}

impl From<PathBuf> for Files {
    fn from(base: PathBuf) -> Self {
        Self { base, profile: None }
    }
}

impl Files {
    /// The files of a profile: `sluicegate.NAME.toml` beside `sluicegate.toml`.
    ///
    /// # Errors
    /// When that is no name.
    pub fn with_profile(base: PathBuf, name: &str) -> Result<Self, String> {
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_name {
            return Err(format!("{name:?} is not a name of a profile: use letters, digits, `-` and `_`"));
        }
        let stem = base.file_stem().unwrap_or_default().to_string_lossy();
        let profile = base.with_file_name(format!("{stem}.{name}.toml"));
        Ok(Self { base, profile: Some(profile) })
    }

    /// All of them, each to be laid over those before it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.base).chain(&self.profile).map(PathBuf::as_path)
    }

    /// What relative paths in them are below.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.base.parent().unwrap_or(Path::new(""))
    }

    /// What they say.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(&self) -> Result<Vec<Layer>, Problems> {
        let read = |path: &Path| match std::fs::read_to_string(path) {
            Ok(text) => Ok(Layer { name: path.display().to_string(), text }),
            Err(error) => Err(Problems::unreadable(path, &error)),
        };
        self.paths().map(read).collect()
    }
}

/// The text of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Stands in the problems.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// All layers in one table, with places as if their texts stood one behind the other, a character apart. Nothing if one is not TOML: what a
/// parser makes of the rest of such a file is not what the person meant.
pub(super) fn laid_over<'a>(layers: &'a [Layer], problems: &mut Problems) -> Option<DeTable<'a>> {
    let mut all = DeTable::new();
    let mut start = 0;
    let mut is_toml = true;
    for layer in layers {
        let (document, errors) = DeTable::parse_recoverable(&layer.text);
        for error in &errors {
            let span = error.span().map_or(start..start, |span| moved(&span, start));
            problems.add(Some(span), "", format!("is not TOML: {}", not_toml(error.message())));
        }
        is_toml &= errors.is_empty();
        let mut above = moved_table(document.into_inner(), start);
        if start > 0
            && let Some(fields) = above.remove(UNSET)
        {
            unset(&mut all, &fields, problems);
        }
        lay_over(&mut all, above);
        start += layer.text.len() + 1;
    }
    is_toml.then_some(all)
}

/// In a profile, the fields below it that are not to count.
const UNSET: &str = "unset";

/// Take fields out.
fn unset(all: &mut DeTable<'_>, fields: &Spanned<DeValue<'_>>, problems: &mut Problems) {
    let DeValue::Array(fields) = fields.get_ref() else {
        problems.add(Some(fields.span()), UNSET, "must be a list of fields, as [\"providers.openai.base_url\"]");
        return;
    };
    for field in fields {
        let DeValue::String(path) = field.get_ref() else {
            problems.add(
                Some(field.span()),
                UNSET,
                "must be a field with its tables, as \"providers.openai.base_url\"",
            );
            continue;
        };
        if !keys(path).is_some_and(|keys| take_out(all, &keys)) {
            problems.add(Some(field.span()), UNSET, format!("the file below has no field {path}"));
        }
    }
}

/// The parts of a field with its tables, as TOML writes them: `models."gpt-4.1".targets`.
fn keys(path: &str) -> Option<Vec<String>> {
    let written = format!("{path} = 0");
    let mut table = DeTable::parse(&written).ok()?.into_inner();
    let mut keys = Vec::new();
    loop {
        let mut fields = table.into_iter();
        let (Some((key, value)), None) = (fields.next(), fields.next()) else { return None };
        keys.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(keys),
        }
    }
}

/// Says whether it was there.
fn take_out(table: &mut DeTable<'_>, keys: &[String]) -> bool {
    match keys {
        [] => false,
        [key] => table.remove(key.as_str()).is_some(),
        [key, rest @ ..] => match table.get_mut(key.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Table(inner)) => take_out(inner, rest),
            _ => false,
        },
    }
}

/// Each value by its field with tables, as `targets.small.model`, in TOML.
pub(super) fn fields(document: &DeTable<'_>) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    add_fields(String::new(), document, &mut fields);
    fields
}

fn add_fields(path: String, table: &DeTable<'_>, fields: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => add_fields(path, table, fields),
            _ => drop(fields.insert(path, plain(value.get_ref()).to_string())),
        }
    }
}

/// The value without its places.
fn plain(value: &DeValue<'_>) -> toml::Value {
    let text = |text: &str| toml::Value::String(text.to_owned());
    match value {
        DeValue::String(string) => text(string),
        // Written as it came: a number that is none of TOML's was told as a mistake before.
        DeValue::Integer(number) => {
            number.to_string().parse().map_or_else(|_| text(&number.to_string()), toml::Value::Integer)
        }
        DeValue::Float(number) => {
            number.to_string().parse().map_or_else(|_| text(&number.to_string()), toml::Value::Float)
        }
        DeValue::Boolean(flag) => toml::Value::Boolean(*flag),
        DeValue::Datetime(time) => toml::Value::Datetime(*time),
        DeValue::Array(items) => toml::Value::Array(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref())));
            toml::Value::Table(entries.collect())
        }
    }
}

/// Tables are joined, everything else replaces what was there.
fn lay_over<'a>(below: &mut DeTable<'a>, above: DeTable<'a>) {
    for (key, value) in above {
        let (span, value) = (value.span(), value.into_inner());
        let joined = match (below.remove(&**key.get_ref()).map(Spanned::into_inner), value) {
            // Where a secret is, is one thing.
            (Some(DeValue::Table(below)), DeValue::Table(above)) if is_place(&below) && is_place(&above) => {
                DeValue::Table(above)
            }
            (Some(DeValue::Table(mut below)), DeValue::Table(above)) => {
                lay_over(&mut below, above);
                DeValue::Table(below)
            }
            (_, value) => value,
        };
        below.insert(key, Spanned::new(span, joined));
    }
}

/// Whether this is `{ env = "NAME" }` or `{ file = "PATH" }`.
fn is_place(table: &DeTable<'_>) -> bool {
    let is_named =
        |name: &str, value: &DeValue<'_>| matches!(name, "env" | "file") && matches!(value, DeValue::String(_));
    table.len() == 1 && table.iter().all(|(key, value)| is_named(key.get_ref(), value.get_ref()))
}

fn moved(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

fn moved_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let moved_key = |key: Spanned<_>| Spanned::new(moved(&key.span(), by), key.into_inner());
    table.into_iter().map(|(key, value)| (moved_key(key), moved_value(value, by))).collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved(&value.span(), by);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved_table(table, by)),
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| moved_value(item, by)).collect::<DeArray<'_>>())
        }
        other => other,
    };
    Spanned::new(span, value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::parse_layers;

    fn layers(texts: &[(&str, &str)]) -> Vec<Layer> {
        let layer = |(name, text): &(&str, &str)| Layer { name: (*name).to_owned(), text: (*text).to_owned() };
        texts.iter().map(layer).collect()
    }

    const BASE: &str = "[providers.p]\ndialect = 'sandbox'\n[targets.small]\nprovider = 'p'\nmodel = 'a'\n\
                        [models.m]\ntargets = ['small']\n[server]\nbody_ms = 7\nheader_ms = 8\n";

    #[test]
    fn what_a_profile_says_counts_and_the_rest_stays() {
        let profile = "server.body_ms = 9\ntargets.small.model = 'b'\n[targets.large]\nprovider = 'p'\n\
                       [models]\nm.targets = ['large', 'small']";
        let settings = parse_layers(&layers(&[("base", BASE), ("profile", profile)]), Path::new("")).unwrap();
        assert_eq!((settings.server.body.as_millis(), settings.server.header.as_millis()), (9, 8));
        let targets: Vec<_> = settings.models["m"].targets().map(|target| (&*target.name, &target.model)).collect();
        assert_eq!(targets, [("large", &None), ("small", &Some("b".to_owned()))]);
    }

    #[test]
    fn a_profile_takes_fields_out_and_says_where_else_a_secret_is() {
        let base = BASE.replace("dialect = 'sandbox'", "dialect = 'openai'\napi_key = { env = 'CARGO_PKG_NAME' }");
        let base = base.replace("[models.m]", "[models.\"m.1\"]");
        let profile = "unset = ['providers.p.api_key', 'models.\"m.1\"', 'server.body_ms']\nproviders.p.dialect = 'sandbox'\n\
                       [models.n]\ntargets = ['small']";
        let settings = parse_layers(&layers(&[("base", &base), ("profile", profile)]), Path::new("")).unwrap();
        let target = settings.models["n"].targets().next().unwrap();
        assert!(target.sandbox && target.api_key.is_none() && settings.models.len() == 1, "{settings:?}");
        assert_eq!((settings.server.body.as_millis(), settings.server.header.as_millis()), (30_000, 8));

        let wrong = "unset = ['providers.q', 'server.', 3, 'server.listen']";
        let problems = parse_layers(&layers(&[("base", BASE), ("profile", wrong)]), Path::new("")).unwrap_err();
        let said: Vec<&str> = problems.found().iter().map(|problem| &*problem.message).collect();
        let none = |field: &str| format!("the file below has no field {field}");
        let field = "must be a field with its tables, as \"providers.openai.base_url\"";
        assert_eq!(said, [&none("providers.q"), &none("server."), field, &none("server.listen")]);

        let profile = "[providers.p]\nbase_url = 'https://p.example'\napi_key = { file = 'Cargo.toml' }";
        let problems = parse_layers(&layers(&[("base", &base), ("profile", profile)]), Path::new("")).unwrap_err();
        assert_eq!(problems.found().len(), 1, "{problems}");
        assert!(problems.found()[0].message.contains("characters that a header cannot carry"), "{problems}");
        assert_eq!(problems.clone().of_the_text().found(), []);
    }

    #[test]
    fn a_table_that_is_called_as_the_place_of_a_secret_is_joined() {
        let base = format!("{BASE}[tenants.env.budget]\nday = '5'\n");
        let profile = "[tenants.env.limits]\nrequests_per_minute = 10";
        let settings = parse_layers(&layers(&[("base", &base), ("profile", profile)]), Path::new("")).unwrap();
        let account = settings.tenants.account("env").unwrap();
        assert!(account.budget.day.is_some() && account.limits.requests_per_minute == Some(10), "{account:?}");
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        let profile = "\n[server]\nbody_ms = 0\n[models.m]\ntargets = ['smal']";
        let problems = parse_layers(&layers(&[("base", BASE), ("profile", profile)]), Path::new("")).unwrap_err();
        let said: Vec<String> = problems.found().iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "base:3: targets.small: no model leads to this target; name it in [models.NAME], or remove it, or say for_plugins = true",
                "profile:3: server.body_ms: must be from 1 to 86400000; the default is 30000",
                "profile:5: models.m.targets: there is no target \"smal\"; did you mean \"small\"?",
            ]
        );
        let broken = layers(&[("base", "a ="), ("profile", "[x]\nb =")]);
        let problems = parse_layers(&broken, Path::new("")).unwrap_err();
        let places: Vec<_> = problems.found().iter().map(|problem| (&*problem.file, problem.line)).collect();
        assert_eq!(places, [("base", 1), ("profile", 2)]);
    }

    #[test]
    fn a_name_of_a_profile_leads_nowhere_else() {
        let files = Files::with_profile("/etc/sg/sluicegate.toml".into(), "staging").unwrap();
        assert_eq!(files.profile.as_deref(), Some(Path::new("/etc/sg/sluicegate.staging.toml")));
        for name in ["", "../x", "a/b", "a.b", "a b"] {
            assert!(Files::with_profile("sluicegate.toml".into(), name).is_err(), "{name}");
        }
    }
}
