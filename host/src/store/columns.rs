//! How moments and structured values stand in columns: seconds since 1970, and JSON.

use rusqlite::Row;
use rusqlite::types::Type;

use crate::moment::Moment;

pub(super) fn seconds(moment: Moment) -> i64 {
    i64::try_from(moment.seconds()).unwrap_or(i64::MAX)
}

/// What lies before 1970 is long over.
pub(super) fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Moment>> {
    let seconds: Option<i64> = row.get(column)?;
    Ok(seconds.map(|seconds| Moment::from_seconds(u64::try_from(seconds).unwrap_or(0))))
}

pub(super) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("{column}: {error}")))
}

pub(super) fn wrong(what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, what.into())
}
