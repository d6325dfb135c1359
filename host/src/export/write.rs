//! The file with the lines, and the manifest beside it. Until both are whole they have other names, and whoever reads the first
//! knows by the manifest that nothing is missing.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::line::Line;
use super::{Exported, Plan};
use crate::feedback::Score;
use crate::moment::Moment;
use crate::store::answers::hex;

/// Behind the name of the file, for its manifest.
const MANIFEST: &str = ".manifest.json";
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    digest: Sha256,
}

impl Writer {
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        Ok(Self { path: path.to_owned(), file: BufWriter::new(beside(path)?), digest: Sha256::new() })
    }

    pub(super) fn line(&mut self, line: &Line) -> Result<(), String> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| format!("writing a line: {error}"))?;
        bytes.push(b'\n');
        self.digest.update(&bytes);
        self.file.write_all(&bytes).map_err(|error| failed(&self.path, &error))
    }

    /// Give the files their names; says where the manifest is.
    pub(super) fn finish(self, plan: &Plan, exported: &Exported, ledger: &str) -> Result<PathBuf, String> {
        let Self { path, file, digest } = self;
        let lines = file.into_inner().map_err(|error| failed(&path, error.error()))?;
        let manifest = Manifest::of(plan, exported, ledger, hex(&digest.finalize().into()));
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| format!("writing the manifest: {error}"))?;
        let name = behind(&path, MANIFEST);
        let mut manifest = beside(&name)?;
        let written = manifest.write_all(&text).and_then(|()| manifest.write_all(b"\n"));
        written.map_err(|error| failed(&name, &error))?;
        for (file, name) in [(lines, &path), (manifest, &name)] {
            file.as_file().sync_all().map_err(|error| failed(name, &error))?;
            file.persist(name).map_err(|error| failed(name, &error.error))?;
        }
        Ok(name)
    }
}

/// A file that nobody else has made, in the same folder: for its owner alone, since what was said is in it. It is gone unless
/// it gets its name.
fn beside(path: &Path) -> Result<NamedTempFile, String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::with_prefix_in(".sluicegate-export-", folder).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("writing {}: {error}", path.display())
}

fn behind(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// How the lines were made.
#[derive(Serialize)]
struct Manifest<'a> {
    made_by: &'static str,
    made: String,
    format: super::Format,
    lines: u64,
    sha256: String,
    ledger: &'a str,
    texts: &'static str,
    filter: Filter<'a>,
    considered: u64,
    left_out: &'a std::collections::BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Filter<'a> {
    since: Option<String>,
    until: Option<String>,
    tenant: Option<&'a str>,
    model: Option<&'a str>,
    score_min: Option<f64>,
    score_max: Option<f64>,
    rule: Option<&'a str>,
    without_findings: bool,
    noticed: bool,
    lines_max: Option<u64>,
}

impl<'a> Manifest<'a> {
    fn of(plan: &'a Plan, exported: &'a Exported, ledger: &'a str, sha256: String) -> Self {
        let at = |ms: u64| Moment::from_seconds(ms / 1_000).to_string();
        let wanted = &plan.wanted;
        Self {
            made_by: concat!("sluicegate ", env!("CARGO_PKG_VERSION")),
            made: Moment::now().to_string(),
            format: plan.format,
            lines: exported.lines,
            sha256,
            ledger,
            texts: "captured exchanges, as the guardrails let them pass; what they took out is not in them",
            filter: Filter {
                since: wanted.since_ms.map(at),
                until: wanted.until_ms.map(at),
                tenant: wanted.tenant.as_deref(),
                model: wanted.model.as_deref(),
                score_min: plan.score_min.map(Score::value),
                score_max: plan.score_max.map(Score::value),
                rule: plan.rule.as_deref(),
                without_findings: plan.without_findings,
                noticed: plan.noticed,
                lines_max: plan.lines_max,
            },
            considered: exported.considered,
            left_out: &exported.left_out,
        }
    }
}
