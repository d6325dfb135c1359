//! Keeps wasmtime small: a feature that nobody wants is code that a guest can reach.
//!
//! Cargo switches on what any crate in the graph asks for, so one new dependency could bring garbage collection or
//! threads into the engine without a word in our manifests.

use crate::{Result, process};

/// What the gateway uses.
const WANTED: [&str; 9] = [
    "std",
    "runtime",
    "component-model",
    "async",
    "cranelift",
    "pooling-allocator",
    "backtrace",
    // For authors, who wait for the compiler.
    "parallel-compilation",
    "incremental-cache",
];

/// What those switch on inside wasmtime: the library's own building blocks, nothing that a guest sees.
const IMPLIED: [&str; 2] = ["once_cell", "wasmtime-jit-icache-coherence"];

/// Fails if the gateway would be built with any other feature of wasmtime.
pub(crate) fn check() -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["tree", "--package", "sluicegate", "--edges", "normal,build", "--target", "all"]);
    let tree = process::read(cargo.args(["--prefix", "none", "--format", "{p};{f}"]))?;
    let surplus =
        surplus(&tree).ok_or("sluicegate does not depend on wasmtime any more: this step checks nothing, mend it")?;
    if surplus.is_empty() {
        return Ok(());
    }
    Err(format!(
        "wasmtime has features that the gateway does not use: {}; \
         `cargo tree --package sluicegate --edges features --invert wasmtime` shows who asks for them",
        surplus.join(", ")
    ))
}

/// The features of wasmtime in the output of `cargo tree` that are not allowed; nothing if it has no wasmtime.
fn surplus(tree: &str) -> Option<Vec<&str>> {
    // A crate that is met again has " (*)" at its end.
    let features =
        tree.lines().filter_map(|line| line.strip_prefix("wasmtime v")?.trim_end_matches(" (*)").split_once(';'));
    let mut features: Vec<&str> = features.map(|(_, features)| features).collect();
    if features.is_empty() {
        return None;
    }
    features =
        features.into_iter().flat_map(|features| features.split(',')).filter(|feature| !feature.is_empty()).collect();
    features.retain(|feature| !WANTED.contains(feature) && !IMPLIED.contains(feature));
    features.sort_unstable();
    features.dedup();
    Some(features)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_features_pass() {
        let tree = "sluicegate v0.1.0 (/w/host);\nwasmtime v48.0.8;async,once_cell,std\nwasmtime-environ v48.0.8;gc,threads\n\
                    wasmtime v48.0.8;async,once_cell,std (*)\n";
        assert_eq!(surplus(tree), Some(vec![]));
        assert_eq!(surplus("wasmtime v48.0.8;\n"), Some(vec![]));
    }

    #[test]
    fn any_other_feature_is_named_once() {
        for feature in
            ["default", "gc", "gc-drc", "threads", "component-model-async", "cache", "winch", "stack-switching"]
        {
            let tree = format!("wasmtime v48.0.8;async,{feature}\nwasmtime v48.0.8;async,{feature} (*)\n");
            assert_eq!(surplus(&tree), Some(vec![feature]));
        }
    }

    #[test]
    fn a_tree_without_wasmtime_does_not_pass_silently() {
        assert_eq!(surplus("sluicegate v0.1.0 (/w/host);\nwasmtime-environ v48.0.8;gc\n"), None);
    }
}
