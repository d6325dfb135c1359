//! What a file is, before anything of it runs: component or core module, what it imports and exports.

use std::borrow::Cow;
use std::collections::BTreeSet;

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload, Validator};

use crate::capability::Capability;
use crate::config::Grants;

/// Bytes of a component file. SpiderMonkey and CPython components have 12 MB to 40 MB.
pub(super) const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// The package of the contract that this host runs.
const PACKAGE: &str = "sluicegate:plugin/";
/// Its version. Before 1.0 the minor version must be the same.
pub(super) const VERSION: &str = "0.1.0";

/// What a component imports and exports, by the names of the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// `component`, or `core module` if it had to be wrapped.
    pub form: Form,
    /// Imported interfaces with their versions.
    pub imports: BTreeSet<String>,
    /// Exported interfaces with their versions.
    pub exports: BTreeSet<String>,
    /// The linear memories of its modules.
    pub memories: u32,
    /// Bytes that these have at the start.
    pub memory_bytes: u64,
}

/// Bytes of a page of a linear memory, by the WebAssembly specification.
const PAGE_BYTES: u64 = 64 << 10;

/// The form of a plugin file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A component.
    #[default]
    Component,
    /// A core module with its component type embedded, as `cargo build` leaves it.
    CoreModule,
}

impl Anatomy {
    /// Whether it imports WASI, and so clocks and random numbers.
    #[must_use]
    pub fn imports_wasi(&self) -> bool {
        self.imports.iter().any(|name| name.starts_with("wasi:"))
    }

    /// What an installation has to grant it.
    pub fn needs(&self) -> impl Iterator<Item = Capability> {
        self.imports.iter().filter_map(|name| Capability::named(contract_interface(name)?))
    }

    /// Which kinds of plugin it is: what it exports of the interfaces that this host calls.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        RUN.iter().copied().filter(|interface| self.exports(interface))
    }

    /// The version of the contract that it is made for; of what it exports, which is all of one version.
    #[must_use]
    pub fn contract(&self) -> Option<&str> {
        let exported = self.exports.iter().find(|name| name.starts_with(PACKAGE))?;
        exported.split_once('@').map(|(_, version)| version)
    }

    /// Whether it exports the contract's interface of that name.
    #[must_use]
    pub fn exports(&self, interface: &str) -> bool {
        self.exports.iter().any(|name| contract_interface(name) == Some(interface))
    }
}

/// Read a plugin file: as a component, wrapped where it is a core module.
///
/// # Errors
/// What the file is instead, and how to mend it.
pub(super) fn read(bytes: &[u8]) -> Result<(Anatomy, Cow<'_, [u8]>), String> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(format!("the file has {} bytes, more than {COMPONENT_BYTES_MAX}", bytes.len()));
    }
    if Parser::is_core_wasm(bytes) {
        let component = wrap(bytes)?;
        let anatomy = Anatomy { form: Form::CoreModule, ..outline(&component)? };
        if anatomy.exports.is_empty() {
            return Err("a core module without a component type: build it with the SDK, which embeds one, or embed \
                        it yourself with `wasm-tools component embed`"
                .to_owned());
        }
        return Ok((anatomy, Cow::Owned(component)));
    }
    if Parser::is_component(bytes) {
        return Ok((outline(bytes)?, Cow::Borrowed(bytes)));
    }
    Err("the file is not WebAssembly: it does not begin with a Wasm header".to_owned())
}

/// Components in components. Toolchains make two levels; each more multiplies what has to be instantiated.
const NESTING_MAX: usize = 3;
/// Instances of components in one file. With the levels it bounds what compiling has to count.
const INSTANCES_MAX: u32 = 128;

fn wrap(module: &[u8]) -> Result<Vec<u8>, String> {
    // What wraps it counts on a module that is whole.
    Validator::new().validate_all(module).map_err(|error| format!("the file is damaged: {error}"))?;
    let mut encoder = wit_component::ComponentEncoder::default();
    let encoded = encoder.validate(true).module(module).and_then(|encoder| encoder.encode());
    encoded.map_err(|error| {
        format!(
            "a core module that cannot be wrapped as a component: {error:#}; build it with the SDK, which embeds \
             the component type, or wrap it yourself"
        )
    })
}

