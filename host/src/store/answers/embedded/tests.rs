use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::About;
use super::super::tests::{
    finds_what_means_the_same, keeps_and_forgets, keeps_entries_apart, keeps_partitions_apart, kept, meaning,
    tells_gone_from_kept,
};
use super::*;
use crate::store::counters::Moment;

struct Place {
    folder: tempfile::TempDir,
    time: Arc<AtomicU64>,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), time: Arc::new(AtomicU64::new(1_000_000)) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("c.db")
    }

    fn bounds(&self) -> config::Cache {
        config::Cache {
            path: self.path(),
            memory_bytes_max: 1 << 20,
            file_bytes_max: 1 << 20,
            vectors_bytes_max: 1 << 20,
            entry_bytes_max: 10_000,
            // What a busy machine takes is not what these tests are about.
            wait: Duration::from_secs(20),
            embedding_wait: Duration::ZERO,
        }
    }

    fn open(&self, bounds: config::Cache) -> Embedded {
        let time = self.time.clone();
        Embedded::new(bounds, Clock::new(move || Moment(time.load(Ordering::Relaxed))))
    }

    fn without_memory(&self) -> Embedded {
        self.open(config::Cache { memory_bytes_max: 0, ..self.bounds() })
    }
}

const NEVER: Moment = Moment(u64::MAX);

#[tokio::test]
async fn it_does_what_every_store_does_from_memory_and_from_the_file() {
    for memory_bytes_max in [1 << 20, 0] {
        let place = Place::new();
        let store = place.open(config::Cache { memory_bytes_max, ..place.bounds() });
        assert!(!place.path().exists(), "no file is made before it is needed");
        keeps_and_forgets(&store, Moment(1_000_000)).await;
        keeps_entries_apart(&store, Moment(1_000_000)).await;
        finds_what_means_the_same(&store, Moment(1_000_000)).await;
        keeps_partitions_apart(&store, Moment(1_000_000)).await;
        tells_gone_from_kept(&store, &place.time).await;
    }
}

#[tokio::test]
async fn what_is_gone_is_not_found() {
    let place = Place::new();
    for store in [place.open(place.bounds()), place.without_memory()] {
        let now = place.time.load(Ordering::Relaxed);
        Answers::put(&store, Arc::new(kept(1, Moment(now), Moment(now + 10)))).await.unwrap();
        Meanings::put(&store, Arc::new(meaning(1, Moment(now + 10), &[1.0, 0.0]))).await.unwrap();
        place.time.store(now + 9, Ordering::Relaxed);
        assert!(store.get([1; 32]).await.unwrap().is_some());
        assert_eq!(store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await.unwrap().len(), 1);
        place.time.store(now + 10, Ordering::Relaxed);
        assert_eq!(store.get([1; 32]).await, Ok(None));
        assert_eq!(store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let place = Place::new();
    let store = place.open(place.bounds());
    let answer = kept(1, Moment(1_000_000), NEVER);
    Answers::put(&store, Arc::new(answer.clone())).await.unwrap();
    for number in 0..20 {
        Meanings::put(&store, Arc::new(meaning(number, NEVER, &[1.0, 0.0]))).await.unwrap();
    }
    drop(store);
    let store = place.open(place.bounds());
    let found = store.get([1; 32]).await.unwrap();
    // A file's numbers end earlier.
    let about = About { kept_until: Moment(i64::MAX as u64), ..answer.about.clone() };
    assert_eq!(found.as_deref(), Some(&Kept { about, ..answer }));
    // They are read between what is asked.
    while store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 20).await.unwrap().len() < 20 {}
}

#[tokio::test]
async fn what_was_used_longest_ago_makes_room_in_the_file() {
    let place = Place::new();
    let size = kept(1, Moment(0), NEVER).bytes();
    let store = place.open(config::Cache { memory_bytes_max: 0, file_bytes_max: 40 * size, ..place.bounds() });
    for number in 1..=40 {
        place.time.fetch_add(60_000, Ordering::Relaxed);
        Answers::put(&store, Arc::new(kept(number, Moment(0), NEVER))).await.unwrap();
    }
    place.time.fetch_add(60_000, Ordering::Relaxed);
    assert!(store.get([1; 32]).await.unwrap().is_some());
    Answers::put(&store, Arc::new(kept(41, Moment(0), NEVER))).await.unwrap();
    for (number, is_there) in [(1, true), (2, false), (3, true), (40, true), (41, true)] {
        assert_eq!(store.get([number; 32]).await.unwrap().is_some(), is_there, "{number}");
    }
    // What is gone makes room before all others. That 3 was asked for has been noted.
    place.time.fetch_add(60_000, Ordering::Relaxed);
    let now = place.time.load(Ordering::Relaxed);
    Answers::put(&store, Arc::new(kept(42, Moment(0), Moment(now + 1)))).await.unwrap();
    place.time.fetch_add(1, Ordering::Relaxed);
    Answers::put(&store, Arc::new(kept(43, Moment(0), NEVER))).await.unwrap();
    for (number, is_there) in [(3, true), (4, false), (5, true), (42, false), (43, true)] {
        assert_eq!(store.get([number; 32]).await.unwrap().is_some(), is_there, "{number}");
    }
    let large = Kept { answer: vec![b'x'; 10_000].into(), ..kept(50, Moment(0), NEVER) };
    assert_eq!(Answers::put(&store, Arc::new(large)).await, Err(Failure::Full));
}

#[tokio::test]
async fn the_oldest_vectors_make_room() {
    let place = Place::new();
    let store = place.open(config::Cache { vectors_bytes_max: 3 * (nearest::VECTOR_BYTES + 8), ..place.bounds() });
    for number in 1..=5 {
        let mut meaning = meaning(number, NEVER, &[1.0, 0.0]);
        meaning.about.created = Moment(u64::from(number));
        Meanings::put(&store, Arc::new(meaning)).await.unwrap();
    }
    let near = store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 9).await.unwrap();
    let mut keys: Vec<u8> = near.iter().map(|near| near.key[0]).collect();
    keys.sort_unstable();
    assert_eq!(keys, [3, 4, 5]);
}

