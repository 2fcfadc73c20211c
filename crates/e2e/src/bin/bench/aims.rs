//! The aims, and whether they are met.

use crate::table;

/// What was aimed at and what was measured.
#[derive(Default)]
pub(crate) struct Aims(Vec<Vec<String>>);

impl Aims {
    /// Less is better.
    pub(crate) fn below(&mut self, what: &str, unit: &str, aim: f64, measured: f64, peer: &str) {
        self.add(what, format!("< {aim} {unit}"), format!("{measured:.2} {unit}"), measured < aim, peer);
    }

    /// More is better.
    pub(crate) fn above(&mut self, what: &str, unit: &str, aim: f64, measured: f64, peer: &str) {
        self.add(what, format!("> {aim} {unit}"), format!("{measured:.0} {unit}"), measured > aim, peer);
    }

    fn add(&mut self, what: &str, aim: String, measured: String, met: bool, peer: &str) {
        let verdict = if met { "pass" } else { "MISS" };
        self.0.push(vec![what.to_owned(), aim, measured, verdict.to_owned(), peer.to_owned()]);
    }

    pub(crate) fn print(&self) {
        if self.0.is_empty() {
            return;
        }
        table::print("Aims", &["figure", "aim", "measured", "", "privacyIDEA 3.14 (1)"], &self.0);
        println!("  (1) measured earlier on the same kind of machine, not run again here");
    }
}
