//! `nod user code import`: hardware tokens, from the file that came with them or from another system.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use data_encoding::HEXLOWER_PERMISSIVE;
use nod_core::oath::{Algorithm, DEFAULT_STEP_SECONDS, DIGITS, Moving};
use nod_engine::{Engine, GivenToken, NewToken, read_secret};
use zeroize::Zeroizing;

use super::table::{self, Column, Row, Table};
use super::{Refusal, progress, pskc, quoted, read, refused, tell};
use crate::cli::Common;
use crate::failure::{Failure, Next as _, Outcome};

/// The columns of files whose first line names them, with the names that vendors and other programs use.
const COLUMNS: &[Column] = &[
    Column { name: "serial", required: true, also: &["serial_number", "serialnumber", "serial_no"] },
    Column { name: "secret", required: true, also: &["secret_key", "secretkey", "seed", "key", "otpkey"] },
    optional("user", &["upn", "user_name", "username", "owner"]),
    optional("type", &["token_type", "kind"]),
    optional("digits", &["otplen", "response_length", "length"]),
    optional("period", &["time_interval", "timeinterval", "timestep", "time_step", "step", "interval"]),
    optional("algorithm", &["hash", "hashlib"]),
    optional("counter", &["count"]),
    // Not looked at.
    optional("manufacturer", &[]),
    optional("model", &[]),
    optional("resolver", &[]),
    optional("realm", &[]),
];
/// What LinOTP and privacyIDEA write, without names: what follows the digits is the period, or the count of one with a button.
const BARE: &[&str] = &["serial", "secret", "type", "digits", "moving", "algorithm"];
/// The same with owners (`# version: 2` of privacyIDEA).
const BARE_WITH_OWNER: &[&str] =
    &["user", "resolver", "realm", "serial", "secret", "type", "digits", "moving", "algorithm"];
/// Lengths of secrets in hexadecimal, where a text could be base32 too.
const USUAL_HEX: [usize; 4] = [32, 40, 64, 128];

const fn optional(name: &'static str, also: &'static [&'static str]) -> Column {
    Column { name, required: false, also }
}

/// Add all tokens of a file, or none: CSV, PSKC, and what privacyIDEA and LinOTP export
#[derive(Debug, Args)]
#[command(
    after_long_help = "CSV has a first line with the names of its columns: serial, secret (hexadecimal or base32), user, and any of type\n(totp or hotp), digits, period, algorithm, counter. Vendors' names for them are known too. Each token goes to the\nuser in its row. With --give only the tokens named there are taken, each for that user, whatever the file says.\n\nExamples:\n  nod user code import tokens.csv --dry-run\n  nod user code import tokens.xml --give 4711=anna\n  nod user code import export.csv --active"
)]
pub(crate) struct TokensArguments {
    /// The file; /dev/stdin is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take only this token, for this user; may be given more than once
    #[arg(long, value_name = "SERIAL=NAME", value_parser = giving)]
    give: Vec<(String, String)>,
    /// Active at once: you vouch that the right people hold them
    #[arg(long)]
    active: bool,
    /// Judge every row and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Most tokens of one file: their commit takes a lock for each holder, of which a database has some thousands.
const MAX_TOKENS: usize = 5_000;

fn giving(text: &str) -> Result<(String, String), &'static str> {
    let (serial, name) = text.rsplit_once('=').ok_or("write it as SERIAL=NAME")?;
    Ok((serial.trim().to_owned(), name.trim().to_owned()))
}

/// A secret as it was written, or as it is.
pub(super) enum Secret {
    Text(Zeroizing<String>),
    Bytes(Zeroizing<Vec<u8>>),
}

/// A token as its file has it.
pub(super) struct Raw {
    pub(super) line: u64,
    pub(super) serial: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) user: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) digits: Option<String>,
    pub(super) step: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) count: Option<String>,
}

