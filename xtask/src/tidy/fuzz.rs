//! Fuzz targets: what `fuzz/Cargo.toml` lists and what lies in `fuzz/fuzz_targets` are the same.

use super::Findings;
use anyhow::Result;
use std::fmt;
use std::path::Path;

/// A `[[bin]]` entry of `fuzz/Cargo.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Name given to `cargo fuzz run`.
    pub(crate) name: String,
    path: String,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// The targets listed in the text of `fuzz/Cargo.toml`.
pub(crate) fn targets(manifest: &str) -> Vec<Target> {
    let entries = manifest.split("[[bin]]").skip(1);
    entries
        .filter_map(|entry| {
            let name = value(entry, "name")?;
            let path = value(entry, "path").unwrap_or_else(|| format!("fuzz_targets/{name}.rs"));
            Some(Target { name, path })
        })
        .collect()
}

/// The string value of `key` before the next table.
fn value(entry: &str, key: &str) -> Option<String> {
    entry
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, text)| text.trim().trim_matches('"').to_owned())
}

pub(super) fn check(root: &Path, found: &mut Findings) -> Result<()> {
    let folder = root.join("fuzz");
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Ok(());
    }
    let listed = targets(&std::fs::read_to_string(manifest)?);
    for target in listed.iter().filter(|target| !folder.join(&target.path).is_file()) {
        found.faults.push(format!("fuzz target {target} is listed, but fuzz/{} is not there", target.path));
    }
    let sources = folder.join("fuzz_targets");
    for entry in sources.is_dir().then(|| std::fs::read_dir(&sources)).transpose()?.into_iter().flatten() {
        let path = format!("fuzz_targets/{}", entry?.file_name().to_string_lossy());
        if path.ends_with(".rs") && !listed.iter().any(|target| target.path == path) {
            found.faults.push(format!("fuzz/{path} is not listed in fuzz/Cargo.toml, so nobody runs it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bin_entries() {
        let manifest = "[package]\nname = \"fuzz\"\n\n[[bin]]\nname = \"answer\"\npath = \"fuzz_targets/answer.rs\"\n\
            test = false\n\n[[bin]]\nname = \"push\"\n\n[profile.release]\nname = \"no\"\n";
        let names: Vec<_> = targets(manifest).into_iter().map(|target| (target.name, target.path)).collect();
        assert_eq!(names.len(), 2);
        assert_eq!(names[0], ("answer".to_owned(), "fuzz_targets/answer.rs".to_owned()));
        assert_eq!(names[1].1, "fuzz_targets/push.rs");
    }
}
