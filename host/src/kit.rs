//! The author's kit: what `sluicegate plugin ...` and `sluicegate dev` do. Plugins run here in the same library as in
//! production, so what passes here passes there.

pub mod build;
pub mod case;
pub mod compare;
pub mod play;
pub mod project;
mod stage;
mod stand_ins;

pub use stage::{Stage, Stages};
