//! Generated from `wit/`: nothing else lives here, and only `plugin/` sees it.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "host",
    exports: { default: async },
});
