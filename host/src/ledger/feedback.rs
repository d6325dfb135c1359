//! What people think of answers, beside the exchanges.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Ledger, Place};
use crate::config;
use crate::exchange::Over;
use crate::feedback::{Feedback, OF_ONE_MAX, Opinion, Recognised, Score, Source};
use crate::hashing::in_parts;
use crate::moment::now_ms;
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
    /// So much was said of the same already that it is not kept.
    Full,
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
type Conditions<'a> = Vec<(&'static str, Value<'a>)>;

const INSERT: &str = "\
INSERT INTO feedback (tenant, id, exchange, session, at, source, author, score, is_corrected, preferred_over, is_regenerated,
    regenerated_by, comment, corrected, expires, digest)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS TEXT),
    CAST($7 AS TEXT), CAST($8 AS BIGINT), CAST($9 AS BIGINT), CAST($10 AS TEXT), CAST($11 AS BIGINT), CAST($12 AS TEXT),
    CAST($13 AS TEXT), CAST($14 AS TEXT), CAST($15 AS BIGINT), CAST($16 AS TEXT)
WHERE (SELECT count(*) FROM feedback WHERE exchange = $3 AND tenant = $1 AND source <> 'traffic')
    + (SELECT count(*) FROM feedback WHERE session = $4 AND tenant = $1 AND exchange IS NULL) < CAST($17 AS BIGINT)
ON CONFLICT DO NOTHING";
/// Feedback about one exchange or session that is shown with it: the newest.
const SHOWN_MAX: usize = 20;
/// Characters of a text that are shown there.
const SHOWN_CHARS: usize = 8_000;
/// Characters of a text that are shown in a list.
const LISTED_CHARS: usize = 200;
/// Feedback that is looked through at a time for what passes a filter.
const LOOKED_THROUGH: usize = 15_000;

/// The columns, in the order of [`read`], with no more characters of texts than these.
pub(super) fn columns(chars: usize) -> String {
    format!(
        "tenant, id, exchange, session, at, source, author, score, is_corrected, preferred_over, is_regenerated, \
         regenerated_by, substr(comment, 1, {chars}), substr(corrected, 1, {chars}), expires"
    )
}

impl Feedback {
    /// Where it stands in a list.
    fn place(&self) -> Place {
        Place { at_ms: self.at_ms, tenant: self.tenant.clone(), name: self.id.clone() }
    }
}

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
        let sql = format!("SELECT digest, {} FROM feedback WHERE tenant = $1 AND id = $2", columns(SHOWN_CHARS));
        let values = vec![feedback.tenant.as_str().into(), feedback.id.as_str().into()];
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(match rows.into_iter().next().map(|mut row| (row.text(), read(&mut row))) {
            Some((known, before)) if known.as_deref() == Some(&*digest(feedback)) => Kept::Before(Box::new(before)),
            Some(_) => Kept::Another,
            None => Kept::Full,
        })
    }

    /// Whether there is feedback of this tenant with this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_feedback(&self, tenant: &str, id: &str) -> Result<bool, Failure> {
        let sql = "SELECT 1 FROM feedback WHERE tenant = $1 AND id = $2";
        Ok(!self.database.read(Statement::new(sql, vec![tenant.into(), id.into()])).await?.is_empty())
    }

    /// Whether there is such an exchange of this tenant, in which a model was to answer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_exchange(&self, tenant: &str, id: &str) -> Result<bool, Failure> {
        let sql = "SELECT 1 FROM exchanges WHERE id = $1 AND tenant = $2 AND task = 'converse'";
        Ok(!self.database.read(Statement::new(sql, vec![id.into(), tenant.into()])).await?.is_empty())
    }

    /// What was said of an exchange last, also where another is preferred to it; the newest first, long texts cut.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn feedback_of(&self, exchange: &str) -> Result<Vec<Feedback>, Failure> {
        self.feedback_where("exchange = $1 OR preferred_over = $1", vec![exchange.into()], SHOWN_CHARS, SHOWN_MAX).await
    }

    /// What was said last of a session as a whole, and of its steps, in the same way.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn feedback_of_session(&self, tenant: &str, session: &str) -> Result<Vec<Feedback>, Failure> {
        let which = "tenant = $1 AND (session = $2 OR exchange IN \
                     (SELECT id FROM exchanges WHERE session = $2 AND tenant = $1))";
        self.feedback_where(which, vec![tenant.into(), session.into()], LISTED_CHARS, SHOWN_MAX).await
    }

    /// The newest feedback that passes a filter, of what stands behind this place; texts are cut. So much is looked through that
    /// a person does not notice: up to where, if there may be more behind it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn feedback(
        &self,
        which: &Opinions,
        behind: &Place,
        most: usize,
    ) -> Result<(Vec<Feedback>, Option<Place>), Failure> {
        let mut conditions: Conditions<'_> = Vec::new();
        conditions.extend(which.tenant.as_deref().map(|tenant| ("tenant =", tenant.into())));
        conditions.extend(which.source.map(|source| ("source =", source.word().into())));
        conditions.extend(which.score_max.map(|score| ("score <=", u32::from(score.thousandths()).into())));
        let newest = "FROM feedback WHERE (at, tenant, id) < ($1, $2, $3) ORDER BY at DESC, tenant DESC, id DESC LIMIT";
        let mut sql =
            format!("SELECT {} FROM (SELECT * {newest} {LOOKED_THROUGH}) AS newest WHERE 1 = 1", columns(LISTED_CHARS));
        for (number, (condition, _)) in (4..).zip(&conditions) {
            let _ = write!(sql, " AND {condition} ${number}");
        }
        if which.says_more {
            sql.push_str(" AND (comment IS NOT NULL OR is_corrected = 1 OR preferred_over IS NOT NULL)");
        }
        let _ = write!(sql, " ORDER BY at DESC, tenant DESC, id DESC LIMIT {most}");
        let mut values = Vec::from(behind.values());
        values.extend(conditions.into_iter().map(|(_, value)| value));
        let rows = self.database.read(Statement::new(sql, values)).await?;
        let found: Vec<Feedback> = rows.into_iter().map(|mut row| read(&mut row)).collect();
        if found.len() >= most {
            let last = found.last().map(Feedback::place);
            return Ok((found, last));
        }
        let last = format!("SELECT {} {newest} 1 OFFSET {}", columns(0), LOOKED_THROUGH - 1);
        let rows = self.database.read(Statement::new(last, Vec::from(behind.values()))).await?;
        Ok((found, rows.into_iter().next().map(|mut row| read(&mut row).place())))
    }

    /// The newest of what was said since then, in milliseconds since 1970, as sums; content is who gives this score or a better
    /// one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn opinions_since(&self, since_ms: u64, content: Score) -> Result<Sums, Failure> {
        // A sum of nothing is nothing, and has another type than its parts in PostgreSQL.
        let count = |condition: &str| format!("count(CASE WHEN {condition} THEN 1 END)");
        let sql = format!(
            "SELECT {}, {}, {}, {}, {} FROM (SELECT * FROM feedback WHERE at >= $1 ORDER BY at DESC LIMIT {LOOKED_THROUGH}) \
             AS newest",
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

    async fn feedback_where(
        &self,
        which: &str,
        values: Vec<Value<'_>>,
        chars: usize,
        most: usize,
    ) -> Result<Vec<Feedback>, Failure> {
        let sql = format!("SELECT {} FROM feedback WHERE {which} ORDER BY at DESC LIMIT {most}", columns(chars));
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(rows.into_iter().map(|mut row| read(&mut row)).collect())
    }
}

