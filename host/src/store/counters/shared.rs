//! The counters of any number of gateways, in one Redis or Valkey. Two scripts do it, each all or nothing; minutes and
//! leases go by the server's clock, so that gateways need not agree on the time to the millisecond.
//!
//! All names begin with `{sluicegate}:`, which also keeps them on one node of a cluster, and everything has a time to
//! live. What the server keeps when it is killed itself is its configuration's matter (`appendonly`).

mod settlements;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use redis::aio::ConnectionManager;
use redis::{Script, ScriptInvocation};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::meter::{Bound, Kind, Meter, Of, bounds};
use super::moment::{Clock, Moment};
use super::rule::{Level, Taken, judge, standing};
use super::{Counters, Hold, Reserved, Unavailable};
use crate::config::Secret;
use crate::limits::{Account, Amounts};
use crate::store::redis::{PREFIX, SOMETHING_ELSE, TOO_SLOW, connect, why};
use settlements::{Settlement, Settlements};

const DAY: Duration = Duration::from_secs(86_400);
/// How long a hold is known: longer than any exchange may take.
const HOLD: Duration = Duration::from_secs(2 * 86_400);
/// A sum of a day is of use until the next one, and until what was reserved in it is settled.
const DAY_KEPT: Duration = Duration::from_secs(3 * 86_400);
/// The same for a month.
const MONTH_KEPT: Duration = Duration::from_secs(35 * 86_400);
/// What was spent in all is forgotten when nobody has asked for so long: such an account is gone.
const TOTAL_KEPT: Duration = Duration::from_secs(800 * 86_400);
/// Time between two tries to reach a server that hangs up.
const AGAIN: Duration = Duration::from_millis(20);

/// Says that a gateway is there, by the clock of the server.
const HERE: &str = "local clock = redis.call('TIME')
    local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Counts in a Redis or Valkey.
#[derive(Debug)]
pub struct Shared {
    server: Arc<Server>,
    settlements: Settlements,
    clock: Clock,
}

/// How the server is asked.
struct Server {
    connection: ConnectionManager,
    reserve: Script,
    settle: Script,
    here: Script,
    /// This process, as the owner of places.
    gateway: String,
    wait: Duration,
    lease: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

impl Shared {
    /// Counters at this address. Nobody is asked before the first exchange; `wait` bounds each question.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(url: &Secret, wait: Duration, lease: Duration) -> Result<Self, String> {
        let connection = connect(url, wait)?;
        let server = Arc::new(Server {
            connection,
            reserve: Script::new(include_str!("reserve.lua")),
            settle: Script::new(include_str!("settle.lua")),
            here: Script::new(HERE),
            gateway: Uuid::new_v4().simple().to_string(),
            wait,
            lease,
        });
        Ok(Self { settlements: Settlements::start(server.clone()), server, clock: Clock::default() })
    }

    async fn reserved(&self, accounts: &Arc<[Account]>, amounts: Amounts) -> Result<Reserved, Unavailable> {
        let (id, at) = (Uuid::now_v7(), self.clock.now());
        let bounds: Vec<Bound<'_>> = accounts.iter().flat_map(bounds).collect();
        let hold = Hold { id, accounts: accounts.clone(), amounts, at, number: 0 };
        let said = match self.server.reserve(&hold, &bounds, HOLD).await {
            Ok(said) => said,
            Err(why) => {
                // It may have been taken all the same: if so, it is given back when the server is there again.
                self.settlements.add(Settlement::of(&hold, Amounts::default(), true));
                return Err(Unavailable(why));
            }
        };
        let (is_granted, now, taken) = taken(&said, &bounds).ok_or_else(malformed)?;
        let standing = standing(&taken, now);
        if is_granted {
            return Ok(Reserved::Granted(hold, standing));
        }
        judge(&taken, amounts, now).map(|refusal| Reserved::Refused(refusal, standing)).ok_or_else(malformed)
    }

    async fn levels(&self, accounts: &Arc<[Account]>) -> Result<Vec<Level>, Unavailable> {
        let bounds: Vec<Bound<'_>> = accounts.iter().flat_map(bounds).collect();
        let (id, at, amounts) = (Uuid::now_v7(), self.clock.now(), Amounts::default());
        let hold = Hold { id, accounts: accounts.clone(), amounts, at, number: 0 };
        // What is held for no time is not taken.
        let said = self.server.reserve(&hold, &bounds, Duration::ZERO).await.map_err(Unavailable)?;
        let (_, now, taken) = taken(&said, &bounds).ok_or_else(malformed)?;
        Ok(taken.iter().map(|taken| taken.level(now)).collect())
    }
}

fn malformed() -> Unavailable {
    Unavailable(SOMETHING_ELSE.to_owned())
}

/// What the script says of these bounds: whether they have room, the time, and what is taken of each.
fn taken<'a>(said: &[u64], bounds: &[Bound<'a>]) -> Option<(bool, Moment, Vec<Taken<'a>>)> {
    let [granted, now, levels @ ..] = said else { return None };
    let taken = bounds.iter().zip(levels).map(|(bound, taken)| Taken { bound: *bound, taken: (*taken).into() });
    (levels.len() == bounds.len()).then(|| (*granted == 1, Moment(*now), taken.collect()))
}

