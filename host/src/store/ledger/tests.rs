//! Both databases, as far as there is a PostgreSQL, with the same statements.

use std::os::unix::fs::PermissionsExt as _;

use sluicegate_test_servers::Postgres as Server;

use super::*;
use crate::config::Secret;

const WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// A database, and what it lives in.
type Place = (Box<dyn std::any::Any>, Arc<dyn Database>);

async fn databases() -> Vec<Place> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::new(&folder.path().join("l.db"));
    let mut all: Vec<Place> = vec![(Box::new(folder), Arc::new(sqlite))];
    if let Some(server) = Server::start().await {
        let postgres = Postgres::new(&Secret::new(server.url()), &[], WAIT).unwrap();
        all.push((Box::new(server), Arc::new(postgres)));
    }
    all
}

fn finding(rule: &str, exchange: &str, found: i64) -> Statement {
    const SQL: &str = "INSERT INTO findings (rule, plugin, exchange, found) VALUES ($1, $2, $3, $4)";
    Statement::new(SQL, vec![rule.into(), "p".into(), exchange.into(), found.into()])
}

async fn findings(database: &dyn Database) -> Vec<(String, i64)> {
    let rows = database.read(Statement::new("SELECT rule, found FROM findings ORDER BY rule", Vec::new())).await;
    rows.unwrap().into_iter().map(|mut row| (row.text().unwrap(), row.int().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_statements_are_run_or_none() {
    for (_place, database) in databases().await {
        let both = vec![finding("a", "x", 1), finding("b", "x", 2)];
        assert_eq!(database.write(both, Durable::Power).await, Ok(vec![1, 1]));
        let twice = vec![finding("c", "x", 3), finding("a", "x", 4)];
        assert!(matches!(database.write(twice, Durable::Process).await, Err(Failure::Refused(_))));
        assert_eq!(findings(&*database).await, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
        assert!(database.bytes().await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_stand_where_their_numbers_do() {
    for (_place, database) in databases().await {
        database.write(vec![finding("a", "x", 1), finding("b", "y", 2)], Durable::Process).await.unwrap();
        // The second stands first, and the first twice.
        let sql = "SELECT rule, found FROM findings WHERE found < $2 AND (rule = $1 OR exchange = $1)";
        let rows = database.read(Statement::new(sql, vec!["a".into(), 9_i64.into()])).await.unwrap();
        assert_eq!(rows.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_can_be_kept() {
    for (_place, database) in databases().await {
        let texts = ["", "a\0b", "'; DROP TABLE findings; --", "\u{1f600}", "\u{fffe}"];
        let all = texts.iter().zip(1..).map(|(text, number)| finding(text, "x", number)).collect();
        database.write(all, Durable::Process).await.unwrap();
        let mut kept: Vec<String> = findings(&*database).await.into_iter().map(|(rule, _)| rule).collect();
        let mut expected = texts.map(|text| text.replace('\0', "\u{fffd}")).to_vec();
        kept.sort();
        expected.sort();
        assert_eq!(kept, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_made_when_something_is_written_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l.db");
    let store = Sqlite::new(&path);
    assert!(store.read(Statement::new("SELECT rule FROM findings", Vec::new())).await.unwrap().is_empty());
    assert!(!path.exists(), "nothing is made for a look");
    store.write(vec![finding("a", "x", 1)], Durable::Process).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Somebody has deleted it: another one is made.
    for file in ["l.db", "l.db-wal", "l.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    store.write(vec![finding("b", "x", 2)], Durable::Process).await.unwrap();
    assert_eq!(findings(&store).await, [("b".to_owned(), 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_make_the_tables_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l.db");
    let makers = (0..8_i64).map(|number| {
        let store = Sqlite::new(&path);
        tokio::spawn(
            async move { store.write(vec![finding(&number.to_string(), "x", number)], Durable::Process).await },
        )
    });
    for maker in makers.collect::<Vec<_>>() {
        maker.await.unwrap().unwrap();
    }
    assert_eq!(findings(&Sqlite::new(&path)).await.len(), 8);
    let Some(server) = Server::start().await else { return };
    let makers = (0..4_i64).map(|number| {
        let store = Postgres::new(&Secret::new(server.url()), &[], WAIT).unwrap();
        tokio::spawn(
            async move { store.write(vec![finding(&number.to_string(), "x", number)], Durable::Process).await },
        )
    });
    for maker in makers.collect::<Vec<_>>() {
        maker.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ledger_is_said_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l.db");
    std::fs::write(&path, "not a database, but long enough to be taken for one").unwrap();
    let said = Sqlite::new(&path).write(vec![finding("a", "x", 1)], Durable::Process).await.unwrap_err();
    assert!(matches!(&said, Failure::Unavailable(why) if why.contains("l.db")), "{said:?}");
    let newer = folder.path().join("newer.db");
    Sqlite::new(&newer).write(vec![finding("a", "x", 1)], Durable::Process).await.unwrap();
    let connection = rusqlite::Connection::open(&newer).unwrap();
    let history = "INSERT INTO refinery_schema_history SELECT 999, 'later', applied_on, checksum \
                   FROM refinery_schema_history LIMIT 1";
    connection.execute(history, []).unwrap();
    drop(connection);
    let said = Sqlite::new(&newer).write(vec![finding("b", "x", 1)], Durable::Process).await.unwrap_err();
    assert!(said.to_string().ends_with("it was written by a newer version of sluicegate"), "{said}");
}
