//! The counters with a clock that stands still until it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{Refusal, Standing};
use super::*;
use crate::limits::{Budget, Limits};
use crate::money::Money;

/// Noon of the last day of a month.
const NOON: u64 = 1_798_718_400_000;

/// Counters, and their clock.
struct Counted {
    counters: Embedded,
    now: Arc<AtomicU64>,
}

impl Counted {
    fn in_memory() -> Self {
        Self::at(None, OnFailure::Closed)
    }

    fn at(path: Option<&Path>, on_failure: OnFailure) -> Self {
        let now = Arc::new(AtomicU64::new(NOON));
        let clock = Clock::new({
            let now = now.clone();
            move || Moment(now.load(Ordering::Relaxed))
        });
        Self { counters: Embedded::open(path, on_failure, clock).unwrap(), now }
    }

    fn passes(&self, time: Duration) {
        self.now.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn take(&self, accounts: &Arc<[Account]>, amounts: Amounts) -> Result<(Hold, Standing), Refusal> {
        match self.counters.reserve_now(accounts, amounts).unwrap() {
            Reserved::Granted(hold, standing) => Ok((hold, standing)),
            Reserved::Refused(refusal, _) => Err(refusal),
        }
    }

    /// Take it, and use as much.
    fn uses(&self, accounts: &Arc<[Account]>, amounts: Amounts) -> Result<(), Refusal> {
        let (mut hold, _) = self.take(accounts, amounts)?;
        self.counters.settle(&mut hold, amounts, true);
        Ok(())
    }
}

fn account(name: &str, limits: Limits, budget: Budget) -> Account {
    Account { name: name.into(), limits, budget }
}

fn only(limits: Limits, budget: Budget) -> Arc<[Account]> {
    [account("tenant:a", limits, budget)].into()
}

fn amounts(tokens: u64, nanodollars: u64) -> Amounts {
    Amounts { requests: 1, tokens, money: Money::from_nanodollars(nanodollars) }
}

fn dollars(nanodollars: u64) -> Option<Money> {
    Some(Money::from_nanodollars(nanodollars))
}

const FREE: Limits = Limits {
    requests_per_minute: None,
    requests_per_day: None,
    tokens_per_minute: None,
    tokens_per_day: None,
    concurrent: None,
};
const POOR: Budget = Budget { day: None, month: None, total: None };

#[test]
fn every_meter_lets_through_its_limit_and_nothing_past_it() {
    let half_a_day = Some(Duration::from_secs(12 * 3600));
    for (accounts, meter, wait) in [
        (
            only(Limits { requests_per_minute: Some(7), ..FREE }, POOR),
            Meter::RequestsPerMinute,
            // A seventh of a minute, rounded up to the millisecond.
            Some(Duration::from_millis(8_572)),
        ),
        (only(Limits { requests_per_day: Some(7), ..FREE }, POOR), Meter::RequestsPerDay, half_a_day),
        (
            only(Limits { tokens_per_minute: Some(70), ..FREE }, POOR),
            Meter::TokensPerMinute,
            Some(Duration::from_millis(8_572)),
        ),
        (only(Limits { tokens_per_day: Some(70), ..FREE }, POOR), Meter::TokensPerDay, half_a_day),
        (only(Limits { concurrent: Some(7), ..FREE }, POOR), Meter::Concurrent, Some(Duration::from_secs(1))),
        (only(FREE, Budget { day: dollars(35), ..POOR }), Meter::MoneyPerDay, half_a_day),
        (only(FREE, Budget { month: dollars(35), ..POOR }), Meter::MoneyPerMonth, half_a_day),
        (only(FREE, Budget { total: dollars(35), ..POOR }), Meter::MoneyInAll, None),
    ] {
        let counted = Counted::in_memory();
        let holds: Vec<Hold> = (0..7).map(|_| counted.take(&accounts, amounts(10, 5)).unwrap().0).collect();
        let refusal = counted.take(&accounts, amounts(10, 5)).unwrap_err();
        assert_eq!((refusal.meter, refusal.wait), (meter, wait), "{refusal:?}");
        assert_eq!((&*refusal.account, refusal.whose), ("tenant:a", "tenant"));
        // What was refused has taken nothing, and what is given back can be taken again.
        for mut hold in holds {
            counted.counters.settle(&mut hold, Amounts::default(), true);
        }
        let used = (0..7).filter(|_| counted.uses(&accounts, amounts(10, 5)).is_ok()).count();
        assert_eq!(used, 7, "{meter:?}");
    }
}

#[test]
fn who_waits_as_long_as_was_said_gets_through_and_who_waits_less_does_not() {
    let accounts = only(Limits { requests_per_minute: Some(7), tokens_per_minute: Some(1_000), ..FREE }, POOR);
    let counted = Counted::in_memory();
    (0..7).for_each(|_| counted.uses(&accounts, amounts(1, 0)).unwrap());
    let wait = counted.take(&accounts, amounts(1, 0)).unwrap_err().wait.unwrap();
    counted.passes(wait - Duration::from_millis(1));
    assert!(counted.take(&accounts, amounts(1, 0)).is_err());
    counted.passes(Duration::from_millis(1));
    counted.uses(&accounts, amounts(1, 0)).unwrap();
    assert!(counted.take(&accounts, amounts(1, 0)).is_err());
    // The longest of several waits is said: requests are there again before that many tokens are.
    counted.passes(Duration::from_secs(60));
    counted.uses(&accounts, amounts(1_000, 0)).unwrap();
    let refusal = counted.take(&accounts, amounts(500, 0)).unwrap_err();
    assert_eq!((refusal.meter, refusal.wait), (Meter::TokensPerMinute, Some(Duration::from_secs(30))));
}

#[test]
fn what_never_fits_is_told_so() {
    let accounts = only(Limits { tokens_per_minute: Some(100), tokens_per_day: Some(99), ..FREE }, POOR);
    let counted = Counted::in_memory();
    let refusal = counted.take(&accounts, amounts(100, 0)).unwrap_err();
    assert_eq!((refusal.meter, refusal.wait), (Meter::TokensPerDay, None));
    assert_eq!(counted.take(&accounts, amounts(u64::MAX, 0)).unwrap_err().wait, None);
    counted.uses(&accounts, amounts(99, 0)).unwrap();
}

#[test]
fn all_accounts_have_room_or_none_is_charged() {
    let key = account("key:k", Limits { requests_per_minute: Some(10), concurrent: Some(9), ..FREE }, POOR);
    let tenant = account("tenant:t", Limits { requests_per_day: Some(1), ..FREE }, POOR);
    let (key_alone, both) = (Arc::from([key.clone()]), Arc::from([key, tenant]));
    let counted = Counted::in_memory();
    counted.uses(&both, amounts(1, 1)).unwrap();
    for _ in 0..20 {
        assert_eq!(&*counted.take(&both, amounts(1, 1)).unwrap_err().account, "tenant:t");
    }
    let (hold, standing) = counted.take(&key_alone, amounts(1, 1)).unwrap();
    assert_eq!((standing.requests.unwrap().limit, standing.requests.unwrap().remaining), (10, 8));
    assert_eq!(hold.number, 0);
}

#[test]
fn the_tightest_account_is_told() {
    let key = account("key:k", Limits { requests_per_minute: Some(10), tokens_per_day: Some(50), ..FREE }, POOR);
    let tenant = account("tenant:t", Limits { requests_per_day: Some(5), tokens_per_minute: Some(600), ..FREE }, POOR);
    let counted = Counted::in_memory();
    let (_, Standing { requests, tokens }) = counted.take(&Arc::from([key, tenant]), amounts(20, 0)).unwrap();
    let said = [requests.unwrap(), tokens.unwrap()].map(|room| (room.limit, room.remaining, room.renews.0 - NOON));
    assert_eq!(said, [(5, 4, 12 * 3_600_000), (50, 30, 12 * 3_600_000)]);
    assert_eq!(counted.take(&only(FREE, POOR), amounts(1, 1)).unwrap().1, Standing::default());
}

#[test]
fn what_was_used_counts_and_not_what_was_thought() {
    let accounts = only(
        Limits { tokens_per_minute: Some(100), tokens_per_day: Some(1_000), ..FREE },
        Budget { total: dollars(100), ..POOR },
    );
    let counted = Counted::in_memory();
    let (mut hold, _) = counted.take(&accounts, amounts(100, 100)).unwrap();
    counted.counters.settle(&mut hold, amounts(40, 40), true);
    // More than thought: the debt is charged, and has to drain.
    let (mut hold, _) = counted.take(&accounts, amounts(10, 10)).unwrap();
    counted.counters.settle(&mut hold, amounts(160, 10), true);
    let refusal = counted.take(&accounts, amounts(1, 1)).unwrap_err();
    assert_eq!((refusal.meter, refusal.wait), (Meter::TokensPerMinute, Some(Duration::from_millis(60_600))));
    counted.passes(Duration::from_millis(60_600));
    let standing = counted.take(&accounts, amounts(1, 1)).unwrap().1;
    assert_eq!(standing.tokens.unwrap().remaining, 0);
    counted.passes(Duration::from_secs(60));
    assert_eq!(counted.take(&accounts, amounts(1, 50)).unwrap_err().meter, Meter::MoneyInAll);
    counted.uses(&accounts, amounts(1, 49)).unwrap();
    // Used up: not even what is thought to cost nothing.
    assert_eq!(counted.take(&accounts, amounts(1, 0)).unwrap_err().meter, Meter::MoneyInAll);
}

#[test]
fn a_day_and_a_month_begin_anew_and_are_charged_with_what_began_in_them() {
    let accounts = only(
        Limits { requests_per_day: Some(2), ..FREE },
        Budget { day: dollars(10), month: dollars(15), total: dollars(100) },
    );
    let counted = Counted::in_memory();
    let (mut late, _) = counted.take(&accounts, amounts(1, 8)).unwrap();
    assert_eq!(counted.take(&accounts, amounts(1, 3)).unwrap_err().meter, Meter::MoneyPerDay);
    counted.passes(Duration::from_secs(12 * 3600));
    (0..2).for_each(|_| counted.uses(&accounts, amounts(1, 5)).unwrap());
    // Settled a day later: it was the other day's, and the other month's.
    counted.counters.settle(&mut late, amounts(1, 9), true);
    assert_eq!(counted.take(&accounts, amounts(1, 0)).unwrap_err().meter, Meter::MoneyPerDay);
    counted.passes(Duration::from_secs(24 * 3600));
    assert_eq!(counted.take(&accounts, amounts(1, 6)).unwrap_err().meter, Meter::MoneyPerMonth);
    counted.uses(&accounts, amounts(1, 5)).unwrap();
}

#[test]
fn a_clock_that_is_put_back_gives_nothing_away_and_takes_nothing_for_long() {
    let accounts = only(Limits { requests_per_minute: Some(60), requests_per_day: Some(70), ..FREE }, POOR);
    let counted = Counted::in_memory();
    (0..60).for_each(|_| counted.uses(&accounts, amounts(1, 0)).unwrap());
    counted.now.store(NOON - 3_600_000, Ordering::Relaxed);
    assert_eq!(counted.take(&accounts, amounts(1, 0)).unwrap_err().meter, Meter::RequestsPerMinute);
    counted.passes(Duration::from_secs(1));
    counted.uses(&accounts, amounts(1, 0)).unwrap();
    assert_eq!(counted.take(&accounts, amounts(1, 0)).unwrap_err().meter, Meter::RequestsPerMinute);
}

/// As many threads as calls, each of which reserves, waits for all the others, and settles.
#[test]
fn two_hundred_at_the_edge_of_a_budget_overspend_by_nothing() {
    let accounts = only(FREE, Budget { day: dollars(1_000), ..POOR });
    let counted = Counted::in_memory();
    let (granted, spent) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..200 {
            let (accounts, counted, granted, spent) = (&accounts, &counted, &granted, &spent);
            scope.spawn(move || {
                // Thought to cost 30, and cheaper in the end: others may then have what is left.
                let Ok((mut hold, _)) = counted.take(accounts, amounts(1, 30)) else { return };
                let used = 20 + number % 11;
                granted.fetch_add(1, Ordering::Relaxed);
                spent.fetch_add(used, Ordering::Relaxed);
                counted.counters.settle(&mut hold, amounts(1, used), true);
            });
        }
    });
    let (granted, spent) = (granted.into_inner(), spent.into_inner());
    assert!(granted >= 33 && spent <= 1_000, "{granted} were let through and spent {spent}");
    let left = 1_000 - spent;
    assert!(left < 30, "{left} were left, and somebody was refused");
    assert!(counted.take(&accounts, amounts(1, left + 1)).is_err());
    assert!(left == 0 || counted.take(&accounts, amounts(1, left)).is_ok());
}

