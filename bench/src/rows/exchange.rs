//! CPU time of an exchange that is not streamed.

use crate::Result;
use crate::child::Child;
use crate::client::Connection;
use crate::figures::Series;
use crate::lab::{Lab, Wanted};
use crate::load::{self, Case, Load, Round};
use crate::prose::Chat;
use crate::table::{Line, us};

/// A model that says the same hundred words whatever it is asked.
const CONSTANT: &str = "sandbox-long-100";

pub(super) async fn small(lab: &Lab) -> Result<Vec<Line>> {
    const BYTES: usize = 1024;
    let (plain, guarded) = (lab.plain().await?, lab.guarded().await?);
    all_call(lab, guarded, BYTES).await?;
    let configuration = "[log]\nlevel = \"warn\"";
    let quiet = lab.gateway(&Wanted { name: "quiet", configuration, ..Wanted::default() })?;
    let fresh = || Load::steady(lab.scale.time, || Chat::of_body(BYTES).request());
    let constant_answer =
        || Load::steady(lab.scale.time, || Chat { model: CONSTANT, ..Chat::of_body(BYTES) }.request());
    let full = || Load::full(lab.scale.time, || Chat::of_body(BYTES).request());
    let known = Chat { model: CONSTANT, ..Chat::of_body(BYTES) }.request();
    let cases = [
        Case { child: &lab.bare, load: fresh() },
        Case { child: plain, load: fresh() },
        Case { child: guarded, load: fresh() },
        Case { child: &quiet, load: fresh() },
        Case { child: guarded, load: constant_answer() },
        Case { child: guarded, load: Load::steady(lab.scale.time, move || known.clone()) },
        Case { child: &lab.bare, load: full() },
        Case { child: plain, load: full() },
        Case { child: guarded, load: full() },
    ];
    let figures = load::in_turns(&cases, lab.scale.rounds, Round::cpu_per_exchange).await?;
    let [bare, plain, guarded, quiet, constant_answer, known, bare_full, plain_full, guarded_full] = figures.as_slice()
    else {
        return Err("a case is missing".to_owned());
    };
    let line = |what, figures: &Series| Line::new(what, us(figures.median()));
    let note = |what, figures: &Series| Line::note(what, us(figures.median())).ratio(&figures.over(bare));
    Ok(vec![
        line("bare proxy, CPU per exchange, 1 KB", bare),
        line("no plugin, 1 KB", plain).at_most(&plain.over(bare), 1.5),
        note("the same, logging only warnings", quiet),
        line("guardrails, 1 KB, question and answer new", guarded).at_most(&guarded.over(bare), 3.0),
        note("the same answer each time (remembered)", constant_answer),
        note("the same question and answer each time", known),
        Line::note("under full load: bare proxy", us(bare_full.median())),
        Line::note("under full load: no plugin", us(plain_full.median())).ratio(&plain_full.over(bare_full)),
        Line::note("under full load: guardrails", us(guarded_full.median())).ratio(&guarded_full.over(bare_full)),
    ])
}

pub(super) async fn large(lab: &Lab) -> Result<Vec<Line>> {
    const BYTES: usize = 20 << 10;
    let (plain, guarded) = (lab.plain().await?, lab.guarded().await?);
    all_call(lab, guarded, BYTES).await?;
    let fresh = || Load { connections: 4, ..Load::steady(lab.scale.time, || Chat::of_body(BYTES).request()) };
    let cases = [&lab.bare, plain, guarded].map(|child| Case { child, load: fresh() });
    let figures = load::in_turns(&cases, lab.scale.rounds, Round::cpu_per_exchange).await?;
    let [bare, plain, guarded] = figures.as_slice() else {
        return Err("a case is missing".to_owned());
    };
    Ok(vec![
        Line::new("bare proxy, CPU per exchange, 20 KB", us(bare.median())),
        Line::note("no plugin, 20 KB", us(plain.median())).ratio(&plain.over(bare)),
        Line::new("guardrails, 20 KB, question and answer new", us(guarded.median())).at_most(&guarded.over(bare), 5.0),
    ])
}

/// Makes sure that what is going to be measured is what it is said to be: every guardrail is called, none remembers
/// anything, and none finds anything.
async fn all_call(lab: &Lab, guarded: &Child, bytes: usize) -> Result<()> {
    let mut connection = Connection::open(guarded.address).await?;
    for _ in 0..3 {
        let chat = Chat { receipts: true, ..Chat::of_body(bytes) };
        let reply = load::answered(&mut connection, &chat.request()).await?;
        let (verdicts, remembered) = (reply.receipts("verdict"), reply.receipts("remembered"));
        let all = lab.guardrails.iter().all(|name| reply.head.contains(&format!("{name};digest=")));
        if !all || verdicts.iter().any(|verdict| verdict != "allow") || remembered.iter().any(|count| count != "0") {
            return Err(format!("the guardrails do not all allow new text: {}", reply.head));
        }
    }
    Ok(())
}
