//! Exchanges whose texts are kept, one page after the other: what is exported.

use std::collections::HashMap;

use super::feedback::{columns, read};
use super::{Entry, Ledger, Texts};
use crate::feedback::{CORRECTED_BYTES_MAX, Feedback};
use crate::moment::now_ms;
use crate::store::ledger::{Failure, Row, Statement, Value};

/// Which exchanges are wanted: those that satisfy each condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// That began so many milliseconds after 1970, or later.
    pub since_ms: Option<u64>,
    /// That began before this.
    pub until_ms: Option<u64>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// For which this model was asked.
    pub model: Option<String>,
}

/// An exchange with what was said in it, and of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Captured {
    /// The exchange.
    pub entry: Entry,
    /// What was said in it.
    pub texts: Texts,
    /// What was said of it, the oldest first.
    pub feedback: Vec<Feedback>,
}

/// Exchanges of one page: each may have as much text as is kept, and as much said of it as may be.
const PAGE: usize = 10;
/// Whose texts may be exported.
const IS_A_CONVERSATION: &str = "task = 'converse' AND outcome = 'answered'";

impl Ledger {
    /// The next page of answered conversations whose texts are kept, behind the one with this id; and the last id that it was
    /// looked at, if there was one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn captured(&self, wanted: &Wanted, behind: &str) -> Result<(Vec<Captured>, Option<String>), Failure> {
        let conditions: [(&str, Option<Value<'_>>); 6] = [
            ("id >", Some(behind.into())),
            ("began >=", wanted.since_ms.map(Value::from)),
            ("began <", wanted.until_ms.map(Value::from)),
            ("tenant =", wanted.tenant.as_deref().map(Value::from)),
            ("model =", wanted.model.as_deref().map(Value::from)),
            ("(SELECT expires FROM texts WHERE exchange = id) >", Some(now_ms().into())),
        ];
        let given = conditions.into_iter().filter_map(|(condition, value)| Some((condition, value?)));
        let (conditions, values): (Vec<&str>, Vec<Value<'_>>) = given.unzip();
        let conditions: Vec<String> =
            (1..).zip(conditions).map(|(number, condition)| format!("{condition} ${number}")).collect();
        let sql = format!(
            "SELECT {} FROM exchanges WHERE {} AND {IS_A_CONVERSATION} ORDER BY id LIMIT {PAGE}",
            Entry::COLUMNS,
            conditions.join(" AND ")
        );
        let rows = self.database.read(Statement::new(sql, values)).await?;
        let entries: Vec<Entry> = rows.into_iter().map(|mut row| Entry::read(&mut row)).collect();
        let last = entries.last().map(|last| last.id.to_string());
        Ok((self.with_all(entries).await?, last))
    }

    /// Those of these exchanges that are answered conversations whose texts are kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn captured_with(&self, ids: &[&str]) -> Result<Vec<Captured>, Failure> {
        let read = |mut row: Row| Entry::read(&mut row);
        let sql = format!("SELECT {} FROM exchanges WHERE {IS_A_CONVERSATION} AND id", Entry::COLUMNS);
        let entries = self.of_all(&sql, ids).await?.into_iter().map(read).collect();
        self.with_all(entries).await
    }

    async fn with_all(&self, entries: Vec<Entry>) -> Result<Vec<Captured>, Failure> {
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let now = now_ms();
        let texts = format!("SELECT expires, exchange, {} FROM texts WHERE exchange", Texts::COLUMNS);
        // Texts go with their time, whether somebody deletes them or not.
        let texts = self.of_all(&texts, &ids).await?.into_iter();
        let texts = texts.filter_map(|mut row| (row.number() > Some(now)).then_some(row));
        let mut texts: HashMap<String, Texts> =
            texts.map(|mut row| (row.text().unwrap_or_default(), Texts::read(&mut row))).collect();
        let mut said = HashMap::<String, Vec<Feedback>>::new();
        for mut row in
            self.of_all(&format!("SELECT {} FROM feedback WHERE exchange", columns(CORRECTED_BYTES_MAX)), &ids).await?
        {
            let feedback = read(&mut row);
            said.entry(feedback.exchange.clone().unwrap_or_default()).or_default().push(feedback);
        }
        let with = |entry: Entry| {
            let texts = texts.remove(&*entry.id)?;
            let mut feedback = said.remove(&*entry.id).unwrap_or_default();
            feedback.sort_by_key(|feedback| feedback.at_ms);
            Some(Captured { entry, texts, feedback })
        };
        Ok(entries.into_iter().filter_map(with).collect())
    }

    async fn of_all(&self, select: &str, ids: &[&str]) -> Result<Vec<Row>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|number| format!("${number}")).collect();
        let values = ids.iter().map(|id| Value::from(*id));
        self.database.read(Statement::new(format!("{select} IN ({})", places.join(", ")), values)).await
    }
}
