//! The files of `web/`, carried in the binary: their addresses, hashes, and the rules for caching them.
//!
//! All files share one hash in their path (`/assets/HASH/shared/dom.js`), so that the relative imports of a module stay inside
//! the same, unchanging set. The worker, its icons and the manifest use the address without a hash, which is checked each time.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use nod_protocol::{b64, sha256};
use rust_embed::RustEmbed;

use crate::state::AppState;

#[derive(RustEmbed)]
#[folder = "../../web"]
struct Embedded;

/// Folders of `web/` that are served. Templates and notes are not.
const SERVED: [&str; 7] = ["shared/", "sign-in/", "enrol/", "portal/", "authenticator/", "vendor/", "words/"];
/// Where they are served.
const PREFIX: &str = "/assets/";
/// Characters of the hash in a path.
const HASH_CHARS: usize = 16;
/// A year, the longest that caches keep anything (RFC 9111 names no limit; browsers do).
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, but asked about each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// One file.
struct Asset {
    bytes: Bytes,
    content_type: &'static str,
    integrity: String,
    etag: HeaderValue,
}

/// All files that are served.
pub(super) struct Assets {
    files: BTreeMap<String, Asset>,
    hash: String,
}

impl std::fmt::Debug for Assets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assets").field("files", &self.files.len()).field("hash", &self.hash).finish()
    }
}

/// Content type by the name's ending; other endings are not served.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    })
}

/// Sentences are JSON, which translators and other programs read; pages import them, and a module cannot import JSON in every
/// browser. JSON is an expression of JavaScript (ECMA-262, since 2019), so `words/de.json` is served as the module `words/de.js`.
fn as_served(path: String, data: Vec<u8>) -> (String, Vec<u8>) {
    match path.strip_suffix(".json") {
        Some(name) => (format!("{name}.js"), [b"export default ", data.trim_ascii_end(), b";\n"].concat()),
        None => (path, data),
    }
}

