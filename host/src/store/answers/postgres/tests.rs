use sluicegate_test_servers::Postgres as Server;

use super::super::tests::{finds_what_means_the_same, keeps_partitions_apart, meaning};
use super::*;
use crate::store::counters::Moment;

const NEVER: Moment = Moment(u64::MAX);
const NOW: Moment = Moment(1_000_000);
/// What a busy machine takes is not what these tests are about.
const WAIT: Duration = Duration::from_secs(30);

fn bounds() -> config::Cache {
    config::Cache {
        path: "/dev/null/none".into(),
        memory_bytes_max: 0,
        file_bytes_max: 0,
        vectors_bytes_max: 1 << 40,
        entry_bytes_max: 0,
        wait: WAIT,
        embedding_wait: WAIT,
    }
}

fn open(url: impl Into<String>, bounds: &config::Cache) -> Postgres {
    Postgres::new(&Secret::new(url.into()), &[], bounds, Clock::new(|| NOW)).unwrap()
}

async fn keys(store: &Postgres, vector: &[f32], most: usize) -> Vec<u8> {
    let near = store.nearest([0; 32], vector.into(), 0.0, most).await.unwrap();
    near.into_iter().map(|near| near.key[0]).collect()
}

#[tokio::test]
async fn it_does_what_every_store_does_and_another_gateway_finds_it() {
    let Some(server) = Server::start().await else { return };
    let (one, other) = (open(server.url(), &bounds()), open(server.url(), &bounds()));
    // Both make the table at once.
    let (put, found) = tokio::join!(
        one.put(Arc::new(meaning(1, NEVER, &[1.0, 0.0]))),
        other.nearest([9; 32], [1.0, 0.0].into(), 0.5, 1)
    );
    assert_eq!((put, found), (Ok(()), Ok(vec![])));
    assert_eq!(keys(&other, &[1.0, 0.0], 1).await, [1]);
    assert_eq!(other.purge(Purge::default()).await, Ok(1));
    finds_what_means_the_same(&one, NOW).await;
    keeps_partitions_apart(&other, NOW).await;
}

