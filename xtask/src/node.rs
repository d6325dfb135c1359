//! The packages for Node that some end-to-end tests run with: the providers' SDKs, as `tests/node` pins them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Result, lock, process, workspace};

/// About 10 MB from the package index, 53 MB on the disk.
const INSTALL_TIME: Duration = Duration::from_secs(600);

/// A folder `node_modules` that has the SDKs, made or completed if need be. The error says what is missing.
pub(crate) fn ensure() -> Result<PathBuf> {
    let folder = workspace::target("node");
    let pinned = workspace::root().join("tests/node");
    let _lock = lock::take(&workspace::target("node.lock"))?;
    for program in ["node", "npm"] {
        if !process::exists(program) {
            return Err(format!(
                "there is no {program}: install Node 18 or newer (on Debian `apt-get install nodejs npm`)"
            ));
        }
    }
    if has_sdks(&folder, &pinned) {
        return Ok(folder.join("node_modules"));
    }
    fs::create_dir_all(&folder).map_err(|error| format!("making {}: {error}", folder.display()))?;
    for file in ["package.json", "package-lock.json"] {
        let copied = fs::copy(pinned.join(file), folder.join(file));
        copied.map_err(|error| format!("copying tests/node/{file} to {}: {error}", folder.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    process::run_within(&mut npm, INSTALL_TIME)
        .map_err(|error| format!("{error}; the SDKs have to come from a package index for Node, once"))?;
    if has_sdks(&folder, &pinned) {
        Ok(folder.join("node_modules"))
    } else {
        Err(format!("npm has not installed what tests/node/package.json pins in {}", folder.display()))
    }
}

/// Asks Node, and compares what is there with what is pinned: the folder may be of another version of the tests.
fn has_sdks(folder: &Path, pinned: &Path) -> bool {
    const ASK: &str = "const read = (path) => JSON.parse(fs.readFileSync(path));
        const [folder, pinned] = process.argv.slice(1);
        Object.entries(read(`${pinned}/package.json`).dependencies).every(
            ([name, version]) => read(`${folder}/node_modules/${name}/package.json`).version === version,
        )";
    let mut node = Command::new("node");
    node.args(["--print", ASK]).arg(folder).arg(pinned);
    process::read(&mut node).is_ok_and(|answer| answer.trim_end() == "true")
}
