//! The file, and the thread that works on it: what comes together is one transaction.

mod open;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use tracing::{error, info};

use super::super::{Digest, Failure, Kept, Meaning, Purge};
use super::memory::Memory;
use crate::config;
use crate::queue::{Waiting, Work};
use crate::store::counters::Clock;
use open::{BUSY, connect, make_anew};
use rows::{Rows, Table, integer, meaning};

/// Steps of one transaction.
const TOGETHER_MAX: usize = 256;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Step {
    Get(Digest),
    Put(Arc<Kept>),
    Purge(Purge),
    PutMeaning(Arc<Meaning>),
    PurgeMeanings(Purge),
}

impl Step {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Get(_) | Self::Purge(_) | Self::PurgeMeanings(_) => 0,
            Self::Put(kept) => usize::try_from(kept.bytes()).unwrap_or(usize::MAX),
            Self::PutMeaning(meaning) => size_of_val(&*meaning.vector),
        }
    }
}

/// What it tells.
#[derive(Debug)]
pub(super) enum Told {
    Kept(Option<Arc<Kept>>),
    Done,
    Purged(u64),
}

type Done = Result<Told, Failure>;

/// The file, and what the thread knows of it.
pub(super) struct File {
    path: PathBuf,
    answers: Table,
    meanings: Table,
    clock: Clock,
    memory: Arc<Memory>,
    file: Option<Connection>,
    is_well: bool,
}

impl File {
    pub(super) fn new(bounds: &config::Cache, clock: Clock, memory: Arc<Memory>) -> Self {
        Self {
            path: bounds.path.clone(),
            answers: Table::new("answers", bounds.file_bytes_max),
            meanings: Table::new("meanings", bounds.vectors_bytes_max),
            clock,
            memory,
            file: None,
            is_well: true,
        }
    }

    /// Work until nobody can ask any more.
    pub(super) fn work(&mut self, work: &Work<Step, Done>) {
        while let Some(together) = work.together(TOGETHER_MAX) {
            let done = self.done(&together);
            self.say_how_it_is(done.as_ref().err());
            let told = done.unwrap_or_else(|failure| together.iter().map(|_| Err(failure.clone())).collect());
            for (step, told) in together.into_iter().zip(told) {
                match (&step.asked, &told) {
                    // Also where the file cannot be written.
                    (Step::Purge(purge), _) => self.memory.purge(purge),
                    (_, Ok(Told::Kept(Some(kept)))) => self.memory.put(kept.clone()),
                    (_, _) => {}
                }
                step.tell(told);
            }
        }
    }

    /// Do all of it in one transaction.
    fn done(&mut self, steps: &[Waiting<Step, Done>]) -> Result<Vec<Done>, Failure> {
        let failed = |path: &Path, why: &dyn std::fmt::Display| {
            Failure::Unavailable(format!("the cache {}: {why}", path.display()))
        };
        let mut file = match self.file.take() {
            Some(file) => file,
            None => connect(&self.path).map_err(|why| failed(&self.path, &why))?,
        };
        match self.all(&mut file, steps) {
            Ok(all) => {
                self.file = Some(file);
                Ok(all)
            }
            // Where that failed it is opened anew: whatever is wrong may be over.
            Err(error) => Err(match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Failure::Full,
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                    drop(file);
                    make_anew(&self.path, &error.to_string());
                    Failure::Garbage
                }
                _ => failed(&self.path, &error),
            }),
        }
    }

    fn all(&mut self, file: &mut Connection, steps: &[Waiting<Step, Done>]) -> rusqlite::Result<Vec<Done>> {
        // Who only reads keeps nobody from writing.
        let only_reads = steps.iter().all(|step| matches!(step.asked, Step::Get(_)));
        let behavior = if only_reads { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
        let within = file.transaction_with_behavior(behavior)?;
        let rows = Rows { within: &within, now: integer(self.clock.now().0) };
        let mut done = Vec::with_capacity(steps.len());
        for step in steps {
            done.push(match &step.asked {
                Step::Get(key) => rows.get(key)?.map(Told::Kept),
                Step::Put(kept) => match rows.make_room(&mut self.answers, kept.bytes())? {
                    true => rows.put(kept).map(|()| Ok(Told::Done))?,
                    false => Err(Failure::Full),
                },
                Step::PutMeaning(meaning) => match rows.make_room(&mut self.meanings, meaning.bytes())? {
                    true => rows.put_meaning(meaning).map(|()| Ok(Told::Done))?,
                    false => Err(Failure::Full),
                },
                Step::Purge(purge) => Ok(Told::Purged(rows.purge(&self.answers, purge)?)),
                Step::PurgeMeanings(purge) => Ok(Told::Purged(rows.purge(&self.meanings, purge)?)),
            });
        }
        within.commit()?;
        Ok(done)
    }

    /// Once when it fails, and once when it is well again.
    fn say_how_it_is(&mut self, why: Option<&Failure>) {
        match (std::mem::replace(&mut self.is_well, why.is_none()), why) {
            (true, Some(why)) => error!(%why, "the file of the cache failed"),
            (false, None) => info!("the file of the cache is well again"),
            (true, None) | (false, Some(_)) => {}
        }
    }
}

/// Reads the meanings of a file one after the other, the newest first.
pub(super) struct Reader {
    file: Connection,
    before: i64,
}

impl Reader {
    /// Of a file, if there is one that can be read.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = path.exists().then(|| Connection::open_with_flags(path, flags).ok()).flatten()?;
        file.busy_timeout(BUSY).ok()?;
        Some(Self { file, before: i64::MAX })
    }

    /// Up to so many further ones, without those that cannot be read; none when there are no more.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<Meaning>, String> {
        let query = "SELECT rowid AS number, * FROM meanings WHERE rowid < ?1 ORDER BY rowid DESC LIMIT ?2";
        let read = |file: &Connection, before: i64| -> rusqlite::Result<Vec<(i64, Option<Meaning>)>> {
            let mut query = file.prepare_cached(query)?;
            let limit = i64::try_from(most).unwrap_or(i64::MAX);
            let rows = query.query_map((before, limit), |row| Ok((row.get("number")?, meaning(row).ok())))?;
            rows.collect()
        };
        loop {
            let rows = read(&self.file, self.before).map_err(|error| error.to_string())?;
            let Some((last, _)) = rows.last() else { return Ok(Vec::new()) };
            self.before = *last;
            let meanings: Vec<Meaning> = rows.into_iter().filter_map(|(_, meaning)| meaning).collect();
            if !meanings.is_empty() {
                return Ok(meanings);
            }
        }
    }
}
