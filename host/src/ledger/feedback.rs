//! What people think of answers, beside the exchanges.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Ledger;
use super::write::now_ms;
use crate::config;
use crate::exchange::Over;
use crate::feedback::{Feedback, Opinion, Recognised, Score, Source};
use crate::hashing::in_parts;
use crate::store::answers::hex;
use crate::store::ledger::{Database, Durable, Failure, Row, Statement, Value};

/// What became of feedback that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    New,
    /// It was kept before, and this is how.
    Before(Box<Feedback>),
    /// Something else goes by its name.
    Another,
}

/// Which feedback is asked for: what satisfies each condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinions {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// From there.
    pub source: Option<Source>,
    /// With such a score at the most: what people did not like.
    pub score_max: Option<Score>,
    /// With such a score at least.
    pub score_min: Option<Score>,
    /// With a comment, a corrected answer or a preference.
    pub says_more: bool,
}

/// How much was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Scores of those who were content.
    pub content: u64,
    /// Scores of the others.
    pub discontent: u64,
    /// Answers that were changed.
    pub corrected: u64,
    /// Answers in whose place another was asked for.
    pub regenerated: u64,
    /// Answers that were preferred over others.
    pub preferred: u64,
}

/// Conditions with the value that each compares with.
type Conditions = Vec<(&'static str, Value)>;

pub(super) const COLUMNS: &str = "tenant, id, exchange, session, at, source, author, score, is_corrected, preferred_over, \
                       is_regenerated, regenerated_by, comment, corrected";
const INSERT: &str = "\
INSERT INTO feedback (tenant, id, exchange, session, at, source, author, score, is_corrected, preferred_over, is_regenerated,
    regenerated_by, comment, corrected, expires, digest)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING";
/// Feedback about one exchange that is shown with it.
const SHOWN_MAX: usize = 200;

