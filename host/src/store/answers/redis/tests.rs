use super::super::tests::{keeps_and_forgets, keeps_entries_apart, kept, tells_gone_from_kept};
use sluicegate_test_servers::Redis as Server;

use super::*;

const NEVER: Moment = Moment(u64::MAX);
/// What a busy machine takes is not what these tests are about.
const WAIT: Duration = Duration::from_secs(20);

fn now() -> Moment {
    Clock::default().now()
}

fn url(server: &Server) -> Secret {
    Secret::new(server.url())
}

fn open(server: &Server) -> Redis {
    Redis::new(&url(server), WAIT, 100_000, Clock::default()).unwrap()
}

/// What the server says to a command.
async fn said<T: redis::FromRedisValue>(server: &Server, command: &redis::Cmd) -> T {
    let client = redis::Client::open(server.url()).unwrap();
    command.query_async(&mut client.get_multiplexed_async_connection().await.unwrap()).await.unwrap()
}

#[test]
fn what_is_written_is_read_again_and_nothing_else_is() {
    let kept = kept(1, Moment(1), Moment(u64::MAX));
    let value = written(&kept).unwrap();
    assert_eq!(read(&[1; 32], value.clone().into()), Some(kept));
    assert_eq!(read(&[2; 32], value.clone().into()), None, "another one's");
    for place in 0..value.len() {
        assert_eq!(read(&[1; 32], Bytes::copy_from_slice(&value[..place])), None, "{place}");
        let mut flipped = value.clone();
        flipped[place] ^= 1;
        assert_eq!(read(&[1; 32], flipped.into()), None, "{place}");
    }
}

#[test]
fn a_head_tells_whom_a_purge_concerns() {
    let kept = kept(1, Moment(7), Moment(u64::MAX));
    let value = written(&kept).unwrap();
    let head = &value[..HEAD_BYTES];
    for purge in [
        Purge::default(),
        Purge { tenant: Some("blue".into()), ..Purge::default() },
        Purge { tenant: Some("red".into()), ..Purge::default() },
        Purge { model: Some("m".into()), before: Some(Moment(8)), ..Purge::default() },
        Purge { before: Some(Moment(7)), ..Purge::default() },
        Purge { key: Some([2; 32]), ..Purge::default() },
    ] {
        assert_eq!(is_concerned(&purge, head), purge.concerns(&kept.key, &kept.about), "{purge:?}");
    }
    assert!(!is_concerned(&Purge::default(), b"SGA1 and no more"));
}

#[tokio::test]
async fn it_does_what_every_store_does() {
    let server = Server::start().await;
    keeps_and_forgets(&open(&server), now()).await;
    keeps_entries_apart(&open(&server), now()).await;
    let time = Arc::new(std::sync::atomic::AtomicU64::new(now().0));
    let clock = {
        let time = time.clone();
        Clock::new(move || Moment(time.load(std::sync::atomic::Ordering::Relaxed)))
    };
    let store = Redis::new(&url(&server), WAIT, 100_000, clock).unwrap();
    tells_gone_from_kept(&store, &time).await;
}

#[tokio::test]
async fn the_server_forgets_by_itself() {
    let server = Server::start().await;
    let store = open(&server);
    store.put(Arc::new(kept(1, Moment(1), now() + Duration::from_secs(1_000)))).await.unwrap();
    let left: u64 = said(&server, cmd("PTTL").arg(name(&[1; 32]))).await;
    assert!((900_000..=1_000_000).contains(&left), "{left}");
    store.put(Arc::new(kept(2, Moment(1), Moment(1)))).await.unwrap();
    assert_eq!(store.get([2; 32]).await, Ok(None));
    let larger = Kept { answer: vec![b'x'; 100_000].into(), ..kept(3, Moment(1), NEVER) };
    assert_eq!(store.put(Arc::new(larger)).await, Err(Failure::Full));
    // In JSON, each of these characters takes six.
    let longer = Kept { question: "\u{1}".repeat(90_000), ..kept(3, Moment(1), NEVER) };
    assert_eq!(store.put(Arc::new(longer)).await, Err(Failure::Full));
}

