//! A stream that was asked for by another caller of the same tenant, who asks the same at the same moment.

use std::sync::Arc;

use tokio::time::timeout_at;

use super::Released;
use crate::cache::{self, Following};
use crate::exchange::Exchange;
use crate::money::Money;

/// What is released to another caller, for this one.
#[derive(Debug)]
pub struct SharedStream {
    x: Arc<Exchange>,
    following: Following,
}

/// What comes next of it.
#[derive(Debug)]
pub enum Next {
    /// It may go to the caller, too.
    Released(Released),
    /// That was all.
    End,
    /// It does not come to its end.
    Lost,
}

impl SharedStream {
    /// For this exchange too, unless one of its guardrails of answers has to look itself: those that look at texts alone, and
    /// say the same of the same, have looked already.
    pub(crate) fn new(x: &Arc<Exchange>, following: Following) -> Result<Self, Following> {
        match x.generation.says_the_same_again() {
            true => Ok(Self { x: x.clone(), following }),
            false => Err(following),
        }
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Next {
        match timeout_at(self.x.deadline, self.following.next()).await {
            Ok(cache::Next::Events(events)) => Next::Released(Released(events)),
            Ok(cache::Next::End) => Next::End,
            Ok(cache::Next::Lost) | Err(_) => Next::Lost,
        }
    }

    /// What a model has cost, if it has come to its end and that is known.
    pub(crate) fn cost(&self) -> Option<Money> {
        self.following.cost()
    }

    /// Whose it is.
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.x
    }
}