/// What an exchange has shown of the answers before it.
pub(super) fn recognised(over: &Over, bounds: &config::Ledger) -> Vec<Statement> {
    // Under a name of its own: the first time counts, however often it is seen again.
    let of = |recognised: &Recognised| {
        let (exchange, what, opinion) = match recognised {
            Recognised::Regenerated(exchange) => {
                let by = Some(over.id.to_string());
                (exchange, "regenerated", Opinion { is_regenerated: true, regenerated_by: by, ..Opinion::default() })
            }
            Recognised::Edited(exchange, text) => {
                (exchange, "edited", Opinion { is_corrected: true, corrected: text.clone(), ..Opinion::default() })
            }
        };
        let feedback = Feedback {
            id: format!("{exchange}-{what}"),
            tenant: over.caller.tenant.to_string(),
            exchange: Some(exchange.to_string()),
            session: None,
            at_ms: now_ms(),
            source: Source::Traffic,
            by: over.caller.author().map(str::to_owned),
            opinion,
        };
        insert(&feedback, bounds.keep_texts)
    };
    // That it was asked again shows nothing where the same answer was given again.
    let is_remembered = over.record.served.as_ref().is_some_and(|served| served.state.is_from_memory());
    let counts = |recognised: &&Recognised| !(is_remembered && matches!(recognised, Recognised::Regenerated(_)));
    over.record.recognised.iter().filter(counts).map(of).collect()
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
        exchange.as_deref().into(),
        session.as_deref().into(),
        (*at_ms).into(),
        source.word().into(),
        by.as_deref().into(),
        opinion.score.map(|score| u32::from(score.thousandths())).into(),
        opinion.is_corrected.into(),
        opinion.preferred_over.as_deref().into(),
        opinion.is_regenerated.into(),
        opinion.regenerated_by.as_deref().into(),
        opinion.comment.as_deref().into(),
        opinion.corrected.as_deref().into(),
        has_texts.then(|| at_ms.saturating_add(keep_ms)).into(),
        digest(feedback).into(),
        OF_ONE_MAX.into(),
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
            let texts = (row.text(), row.text());
            // Texts go with their time, whether somebody deletes them or not.
            let (comment, corrected) = if row.number() > Some(now_ms()) { texts } else { (None, None) };
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
