//! What it costs that every exchange is kept in the ledger and told a collector, and how long it takes to look for some among very many.

use std::path::Path;
use std::time::{Duration, Instant};

use sluicegate::config;
use sluicegate::ledger::{Filter, Ledger};
use sluicegate::store::ledger::{Durable, Statement};

use crate::Result;
use crate::child::Child;
use crate::figures::{Series, calmest};
use crate::lab::{Lab, SANDBOX, Wanted};
use crate::load::{self, Case, Load, Round};
use crate::prose::Chat;
use crate::table::{Line, us};

/// What the ledger and the spans may add, of what an exchange costs the bare proxy.
const ADDED_MAX: f64 = 0.5;
/// Bytes of the request and of the answer.
const BODY: usize = 1024;
/// What is written and sent is put off for less than this.
const PUT_OFF: Duration = Duration::from_millis(400);
/// So many times more rounds than of others, of which the calm half counts: what this row asks for is the difference of two
/// figures that are near each other, and a machine makes more of the same load at one time than at another.
const ROUNDS: usize = 4;
/// Exchanges that are looked through.
const EXCHANGES: u64 = 1_000_000;
/// Looks with each filter.
const LOOKS: usize = 20;
/// Rows of a page of the console.
const ROWS: usize = 50;
/// What a look may take, in milliseconds.
const LOOK_MS_MAX: f64 = 50.0;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let plain = lab.plain().await?;
    let recorded = lab.recorded()?;
    let collector = Lab::collector()?;
    let traced = lab.traced(&collector)?;
    let children = [&lab.bare, plain, &recorded, &traced];
    let asks = || Chat::of_body(BODY).request();
    let steady = in_turns(lab, children, Load::steady(lab.scale.time, asks)).await?;
    let full = in_turns(lab, children, Load::full(lab.scale.time, asks)).await?;
    Ok([lines("", &steady), lines("under full load: ", &full)].concat())
}

/// What is said of a load, whose name stands before each line.
fn lines(load: &str, [bare, plain, recorded, traced]: &[Series; 4]) -> Vec<Line> {
    let note = |what: &str, figures: &Series| {
        Line::note(format!("{load}{what}"), us(figures.median())).ratio(&figures.over(bare))
    };
    let added = traced.minus(plain).over(bare);
    vec![
        Line::new(format!("{load}bare proxy, CPU per exchange, 1 KB"), us(bare.median())),
        note("no plugin, nothing recorded", plain),
        note("no plugin, recorded", recorded),
        note("no plugin, recorded, spans sent", traced),
        Line::new(format!("{load}the ledger and spans add"), us(traced.median() - plain.median()))
            .at_most(&added, ADDED_MAX),
    ]
}

/// What an exchange costs each of them, in the calm rounds, with all that is put off.
async fn in_turns<const N: usize>(lab: &Lab, children: [&Child; N], load: Load) -> Result<[Series; N]> {
    let load = Load { settle: PUT_OFF, ..load };
    let cases = children.map(|child| Case { child, load: load.clone() });
    let figures = load::in_turns(&cases, ROUNDS * lab.scale.rounds, Round::cpu_per_exchange).await?;
    calmest(&figures).try_into().map_err(|_| "a case is missing".to_owned())
}

/// In this process: the list of the console, whose page takes less than a millisecond beside that.
pub(super) async fn listed(lab: &Lab) -> Result<Vec<Line>> {
    let folder = lab.folder("listed")?;
    let gateway = lab.gateway(&Wanted { name: "listed", recorded: true, ..Wanted::default() })?;
    let load = Load { settle: PUT_OFF, ..Load::steady(lab.scale.time, || Chat::of_body(BODY).request()) };
    load::in_turns(&[Case { child: &gateway, load }], 1, Round::cpu_per_exchange).await?;
    drop(gateway);
    let ledger = open(&folder)?;
    let began = Instant::now();
    let count = multiply(&ledger, if lab.scale.rounds < 9 { EXCHANGES / 10 } else { EXCHANGES }).await?;
    let mut lines = vec![Line::note(
        format!("making {count} exchanges of some"),
        format!("{:.1} s", began.elapsed().as_secs_f64()),
    )];
    let of = |text: &str| Some(text.to_owned());
    let filters = [
        ("all", Filter::default()),
        ("of a tenant", Filter { tenant: of("default"), ..Filter::default() }),
        ("of a tenant that nobody is", Filter { tenant: of("none"), ..Filter::default() }),
        ("not answered", Filter { outcome: of("unanswered"), ..Filter::default() }),
        ("of a model and a target that are not", Filter { model: of("none"), target: of("none"), ..Filter::default() }),
        (
            "of a tenant, with a target that is none",
            Filter { tenant: of("default"), target: of("none"), ..Filter::default() },
        ),
        ("dearer than any", Filter { cost_min: Some(u64::MAX / 2), ..Filter::default() }),
    ];
    for (what, filter) in filters {
        let mut took = Series::default();
        for _ in 0..LOOKS {
            let began = Instant::now();
            let found = ledger.list(&filter, ROWS).await.map_err(|failure| failure.to_string())?;
            took.0.push(began.elapsed().as_secs_f64() * 1e3);
            std::hint::black_box(found);
        }
        let ratio: Series = took.0.iter().map(|ms| ms / LOOK_MS_MAX).collect();
        lines.push(
            Line::new(format!("{ROWS} of {count}: {what}, of 50 ms"), us(took.median() * 1e3)).at_most(&ratio, 1.0),
        );
    }
    Ok(lines)
}

fn open(folder: &Path) -> Result<std::sync::Arc<Ledger>> {
    let settings = config::parse("bench", SANDBOX, folder).map_err(|problems| problems.to_string())?;
    Ledger::open(&settings)?.ok_or_else(|| "the ledger is off".to_owned())
}

/// As many as wanted of those that are there: copies with ids of their own, in the order of time.
async fn multiply(ledger: &Ledger, wanted: u64) -> Result<u64> {
    let count = async || -> Result<u64> {
        let rows = ledger.database().read(Statement::new("SELECT count(*) FROM exchanges", Vec::new())).await;
        let rows = rows.map_err(|failure| failure.to_string())?;
        Ok(rows.into_iter().next().and_then(|mut row| row.number()).unwrap_or_default())
    };
    let mut there = count().await?;
    while there < wanted {
        if there == 0 {
            return Err("no exchange was recorded".to_owned());
        }
        let copied = (wanted - there).min(there);
        let statements = [
            format!("CREATE TEMP TABLE copied AS SELECT * FROM exchanges ORDER BY id DESC LIMIT {copied}"),
            "UPDATE copied SET began = began + (SELECT max(began) - min(began) + 1 FROM copied)".to_owned(),
            "UPDATE copied SET id = printf('%012x', began) || substr(lower(hex(randomblob(10))), 1, 20)".to_owned(),
            "INSERT INTO exchanges SELECT * FROM copied".to_owned(),
            "DROP TABLE copied".to_owned(),
        ];
        let statements = statements.map(|sql| Statement::new(sql, Vec::new())).to_vec();
        ledger.database().write(statements, Durable::Process).await.map_err(|failure| failure.to_string())?;
        there = count().await?;
    }
    Ok(there)
}