#[test]
fn what_was_settled_is_there_after_a_restart_and_what_was_not_counts_as_reserved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let accounts =
        only(Limits { requests_per_day: Some(9), concurrent: Some(2), ..FREE }, Budget { total: dollars(100), ..POOR });
    let counted = Counted::at(Some(&path), OnFailure::Closed);
    let (mut hold, _) = counted.take(&accounts, amounts(1, 30)).unwrap();
    counted.counters.settle(&mut hold, amounts(1, 10), true);
    let _lost = counted.take(&accounts, amounts(1, 40)).unwrap();
    drop(counted);
    let counted = Counted::at(Some(&path), OnFailure::Closed);
    let (_, standing) = counted.take(&accounts, amounts(1, 50)).unwrap();
    assert_eq!(standing.requests.unwrap().remaining, 6);
    // Places are free again: nobody is left who would give them back.
    assert_eq!(counted.take(&accounts, amounts(1, 1)).unwrap_err().meter, Meter::MoneyInAll);
}

#[tokio::test]
async fn what_is_more_than_reserved_is_waited_for_and_the_rest_is_written_already() {
    let folder = tempfile::tempdir().unwrap();
    let counted = Counted::at(Some(&folder.path().join("s.db")), OnFailure::Closed);
    let accounts = only(FREE, Budget { total: dollars(100), ..POOR });
    let (mut hold, _) = counted.take(&accounts, amounts(1, 30)).unwrap();
    let reserved = hold.number;
    assert!(reserved > 0);
    counted.counters.written(reserved).await;
    assert!(counted.counters.is_written(reserved));
    counted.counters.settle(&mut hold, amounts(1, 40), false);
    assert!(hold.number > reserved);
    counted.counters.written(hold.number).await;
    let more = hold.number;
    counted.counters.settle(&mut hold, amounts(1, 35), true);
    assert_eq!(hold.number, more);
    counted.counters.all_written().await;
    let kept = rusqlite::Connection::open(folder.path().join("s.db")).unwrap();
    let sum = "SELECT amount FROM taken WHERE account = 'tenant:a' AND meter = 'money_in_all' AND period = 0";
    assert_eq!(kept.query_row(sum, [], |row| row.get::<_, i64>(0)).unwrap(), 35);
}

