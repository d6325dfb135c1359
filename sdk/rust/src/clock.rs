//! The time, for plugins whose installation has `[grants.clock]`.

/// Milliseconds since the beginning of 1970, in UTC. In the gateway it ends the call of [`configure`](crate::Plugin::configure),
/// in whose snapshot the time would stand still.
#[must_use]
pub fn now_ms() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::imports::sluicegate::plugin::clock::now_ms();
    #[cfg(not(target_arch = "wasm32"))]
    {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
