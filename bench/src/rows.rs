//! The rows of the table, each with its budget, and each measured by a function of its own.

mod chunk;
mod endless;
mod exchange;
mod first_token;
pub(crate) mod fork;
mod history;
mod keyed;
mod languages;
mod memory;
mod open_streams;
mod recorded;
mod reload;
mod remembered;
mod routed;
mod translated;

use clap::ValueEnum;

use crate::Result;
use crate::lab::Lab;
use crate::table::Line;

pub(crate) use chunk::paced;
pub(crate) use history::Conversation;
pub(crate) use open_streams::STREAMS;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// CPU time of an exchange with a body of 1 KB, without plugins and with three guardrails.
    Exchange,
    /// The same with 20 KB.
    Exchange20k,
    /// The same with 1 KB, to a provider of another dialect.
    Translated,
    /// The same with 1 KB, for a caller with a key, limits and budgets.
    Keyed,
    /// What a router adds that decides by patterns.
    Routed,
    /// CPU time of an answer from memory.
    Hit,
    /// How long it takes to find a similar question among a hundred thousand.
    Nearest,
    /// What the ledger adds to an exchange.
    Recorded,
    /// How long the console's list takes over a million exchanges.
    Listed,
    /// One call of a guardrail that does nothing.
    Fork,
    /// What plugins cost by the language that they are written in, and a restart with ten.
    Languages,
    /// What is added to the time to the first token.
    FirstToken,
    /// CPU time of a forwarded chunk.
    Chunk,
    /// A long history sent again.
    History,
    /// A plugin that never ends.
    Endless,
    /// Plugins replaced under load.
    Reload,
    /// What an idle gateway holds in memory.
    Memory,
    /// What ten thousand streams hold in memory on which nothing happens.
    OpenStreams,
}

impl Row {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 18] = [
        Self::Exchange,
        Self::Exchange20k,
        Self::Translated,
        Self::Keyed,
        Self::Routed,
        Self::Hit,
        Self::Nearest,
        Self::Recorded,
        Self::Listed,
        Self::Fork,
        Self::Languages,
        Self::FirstToken,
        Self::Chunk,
        Self::History,
        Self::Endless,
        Self::Reload,
        Self::Memory,
        Self::OpenStreams,
    ];

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(crate) async fn measure(self, lab: &Lab) -> Result<Vec<Line>> {
        match self {
            Self::Exchange => exchange::small(lab).await,
            Self::Exchange20k => exchange::large(lab).await,
            Self::Translated => translated::measure(lab).await,
            Self::Keyed => keyed::measure(lab).await,
            Self::Routed => routed::measure(lab).await,
            Self::Hit => remembered::hit(lab).await,
            Self::Nearest => remembered::nearest(lab).await,
            Self::Recorded => recorded::measure(lab).await,
            Self::Listed => recorded::listed(lab).await,
            Self::Fork => fork::measure(lab).await,
            Self::Languages => languages::measure(lab).await,
            Self::FirstToken => first_token::measure(lab).await,
            Self::Chunk => chunk::measure(lab).await,
            Self::History => history::measure(lab).await,
            Self::Endless => endless::measure(lab).await,
            Self::Reload => reload::measure(lab).await,
            Self::Memory => memory::measure(lab).await,
            Self::OpenStreams => open_streams::measure(lab).await,
        }
    }
}