#[tokio::test]
async fn what_nobody_waits_for_is_gathered_and_written_with_what_somebody_waits_for() {
    const HOUR: Duration = Duration::from_secs(3600);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let now = Moment(NOON);
    let (journal, _) = Journal::open(&path, now, HOUR).unwrap();
    let one = Change::between(Amounts::default(), Amounts { requests: 1, ..Amounts::default() });
    let add = |account: &str| journal.add(std::iter::once((account.into(), now.day(), one)));
    let (first, second) = (add("a"), add("b"));
    assert!(!journal.is_written(first) && !journal.is_written(second));
    journal.written(first).await;
    assert!(journal.is_written(second));
    assert!(!journal.is_written(add("a")));
    drop(journal);
    let (_, kept) = Journal::open(&path, now, HOUR).unwrap();
    let mut kept: Vec<_> = kept.iter().map(|kept| (&*kept.account, kept.amount)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [("a", 2), ("b", 1)]);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_refuses_what_would_be_forgotten_unless_told_otherwise() {
    for on_failure in [OnFailure::Closed, OnFailure::Open] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let counted = Counted::at(Some(&path), on_failure);
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute("ALTER TABLE taken RENAME TO elsewhere", []).unwrap();
        let budget = only(Limits { requests_per_minute: Some(9), ..FREE }, Budget { total: dollars(100), ..POOR });
        let minute = only(Limits { requests_per_minute: Some(9), ..FREE }, POOR);
        let (hold, _) = counted.take(&budget, amounts(1, 30)).unwrap();
        let failing = || counted.counters.journal.as_ref().unwrap().failure().is_some();
        while !failing() {
            tokio::task::yield_now().await;
        }
        assert!(!counted.counters.is_written(hold.number));
        assert!(matches!(counted.counters.reserve_now(&minute, amounts(1, 1)), Ok(Reserved::Granted(..))));
        let said = counted.counters.reserve_now(&budget, amounts(1, 30));
        assert_eq!(said.is_ok(), on_failure == OnFailure::Open, "{said:?}");
        other.execute("ALTER TABLE elsewhere RENAME TO taken", []).unwrap();
        counted.counters.all_written().await;
        assert!(counted.take(&budget, amounts(1, 30)).is_ok());
        drop(counted);
        let spent = Counted::at(Some(&path), on_failure).take(&budget, amounts(1, 71)).unwrap_err();
        assert_eq!(spent.meter, Meter::MoneyInAll);
    }
}