/// The imports and exports of the outermost component.
fn outline(component: &[u8]) -> Result<Anatomy, String> {
    let mut anatomy = Anatomy::default();
    let mut depth = 0_usize;
    let mut instances = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| format!("the file is damaged: {error}"))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err("the file is not a component".to_owned());
            }
            Payload::ModuleSection { .. } => depth += 1,
            Payload::ComponentSection { .. } => {
                depth += 1;
                if depth > NESTING_MAX {
                    return Err(format!("it nests components deeper than {NESTING_MAX} levels"));
                }
            }
            Payload::ComponentInstanceSection(section) => {
                instances = instances.saturating_add(section.count());
                if instances > INSTANCES_MAX {
                    return Err(format!("it makes more than {INSTANCES_MAX} component instances"));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(|error| format!("the file is damaged: {error}"))?;
                    anatomy.memories = anatomy.memories.saturating_add(1);
                    let bytes = memory.initial.saturating_mul(PAGE_BYTES);
                    anatomy.memory_bytes = anatomy.memory_bytes.saturating_add(bytes);
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|error| format!("the file is damaged: {error}"))?;
                    anatomy.imports.insert(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|error| format!("the file is damaged: {error}"))?;
                    if export.kind == ComponentExternalKind::Instance {
                        anatomy.exports.insert(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(anatomy)
}

/// Is everything that it imports on offer, and does it export something that this host calls?
///
/// # Errors
/// The first import that is not, or the export that is missing.
pub(super) fn admit(anatomy: &Anatomy, grants: &Grants) -> Result<(), String> {
    for import in &anatomy.imports {
        admit_import(import, grants)?;
    }
    for export in anatomy.exports.iter().filter(|name| name.starts_with(PACKAGE)) {
        let version = export.split_once('@').map(|(_, version)| version).unwrap_or_default();
        if !compatible(version) {
            return Err(format!(
                "it exports `{export}`; this gateway runs version {VERSION} of the contract: build the plugin anew"
            ));
        }
    }
    if !anatomy.exports("lifecycle") {
        return Err("it does not export `lifecycle`, as every plugin must: use the SDK's `export!`, or the worlds in \
                    `wit/worlds.wit`"
            .to_owned());
    }
    if anatomy.kinds().next().is_some() {
        return Ok(());
    }
    let later: Vec<_> = LATER.iter().filter(|interface| anatomy.exports(interface)).collect();
    Err(match later.first() {
        Some(interface) => format!("it exports only `{interface}`, which this version of the gateway does not run yet"),
        None => format!("it exports nothing that the gateway calls: none of {}", RUN.join(", ")),
    })
}

/// Interfaces that this version calls.
const RUN: &[&str] = &["text-guardrail", "request-guardrail", "answer-guardrail", "router", "cache"];
/// Interfaces of the contract that it does not call yet.
const LATER: &[&str] = &["context", "tool"];
/// What every plugin may import.
const FREE: &[&str] = &["types", "log", "patterns"];
/// Imports of the contract that an operator would have to grant, and that are not on offer yet.
const NOT_YET: &[&str] = &["search"];

fn admit_import(import: &str, grants: &Grants) -> Result<(), String> {
    if let Some(rest) = import.strip_prefix("wasi:") {
        let version = rest.split_once('@').map(|(_, version)| version).unwrap_or_default();
        return if version.starts_with("0.2.") {
            Ok(())
        } else {
            Err(format!("it imports `{import}`; of WASI, only version 0.2 is offered"))
        };
    }
    match contract_interface(import) {
        Some(interface) if FREE.contains(&interface) => Ok(()),
        Some(interface) if NOT_YET.contains(&interface) => Err(format!(
            "it imports `{interface}`, which must be granted, and which this version of the gateway cannot grant yet"
        )),
        Some(interface) if let Some(capability) = Capability::named(interface) => match grants.has(capability) {
            true => Ok(()),
            false => Err(format!(
                "it imports `{interface}`, which is not granted: add the table [grants.{interface}] to its NAME.toml"
            )),
        },
        _ => Err(format!("it imports `{import}`, which the gateway does not offer")),
    }
}

/// `text-guardrail` of `sluicegate:plugin/text-guardrail@0.1.0`.
fn contract_interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    compatible(version).then_some(interface)
}

fn compatible(version: &str) -> bool {
    let (Ok(theirs), Ok(ours)) = (semver::Version::parse(version), semver::Version::parse(VERSION)) else {
        return false;
    };
    theirs.major == ours.major && theirs.minor == ours.minor && theirs <= ours
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Store};

    use super::*;

    /// Imports and exports by the names of the first contract.
    const FIRST: &str = r#"(component
        (import "sluicegate:plugin/log@0.1.0" (instance $log (export "write" (func))))
        (core module $module (func (export "inspect")))
        (core instance $core (instantiate $module))
        (func $inspect (canon lift (core func $core "inspect")))
        (instance $guardrail (export "inspect" (func $inspect)))
        (export "sluicegate:plugin/text-guardrail@0.1.0" (instance $guardrail)))"#;

    #[test]
    fn a_contract_that_has_grown_runs_what_was_made_for_the_first() {
        let engine = Engine::default();
        let component = Component::new(&engine, wat::parse_str(FIRST).unwrap()).unwrap();
        let mut linker = Linker::<()>::new(&engine);
        linker.instance("sluicegate:plugin/log@0.1.7").unwrap().func_wrap("write", |_, (): ()| Ok(())).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component).unwrap();
        assert!(instance.get_export_index(&mut store, None, "sluicegate:plugin/text-guardrail@0.1.7").is_some());
        assert!(instance.get_export_index(&mut store, None, "sluicegate:plugin/text-guardrail@0.2.0").is_none());
    }

    #[test]
    fn what_is_newer_than_the_host_is_not_for_it() {
        for (version, runs) in [("0.1.0", true), ("0.1.1", false), ("0.2.0", false), ("1.1.0", false), ("x", false)] {
            assert_eq!(compatible(version), runs, "{version}");
        }
    }
}
