//! Rules of structure that the compiler does not check.

mod dependencies;
mod edges;
mod files;
mod fuzz;
mod invariants;

pub(crate) use fuzz::targets as fuzz_targets;

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

const DEPENDENCY_NOTES: &str = "docs/decisions/0002-dependencies.md";

/// What the rules found: faults fail, remarks are only printed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    faults: Vec<String>,
    remarks: Vec<String>,
}

/// Checks every rule and prints all findings.
///
/// # Errors
/// At least one rule is broken, or the workspace cannot be read.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut found = Findings::default();
    edges::check(&metadata(root)?, &mut found)?;
    let manifest = read(root, "Cargo.toml")?;
    let notes = read(root, DEPENDENCY_NOTES)?;
    dependencies::check(&manifest, &notes, &mut found);
    files::check(root, &mut found)?;
    fuzz::check(root, &mut found)?;
    invariants::check(root, &mut found)?;
    for remark in &found.remarks {
        println!("note: {remark}");
    }
    for fault in &found.faults {
        println!("fault: {fault}");
    }
    if !found.faults.is_empty() {
        bail!("{} fault(s) of structure, listed above", found.faults.len());
    }
    println!("tidy: no faults");
    Ok(())
}

fn read(root: &Path, name: &str) -> Result<String> {
    std::fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
}

fn metadata(root: &Path) -> Result<serde_json::Value> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed something else than JSON")
}