proptest! {
    /// However calls fall in time and whatever they take: in no span of time more passes than the limit at once and as
    /// much as the time makes room for.
    #[test]
    fn a_bucket_never_lets_more_through_than_its_limit_and_the_time(
        limit in 1_u64..5_000,
        calls in prop::collection::vec((0_u64..20_000, 1_u64..500), 1..60),
    ) {
        let accounts = only(Limits { tokens_per_minute: Some(limit), ..FREE }, POOR);
        let counted = Counted::in_memory();
        let mut passed: Vec<(u64, u64)> = Vec::new();
        let mut at = 0;
        for (ms, tokens) in calls {
            counted.passes(Duration::from_millis(ms));
            at += ms;
            if counted.uses(&accounts, amounts(tokens, 0)).is_ok() {
                passed.push((at, tokens));
            }
        }
        for (from, (start, _)) in passed.iter().enumerate() {
            for (to, (end, _)) in passed.iter().enumerate().skip(from) {
                let sum: u64 = passed[from..=to].iter().map(|(_, tokens)| tokens).sum();
                prop_assert!(sum * 60_000 <= limit * 60_000 + (end - start) * limit);
            }
        }
    }
}

/// What an exchange with a key and a tenant costs, all meters of both on: printed, not judged, since machines differ.
#[test]
#[ignore = "a measurement: run it with --ignored --nocapture"]
fn what_a_reservation_and_its_settlement_take() {
    let folder = tempfile::tempdir().unwrap();
    let counted = Counted::at(Some(&folder.path().join("s.db")), OnFailure::Closed);
    let most = Some(1_000_000_000);
    let limits = Limits {
        requests_per_minute: most,
        requests_per_day: most,
        tokens_per_minute: most,
        tokens_per_day: most,
        concurrent: most,
    };
    let budget = Budget { day: dollars(u64::MAX), month: dollars(u64::MAX), total: dollars(u64::MAX) };
    let accounts: Arc<[Account]> = [account("key:k", limits, budget), account("tenant:t", limits, budget)].into();
    let exchanges = 200_000;
    for _ in 0..3 {
        let start = Instant::now();
        for _ in 0..exchanges {
            let (mut hold, _) = counted.take(&accounts, amounts(100, 1_000)).unwrap();
            counted.counters.settle(&mut hold, amounts(90, 900), true);
        }
        println!("{} ns an exchange, {exchanges} in a row", start.elapsed().as_nanos() / exchanges);
    }
}
