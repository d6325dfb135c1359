//! What outlives an exchange: behind one small trait each, with an embedded and a shared store.

pub mod counters;