impl Server {
    async fn reserve(&self, hold: &Hold, bounds: &[Bound<'_>], held: Duration) -> Result<Vec<u64>, String> {
        let mut script = self.reserve.prepare_invoke();
        script.key(key_of_hold(hold.id)).key(format!("{PREFIX}:gateways"));
        script.arg(&self.gateway).arg(millis(self.lease)).arg(millis(held));
        add_amounts(&mut script, hold.amounts);
        add_bounds(&mut script, bounds.iter().copied(), hold.at);
        self.ask(&script).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<u64, String> {
        let Settlement { id, accounts, at, amounts, over, .. } = settlement;
        let mut script = self.settle.prepare_invoke();
        script.key(key_of_hold(*id)).arg(&self.gateway).arg(u8::from(*over));
        add_amounts(&mut script, *amounts);
        add_bounds(&mut script, accounts.iter().flat_map(bounds), *at);
        self.ask(&script).await
    }

    /// Say that this gateway is there, so that it keeps its places.
    async fn is_here(&self) -> Result<(), String> {
        let mut script = self.here.prepare_invoke();
        script.key(format!("{PREFIX}:gateways")).arg(&self.gateway).arg(millis(self.lease));
        self.ask::<u64>(&script).await.map(drop)
    }

    /// Ask until there is an answer, as long as there is time. Both scripts may be asked twice.
    async fn ask<T: redis::FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, String> {
        let deadline = Instant::now() + self.wait;
        let mut failure = TOO_SLOW.to_owned();
        let asking = async {
            loop {
                let mut connection = self.connection.clone();
                match script.invoke_async::<T>(&mut connection).await {
                    Ok(said) => return Ok(said),
                    // A connection that is gone is noticed by the first who uses it.
                    Err(error) if error.is_io_error() || error.is_connection_dropped() => failure = why(&error),
                    Err(error) => return Err(why(&error)),
                }
                sleep(AGAIN).await;
            }
        };
        match timeout_at(deadline, asking).await {
            Ok(said) => said,
            Err(_) => Err(failure),
        }
    }
}

fn key_of_hold(id: Uuid) -> String {
    format!("{PREFIX}:hold:{}", id.simple())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn add_amounts(script: &mut ScriptInvocation<'_>, amounts: Amounts) {
    script.arg(amounts.requests).arg(amounts.tokens).arg(amounts.money.nanodollars());
}

fn add_bounds<'a>(script: &mut ScriptInvocation<'_>, bounds: impl Iterator<Item = Bound<'a>>, at: Moment) {
    let periods = at.periods();
    for Bound { account, meter, limit } in bounds {
        let kind = match meter.kind() {
            Kind::Bucket => "bucket",
            Kind::Sum => "sum",
            Kind::Places => "places",
        };
        let of = match meter.of() {
            Of::Requests => 1,
            Of::Tokens => 2,
            Of::Money => 3,
            Of::Exchanges => 4,
        };
        script.key(format!("{PREFIX}:{}:{}:{}", account.name, meter.word(), meter.period(periods)));
        script.arg(kind).arg(of).arg(limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX)));
        script.arg(millis(kept(meter)));
    }
}

/// How long nobody has to ask for what was counted before it is forgotten.
fn kept(meter: Meter) -> Duration {
    match meter {
        // A bucket is empty after a minute for each time that it was overdrawn; nobody overdraws it for a day.
        Meter::RequestsPerMinute | Meter::TokensPerMinute => DAY,
        Meter::Concurrent => HOLD,
        Meter::RequestsPerDay | Meter::TokensPerDay | Meter::MoneyPerDay => DAY_KEPT,
        Meter::MoneyPerMonth => MONTH_KEPT,
        Meter::MoneyInAll => TOTAL_KEPT,
    }
}

impl Counters for Shared {
    fn reserve<'a>(
        &'a self,
        accounts: &'a Arc<[Account]>,
        amounts: Amounts,
    ) -> BoxFuture<'a, Result<Reserved, Unavailable>> {
        self.reserved(accounts, amounts).boxed()
    }

    fn taken<'a>(&'a self, accounts: &'a Arc<[Account]>) -> BoxFuture<'a, Result<Vec<Level>, Unavailable>> {
        self.levels(accounts).boxed()
    }

    fn settle(&self, hold: &mut Hold, amounts: Amounts, is_over: bool) {
        let number = self.settlements.add(Settlement::of(hold, amounts, is_over));
        // What was reserved is with the server already.
        if !amounts.is_within(hold.amounts) {
            hold.number = number;
        }
        hold.amounts = amounts;
    }

    fn is_written(&self, number: u64) -> bool {
        self.settlements.is_done(number)
    }

    fn all_written(&self) -> BoxFuture<'_, ()> {
        self.settlements.done(self.settlements.last()).boxed()
    }

    fn written(&self, number: u64) -> BoxFuture<'_, ()> {
        self.settlements.done(number).boxed()
    }
}