impl Ledger {
    /// Keep feedback; it survives the end of the machine's power.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn give(&self, feedback: &Feedback) -> Result<Kept, Failure> {
        let written = self.database.write(vec![insert(feedback, self.bounds.keep_texts)], Durable::Power).await?;
        if written.first() == Some(&1) {
            return Ok(Kept::New);
        }
        let sql = format!("SELECT digest, {COLUMNS} FROM feedback WHERE tenant = $1 AND id = $2");
        let values = vec![feedback.tenant.as_str().into(), feedback.id.as_str().into()];
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(match rows.into_iter().next().map(|mut row| (row.text(), read(&mut row))) {
            Some((known, before)) if known.as_deref() == Some(&*digest(feedback)) => Kept::Before(Box::new(before)),
            Some(_) | None => Kept::Another,
        })
    }

    /// Whether there is such an exchange of this tenant.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_exchange(&self, tenant: &str, id: &str) -> Result<bool, Failure> {
        let sql = "SELECT 1 FROM exchanges WHERE id = $1 AND tenant = $2";
        Ok(!self.database.read(Statement::new(sql, vec![id.into(), tenant.into()])).await?.is_empty())
    }

    /// How much was said of an exchange, or of a session as a whole.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count_of(&self, tenant: &str, exchange: Option<&str>, session: Option<&str>) -> Result<u64, Failure> {
        let (which, name) = match (exchange, session) {
            (Some(id), _) => ("exchange = $2", id),
            (None, name) => ("session = $2 AND exchange IS NULL", name.unwrap_or_default()),
        };
        let sql = format!("SELECT count(*) FROM feedback WHERE tenant = $1 AND {which}");
        let rows = self.database.read(Statement::new(sql, vec![tenant.into(), name.into()])).await?;
        Ok(rows.into_iter().next().and_then(|mut row| row.number()).unwrap_or_default())
    }

    /// What was said of an exchange, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn feedback_of(&self, exchange: &str) -> Result<Vec<Feedback>, Failure> {
        self.feedback_where("exchange = $1 ORDER BY at", vec![exchange.into()], SHOWN_MAX).await
    }

    /// What was said of a session as a whole, and of its steps, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn feedback_of_session(&self, tenant: &str, session: &str) -> Result<Vec<Feedback>, Failure> {
        let which = "tenant = $1 AND (session = $2 OR exchange IN \
                     (SELECT id FROM exchanges WHERE session = $2 AND tenant = $1)) ORDER BY at";
        self.feedback_where(which, vec![tenant.into(), session.into()], SHOWN_MAX).await
    }

    /// The newest feedback that passes a filter, of what came before this, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn feedback(&self, which: &Opinions, before_ms: u64, most: usize) -> Result<Vec<Feedback>, Failure> {
        let mut conditions: Conditions = vec![("at <", before_ms.into())];
        conditions.extend(which.tenant.as_deref().map(|tenant| ("tenant =", tenant.into())));
        conditions.extend(which.source.map(|source| ("source =", source.word().into())));
        conditions.extend(which.score_max.map(|score| ("score <=", u32::from(score.thousandths()).into())));
        conditions.extend(which.score_min.map(|score| ("score >=", u32::from(score.thousandths()).into())));
        let mut sql = String::new();
        for (number, (condition, _)) in (1..).zip(&conditions) {
            let and = if number == 1 { "" } else { " AND " };
            let _ = write!(sql, "{and}{condition} ${number}");
        }
        if which.says_more {
            sql.push_str(" AND (comment IS NOT NULL OR is_corrected = 1 OR preferred_over IS NOT NULL)");
        }
        sql.push_str(" ORDER BY at DESC");
        self.feedback_where(&sql, conditions.into_iter().map(|(_, value)| value).collect(), most).await
    }

    /// What was said since then, in milliseconds since 1970, as sums; content is who gives this score or a better one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn opinions_since(&self, since_ms: u64, content: Score) -> Result<Sums, Failure> {
        // A sum of nothing is nothing, and has another type than its parts in PostgreSQL.
        let count = |condition: &str| format!("count(CASE WHEN {condition} THEN 1 END)");
        let sql = format!(
            "SELECT {}, {}, {}, {}, {} FROM feedback WHERE at >= $1",
            count("score >= $2"),
            count("score < $2"),
            count("is_corrected = 1"),
            count("is_regenerated = 1"),
            count("preferred_over IS NOT NULL"),
        );
        let values = vec![since_ms.into(), u32::from(content.thousandths()).into()];
        let rows = self.database.read(Statement::new(sql, values)).await?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(Sums::default()) };
        let mut next = || row.number().unwrap_or_default();
        Ok(Sums { content: next(), discontent: next(), corrected: next(), regenerated: next(), preferred: next() })
    }

    async fn feedback_where(&self, which: &str, values: Vec<Value>, most: usize) -> Result<Vec<Feedback>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM feedback WHERE {which} LIMIT {most}");
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(rows.into_iter().map(|mut row| read(&mut row)).collect())
    }
}

/// What an exchange has shown of the answers before it.
pub(super) fn recognised(over: &Over, bounds: &config::Ledger) -> Vec<Statement> {
    let of = |(number, recognised): (usize, &Recognised)| {
        let (exchange, opinion) = match recognised {
            Recognised::Regenerated(exchange) => {
                let by = Some(over.id.to_string());
                (exchange, Opinion { is_regenerated: true, regenerated_by: by, ..Opinion::default() })
            }
            Recognised::Edited(exchange, text) => {
                (exchange, Opinion { is_corrected: true, corrected: text.clone(), ..Opinion::default() })
            }
        };
        let feedback = Feedback {
            id: format!("{}-{number}", over.id),
            tenant: over.caller.tenant.to_string(),
            exchange: Some(exchange.to_string()),
            session: None,
            at_ms: now_ms(),
            source: Source::Traffic,
            by: over.caller.user.as_deref().or(over.caller.key.as_deref()).map(str::to_owned),
            opinion,
        };
        insert(&feedback, bounds.keep_texts)
    };
    over.record.recognised.iter().enumerate().map(of).collect()
}