/// Runs it.
pub(crate) async fn run(common: &Common, engine: &Engine, arguments: TokensArguments) -> Outcome {
    let TokensArguments { file, give, active, dry_run } = arguments;
    let again = format!("nod user code import {} --dry-run", file.display());
    let (mut raws, mut refusals) = raws(&read(&file)?);
    let count = raws.len() + refusals.len();
    if raws.len() > MAX_TOKENS && give.is_empty() {
        let reason = format!("more than {MAX_TOKENS} tokens");
        refusals = vec![Refusal::new(1, None, reason, "split the file")];
        return Err(refused(common.json, dry_run, count, refusals, &again));
    }
    if !give.is_empty() {
        raws = match given(raws, &give) {
            Ok(raws) => raws,
            Err(failure) if refusals.is_empty() => return Err(failure),
            Err(_) => return Err(refused(common.json, dry_run, count, refusals, &again)),
        };
        // The others are nobody's business here.
        refusals.clear();
    }
    progress(count, "judging every token");
    let (mut tokens, mut lines, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for raw in raws {
        let line = raw.line;
        match new_token(raw, active) {
            Ok(token) => {
                added.push(format!("{} for {}", token.token.name, token.user));
                tokens.push(token);
                lines.push(line);
            }
            Err(wrong) => refusals.extend(wrong),
        }
    }
    let tokens = match engine.judge_tokens(tokens).await.or_next(&*again)? {
        Ok(tokens) if refusals.is_empty() => tokens,
        judged => {
            let bad = judged.err().unwrap_or_default();
            refusals.extend(bad.into_iter().map(|bad| Refusal::of(bad, &lines)));
            return Err(refused(common.json, dry_run, count, refusals, &again));
        }
    };
    if !dry_run {
        progress(count, "adding them in one commit");
        engine.add_tokens(tokens).await.or_next(again)?;
    }
    tell(common.json, dry_run, &added, "token")
}

/// The named tokens alone, each with its new user.
fn given(raws: Vec<Raw>, give: &[(String, String)]) -> Outcome<Vec<Raw>> {
    let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
    for (serial, name) in give {
        if wanted.insert(serial, name).is_some() {
            return Err(Failure::new(format!("--give names the token {serial} twice")));
        }
    }
    let mut taken = Vec::new();
    for mut raw in raws {
        let name = raw.serial.as_deref().and_then(|serial| wanted.remove(serial));
        if let Some(name) = name {
            raw.user = Some(name.to_owned());
            taken.push(raw);
        }
    }
    match wanted.keys().next() {
        Some(serial) => Err(Failure::new(format!("the file has no token {serial} that can be read"))),
        None => Ok(taken),
    }
}

fn raws(bytes: &[u8]) -> (Vec<Raw>, Vec<Refusal>) {
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix(table::BYTE_ORDER_MARK).unwrap_or(text).trim_ascii_start();
    if text.starts_with(b"<") {
        return match std::str::from_utf8(text) {
            Ok(text) => pskc::read(text),
            Err(_) => (Vec::new(), vec![Refusal::new(1, None, "this is not UTF-8", "save the file as UTF-8")]),
        };
    }
    let Table { rows, refusals, .. } = match bare(text) {
        Some(columns) => table::read_bare(bytes, columns),
        None => table::read(bytes, COLUMNS),
    };
    (rows.iter().map(raw).collect(), refusals)
}

/// The columns of a file whose first line names none: a secret in hexadecimal stands where they say.
fn bare(text: &[u8]) -> Option<&'static [&'static str]> {
    let head = String::from_utf8_lossy(text.get(..64).unwrap_or(text)).replace(' ', "").to_lowercase();
    if head.starts_with("#version:2") {
        return Some(BARE_WITH_OWNER);
    }
    let first = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = first
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .find_map(|line| std::str::from_utf8(line).ok())?;
    let secret = first.split(',').nth(1)?.trim().trim_matches('"');
    let hex = secret.len() >= 20 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then_some(BARE)
}

fn raw(row: &Row) -> Raw {
    let owned = |column| row.cell(column).map(str::to_owned);
    // pskc2csv calls the kind of a token its algorithm.
    let (kind, algorithm) = match (owned("type"), owned("algorithm")) {
        (None, Some(algorithm)) if kind_of(&algorithm).is_some() => (Some(algorithm), None),
        both => both,
    };
    // Without a kind, those systems mean a token with a button.
    let bare = row.is_bare();
    let kind = kind.or_else(|| bare.then(|| "hotp".to_owned()));
    let button = kind.as_deref().and_then(kind_of) == Some("hotp");
    let moving = owned("moving");
    let (step, count) = if button { (None, moving) } else { (moving, None) };
    Raw {
        line: row.line,
        serial: owned("serial"),
        secret: owned("secret").map(|text| Secret::Text(Zeroizing::new(text))),
        user: owned("user"),
        kind,
        digits: owned("digits"),
        step: step.or_else(|| owned("period")),
        algorithm: algorithm.or_else(|| bare.then(|| by_length(row.cell("secret")?)).flatten()),
        count: count.or_else(|| owned("counter")),
    }
}

