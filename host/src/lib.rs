//! Sluicegate: a gateway in front of model APIs whose every decision is a sandboxed plugin.
#![forbid(unsafe_code)]

pub mod admin;
pub mod auth;
mod browser;
pub mod cache;
pub mod caller;
pub mod capability;
pub mod chat;
pub mod cli;
pub mod config;
pub mod dialect;
pub mod embed;
pub mod endpoint;
pub mod error;
pub mod escalation;
pub mod exchange;
pub mod gateway;
pub mod generation;
pub mod guard;
pub mod health;
pub mod key;
pub mod limits;
pub mod meter;
pub mod moment;
pub mod money;
pub mod plugin;
pub mod prices;
pub mod proxy;
mod queue;
pub mod reply;
mod route;
pub mod sandbox;
pub mod server;
pub mod store;
mod trouble;
pub mod upstream;
mod webhook;
