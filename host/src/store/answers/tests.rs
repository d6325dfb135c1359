//! What every store must do alike.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

pub(super) fn about(created: Moment, kept_until: Moment) -> About {
    About { partition: [0; 32], tenant: "blue".into(), model: "m".into(), created, kept_until }
}

pub(super) fn kept(number: u8, created: Moment, kept_until: Moment) -> Kept {
    Kept {
        key: [number; 32],
        about: about(created, kept_until),
        fresh_until: Moment(created.0 + 5),
        question: "what is the tide".to_owned(),
        answer: Bytes::from_static(b"{\"a\": \"\xc3\xa9\"}"),
        cost: Some(Money::from_nanodollars(77)),
        exchange: "e".into(),
    }
}

pub(super) fn meaning(number: u8, kept_until: Moment, vector: &[f32]) -> Meaning {
    Meaning { key: [number; 32], about: about(Moment(0), kept_until), vector: vector.into() }
}

pub(super) async fn keeps_and_forgets(store: &dyn Answers, now: Moment) {
    let later = Moment(now.0 + 1_000_000);
    assert_eq!(store.get([1; 32]).await, Ok(None));
    let entry = |number, tenant: &str, model: &str, created| {
        let mut kept = kept(number, Moment(created), later);
        (kept.about.tenant, kept.about.model) = (tenant.into(), model.into());
        kept
    };
    let all = [
        entry(1, "blue", "m", 10),
        entry(2, "blue", "n", 20),
        entry(3, "red", "m", 30),
        entry(4, "", "m", 40),
        Kept { cost: None, question: String::new(), ..entry(5, "red", "n", 50) },
    ];
    let found = async |store: &dyn Answers| {
        let mut found = Vec::new();
        for kept in &all {
            if let Some(known) = store.get(kept.key).await.unwrap() {
                assert_eq!(*known, *kept);
                found.push(kept.key[0]);
            }
        }
        found
    };
    let by = |tenant: Option<&str>, model: Option<&str>, before: Option<u64>| Purge {
        key: None,
        tenant: tenant.map(Into::into),
        model: model.map(Into::into),
        before: before.map(Moment),
    };
    for (purge, left) in [
        (Purge { key: Some([3; 32]), ..Purge::default() }, vec![1, 2, 4, 5]),
        (by(Some("blue"), None, None), vec![3, 4, 5]),
        (by(Some(""), None, None), vec![1, 2, 3, 5]),
        (by(None, Some("m"), None), vec![2, 5]),
        (by(None, None, Some(30)), vec![3, 4, 5]),
        (by(Some("red"), Some("n"), None), vec![1, 2, 3, 4]),
        (by(Some("red"), Some("n"), Some(50)), vec![1, 2, 3, 4, 5]),
        (Purge::default(), vec![]),
    ] {
        for kept in &all {
            store.put(Arc::new(kept.clone())).await.unwrap();
        }
        assert_eq!(found(store).await, [1, 2, 3, 4, 5]);
        let purged = store.purge(purge.clone()).await;
        assert_eq!(purged, Ok(u64::try_from(5 - left.len()).unwrap()), "{purge:?}");
        assert_eq!(found(store).await, left, "{purge:?}");
    }
    // The last one counts.
    let other = Kept { answer: Bytes::from_static(b"other"), ..all[0].clone() };
    store.put(Arc::new(all[0].clone())).await.unwrap();
    store.put(Arc::new(other.clone())).await.unwrap();
    assert_eq!(store.get([1; 32]).await.unwrap().as_deref(), Some(&other));
}

pub(super) async fn finds_what_means_the_same(store: &dyn Meanings, now: Moment) {
    let later = Moment(now.0 + 1_000_000);
    let unit = |degrees: f32| [degrees.to_radians().cos(), degrees.to_radians().sin()];
    for (number, degrees) in [(1, 0.0), (2, 10.0), (3, 30.0), (4, 90.0)] {
        store.put(Arc::new(meaning(number, later, &unit(degrees)))).await.unwrap();
    }
    // Elsewhere, and of another length.
    let mut elsewhere = meaning(5, later, &unit(1.0));
    elsewhere.about.partition = [9; 32];
    elsewhere.about.tenant = "red".into();
    store.put(Arc::new(elsewhere)).await.unwrap();
    store.put(Arc::new(meaning(6, later, &[1.0, 0.0, 0.0]))).await.unwrap();
    let keys = async |partition, degrees: f32, least, most| {
        let near = store.nearest(partition, unit(degrees).into(), least, most).await.unwrap();
        near.iter().map(|near| near.key[0]).collect::<Vec<u8>>()
    };
    assert_eq!(keys([0; 32], 2.0, 0.8, 9).await, [1, 2, 3]);
    assert_eq!(keys([0; 32], 9.0, 0.8, 1).await, [2]);
    assert_eq!(keys([0; 32], 2.0, 0.9999, 9).await, Vec::<u8>::new());
    assert_eq!(keys([9; 32], 2.0, 0.0, 9).await, [5]);
    assert_eq!(keys([7; 32], 2.0, 0.0, 9).await, Vec::<u8>::new());
    let near = store.nearest([0; 32], unit(0.0).into(), 0.0, 2).await.unwrap();
    assert!((near[0].similarity - 1.0).abs() < 1e-4 && (near[1].similarity - 0.9848).abs() < 1e-3, "{near:?}");
    // The last one counts.
    store.put(Arc::new(meaning(1, later, &unit(90.0)))).await.unwrap();
    assert_eq!(keys([0; 32], 0.0, 0.8, 9).await, [2, 3]);
    let purged = store.purge(Purge { tenant: Some("red".into()), ..Purge::default() }).await;
    assert_eq!(purged, Ok(1));
    assert_eq!(keys([9; 32], 2.0, 0.0, 9).await, Vec::<u8>::new());
    assert_eq!(store.purge(Purge { key: Some([2; 32]), ..Purge::default() }).await, Ok(1));
    assert_eq!(keys([0; 32], 0.0, 0.8, 9).await, [3]);
    assert_eq!(store.purge(Purge::default()).await, Ok(4));
}

