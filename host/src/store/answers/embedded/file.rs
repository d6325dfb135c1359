//! The file, and the thread that works on it: what comes together is one transaction.

mod open;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tracing::{error, info};

use super::super::{Digest, Failure, Kept, Meaning, Purge, integer};
use super::memory::Memory;
use crate::config;
use crate::queue::{Waiting, Work};
use crate::store::counters::Clock;
use open::{connect, connect_to_read, make_anew};
use rows::{Found, Rows, Table, meaning};

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
                    (Step::Put(kept), Ok(_)) => self.memory.was_written(kept),
                    (_, Ok(Told::Kept(Some(kept)))) => self.memory.was_read(kept.clone()),
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

    fn all(&self, file: &mut Connection, steps: &[Waiting<Step, Done>]) -> rusqlite::Result<Vec<Done>> {
        // Who only reads keeps nobody from writing.
        let only_reads = steps.iter().all(|step| matches!(step.asked, Step::Get(_)));
        let behavior = if only_reads { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
        let within = file.transaction_with_behavior(behavior)?;
        let rows = Rows { within: &within, now: integer(self.clock.now().0) };
        if !only_reads {
            rows.forget_expired()?;
        }
        let mut to_note = Vec::new();
        let mut done = Vec::with_capacity(steps.len());
        for step in steps {
            done.push(match &step.asked {
                Step::Get(key) => rows.get(key)?.map(|found| {
                    to_note.extend(found.as_ref().filter(|found| found.is_to_note).map(|_| *key));
                    Told::Kept(found.map(|Found { kept, .. }| kept))
                }),
                Step::Put(kept) => rows.put(self.answers, kept)?.map(|()| Told::Done),
                Step::PutMeaning(meaning) => rows.put_meaning(self.meanings, meaning)?.map(|()| Told::Done),
                Step::Purge(purge) => Ok(Told::Purged(rows.purge(self.answers, purge)?)),
                Step::PurgeMeanings(purge) => Ok(Told::Purged(rows.purge(self.meanings, purge)?)),
            });
        }
        within.commit()?;
        if !to_note.is_empty() {
            // What was read is as good where that cannot be written: the disk may be full.
            let _ = self.note_used(file, &to_note);
        }
        Ok(done)
    }

    fn note_used(&self, file: &mut Connection, keys: &[Digest]) -> rusqlite::Result<()> {
        let within = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows = Rows { within: &within, now: integer(self.clock.now().0) };
        keys.iter().try_for_each(|key| rows.note_used(key))?;
        within.commit()
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
        connect_to_read(path).map(|file| Self { file, before: i64::MAX })
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::super::super::tests::kept;
    use super::*;
    use crate::queue::queue;
    use crate::store::counters::Moment;

    #[test]
    fn a_full_disk_is_said_to_be_full_and_is_still_read() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = config::Cache {
            path: folder.path().join("c.db"),
            memory_bytes_max: 0,
            file_bytes_max: u64::MAX,
            vectors_bytes_max: u64::MAX,
            entry_bytes_max: u64::MAX,
            wait: Duration::ZERO,
            embedding_wait: Duration::ZERO,
        };
        let mut file = File::new(&bounds, Clock::new(|| Moment(1_000_000)), Arc::new(Memory::new(0)));
        let (queue, work) = queue(99, usize::MAX);
        let done = |file: &mut File, step: Step| {
            let told = queue.send(step, 0).unwrap();
            let mut done = file.done(&work.together(99).unwrap())?;
            drop(told);
            done.remove(0)
        };
        let never = Moment(u64::MAX);
        done(&mut file, Step::Put(Arc::new(kept(1, Moment(1), never)))).unwrap();
        let pages = file.file.as_ref().unwrap();
        let count: i64 = pages.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        pages.pragma_update_and_check(None, "max_page_count", count + 1, |_| Ok(())).unwrap();
        let large = Kept { answer: vec![b'x'; 100_000].into(), ..kept(2, Moment(1), never) };
        assert_eq!(done(&mut file, Step::Put(Arc::new(large))).unwrap_err(), Failure::Full);
        // An hour later, when it would be noted that it was used.
        file.clock = Clock::new(|| Moment(4_600_000));
        let told = done(&mut file, Step::Get([1; 32])).unwrap();
        assert!(matches!(told, Told::Kept(Some(_))), "{told:?}");
    }
}
