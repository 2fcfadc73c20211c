//! Aligned tables and percentiles.

use std::time::Duration;

/// Prints a table: the first column to the left, the others to the right.
pub(crate) fn print(title: &str, head: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            rows.iter().map(|row| row[column].chars().count()).chain([head[column].chars().count()]).max().unwrap()
        })
        .collect();
    println!("\n{title}");
    line(&widths, head.iter().copied());
    println!("  {}", widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  "));
    for row in rows {
        line(&widths, row.iter().map(String::as_str));
    }
}

fn line<'a>(widths: &[usize], cells: impl Iterator<Item = &'a str>) {
    let cells = cells.zip(widths).enumerate();
    let cells = cells.map(
        |(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        },
    );
    println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
}

/// Samples of one quantity.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, time: Duration) {
        self.add_ms(ms(time));
    }
    pub(crate) fn add_ms(&mut self, value: f64) {
        self.0.push(value);
    }
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
    /// The value that `share` of the samples do not pass; nearest rank.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
    pub(crate) fn cells(&self) -> Vec<String> {
        [0.5, 0.99, 1.0].iter().map(|share| format!("{:.2}", self.at(*share))).collect()
    }
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