/// What is given until when.
pub(super) async fn tells_gone_from_kept(store: &dyn Answers, time: &AtomicU64) {
    let now = time.load(Ordering::Relaxed);
    store.put(Arc::new(kept(1, Moment(now), Moment(now + 100_000)))).await.unwrap();
    store.put(Arc::new(kept(2, Moment(now), Moment(now + 200_000)))).await.unwrap();
    for (passed, found) in [(0, [true, true]), (99_999, [true, true]), (100_000, [false, true]), (200_000, [false; 2])]
    {
        time.store(now + passed, Ordering::Relaxed);
        let is_there = [store.get([1; 32]).await.unwrap().is_some(), store.get([2; 32]).await.unwrap().is_some()];
        assert_eq!(is_there, found, "{passed}");
    }
}

/// Many entries whose keys differ in a bit or two: each is found by its own key, and no other is.
pub(super) async fn keeps_entries_apart(store: &dyn Answers, now: Moment) {
    store.purge(Purge::default()).await.unwrap();
    let later = Moment(now.0 + 1_000_000);
    let key = |number: usize| {
        let mut key = [0x5a; 32];
        key[number / 8] ^= 1 << (number % 8);
        key
    };
    let entry = |number: usize| Kept {
        key: key(number),
        // Whatever bytes come, they come back.
        answer: (0..number).map(|place| (place * 31 % 256) as u8).collect(),
        exchange: number.to_string().into(),
        ..kept(0, Moment(number as u64), later)
    };
    for number in (0..256).step_by(2) {
        store.put(Arc::new(entry(number))).await.unwrap();
    }
    for number in 0..256 {
        let found = store.get(key(number)).await.unwrap();
        assert_eq!(found.as_deref(), (number % 2 == 0).then(|| entry(number)).as_ref(), "{number}");
    }
    let before = Purge { before: Some(Moment(128)), ..Purge::default() };
    assert_eq!(store.purge(before).await, Ok(64));
    for number in 0..256 {
        let is_there = store.get(key(number)).await.unwrap().is_some();
        assert_eq!(is_there, number % 2 == 0 && number >= 128, "{number}");
    }
    assert_eq!(store.purge(Purge::default()).await, Ok(64));
}

/// Many partitions with the same vectors: each finds its own, also when others are forgotten.
pub(super) async fn keeps_partitions_apart(store: &dyn Meanings, now: Moment) {
    let later = Moment(now.0 + 1_000_000);
    let entry = |partition: u8, number: u8| {
        let angle = f32::from(number) / 10.0;
        let mut meaning = meaning(number, later, &[angle.cos(), angle.sin()]);
        meaning.key[0] = partition;
        (meaning.about.partition, meaning.about.created) = ([partition; 32], Moment(number.into()));
        (meaning.about.tenant, meaning.about.model) = (format!("t{}", partition % 3).into(), "m".into());
        meaning
    };
    let (partitions, numbers) = (0..40, 0..8);
    for (partition, number) in partitions.clone().flat_map(|one| numbers.clone().map(move |number| (one, number))) {
        store.put(Arc::new(entry(partition, number))).await.unwrap();
    }
    let near = async |partition: u8, number: u8| {
        let vector = entry(partition, number).vector;
        store.nearest([partition; 32], vector, 0.0, 99).await.unwrap()
    };
    for partition in partitions.clone() {
        for number in numbers.clone() {
            let near = near(partition, number).await;
            assert_eq!(near.len(), 8);
            assert_eq!(near[0].key, entry(partition, number).key);
            assert!(near.iter().all(|near| near.key[0] == partition), "{near:?}");
            assert!(near.is_sorted_by(|one, other| one.similarity >= other.similarity), "{near:?}");
        }
    }
    let of = |tenant: &str, before| Purge { tenant: Some(tenant.into()), before, ..Purge::default() };
    assert_eq!(store.purge(of("t1", Some(Moment(3)))).await, Ok(13 * 3));
    assert_eq!(store.purge(of("t2", None)).await, Ok(13 * 8));
    assert_eq!(store.purge(Purge { model: Some("n".into()), ..Purge::default() }).await, Ok(0));
    for partition in partitions {
        let left = [8, 5, 0][usize::from(partition % 3)];
        assert_eq!(near(partition, 0).await.len(), left, "{partition}");
    }
    // The same question in another partition is kept there, and not here any more.
    let moved = Meaning { key: entry(0, 0).key, ..entry(1, 0) };
    store.put(Arc::new(moved)).await.unwrap();
    assert_eq!((near(0, 0).await.len(), near(1, 0).await.len()), (7, 6));
    assert_eq!(store.purge(Purge::default()).await, Ok(14 * 8 + 13 * 5));
}
