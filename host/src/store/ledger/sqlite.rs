//! The tables in one SQLite file. One connection writes; others read, each on a thread that serves nobody, and see what was
//! last committed.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use super::{Database, Durable, Failure, Row, Statement, Value, Values, migrations};

/// How long to wait for another process to end its change.
const BUSY: Duration = Duration::from_secs(5);
/// Those who read at the same time; others wait.
const READERS_MAX: usize = 2;
/// Statements that a connection keeps ready.
const STATEMENTS_MAX: usize = 64;
/// Bytes of a page.
const PAGE_BYTES: u32 = 8 << 10;
/// How often a file is tried to be made ready: of two processes that make its tables at the same time, one finds them made.
const TRIES: u32 = 5;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// The tables in one file, which is made when something is written.
#[derive(Debug)]
pub struct Sqlite {
    files: Arc<Files>,
    places: Arc<Semaphore>,
}

#[derive(Debug)]
struct Files {
    path: PathBuf,
    /// Nothing is made or changed.
    is_read_only: bool,
    /// The file that connections were opened to.
    opened: Mutex<Option<Identity>>,
    writer: Mutex<Option<Connection>>,
    /// Connections that nobody reads with right now.
    readers: Mutex<Vec<Connection>>,
}

/// What a file is, whatever it is called: the device that it is on, and its number there.
type Identity = (u64, u64);

impl Sqlite {
    /// Tables that are in this file, or will be.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self::with(path, false)
    }

    /// Tables that are in this file, for whoever only looks.
    #[must_use]
    pub fn to_read(path: &Path) -> Self {
        Self::with(path, true)
    }

    fn with(path: &Path, is_read_only: bool) -> Self {
        let (opened, writer, readers) = (Mutex::default(), Mutex::default(), Mutex::default());
        let files = Files { path: path.to_owned(), is_read_only, opened, writer, readers };
        Self { files: Arc::new(files), places: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Work with the file on a thread that serves nobody.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let files = self.files.clone();
        let working = tokio::task::spawn_blocking(move || work(&files)).await;
        working.unwrap_or_else(|error| Err(Failure::Unavailable(format!("working with the ledger: {error}"))))
    }
}

impl Database for Sqlite {
    fn write(&self, statements: Vec<Statement>, durable: Durable) -> BoxFuture<'_, Result<Vec<u64>, Failure>> {
        self.aside(move |files| files.write(&statements, durable)).boxed()
    }

    fn read(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Failure>> {
        async move {
            let _place = self.places.acquire().await;
            self.aside(move |files| files.read(&statement)).await
        }
        .boxed()
    }

    fn bytes(&self) -> BoxFuture<'_, Result<u64, Failure>> {
        const BYTES: &str = "SELECT (page_count - freelist_count) * page_size \
                             FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        async {
            let rows = self.read(Statement::new(BYTES, Vec::new())).await?;
            Ok(rows.into_iter().next().and_then(|mut row| row.number()).unwrap_or_default())
        }
        .boxed()
    }

    fn name(&self) -> String {
        self.files.path.display().to_string()
    }
}

impl Files {
    fn write(&self, statements: &[Statement], durable: Durable) -> Result<Vec<u64>, Failure> {
        let mut writer = lock(&self.writer);
        if self.is_another() {
            *writer = None;
            lock(&self.readers).clear();
        }
        let connection = match &mut *writer {
            Some(connection) => connection,
            none => none.insert(self.open()?),
        };
        let written = self.in_one(connection, statements, durable);
        if matches!(written, Err(Failure::Unavailable(_))) {
            // Whatever it was, a fresh connection does not suffer from it.
            *writer = None;
        }
        written
    }

    fn in_one(
        &self,
        connection: &mut Connection,
        statements: &[Statement],
        durable: Durable,
    ) -> Result<Vec<u64>, Failure> {
        let synchronous = match durable {
            // With the journal of SQLite's `wal` mode that is enough as long as the machine runs.
            Durable::Process => "normal",
            Durable::Power => "full",
        };
        let wrong = |error| self.failed("writing", &error);
        connection.pragma_update(None, "synchronous", synchronous).map_err(wrong)?;
        let within = Transaction::new(connection, TransactionBehavior::Immediate).map_err(wrong)?;
        let mut changed = Vec::with_capacity(statements.len());
        for alike in statements.chunk_by(|one, next| one.sql == next.sql) {
            let Some(first) = alike.first() else { continue };
            let mut prepared = within.prepare_cached(&undone_as_one(&numbered(first))).map_err(wrong)?;
            for statement in alike {
                bind(&mut prepared, &statement.values).map_err(wrong)?;
                changed.push(u64::try_from(prepared.raw_execute().map_err(wrong)?).unwrap_or(u64::MAX));
            }
        }
        within.commit().map_err(wrong)?;
        Ok(changed)
    }

