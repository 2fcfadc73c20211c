//! PSKC (RFC 6030): the file that vendors of hardware tokens send, with its secrets in plain.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, ParsingOptions};
use zeroize::Zeroizing;

use super::tokens::{Raw, Secret};
use super::{MAX_ROWS, Refusal};

/// Most nodes of a file that are read: some forty for each token.
const MAX_NODES: u32 = MAX_ROWS as u32 * 50;

/// Every token of it, and what cannot be read.
pub(super) fn read(text: &str) -> (Vec<Raw>, Vec<Refusal>) {
    // A document type, and with it every entity, is refused by the parser.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(error) => {
            let remedy = "ask whoever sent it for PSKC (RFC 6030) without a document type, or for CSV";
            let line = u64::from(error.pos().row);
            return (Vec::new(), vec![Refusal::new(line, None, format!("this XML cannot be read: {error}"), remedy)]);
        }
    };
    let packages = document.descendants().filter(|node| node.has_tag_name_of("KeyPackage"));
    let (mut raws, mut refusals) = (Vec::new(), Vec::new());
    let (mut line, mut seen) = (1, 0);
    for package in packages {
        let start = package.range().start;
        line += text
            .as_bytes()
            .get(seen..start)
            .map_or(0, |passed| passed.iter().filter(|byte| **byte == b'\n').count() as u64);
        seen = start;
        match token(package, line) {
            Ok(raw) => raws.push(raw),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if raws.is_empty() && refusals.is_empty() {
        let remedy = "a PSKC file holds KeyPackage elements (RFC 6030)";
        refusals.push(Refusal::new(1, None, "there is no token in the file", remedy));
    }
    (raws, refusals)
}

fn token(package: Node<'_, '_>, line: u64) -> Result<Raw, Refusal> {
    if package.within("EncryptedValue").is_some() {
        let remedy = "ask the vendor for a plain file, or decrypt it with the key that came apart: pskc2pskc -s KEY FILE -o PLAIN (package pskc-utils; -p for a password)";
        return Err(Refusal::new(line, Some("secret"), "the secret is encrypted", remedy));
    }
    let words = |name: &str| package.within(name).and_then(|node| node.text()).map(|text| text.trim().to_owned());
    let value = |name: &str| package.within(name).and_then(|node| node.within("PlainValue"));
    let plain = |name: &str| value(name).and_then(|node| node.text()).map(|text| text.trim().to_owned());
    let key = package.within("Key");
    let format = package.within("ResponseFormat");
    if let Some(encoding) = format.and_then(|node| node.attribute("Encoding")).filter(|encoding| *encoding != "DECIMAL")
    {
        let reason = format!("its codes are {}", super::quoted(encoding));
        return Err(Refusal::new(line, None, reason, "only tokens that show digits are taken"));
    }
    let secret = plain("Secret").map(Zeroizing::new);
    let secret = match secret.map(|text| STANDARD.decode(text.split_whitespace().collect::<String>())) {
        Some(Ok(bytes)) => Some(Secret::Bytes(Zeroizing::new(bytes))),
        Some(Err(_)) => {
            return Err(Refusal::new(
                line,
                Some("secret"),
                "the secret is no base64",
                "ask the vendor for another file",
            ));
        }
        None => None,
    };
    let id = key.and_then(|key| key.attribute("Id")).map(str::to_owned);
    let (step, count) = (plain("TimeInterval"), plain("Counter"));
    let kind = match (key.and_then(|key| key.attribute("Algorithm")), &step, &count) {
        (Some(written), _, _) => written,
        (None, Some(_), _) => "totp",
        (None, None, Some(_)) => "hotp",
        (None, None, None) => {
            let remedy = "ask the vendor for a file with the attribute Algorithm";
            return Err(Refusal::new(line, Some("type"), "it does not say totp or hotp", remedy));
        }
    };
    Ok(Raw {
        line,
        serial: words("SerialNo").or(id),
        secret,
        user: words("UserId"),
        kind: Some(kind.to_owned()),
        digits: format.and_then(|node| node.attribute("Length")).map(str::to_owned),
        step,
        algorithm: words("Suite"),
        count,
    })
}

/// By local names: vendors write the namespace in more than one way.
trait Named<'a, 'input> {
    fn has_tag_name_of(&self, name: &str) -> bool;
    /// The first below it that is called so.
    fn within(&self, name: &str) -> Option<Node<'a, 'input>>;
}

impl<'a, 'input> Named<'a, 'input> for Node<'a, 'input> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
    fn within(&self, name: &str) -> Option<Node<'a, 'input>> {
        self.descendants().find(|node| node.has_tag_name_of(name))
    }
}
