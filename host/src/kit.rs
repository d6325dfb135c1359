//! The author's kit: what `sluicegate plugin ...` and `sluicegate dev` do. Plugins run here in the same library as in
//! production, so what passes here passes there.

pub mod case;
pub mod compare;
pub mod play;
mod stage;
mod stand_ins;

pub use stage::{Stage, Stages};
