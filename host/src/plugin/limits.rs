//! The bounds of one call, and the limiter that sums a store's memory.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::engine::ceiling;

/// What a call may use. Fuel and time are for each started [`TEXT_UNIT_BYTES`] of text handed to the call, so
/// that a long document does not need other limits than a sentence, and the bound stays exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel: about one unit for each Wasm instruction. A hundred million are some 30 ms of computing on a server of
    /// 2024. The standard guardrails use a thousandth for a question, and a third for 64 KiB of nothing but addresses.
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

/// Fuel for `describe` and `configure`: about two seconds of computing, of which compiling the expressions of
/// `prompt-injection` takes more than half.
const AT_LOAD_FUEL: u64 = 6_000_000_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 200_000_000,
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
    bytes_max: usize,
    refused: bool,
}

/// A table element is a pointer in the host.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

impl Meter {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: 0, bytes_max, refused: false }
    }

    /// From here on only the engine bounds growth.
    pub(super) fn forget_limit(&mut self) {
        self.bytes_max = usize::MAX;
    }

    /// The most that was in use: neither memories nor tables shrink.
    pub(super) fn peak_bytes(&self) -> usize {
        self.bytes
    }

    /// The most that may be in use.
    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Whether growth was ever refused. A guest that ran out usually traps a moment later.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    /// Grant growth from `current` to `desired` units of `unit_bytes`, of which there may be `most`.
    ///
    /// What is more than the engine can carry out is refused here, so that nothing has to be given back: the engine says
    /// of growth that failed neither how much it was nor whether it was granted, and a guest that could have its last
    /// growth given back by asking for the impossible would be bounded by nothing.
    fn take(&mut self, current: usize, desired: usize, most: usize, unit_bytes: usize) -> bool {
        let more = desired.saturating_sub(current).saturating_mul(unit_bytes);
        let sum = self.bytes.saturating_add(more);
        if desired > most || sum > self.bytes_max {
            self.refused = true;
            return false;
        }
        self.bytes = sum;
        true
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let most = maximum.unwrap_or(usize::MAX).min(ceiling::MEMORY_BYTES);
        Ok(self.take(current, desired, most, 1))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let most = maximum.unwrap_or(usize::MAX).min(ceiling::TABLE_ELEMENTS);
        Ok(self.take(current, desired, most, TABLE_ELEMENT_BYTES))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
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
    fn what_the_engine_cannot_do_is_not_counted_and_nothing_is_given_back() {
        let mut meter = Meter::new(usize::MAX);
        assert!(meter.memory_growing(0, 600, Some(600)).unwrap());
        assert!(!meter.memory_growing(600, 601, Some(600)).unwrap());
        assert!(!meter.memory_growing(600, ceiling::MEMORY_BYTES + 1, None).unwrap());
        assert!(!meter.table_growing(0, ceiling::TABLE_ELEMENTS + 1, None).unwrap());
        meter.memory_grow_failed(wasmtime::Error::msg("more than the type allows")).unwrap();
        assert_eq!(meter.peak_bytes(), 600);
    }

    #[test]
    fn fuel_and_time_grow_with_each_started_unit_of_text() {
        let limits = Limits::default();
        assert_eq!(limits.for_text(0), limits);
        assert_eq!(limits.for_text(TEXT_UNIT_BYTES), limits);
        assert_eq!(limits.for_text(TEXT_UNIT_BYTES + 1).fuel, 2 * limits.fuel);
    }
}
