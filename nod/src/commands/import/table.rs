//! CSV (RFC 4180) by the names of its columns, as spreadsheets write it: a byte order mark, CRLF, `;` or a tab between the cells.

use csv::{ByteRecord, ReaderBuilder};

use super::{MAX_ROWS, Refusal, quoted};

/// What UTF-8 files of Windows begin with.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How near an unknown column's name must be to a known one to be taken for a slip (Jaro-Winkler, 0 to 1).
const NEAR: f64 = 0.7;

/// A column that may be there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: &'static str,
    /// It must be there.
    pub(crate) required: bool,
    /// What other programs call it.
    pub(crate) also: &'static [&'static str],
}

/// One row: the cells of known columns that hold something, trimmed.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it begins, counted from 1.
    pub(super) line: u64,
    bare: bool,
    cells: Vec<(&'static str, String)>,
}

impl Row {
    /// The file names no columns.
    pub(super) const fn is_bare(&self) -> bool {
        self.bare
    }

    /// What stands in this column; nothing where it is empty.
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| cell.as_str())
    }
}

/// The rows of a file, and what of it cannot be read.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Those that can be read.
    pub(super) rows: Vec<Row>,
    /// Rows of the file that hold anything.
    pub(super) count: usize,
    /// The others.
    pub(super) refusals: Vec<Refusal>,
}

/// Reads a file whose first line names its columns.
pub(super) fn read(bytes: &[u8], known: &[Column]) -> Table {
    read_as(bytes, known, None)
}

/// Reads a file without such a line. Cells at the end of a row may be missing; a line that begins with # says nothing.
pub(super) fn read_bare(bytes: &[u8], columns: &[&'static str]) -> Table {
    read_as(bytes, &[], Some(columns.iter().map(|column| Some(*column)).collect()))
}

fn read_as(bytes: &[u8], known: &[Column], columns: Option<Vec<Option<&'static str>>>) -> Table {
    let (bare, mut columns) = (columns.is_some(), columns);
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter(bytes)).comment(bare.then_some(b'#'));
    let mut reader = builder.from_reader(bytes);
    let (mut table, mut lines) = (Table::default(), Lines { bytes, at: 0, line: 1, bare });
    let mut record = ByteRecord::new();
    // Reading from memory gives no error: whatever the bytes are, they are cells.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let line = lines.of(&record);
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let Some(columns) = &columns else {
            let (found, refusals) = header(&record, line, known);
            columns = Some(found);
            if refusals.is_empty() {
                continue;
            }
            // What the rows mean is not known then.
            table.refusals = refusals;
            break;
        };
        table.count += 1;
        if table.count > MAX_ROWS {
            let reason = format!("more than {MAX_ROWS} rows");
            table.refusals = vec![Refusal::new(line, None, reason, "split the file")];
            table.rows.clear();
            break;
        }
        match row(&record, line, columns, bare) {
            Ok(row) => table.rows.push(row),
            Err(refusal) => table.refusals.push(refusal),
        }
    }
    if columns.is_none() {
        let names: Vec<&str> = known.iter().map(|column| column.name).collect();
        let remedy = format!("its first line names the columns: {}", names.join(", "));
        table.refusals.push(Refusal::new(1, None, "the file is empty", remedy));
    }
    table
}

/// What stands between the cells: what is most of in the first line.
fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or(bytes);
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter));
    most.unwrap_or(b',')
}

/// Which line of the file a record begins on: the reader's own count is of the line before it.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    /// Lines that begin with # are none of the records.
    bare: bool,
}

