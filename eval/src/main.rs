//! `cargo xtask eval`: the standard plugins as the gateway runs them, on labelled texts beside their sources.

mod answers;
mod difficulty;
mod intents;
mod lab;
mod matrix;
mod similarity;

use std::process::ExitCode;

type Result<T, E = String> = std::result::Result<T, E>;

/// What there are evaluations of: plugins, and what similarity alone is worth.
const ALL: [&str; 4] = [intents::NAME, difficulty::NAME, answers::NAME, similarity::NAME];

#[tokio::main]
async fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    match run(&names).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eval: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !ALL.contains(&name.as_str())) {
        return Err(format!("there is no evaluation of {unknown:?}; there are those of {}", ALL.join(", ")));
    }
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if is_wanted(intents::NAME) {
        intents::evaluate().await?;
    }
    if is_wanted(difficulty::NAME) {
        difficulty::evaluate().await?;
    }
    if is_wanted(similarity::NAME) {
        similarity::evaluate().await?;
    }
    // The last, for it fails where too much is served that is no answer.
    if is_wanted(answers::NAME) {
        answers::evaluate().await?;
    }
    Ok(())
}