#[tokio::test]
async fn what_is_no_answer_is_garbage() {
    let server = Server::start().await;
    let store = open(&server);
    let value = written(&kept(1, Moment(1), NEVER)).unwrap();
    let mut flipped = value.clone();
    flipped[HEAD_BYTES + 40] ^= 1;
    let name = name(&[1; 32]);
    for garbage in [
        b"hello".to_vec(),
        value[..value.len() - 1].to_vec(),
        flipped,
        written(&kept(2, Moment(1), NEVER)).unwrap(),
        [&*value, b"more"].concat(),
        vec![b'x'; 500_000],
    ] {
        said::<()>(&server, cmd("SET").arg(&name).arg(garbage)).await;
        assert_eq!(store.get([1; 32]).await, Err(Failure::Garbage));
    }
    said::<()>(&server, cmd("DEL").arg(&name)).await;
    said::<()>(&server, cmd("LPUSH").arg(&name).arg("x")).await;
    assert_eq!(store.get([1; 32]).await, Err(Failure::Garbage));
    // It keeps no purge from what it is for, and goes itself where it is named.
    store.put(Arc::new(kept(2, Moment(1), NEVER))).await.unwrap();
    assert_eq!(store.purge(Purge { tenant: Some("blue".into()), ..Purge::default() }).await, Ok(1));
    assert_eq!(store.purge(Purge { key: Some([1; 32]), ..Purge::default() }).await, Ok(1));
    assert_eq!(store.get([1; 32]).await, Ok(None));
}

#[tokio::test]
async fn other_gateways_know_of_a_purge() {
    let server = Server::start().await;
    let (one, other) = (open(&server), open(&server));
    assert_eq!(one.since_purge().await, Ok(None));
    let began = std::time::Instant::now();
    assert_eq!(other.mark_purge().await, Ok(()));
    let since = one.since_purge().await.unwrap().unwrap();
    assert!(since <= began.elapsed(), "{since:?}");
    assert!(one.since_purge().await.unwrap().unwrap() >= since);
}

#[tokio::test]
async fn a_purge_sees_thousands_and_leaves_what_others_keep_there() {
    let server = Server::start().await;
    let store = open(&server);
    for name in ["cache:other", "{sluicegate}:kv:other"] {
        said::<()>(&server, cmd("SET").arg(name).arg("x")).await;
    }
    let puts = (0..3_000_u32).map(|number| {
        let mut kept = kept(0, Moment(u64::from(number)), NEVER);
        kept.key[..4].copy_from_slice(&number.to_le_bytes());
        kept.about.model = if number % 3 == 0 { "a" } else { "b" }.into();
        store.put(Arc::new(kept))
    });
    futures_util::future::join_all(puts).await.into_iter().for_each(|put| put.unwrap());
    let purge = Purge { model: Some("a".into()), before: Some(Moment(1_500)), ..Purge::default() };
    assert_eq!(store.purge(purge).await, Ok(500));
    // Two that purge the same at once count each entry once.
    let (one, other) = (open(&server), open(&server));
    let (one, other) = tokio::join!(one.purge(Purge::default()), other.purge(Purge::default()));
    assert_eq!(one.unwrap() + other.unwrap(), 2_500);
    assert_eq!(said::<u64>(&server, &cmd("DBSIZE")).await, 2);
}

#[tokio::test]
async fn a_server_that_never_answers_is_waited_for_no_longer_than_was_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Secret::new(format!("redis://{}", listener.local_addr().unwrap()));
    let store = Redis::new(&url, Duration::from_millis(50), 100_000, Clock::default()).unwrap();
    let put = store.put(Arc::new(kept(1, Moment(1), NEVER)));
    let (get, put) = tokio::time::timeout(WAIT, async { (store.get([1; 32]).await, put.await) }).await.unwrap();
    for failure in [get.unwrap_err(), put.unwrap_err()] {
        assert!(matches!(failure, Failure::Timeout | Failure::Unavailable(_)), "{failure:?}");
    }
    assert!(tokio::time::timeout(WAIT, store.purge(Purge::default())).await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_that_is_gone_or_full_is_said_to_be() {
    let mut server = Server::start().await;
    let store = open(&server);
    let put = || store.put(Arc::new(kept(1, Moment(1), NEVER)));
    assert_eq!(put().await, Ok(()));
    said::<()>(&server, cmd("CONFIG").arg("SET").arg("maxmemory").arg(1)).await;
    assert_eq!(put().await, Err(Failure::Full));
    server.kill();
    for _ in 0..2 {
        let get = store.get([1; 32]).await;
        assert!(matches!(get, Err(Failure::Unavailable(_))), "{get:?}");
    }
}