/// LinOTP tells the hash by the length of the secret, where it is not written.
fn by_length(hex: &str) -> Option<String> {
    match hex.len() {
        64 => Some("sha256".to_owned()),
        128 => Some("sha512".to_owned()),
        _ => None,
    }
}

/// `totp`, also at the end of a URN.
fn kind_of(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    ["totp", "hotp"].into_iter().find(|kind| text.rsplit([':', '#']).next() == Some(*kind))
}

fn new_token(raw: Raw, active: bool) -> Result<GivenToken, Vec<Refusal>> {
    let line = raw.line;
    let mut wrong = Vec::new();
    let mut refuse =
        |column, reason: String, remedy: &str| wrong.push(Refusal::new(line, Some(column), reason, remedy));
    let serial = raw.serial.unwrap_or_default();
    if serial.is_empty() {
        refuse("serial", "there is no serial number".to_owned(), "write the one on the token's back");
    }
    let user = raw.user.unwrap_or_default();
    if user.is_empty() {
        let one = format!("write a user name into the column user, or take one token: --give {serial}=NAME");
        refuse("user", "nobody holds this token".to_owned(), &one);
    }
    let mut number = |column, text: Option<String>, usual: u64| match text.as_deref().map(str::parse::<u64>) {
        None => usual,
        Some(Ok(number)) => number,
        Some(Err(_)) => {
            refuse(column, format!("{} is no number", quoted(text.as_deref().unwrap_or_default())), "correct it");
            usual
        }
    };
    let digits = number("digits", raw.digits, u64::from(*DIGITS.start()));
    let step = number("period", raw.step, u64::from(DEFAULT_STEP_SECONDS));
    let count = number("counter", raw.count, 0);
    let kind = raw.kind.as_deref().map_or(Some("totp"), kind_of);
    if kind.is_none() {
        let kind = quoted(raw.kind.as_deref().unwrap_or_default());
        refuse("type", format!("{kind} is neither totp nor hotp"), "other kinds are not taken: leave the row out");
    }
    let algorithm = raw.algorithm.as_deref().map_or(Some(Algorithm::Sha1), algorithm);
    if algorithm.is_none() {
        let algorithm = quoted(raw.algorithm.as_deref().unwrap_or_default());
        refuse("algorithm", format!("{algorithm} is none of sha1, sha256, sha512"), "other kinds are not taken");
    }
    let secret = match raw.secret {
        Some(Secret::Bytes(bytes)) => Some(bytes),
        Some(Secret::Text(text)) => decoded(&text),
        None => Some(Zeroizing::default()),
    };
    match (secret, algorithm) {
        // INV-24: the secret is not repeated.
        (None, _) => refuse("secret", "it is neither hexadecimal nor base32".to_owned(), "correct it"),
        (Some(secret), _) if secret.is_empty() => {
            refuse("secret", "there is no secret".to_owned(), "leave the row out")
        }
        (Some(secret), Some(algorithm)) if wrong.is_empty() => {
            let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            let moving = if kind == Some("hotp") { Moving::Press } else { Moving::Time { step: small(step) } };
            let count = if moving == Moving::Press { count } else { 0 };
            let name = format!("Token {serial}");
            let token =
                NewToken { name, moving, algorithm, digits: small(digits), secret: Some(secret), count, active };
            return Ok(GivenToken { user, token });
        }
        _ => {}
    }
    Err(wrong)
}

fn algorithm(text: &str) -> Option<Algorithm> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.trim_start_matches("hmac") {
        "sha1" => Some(Algorithm::Sha1),
        "sha256" => Some(Algorithm::Sha256),
        "sha512" => Some(Algorithm::Sha512),
        _ => None,
    }
}

/// Hexadecimal where it cannot be base32, or is as long as secrets in hexadecimal are; otherwise base32.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let plain: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
    let hex = plain.bytes().all(|byte| byte.is_ascii_hexdigit());
    let only_hex = plain.bytes().any(|byte| matches!(byte, b'0' | b'1' | b'8' | b'9'));
    if hex && (only_hex || USUAL_HEX.contains(&plain.len())) {
        return HEXLOWER_PERMISSIVE.decode(plain.as_bytes()).ok().map(Zeroizing::new);
    }
    read_secret(&plain).ok()
}
