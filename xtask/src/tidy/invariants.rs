//! The table of invariants names files that cite them.

use super::Findings;
use anyhow::Result;
use std::path::Path;

const TABLE: &str = "docs/security/invariants.md";

/// Each file named in a row of the table exists and cites the row's invariant.
pub(super) fn check(root: &Path, found: &mut Findings) -> Result<()> {
    for (id, file) in cited(&super::read(root, TABLE)?) {
        match std::fs::read_to_string(root.join(&file)) {
            Ok(text) if text.contains(&id) => {}
            Ok(_) => found.faults.push(format!("{TABLE}: {file} does not cite {id}")),
            Err(_) => found.faults.push(format!("{TABLE}: {file} ({id}) does not exist")),
        }
    }
    Ok(())
}

/// Pairs of invariant and file, row by row.
fn cited(table: &str) -> Vec<(String, String)> {
    let rows = table.lines().filter(|line| line.starts_with("| INV-"));
    rows.flat_map(|row| {
        let id = row.trim_start_matches("| ").split(' ').next().unwrap_or_default().to_owned();
        let files = row.split('`').skip(1).step_by(2).map(str::to_owned);
        files.map(move |file| (id.clone(), file)).collect::<Vec<_>>()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::cited;

    #[test]
    fn rows_name_files() {
        let table = "| id | a |\n|---|---|\n| INV-01 | words | `a.rs` `b.rs` | `c.rs` |\nINV-02 `d.rs`\n";
        let files: Vec<_> = cited(table).into_iter().map(|(id, file)| format!("{id} {file}")).collect();
        assert_eq!(files, ["INV-01 a.rs", "INV-01 b.rs", "INV-01 c.rs"]);
    }
}