    fn read(&self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        if self.is_another() {
            // The writer has its turn before that: until then nobody reads what is not there any more.
            lock(&self.readers).clear();
        }
        let kept = lock(&self.readers).pop();
        let connection = match kept {
            Some(connection) => connection,
            // Nothing is made for a look.
            None if !self.is_read_only && !self.path.exists() => return Ok(Vec::new()),
            None => self.open()?,
        };
        let rows = rows(&connection, statement).map_err(|error| self.failed("reading", &error))?;
        lock(&self.readers).push(connection);
        Ok(rows)
    }

    /// Whether another file lies there by now than connections were opened to, or none.
    fn is_another(&self) -> bool {
        let opened = *lock(&self.opened);
        opened.is_some() && opened != identity(&self.path)
    }

    fn open(&self) -> Result<Connection, Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::Unavailable(format!("opening the ledger {}: {why}", self.path.display()))
        };
        // Nobody else's business. One that is there is left alone: to close any file is to give up all locks that this
        // process has on it, SQLite's too.
        if self.is_read_only {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags).map_err(|error| failed(&error))?;
            let settings = connection.busy_timeout(BUSY);
            let settings = settings.and_then(|()| connection.pragma_update(None, "trusted_schema", false));
            return settings.map(|()| connection).map_err(|error| failed(&error));
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(&error)),
            Ok(_) | Err(_) => {}
        }
        *lock(&self.opened) = identity(&self.path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags).map_err(|error| failed(&error))?;
        let mut tries_left = TRIES;
        while let Err(why) = prepare(&mut connection) {
            tries_left -= 1;
            if tries_left == 0 {
                return Err(failed(&why));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(connection)
    }

    fn failed(&self, doing: &str, error: &rusqlite::Error) -> Failure {
        let why = format!("{doing} the ledger {}: {error}", self.path.display());
        // What the file, the disk or another process are to blame for may be over the next time.
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => Failure::Refused(why),
            _ => Failure::Unavailable(why),
        }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

fn prepare(connection: &mut Connection) -> Result<(), String> {
    let settings = || -> rusqlite::Result<()> {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Of a file that is new: rows of exchanges are long, and fewer pages are written with the same of them.
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        // Readers and a writer do not wait for each other.
        connection.pragma_update(None, "journal_mode", "wal")?;
        // What was deleted is nowhere in the file any more: conversations are.
        connection.pragma_update(None, "secure_delete", true)?;
        // The file may come from anywhere: what its schema calls does nothing but compute.
        connection.pragma_update(None, "trusted_schema", false)
    };
    settings().map_err(|error| error.to_string())?;
    migrations::migrations::runner().run(connection).map(drop).map_err(|error| match error.kind() {
        refinery::error::Kind::MissingVersion(_) => "it was written by a newer version of sluicegate".to_owned(),
        _ => error.to_string(),
    })
}

/// The text with `?1` for `$1`: the former are numbers to SQLite, the latter names that it would have to look for.
fn numbered(statement: &Statement) -> String {
    statement.sql.replace('$', "?")
}

/// The text of an `INSERT` that undoes all of its transaction where it fails, as is done anyway: SQLite would keep a copy of
/// what it changes to undo it alone (<https://sqlite.org/tempfiles.html>, "Statement Journal Files").
fn undone_as_one(sql: &str) -> Cow<'_, str> {
    match sql.strip_prefix("INSERT INTO ") {
        Some(rest) => format!("INSERT OR ROLLBACK INTO {rest}").into(),
        None => sql.into(),
    }
}

fn bind(prepared: &mut rusqlite::Statement<'_>, values: &Values) -> rusqlite::Result<()> {
    // What is not bound is null. There may be values behind those that the text names.
    prepared.clear_bindings();
    for (number, value) in (1..=prepared.parameter_count()).zip(values.iter()) {
        match value {
            Value::Null => {}
            Value::Int(value) => prepared.raw_bind_parameter(number, value)?,
            Value::Text(text) => prepared.raw_bind_parameter(number, &*text)?,
        }
    }
    Ok(())
}

fn rows(connection: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    let mut prepared = connection.prepare_cached(&numbered(statement))?;
    bind(&mut prepared, &statement.values)?;
    let columns = prepared.column_count();
    let mut found = Vec::new();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        let column = |index| {
            Ok(match row.get_ref(index)? {
                ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                // Sums of more than can be counted.
                #[allow(clippy::cast_possible_truncation)]
                ValueRef::Real(number) => Value::Int(number as i64),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned().into()),
            })
        };
        found.push(Row::new((0..columns).map(column).collect::<rusqlite::Result<_>>()?));
    }
    Ok(found)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while it had a connection left no transaction open: those end when they are dropped.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
