//! The model behind the proxies: the sandbox model, in a process of its own, so that its work is on nobody's bill.

use sluicegate::sandbox::{Sandbox, Settings};

use crate::{Result, child, rows};

/// Serve until the process is ended.
pub(crate) fn run() -> Result<()> {
    child::runtime()?.block_on(async {
        let settings = Settings { seen_max: 0, connections_max: 2 * rows::STREAMS, ..Settings::default() };
        let sandbox = Sandbox::start(settings).await.map_err(|error| format!("starting the model: {error}"))?;
        child::listens_at(sandbox.address());
        std::future::pending().await
    })
}
