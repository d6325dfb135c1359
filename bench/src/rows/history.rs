//! An agent sends its history again with each step. What that costs beside the new message alone.

use std::sync::Arc;

use crate::Result;

use crate::client::Connection;
use crate::figures::Series;
use crate::lab::Lab;
use crate::load::{self, Case, Load, Round};
use crate::prose::{Chat, fresh, prose};
use crate::table::{Line, us};

const SEGMENTS: usize = 100;
const SEGMENT_BYTES: usize = 1024;

/// A long conversation to which something is added.
#[derive(Clone)]
pub(crate) struct Conversation(Arc<Vec<(&'static str, String)>>);

impl Conversation {
    pub(crate) fn new() -> Self {
        let segment = |index| (if index % 2 == 0 { "user" } else { "assistant" }, prose(fresh(), SEGMENT_BYTES));
        Self(Arc::new((0..SEGMENTS).map(segment).collect()))
    }

    /// All of it again, with a new message.
    pub(crate) fn continued(&self) -> Vec<u8> {
        Chat { history: self.0.to_vec(), ..new() }.request()
    }
}

fn new() -> Chat<'static> {
    Chat { words_max: 20, ..Chat::new(prose(fresh(), SEGMENT_BYTES)) }
}

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let (plain, guarded) = (lab.plain().await?, lab.guarded().await?);
    let conversation = Conversation::new();
    let mut connection = Connection::open(guarded.address).await?;
    load::answered(&mut connection, &conversation.continued()).await?;
    let alone = || Load::steady(lab.scale.time, || new().request());
    let again = || {
        let conversation = conversation.clone();
        Load { connections: 4, ..Load::steady(lab.scale.time, move || conversation.continued()) }
    };
    let cases = [
        Case { child: &lab.bare, load: alone() },
        Case { child: &lab.bare, load: again() },
        Case { child: plain, load: alone() },
        Case { child: plain, load: again() },
        Case { child: guarded, load: alone() },
        Case { child: guarded, load: again() },
    ];
    let figures = load::in_turns(&cases, lab.scale.rounds, Round::cpu_per_exchange).await?;
    let [bare_alone, bare_again, plain_alone, plain_again, guarded_alone, guarded_again] = figures.as_slice() else {
        return Err("a case is missing".to_owned());
    };
    let (added_alone, added_again) = (guarded_alone.minus(plain_alone), guarded_again.minus(plain_again));
    let against = |again: &Series, alone: &Series| format!("{} for {}", us(again.median()), us(alone.median()));
    Ok(vec![
        Line::new("history of 100 x 1 KB and one new, added by guardrails", against(&added_again, &added_alone))
            .at_most(&added_again.over(&added_alone), 3.0),
        // No budget: to receive and to send a hundred times as much costs even the bare proxy more than that.
        Line::note("the same, in total", against(guarded_again, guarded_alone))
            .ratio(&guarded_again.over(guarded_alone)),
        Line::note("the same, no plugin", against(plain_again, plain_alone)).ratio(&plain_again.over(plain_alone)),
        Line::note("the same, bare proxy", against(bare_again, bare_alone)).ratio(&bare_again.over(bare_alone)),
    ])
}
