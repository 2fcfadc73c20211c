//! Every dependency has a reason on record.

use super::{DEPENDENCY_NOTES, Findings};

/// Compares `[workspace.dependencies]` with the rows of the decision record.
pub(super) fn check(manifest: &str, notes: &str, found: &mut Findings) {
    let used = dependencies(manifest);
    let noted = rows(notes);
    for name in used.iter().filter(|name| !noted.contains(name)) {
        found
            .faults
            .push(format!("{name} has no row in {DEPENDENCY_NOTES}: | `{name}` | what for | instead of what |"));
    }
    for name in noted.iter().filter(|name| !used.contains(name)) {
        found.remarks.push(format!("{DEPENDENCY_NOTES} explains {name}, which the workspace does not use"));
    }
}

/// Names in `[workspace.dependencies]` that are not our own crates.
fn dependencies(manifest: &str) -> Vec<&str> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .filter(|(_, value)| !value.contains("path ="))
        .map(|(name, _)| name.trim())
        .collect()
}

/// Names in the first cell of each table row: one or more in backquotes.
fn rows(notes: &str) -> Vec<&str> {
    notes
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[workspace]\nmembers = []\n\n[workspace.dependencies]\n# ours\n\
        nod-core = { path = \"crates/core\" }\nbytes = \"1\"\nurl = { version = \"2\" }\n\n[workspace.lints.rust]\na = 1\n";

    #[test]
    fn only_foreign_crates_are_listed() {
        assert_eq!(dependencies(MANIFEST), ["bytes", "url"]);
    }

    #[test]
    fn a_dependency_without_a_row_is_a_fault() {
        let mut found = Findings::default();
        check(MANIFEST, "| crate | why |\n|---|---|\n| `bytes`, `gone` | `url` |\n", &mut found);
        assert_eq!((found.faults.len(), found.remarks.len()), (1, 1));
        assert!(found.faults[0].starts_with("url "));
        assert!(found.remarks[0].contains("gone"));
    }
}