/// Texts that were kept long enough, and feedback that was.
pub(super) fn too_old(now_ms: u64, too_old_ms: u64) -> [Statement; 2] {
    [
        Statement::new(
            "UPDATE feedback SET comment = NULL, corrected = NULL, expires = NULL WHERE expires <= $1",
            vec![now_ms.into()],
        ),
        Statement::new("DELETE FROM feedback WHERE at < $1", vec![too_old_ms.into()]),
    ]
}

/// Delete the oldest feedback, so much at a time; says how much.
pub(super) async fn delete_oldest(database: &dyn Database, most: u32) -> Result<u64, Failure> {
    let oldest = format!("SELECT max(at) FROM (SELECT at FROM feedback ORDER BY at LIMIT {most}) AS oldest");
    let found = database.read(Statement::new(oldest, Vec::new())).await?;
    let Some(last) = found.into_iter().next().and_then(|mut row| row.number()) else { return Ok(0) };
    let deleted = Statement::new("DELETE FROM feedback WHERE at <= $1", vec![last.into()]);
    Ok(database.write(vec![deleted], Durable::Process).await?.first().copied().unwrap_or_default())
}

fn insert(feedback: &Feedback, keep_texts: Duration) -> Statement {
    let Feedback { id, tenant, exchange, session, at_ms, source, by, opinion } = feedback;
    let keep_ms = u64::try_from(keep_texts.as_millis()).unwrap_or(u64::MAX);
    let has_texts = opinion.comment.is_some() || opinion.corrected.is_some();
    let values = vec![
        tenant.as_str().into(),
        id.as_str().into(),
        exchange.clone().into(),
        session.clone().into(),
        (*at_ms).into(),
        source.word().into(),
        by.clone().into(),
        opinion.score.map(|score| u32::from(score.thousandths())).into(),
        opinion.is_corrected.into(),
        opinion.preferred_over.clone().into(),
        opinion.is_regenerated.into(),
        opinion.regenerated_by.clone().into(),
        opinion.comment.clone().into(),
        opinion.corrected.clone().into(),
        has_texts.then(|| at_ms.saturating_add(keep_ms)).into(),
        digest(feedback).into(),
    ];
    Statement::new(INSERT, values)
}

pub(super) fn read(row: &mut Row) -> Feedback {
    Feedback {
        tenant: row.text().unwrap_or_default(),
        id: row.text().unwrap_or_default(),
        exchange: row.text(),
        session: row.text(),
        at_ms: row.number().unwrap_or_default(),
        source: row.text().as_deref().and_then(Source::of).unwrap_or_default(),
        by: row.text(),
        opinion: {
            let score = row.number().map(Score::from_thousandths);
            let is_corrected = row.number() == Some(1);
            let preferred_over = row.text();
            let is_regenerated = row.number() == Some(1);
            let regenerated_by = row.text();
            let (comment, corrected) = (row.text(), row.text());
            Opinion { score, comment, is_corrected, corrected, preferred_over, is_regenerated, regenerated_by }
        },
    }
}

/// Of all that was sent: when it came, and in whose name, is not.
fn digest(feedback: &Feedback) -> String {
    let Feedback { exchange, session, opinion, .. } = feedback;
    let Opinion { score, comment, is_corrected, corrected, preferred_over, is_regenerated, regenerated_by } = opinion;
    let score = score.map(|score| score.thousandths().to_string());
    let flags = format!("{is_corrected} {is_regenerated}");
    let mut hasher = Sha256::new();
    let texts = [exchange, session, &score, comment, corrected, preferred_over, regenerated_by];
    // What is not there is told from what is empty.
    let parts = texts.map(|text| text.as_ref().map(|text| format!("={text}")).unwrap_or_default());
    in_parts(parts.iter().map(String::as_bytes).chain([flags.as_bytes()]), |bytes| hasher.update(bytes));
    hex(&hasher.finalize().into())
}