#[tokio::test]
async fn a_file_that_is_no_cache_is_made_anew_and_one_that_cannot_be_opened_leaves_the_memory() {
    let place = Place::new();
    std::fs::write(place.path(), "not a database, but long enough to be taken for one".repeat(99)).unwrap();
    let store = place.open(place.bounds());
    Answers::put(&store, Arc::new(kept(1, Moment(0), NEVER))).await.unwrap();
    assert!(place.without_memory().get([1; 32]).await.unwrap().is_some());

    let nowhere = place.folder.path().join("none/c.db");
    let store = place.open(config::Cache { path: nowhere, ..place.bounds() });
    let put = Answers::put(&store, Arc::new(kept(1, Moment(0), NEVER))).await;
    assert!(matches!(put, Err(Failure::Unavailable(_))), "{put:?}");
    assert!(store.get([1; 32]).await.unwrap().is_some());
    assert!(matches!(store.get([2; 32]).await, Err(Failure::Unavailable(_))));
    std::fs::create_dir(place.folder.path().join("none")).unwrap();
    assert_eq!(store.get([2; 32]).await, Ok(None));
}

#[tokio::test]
async fn a_file_that_is_damaged_or_of_another_version_is_made_anew() {
    let place = Place::new();
    let put = async |number| {
        Answers::put(&place.without_memory(), Arc::new(kept(number, Moment(0), NEVER))).await.unwrap();
        assert!(place.without_memory().get([number; 32]).await.unwrap().is_some());
    };
    put(1).await;
    let file = rusqlite::Connection::open(place.path()).unwrap();
    file.pragma_update(None, "user_version", 1_000).unwrap();
    drop(file);
    put(2).await;
    assert_eq!(place.without_memory().get([1; 32]).await, Ok(None));
    // It seems to be one until it is read.
    let file = rusqlite::Connection::open(place.path()).unwrap();
    file.pragma_update(None, "wal_checkpoint", "truncate").unwrap();
    drop(file);
    let mut bytes = std::fs::read(place.path()).unwrap();
    bytes.iter_mut().skip(4_096).for_each(|byte| *byte = 0xff);
    std::fs::write(place.path(), bytes).unwrap();
    let store = place.without_memory();
    assert_eq!(store.get([2; 32]).await, Err(Failure::Garbage));
    assert_eq!(store.get([2; 32]).await, Ok(None));
    put(3).await;
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place.path()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn what_is_purged_is_not_found_again_where_the_file_fails() {
    let place = Place::new();
    let nowhere = place.folder.path().join("none/c.db");
    let store = place.open(config::Cache { path: nowhere, ..place.bounds() });
    let _ = Answers::put(&store, Arc::new(kept(1, Moment(0), NEVER))).await;
    let _ = Meanings::put(&store, Arc::new(meaning(1, NEVER, &[1.0, 0.0]))).await;
    assert_eq!(store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await.unwrap().len(), 1);
    assert!(Answers::purge(&store, Purge::default()).await.is_err());
    assert!(Meanings::purge(&store, Purge::default()).await.is_err());
    assert!(matches!(store.get([1; 32]).await, Err(Failure::Unavailable(_))));
    assert_eq!(store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await, Ok(Vec::new()));
}

#[tokio::test]
async fn what_still_waits_is_purged_too() {
    let place = Place::new();
    for store in [place.open(place.bounds()), place.without_memory()] {
        // Nobody has been waited for when the purge begins.
        let puts: Vec<_> =
            (0..200).map(|number| Answers::put(&store, Arc::new(kept(number, Moment(0), NEVER)))).collect();
        let meanings: Vec<_> =
            (0..200).map(|number| Meanings::put(&store, Arc::new(meaning(number, NEVER, &[1.0, 0.0])))).collect();
        let (purge, purge_meanings) =
            (Answers::purge(&store, Purge::default()), Meanings::purge(&store, Purge::default()));
        assert_eq!(purge.await, Ok(200));
        assert_eq!(purge_meanings.await, Ok(200));
        for number in 0..200 {
            assert_eq!(store.get([number; 32]).await, Ok(None));
        }
        assert_eq!(store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 1).await, Ok(Vec::new()));
        drop((puts, meanings));
    }
}

