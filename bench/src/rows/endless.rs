//! A plugin that never ends: when it is stopped, and what the others notice of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wit_component::StringEncoding;
use wit_parser::Resolve;

use crate::Result;
use crate::client::Connection;
use crate::figures::Series;
use crate::lab::{Lab, Wanted, write};
use crate::load::{self, Load, Round};
use crate::prose::{Chat, fresh, prose};
use crate::table::{Line, us};

/// Loops for ever in a text that begins with an exclamation mark.
const GUEST: &str = include_str!("../../guests/endless.wat");
/// The contract, as it is beside this crate.
const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
const WALL: Duration = Duration::from_millis(50);
const INSTALLATION: &str = "[limits]\nwall_ms = 50\nfuel = 1_000_000_000_000\n";

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let plugins = lab.folder("endless-plugins")?;
    write(&plugins.join("endless.wasm"), &guest()?)?;
    write(&plugins.join("endless.toml"), INSTALLATION.as_bytes())?;
    // It is to be called each time, although it fails each time.
    let configuration = "[plugins]\nbreaker_failures = 0";
    let wanted = Wanted { name: "endless", plugins: Some(plugins), configuration, ..Wanted::default() };
    let gateway = lab.gateway(&wanted)?;
    let others = Load {
        connections: 4,
        pause: Duration::from_millis(3),
        ..Load::full(lab.scale.time * 3, || Chat::of_body(1024).request())
    };
    let p99 = |round: &Round| round.took.quantile(0.99);
    let (mut alone, mut beside) = (Series::default(), Series::default());
    let (mut calls, mut seen) = (Series::default(), Series::default());
    for _ in 0..lab.scale.rounds {
        alone.0.push(p99(&load::run(&gateway, &others).await?));
        let stop = Arc::new(AtomicBool::new(false));
        let attack = tokio::spawn(attack(gateway.address, stop.clone()));
        let round = load::run(&gateway, &others).await;
        stop.store(true, Ordering::Relaxed);
        let (on_receipts, took) = attack.await.map_err(|error| format!("the load generator: {error}"))??;
        beside.0.push(p99(&round?));
        calls.0.extend(on_receipts.0);
        seen.0.extend(took.0);
    }
    let late = |series: &Series, part| series.quantile(part) - WALL.as_secs_f64() * 1e6;
    let moved = beside.minus(&alone);
    Ok(vec![
        Line::new(
            "an endless loop ends after its 50 ms",
            format!("+{}, at worst +{}", us(late(&calls, 0.5)), us(late(&calls, 1.0))),
        )
        .budget("within 10 ms", late(&calls, 1.0) <= 10_000.0),
        Line::note(
            format!("seen by its caller, {} times", seen.0.len()),
            format!("+{}, at worst +{}", us(late(&seen, 0.5)), us(late(&seen, 1.0))),
        ),
        Line::new(
            "meanwhile the p99 of others, one worker",
            format!("moves by {} (from {} to {})", us(moved.median()), us(alone.median()), us(beside.median())),
        )
        .budget("less than 1 ms", moved.median() < 1_000.0),
    ])
}

/// One connection that sets the loop off again and again. Gives microseconds: of the calls, by their receipts, and of
/// the exchanges.
async fn attack(address: SocketAddr, stop: Arc<AtomicBool>) -> Result<(Series, Series)> {
    let mut connection = Connection::open(address).await?;
    let (mut calls, mut took) = (Series::default(), Series::default());
    while !stop.load(Ordering::Relaxed) {
        let chat = Chat { receipts: true, ..Chat::new(format!("!{}", prose(fresh(), 64))) };
        let reply = connection.ask(&chat.request()).await?;
        let outcomes = reply.receipts("outcome");
        if outcomes != ["timed-out"] {
            return Err(format!("the endless loop ended as {outcomes:?}: {}", reply.head));
        }
        calls.0.extend(reply.receipts("us").iter().filter_map(|us| us.parse::<f64>().ok()));
        took.0.push(reply.took.as_secs_f64() * 1e6);
    }
    Ok((calls, took))
}

/// A module with the contract in it, as a toolchain would leave it.
fn guest() -> Result<Vec<u8>> {
    let mut module = wat::parse_str(GUEST).map_err(|error| format!("endless.wat: {error}"))?;
    let embedded = || {
        let mut resolve = Resolve::default();
        resolve.push_dir(WIT)?;
        let world = "package bench:guest;
            world guest {
                export sluicegate:plugin/lifecycle@0.1.0;
                export sluicegate:plugin/text-guardrail@0.1.0;
            }";
        let package = resolve.push_source("guest.wit", world)?;
        let world = resolve.select_world(&[package], None)?;
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
        Ok::<_, Box<dyn std::error::Error>>(module)
    };
    embedded().map_err(|error| format!("endless.wat: {error}"))
}
