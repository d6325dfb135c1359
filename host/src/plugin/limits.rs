//! The bounds of one call, and the limiter that sums a store's memory.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What a call may use. Fuel and time are for each started [`TEXT_UNIT_BYTES`] of text handed to the call, so
/// that a long document does not need other limits than a sentence, and the bound stays exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel: about one unit for each Wasm instruction. 20 million are some 6 ms of computing on a
    /// server of 2024; the standard guardrails use less than a hundredth.
    pub fuel: u64,
    /// Bytes, summed over all memories and tables. Rust and C guests need 2 MB, interpreters 20 MB.
    pub memory_bytes: usize,
    /// Time on the clock, waiting included. A guardrail above this is felt in every answer.
    pub wall: Duration,
    /// Bytes that a call may hand to the host, at once. A verdict is some hundred bytes; an edit of a
    /// whole document is as long as the document.
    pub result_bytes: usize,
    /// Resource handles of WASI that exist at the same time.
    pub handles: usize,
}

/// The text for which one [`Limits::fuel`] and [`Limits::wall`] are meant.
pub const TEXT_UNIT_BYTES: usize = 64 << 10;

/// Fuel for `describe` and `configure`: about a second of computing.
const AT_LOAD_FUEL: u64 = 3_000_000_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            memory_bytes: 32 << 20,
            wall: Duration::from_millis(50),
            result_bytes: 4 << 20,
            handles: 64,
        }
    }
}

impl Limits {
    /// The limits for a call that is handed `text_bytes` of text.
    #[must_use]
    pub fn for_text(self, text_bytes: usize) -> Self {
        let units = text_bytes.div_ceil(TEXT_UNIT_BYTES).max(1);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Self { fuel: self.fuel.saturating_mul(u64::from(units)), wall: self.wall.saturating_mul(units), ..self }
    }

    /// The limits of `configure` and of the probe at load: nobody waits for them, and tables are built there.
    #[must_use]
    pub fn at_load(self) -> Self {
        Self { fuel: AT_LOAD_FUEL, wall: Duration::from_secs(60), ..self }
    }
}

/// Sums what all memories and tables of a store take; wasmtime's own `StoreLimits` bounds each alone.
#[derive(Debug)]
pub(super) struct Meter {
    bytes: usize,
    /// What the growth that was granted last takes: the engine may still fail to carry it out.
    granted: usize,
    bytes_max: usize,
    refused: bool,
}

/// A table element is a pointer in the host.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

impl Meter {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: 0, granted: 0, bytes_max, refused: false }
    }

    /// The most that was in use: neither memories nor tables shrink.
    pub(super) fn peak_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether growth was ever refused. A guest that ran out usually traps a moment later.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    fn take(&mut self, bytes: usize) -> bool {
        let sum = self.bytes.saturating_add(bytes);
        if sum > self.bytes_max {
            self.refused = true;
            return false;
        }
        self.bytes = sum;
        self.granted = bytes;
        true
    }

    /// The engine's own ceiling, or the system, had no room for growth that the limit allows.
    fn give_back(&mut self) {
        self.bytes = self.bytes.saturating_sub(std::mem::take(&mut self.granted));
        self.refused = true;
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.take(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.take(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT_BYTES)))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back();
        Ok(())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_are_summed_up_to_the_limit_and_not_past_it() {
        let mut meter = Meter::new(1000);
        assert!(meter.memory_growing(0, 600, None).unwrap());
        assert!(meter.table_growing(0, 50, None).unwrap());
        assert!(!meter.refused());
        assert!(!meter.memory_growing(600, 601, None).unwrap());
        assert!(meter.refused());
        assert_eq!(meter.peak_bytes(), 1000);
    }

    #[test]
    fn fuel_and_time_grow_with_each_started_unit_of_text() {
        let limits = Limits::default();
        assert_eq!(limits.for_text(0), limits);
        assert_eq!(limits.for_text(TEXT_UNIT_BYTES), limits);
        assert_eq!(limits.for_text(TEXT_UNIT_BYTES + 1).fuel, 2 * limits.fuel);
    }
}