impl Assets {
    /// Reads what the binary carries and hashes it once.
    pub(super) fn load() -> Self {
        let mut files = BTreeMap::new();
        let mut all = Vec::new();
        let mut paths: Vec<String> = Embedded::iter().map(|path| path.replace('\\', "/")).collect();
        paths.sort();
        for path in paths {
            let served = SERVED.iter().any(|folder| path.starts_with(folder));
            let Some(file) = Embedded::get(&path).filter(|_| served) else { continue };
            let (path, data) = as_served(path, file.data.into_owned());
            let Some(content_type) = content_type(&path) else { continue };
            let digest = sha256(&data);
            all.extend_from_slice(path.as_bytes());
            all.extend_from_slice(&digest);
            let etag = HeaderValue::try_from(format!("\"{}\"", b64::encode(digest)));
            let asset = Asset {
                bytes: Bytes::from(data),
                content_type,
                integrity: format!("sha256-{}", STANDARD.encode(digest)),
                etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"none\"")),
            };
            files.insert(path, asset);
        }
        let hash = b64::encode(sha256(&all)).chars().take(HASH_CHARS).collect();
        Self { files, hash }
    }

    /// Address of a file that may be kept for ever.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{PREFIX}{}/{path}", self.hash)
    }

    /// Subresource integrity of a file (W3C SRI); empty for a file that is not there.
    pub(super) fn sri(&self, path: &str) -> &str {
        self.files.get(path).map_or("", |asset| asset.integrity.as_str())
    }

    /// A module and everything that it imports, by path.
    pub(super) fn graph(&self, entry: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![entry.to_owned()];
        while let Some(path) = open.pop() {
            if let Some(asset) = self.files.get(&path)
                && found.insert(path.clone())
            {
                let text = String::from_utf8_lossy(&asset.bytes);
                open.extend(imports(&text).filter_map(|target| resolve(&path, target)));
            }
        }
        found
    }

    /// Every style sheet: all pages use all of them.
    pub(super) fn styles(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|path| path.ends_with(".css"))
    }

    /// The text of a file, for what is not served as it is.
    pub(super) fn text(path: &str) -> String {
        Embedded::get(path).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
    }

    fn respond(&self, path: &str, request: &HeaderMap) -> Option<Response> {
        let with_hash = path.strip_prefix(self.hash.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let asset = self.files.get(with_hash.unwrap_or(path))?;
        let caching = if with_hash.is_some() { IMMUTABLE } else { REVALIDATE };
        let known = request.get_all(header::IF_NONE_MATCH).iter().any(|sent| *sent == asset.etag);
        let headers = [(header::ETAG, asset.etag.clone()), (header::CACHE_CONTROL, caching)];
        if known {
            return Some((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        let mut response = (headers, asset.bytes.clone()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        // An SVG opened by itself is a document: nothing in it may run.
        let sandbox = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
        if asset.content_type == "image/svg+xml" {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, sandbox);
        }
        Some(response)
    }
}

/// GET `/assets/{*path}`.
pub(super) async fn serve(State(state): State<AppState>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    state.site().assets.respond(&path, &headers).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// Targets of the import and export statements of a module. They start a line and end with `from "…"` or `import "…"`; other
/// people's modules use the other quotes.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.starts_with("import ") || line.starts_with("export ") || line.starts_with("} from"))
        .filter_map(|line| {
            let quoted =
                line.split_once("from ").map_or_else(|| line.strip_prefix("import "), |(_, rest)| Some(rest))?;
            let quote = quoted.chars().next().filter(|first| ['"', '\''].contains(first))?;
            Some(quoted.get(1..)?.split_once(quote)?.0)
        })
}

/// `../shared/dom.js` as seen from `enrol/steps.js` is `shared/dom.js`; `/assets/…` is absolute.
fn resolve(from: &str, target: &str) -> Option<String> {
    if let Some(absolute) = target.strip_prefix(PREFIX) {
        return Some(absolute.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_and_resolved() {
        let text = "import { a } from \"../shared/dom.js\";\nimport \"./b.js\";\n * import(\"./comment.js\")\nexport { c } from \"/assets/x/c.js\";\nimport {\n  d,\n} from \"./d.js\";\nimport { e } from './e.js';\nexport const from = 1;";
        let found: Vec<_> = imports(text).filter_map(|target| resolve("enrol/steps.js", target)).collect();
        assert_eq!(found, ["shared/dom.js", "enrol/b.js", "x/c.js", "enrol/d.js", "enrol/e.js"]);
        assert_eq!(resolve("a.js", "../../etc"), None);
    }

    #[test]
    fn every_import_leads_to_a_file() {
        let assets = Assets::load();
        for (path, asset) in assets.files.iter().filter(|(path, _)| path.ends_with(".js")) {
            let text = String::from_utf8_lossy(&asset.bytes);
            assert!(
                !text.contains("import(\"") || text.contains("typedef") || text.contains("@param"),
                "{path}: dynamic import"
            );
            for target in imports(&text) {
                let found = resolve(path, target).unwrap();
                assert!(assets.files.contains_key(&found), "{path} imports {target}");
            }
        }
    }

    #[test]
    fn sentences_are_served_as_modules() {
        let assets = Assets::load();
        let german = assets.files.get("words/de.js").unwrap();
        assert!(german.bytes.starts_with(b"export default {") && german.bytes.ends_with(b"};\n"));
        assert!(!assets.files.contains_key("words/de.json"));
        assert!(assets.graph("authenticator/app.js").contains("words/de.js"));
    }

    #[test]
    fn only_what_pages_need_is_served() {
        let assets = Assets::load();
        assert!(assets.files.len() > 20);
        assert!(assets.files.keys().all(|path| content_type(path).is_some() && !path.starts_with("templates/")));
        assert!(assets.graph("sign-in/continue.js").contains("shared/webauthn.js"));
        assert!(!assets.graph("sign-in/continue.js").contains("authenticator/app.js"));
    }
}
