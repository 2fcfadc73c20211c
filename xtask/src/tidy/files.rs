//! Lengths of source files and markers of unfinished work.

use super::Findings;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Lines from which a file is remarked on.
const LONG_LINES: usize = 400;
/// Lines above which a file is a fault.
const MOST_LINES: usize = 600;
const MEASURED: [&str; 3] = ["rs", "js", "css"];
const CODE: [&str; 6] = ["rs", "js", "css", "html", "sql", "toml"];
/// Put together here, so that this file does not hold the words that it looks for.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

pub(super) fn check(root: &Path, found: &mut Findings) -> Result<()> {
    let mut paths = Vec::new();
    walk(root, &mut paths)?;
    paths.sort();
    for path in paths {
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        if !CODE.contains(&extension) {
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if MEASURED.contains(&extension) {
            check_length(&name, text.lines().count(), found);
        }
        check_markers(&name, &text, found);
    }
    Ok(())
}

/// Collects files, leaving out build output, hidden folders, and what others wrote.
fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || ["target", "node_modules", "vendor"].contains(&&*name) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn check_length(name: &str, lines: usize, found: &mut Findings) {
    if lines > MOST_LINES {
        found.faults.push(format!("{name} has {lines} lines; at most {MOST_LINES}: split it"));
    } else if lines > LONG_LINES {
        found.remarks.push(format!("{name} has {lines} lines; aim for {LONG_LINES}"));
    }
}

fn check_markers(name: &str, text: &str, found: &mut Findings) {
    for (index, line) in text.lines().enumerate() {
        let words = line.split(|letter: char| !letter.is_alphanumeric());
        if let Some(word) = words.into_iter().find(|word| MARKERS.contains(word)) {
            found.faults.push(format!("{name}:{}: `{word}`: finish it or file an issue", index + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let mut found = Findings::default();
        check_length("a.rs", LONG_LINES, &mut found);
        assert_eq!(found, Findings::default());
        check_length("b.rs", LONG_LINES + 1, &mut found);
        check_length("c.rs", MOST_LINES + 1, &mut found);
        assert_eq!((found.remarks.len(), found.faults.len()), (1, 1));
    }

    #[test]
    fn markers_are_whole_words() {
        let mut found = Findings::default();
        check_markers("a.rs", &format!("fine\n// {}: later\n", MARKERS[0]), &mut found);
        check_markers("b.rs", &format!("let s = \"{0}{0}\"; todo_list();", MARKERS[2]), &mut found);
        assert_eq!(found.faults.len(), 1);
        assert!(found.faults[0].starts_with("a.rs:2:"));
    }
}