#[tokio::test]
async fn expired_vectors_hide_no_others() {
    let place = Place::new();
    let store = place.open(place.bounds());
    let now = place.time.load(Ordering::Relaxed);
    for number in 0..250 {
        let (until, vector) = if number < 240 { (Moment(now + 9), [1.0, 0.0]) } else { (NEVER, [0.8, 0.6]) };
        Meanings::put(&store, Arc::new(meaning(number, until, &vector))).await.unwrap();
    }
    place.time.store(now + 9, Ordering::Relaxed);
    // They are forgotten a few at a time.
    while store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 99).await.unwrap().len() < 10 {}
    let near = store.nearest([0; 32], [1.0, 0.0].into(), 0.5, 99).await.unwrap();
    assert!(near.iter().all(|near| near.key[0] >= 240 && (near.similarity - 0.8).abs() < 1e-5), "{near:?}");
}

#[tokio::test]
async fn similarity_is_that_of_the_directions() {
    let place = Place::new();
    let store = place.open(place.bounds());
    Meanings::put(&store, Arc::new(meaning(1, NEVER, &[1.04, 0.0]))).await.unwrap();
    let near = store.nearest([0; 32], [0.97, 0.0].into(), 0.5, 1).await.unwrap();
    assert!((near[0].similarity - 1.0).abs() < 1e-6 && near[0].similarity <= 1.0, "{near:?}");
}

#[tokio::test]
async fn a_row_that_says_nonsense_is_garbage_and_gone() {
    let place = Place::new();
    let store = place.without_memory();
    store.get([1; 32]).await.unwrap();
    let file = rusqlite::Connection::open(place.path()).unwrap();
    for nonsense in ["partition = x'00'", "created = -1", "cost = -1"] {
        Answers::put(&store, Arc::new(kept(1, Moment(0), NEVER))).await.unwrap();
        file.execute(&format!("UPDATE answers SET {nonsense}"), []).unwrap();
        assert_eq!(store.get([1; 32]).await, Err(Failure::Garbage), "{nonsense}");
        assert_eq!(store.get([1; 32]).await, Ok(None), "{nonsense}");
    }
}

#[tokio::test]
async fn what_is_no_vector_is_refused() {
    let place = Place::new();
    let store = place.open(place.bounds());
    for vector in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[f32::INFINITY, 0.0], &[], &[7.0, 1.0]] {
        let put = Meanings::put(&store, Arc::new(meaning(1, NEVER, vector))).await;
        assert_eq!(put, Err(Failure::Garbage), "{vector:?}");
        let nearest = store.nearest([0; 32], vector.into(), 0.5, 1).await;
        assert_eq!(nearest, Err(Failure::Garbage), "{vector:?}");
    }
}