/// Wait until the database says this.
fn until(server: &Server, sql: &str, said: &str) {
    let began = std::time::Instant::now();
    while server.ask(sql) != said {
        assert!(began.elapsed() < WAIT, "{sql} says {}", server.ask(sql));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_partition_is_found_by_its_graph_and_a_small_one_beside_it_is_looked_through() {
    let Some(server) = Server::start().await else { return };
    let store = open(server.url(), &bounds());
    store.put(Arc::new(meaning(1, NEVER, &[1.0, 0.0]))).await.unwrap();
    until(
        &server,
        "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE '%graph_2' AND indisvalid",
        "1",
    );
    // Another partition, all of whose vectors are nearer to whatever is asked for.
    let many = LOOKED_THROUGH_MAX + 1_000;
    let angle = format!("2 * pi() * number / {many}");
    server.ask(&format!(
        "INSERT INTO sluicegate_meanings_1
         SELECT decode(lpad(to_hex(number), 64, '0'), 'hex'), decode(repeat('09', 32), 'hex'), 't', 'm', number,
            CASE number % 2 WHEN 0 THEN {now} ELSE {now} + 1 END, 100, 2, ARRAY[cos({angle}), sin({angle})]::real[]::vector
         FROM generate_series(1, {many}) AS number; ANALYZE",
        now = NOW.0
    ));
    assert_eq!(keys(&store, &[0.8, 0.6], 9).await, [1]);
    let find = statements::find_by_graph(2);
    let find = ["decode(repeat('09', 32), 'hex')", "0", "'{0,1}'", "4"]
        .iter()
        .zip(1..)
        .fold(find, |find, (value, place)| find.replace(&format!("${place}"), value));
    let plan = server.ask(&format!("EXPLAIN {find}"));
    assert!(plan.contains(&statements::graph(2)), "{plan}");
    for number in [101, 777, many / 2 + 1, many - 1_001] {
        let angle = std::f32::consts::TAU * number as f32 / many as f32;
        let near = store.nearest([9; 32], [angle.cos(), angle.sin()].into(), 0.9, 5).await.unwrap();
        let found = near.iter().map(|near| i64::from_be_bytes(near.key[24..].try_into().unwrap()));
        let found: Vec<i64> = found.collect();
        assert_eq!((found.len(), found[0]), (5, number), "{found:?}");
        assert!(found.iter().all(|found| found % 2 == 1 && (found - number).abs() <= 4), "{number}: {found:?}");
        assert!(near.is_sorted_by(|one, other| one.similarity >= other.similarity), "{near:?}");
    }
}

#[tokio::test]
async fn long_vectors_are_kept_without_a_graph() {
    let Some(server) = Server::start().await else { return };
    let store = open(server.url(), &bounds());
    let at = |place: usize| -> Vec<f32> { (0..3_000).map(|each| if each == place { 1.0 } else { 0.0 }).collect() };
    for number in 0..9 {
        store.put(Arc::new(meaning(number, NEVER, &at(usize::from(number))))).await.unwrap();
    }
    assert_eq!(keys(&store, &at(7), 1).await, [7]);
    assert_eq!(server.ask("SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%graph%'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_deleted_and_the_oldest_makes_room() {
    let Some(server) = Server::start().await else { return };
    let of = |number: u8, until| {
        let mut meaning = meaning(number, until, &[1.0, 0.0]);
        meaning.about.created = Moment(number.into());
        Arc::new(meaning)
    };
    let size = bytes(&of(1, NEVER));
    let unbounded = open(server.url(), &bounds());
    for number in 0..20 {
        unbounded
            .put(of(number, if number < 5 { NEVER } else { Moment(NOW.0 + u64::from(number % 2)) }))
            .await
            .unwrap();
    }
    // The first that is kept sweeps.
    let bounded = open(server.url(), &config::Cache { vectors_bytes_max: 10 * size, ..bounds() });
    bounded.put(of(20, NEVER)).await.unwrap();
    let left = "SELECT string_agg(created::text, ' ' ORDER BY created) FROM sluicegate_meanings_1";
    until(&server, left, "4 5 7 9 11 13 15 17 19 20");
    let none = open(server.url(), &config::Cache { vectors_bytes_max: size - 1, ..bounds() });
    assert_eq!(none.put(of(21, NEVER)).await, Err(Failure::Full));
}

#[tokio::test]
async fn what_is_no_meaning_is_garbage() {
    let Some(server) = Server::start().await else { return };
    let store = open(server.url(), &bounds());
    for vector in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[], &[7.0, 1.0]] {
        assert_eq!(store.put(Arc::new(meaning(1, NEVER, vector))).await, Err(Failure::Garbage), "{vector:?}");
        assert_eq!(store.nearest([0; 32], vector.into(), 0.5, 1).await, Err(Failure::Garbage), "{vector:?}");
    }
    store.put(Arc::new(meaning(1, NEVER, &[1.0, 0.0]))).await.unwrap();
    for nonsense in ["key = '\\x01'", "embedding = '[0,0]'"] {
        server.ask(&format!("UPDATE sluicegate_meanings_1 SET {nonsense}"));
        let near = store.nearest([0; 32], [1.0, 0.0].into(), -1.0, 1).await;
        assert!(matches!(near, Err(Failure::Garbage | Failure::Unavailable(_))), "{nonsense}: {near:?}");
    }
    server.ask("DROP TABLE sluicegate_meanings_1; CREATE TABLE sluicegate_meanings_1 (key text)");
    let near = store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await;
    assert!(matches!(&near, Err(Failure::Unavailable(why)) if why.contains("does not exist")), "{near:?}");
}

#[tokio::test]
async fn a_table_that_is_gone_is_made_again() {
    let Some(server) = Server::start().await else { return };
    let store = open(server.url(), &bounds());
    let put = || store.put(Arc::new(meaning(1, NEVER, &[1.0, 0.0])));
    assert_eq!(put().await, Ok(()));
    server.ask("DROP TABLE sluicegate_meanings_1");
    assert!(matches!(put().await, Err(Failure::Unavailable(_))));
    assert_eq!(put().await, Ok(()));
    assert_eq!(keys(&store, &[1.0, 0.0], 1).await, [1]);
}

#[test]
fn an_address_is_a_url_with_a_host() {
    use crate::store::postgres::is_address;
    for address in ["postgresql://u:p@h:5432/d", "postgres://h/d?sslmode=verify-full", "postgres://h/d?sslmode=require"]
    {
        assert!(is_address(address), "{address}");
    }
    for other in ["", "host=h user=u", "postgres:///d", "redis://h", "postgres://h/d?sslmode=perhaps"] {
        assert!(!is_address(other), "{other}");
    }
}

#[tokio::test]
async fn who_may_not_make_the_extension_is_told_what_it_needs() {
    let Some(server) = Server::start().await else { return };
    server.ask("CREATE USER guest PASSWORD 'guest'; GRANT CREATE ON SCHEMA public TO guest");
    let url = server.url().replace("sluice:", "guest:").replace("made%20up:%204%20the%20tests", "guest");
    let (store, meaning) = (open(url, &bounds()), Arc::new(meaning(1, NEVER, &[1.0, 0.0])));
    let Err(Failure::Unavailable(why)) = store.put(meaning.clone()).await else { panic!("it was kept") };
    assert!(why.contains("permission denied") && why.contains("CREATE EXTENSION vector"), "{why}");
    server.ask("CREATE EXTENSION vector");
    assert_eq!(store.put(meaning).await, Ok(()));
    // Who may only use what is there needs no more.
    server.ask("REVOKE CREATE ON SCHEMA public FROM guest");
    assert_eq!(keys(&store, &[1.0, 0.0], 1).await, [1]);
}

#[tokio::test]
async fn a_server_that_is_gone_is_said_to_be_and_asked_again_when_it_is_back() {
    let Some(mut server) = Server::start().await else { return };
    let store = open(server.url(), &bounds());
    store.put(Arc::new(meaning(1, NEVER, &[1.0, 0.0]))).await.unwrap();
    server.kill();
    for _ in 0..3 {
        let near = store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await;
        assert!(matches!(near, Err(Failure::Unavailable(_))), "{near:?}");
    }
    server.start_again().await;
    assert_eq!(keys(&store, &[1.0, 0.0], 1).await, [1]);
}

#[tokio::test]
async fn a_server_that_never_answers_is_waited_for_no_longer_than_was_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://user:secret@{}/x", listener.local_addr().unwrap());
    let store = open(url, &config::Cache { wait: Duration::from_millis(20), ..bounds() });
    let near = || store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1);
    assert_eq!(near().await, Err(Failure::Timeout));
    // And no more than so many wait at a time.
    let waiting: Vec<_> = (0..UNDER_WAY_MAX).map(|_| near()).collect();
    assert_eq!(near().await, Err(Failure::Busy));
    drop(waiting);
}
