//! What was taken of limits and budgets. One small trait, two stores: [`Embedded`] counts in memory and keeps what
//! lasts in one file; [`Shared`] counts in a Redis or Valkey, so that any number of gateways keep to one limit.
//!
//! Both count alike: a reservation adds what is estimated, for all accounts or for none; the settlement adds the
//! difference to what was used. So what a gateway had reserved when it was killed counts as spent, and nothing that was
//! spent is lost with it.

mod embedded;
mod file;
mod journal;
mod late;
mod meter;
mod moment;
mod rule;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::config::Settings;
use crate::limits::{Account, Amounts};

pub use embedded::Embedded;
pub(super) use file::TABLE;
use late::Late;
pub use meter::Meter;
pub use moment::{Clock, Moment};
pub use rule::{Level, Refusal, Room, Standing};
pub use shared::Shared;

/// Counts what accounts take.
pub trait Counters: fmt::Debug + Send + Sync {
    /// Take these amounts of all accounts, or of none.
    fn reserve<'a>(
        &'a self,
        accounts: &'a Arc<[Account]>,
        amounts: Amounts,
    ) -> BoxFuture<'a, Result<Reserved, Unavailable>>;

    /// What is taken of each bound of these accounts at the moment, to be looked at: nothing is taken by that.
    fn taken<'a>(&'a self, accounts: &'a Arc<[Account]>) -> BoxFuture<'a, Result<Vec<Level>, Unavailable>>;

    /// Make what was reserved these amounts. With `is_over` the exchange is over, and frees its place. Waits for nothing:
    /// what is known then is written behind the caller's back, and [`written`](Self::written) waits for it.
    fn settle(&self, hold: &mut Hold, amounts: Amounts, is_over: bool);

    /// Whether everything up to this number would survive the end of this process.
    fn is_written(&self, number: u64) -> bool;

    /// Wait until it does.
    fn written(&self, number: u64) -> BoxFuture<'_, ()>;

    /// Wait until all does that was settled so far: before the process ends.
    fn all_written(&self) -> BoxFuture<'_, ()>;
}

/// What came of a reservation.
#[derive(Debug)]
pub enum Reserved {
    /// It is taken of all accounts.
    Granted(Hold, Standing),
    /// It is taken of none.
    Refused(Refusal, Standing),
}

/// What an exchange holds, to be settled when it is over.
#[derive(Debug)]
pub struct Hold {
    pub(crate) id: Uuid,
    pub(crate) accounts: Arc<[Account]>,
    /// What it counts as at the moment.
    pub(crate) amounts: Amounts,
    /// When it was reserved: the days and months of then are charged.
    pub(crate) at: Moment,
    /// What of it must be written before its caller may know that it was used.
    pub(crate) number: u64,
}

/// The store cannot be asked; why, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// How long a gateway that is gone keeps the places of its exchanges in a shared store. It says that it is there three
/// times in this time.
pub const LEASE: Duration = Duration::from_secs(30);

/// The store of these settings.
///
/// # Errors
/// When its file cannot be opened, or its address is none.
pub fn open(settings: &Settings) -> Result<Arc<dyn Counters>, String> {
    let store = &settings.store;
    if let Some(url) = &store.redis {
        return Ok(Arc::new(Shared::new(url, store.wait, LEASE)?));
    }
    let late = Late::new(&store.path, store.on_failure);
    // A key may come to have limits later. Where a tenant has some, what is wrong with the file is said at once.
    if !settings.tenants.is_empty() {
        late.open_now()?;
    }
    Ok(Arc::new(late))
}