impl Lines<'_> {
    fn of(&mut self, record: &ByteRecord) -> u64 {
        let begins = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        while let Some(byte) = self.bytes.get(self.at) {
            let comment = self.bare && *byte == b'#';
            if self.at >= begins && !comment && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            if self.at >= begins && comment {
                while self.bytes.get(self.at).is_some_and(|byte| *byte != b'\n') {
                    self.at += 1;
                }
                continue;
            }
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// Which column each cell is of, and what is wrong with the first line.
fn header(record: &ByteRecord, line: u64, known: &[Column]) -> (Vec<Option<&'static str>>, Vec<Refusal>) {
    let (mut found, mut refusals) = (Vec::new(), Vec::new());
    let name_of = |cell: &[u8]| String::from_utf8_lossy(cell).trim().to_lowercase().replace([' ', '-'], "_");
    let is_known = |name: &String| known.iter().any(|one| one.name == *name || one.also.contains(&name.as_str()));
    if !record.iter().map(name_of).any(|name| is_known(&name)) {
        // It may be a row, with a secret in it (INV-24): nothing of it is repeated.
        let names: Vec<&str> = known.iter().map(|column| column.name).collect();
        let remedy = format!("put their names into it: {}", names.join(", "));
        return (found, vec![Refusal::new(line, None, "the first line names no columns", remedy)]);
    }
    for cell in record {
        let written = String::from_utf8_lossy(cell);
        let name = name_of(cell);
        let column = known.iter().find(|column| column.name == name || column.also.contains(&name.as_str()));
        match column.map(|column| column.name) {
            Some(name) if found.contains(&Some(name)) => {
                refusals.push(Refusal::new(line, Some(name), "the column is there twice", "leave one of them out"));
            }
            None => refusals.push(unknown(&written, &name, line, known)),
            Some(_) => {}
        }
        found.push(column.map(|column| column.name));
    }
    let missing = known.iter().filter(|column| column.required && !found.contains(&Some(column.name)));
    for column in missing {
        let remedy = format!("name it in the first line: {}", column.name);
        refusals.push(Refusal::new(line, Some(column.name), "the column is missing", remedy));
    }
    (found, refusals)
}

fn unknown(written: &str, name: &str, line: u64, known: &[Column]) -> Refusal {
    let near = |column: &&Column| strsim::jaro_winkler(name, column.name);
    let nearest = known.iter().max_by(|one, other| near(one).total_cmp(&near(other)));
    let remedy = match nearest.filter(|column| near(column) >= NEAR) {
        Some(column) => format!("call it {}, or leave it out", column.name),
        None => {
            let names: Vec<&str> = known.iter().map(|column| column.name).collect();
            format!("leave it out; there are {}", names.join(", "))
        }
    };
    Refusal::new(line, None, format!("there is no column {}", quoted(written)), remedy)
}

fn row(record: &ByteRecord, line: u64, columns: &[Option<&'static str>], bare: bool) -> Result<Row, Refusal> {
    if record.len() > columns.len() || (record.len() < columns.len() && !bare) {
        let reason = format!("{} cells below {} columns", record.len(), columns.len());
        return Err(Refusal::new(line, None, reason, "put cells that hold a comma or semicolon between quotes"));
    }
    let mut cells = Vec::with_capacity(columns.len());
    for (cell, column) in record.iter().zip(columns) {
        let Some(column) = *column else { continue };
        let text = std::str::from_utf8(cell)
            .map_err(|_| Refusal::new(line, Some(column), "this is not UTF-8", "save the file as UTF-8"))?;
        let text = text.trim();
        // No column holds several lines: a quote that is not closed swallows what follows.
        if text.contains(['\n', '\r']) {
            let remedy = "close the quote that opens in this row, or write the cell on one line";
            return Err(Refusal::new(line, Some(column), "the cell goes on in the next line", remedy));
        }
        if !text.is_empty() {
            cells.push((column, text.to_owned()));
        }
    }
    Ok(Row { line, bare, cells })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Column] = &[
        Column { name: "name", required: true, also: &["user_name"] },
        Column { name: "mail", required: false, also: &[] },
    ];

    fn cells(text: &str) -> Vec<(u64, Option<String>, Option<String>)> {
        let table = read(text.as_bytes(), KNOWN);
        assert!(table.refusals.is_empty(), "{:?}", table.refusals);
        let cell = |row: &Row, column| row.cell(column).map(str::to_owned);
        table.rows.iter().map(|row| (row.line, cell(row, "name"), cell(row, "mail"))).collect()
    }

    fn refusals(bytes: &[u8]) -> Vec<(u64, String)> {
        let words = |refusal: Refusal| format!("{}: {}", refusal.reason, refusal.remedy);
        read(bytes, KNOWN).refusals.into_iter().map(|refusal| (refusal.line, words(refusal))).collect()
    }

    #[test]
    fn files_of_spreadsheets_are_read_alike() {
        let some = |text: &str| Some(text.to_owned());
        let expected = vec![(2, some("anna"), some("a@x.org")), (4, some("bo"), None)];
        for text in [
            "name,mail\nanna,a@x.org\n\nbo,\n",
            "\u{feff}Name;Mail\r\nanna;a@x.org\r\n;\r\nbo;",
            "User Name\tMAIL\r\n anna \ta@x.org\r\n\r\nbo\t\r\n",
            "\"name\",\"mail\"\n\"anna\",\"a@x.org\"\n,\n\"bo\",\"\"\n",
        ] {
            assert_eq!(cells(text), expected, "{text:?}");
        }
        let quoted = "name,mail\r\n\"a, b\",\"say \"\"hi\"\", all\"\r\n\r\nc,d\r\n";
        let expected = vec![(2, some("a, b"), some("say \"hi\", all")), (4, some("c"), some("d"))];
        assert_eq!(cells(quoted), expected);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let told = |bytes: &[u8], line: u64, words: &str| {
            let refusals = refusals(bytes);
            assert!(refusals.iter().any(|(at, said)| *at == line && said.contains(words)), "{words}: {refusals:?}");
        };
        told(b"", 1, "the file is empty");
        told(b"mail\nx@y.z\n", 1, "the column is missing: name it in the first line: name");
        told(b"name,e-mail\na,b\n", 1, "no column \"e-mail\": call it mail");
        told(b"name,shoe size\na,b\n", 1, "there are name, mail");
        told(b"name,name\na,b\n", 1, "there twice");
        told(b"name,mail\r\na,b\r\nc\r\n", 3, "1 cells below 2 columns");
        told(b"name,mail\na,\"b\nc,d\ne,f\n", 2, "goes on in the next line: close the quote");
        told(b"4711,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n", 1, "the first line names no columns");
        told(b"name,mail\na,b\nm\xfcller,c\n", 3, "not UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_bytes_are_they_are_read_and_lines_count_up(bytes: Vec<u8>) {
            let table = read(&[b"name,mail\n", &bytes[..]].concat(), KNOWN);
            proptest::prop_assert!(table.rows.windows(2).all(|pair| pair[0].line <= pair[1].line));
            proptest::prop_assert!(table.rows.len() <= table.count);
        }
    }
}
