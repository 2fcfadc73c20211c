//! Content Security Policy of each page: the folders of its modules, the addresses of its styles, and nothing else (W04, W07, W08).

use http::HeaderValue;

use super::assets::Assets;

/// The worker's file in `web/`; it is served at the same path below the origin.
pub(super) const WORKER: &str = "authenticator/worker.js";

/// The policies, computed once.
#[derive(Debug)]
pub(super) struct Policies {
    /// Pages without script: the sign-in form and messages.
    pub(super) plain: HeaderValue,
    /// `/sign-in/nameless`.
    pub(super) nameless: HeaderValue,
    /// `/sign-in/continue`.
    pub(super) go_on: HeaderValue,
    /// `/introduce`.
    pub(super) introduce: HeaderValue,
    /// `/enrol`.
    pub(super) enrol: HeaderValue,
    /// `/portal`.
    pub(super) portal: HeaderValue,
    /// `/authenticator`.
    pub(super) authenticator: HeaderValue,
    /// The service worker's own.
    pub(super) worker: HeaderValue,
}

impl Policies {
    /// For pages at `origin`.
    pub(super) fn new(assets: &Assets, origin: &str) -> Self {
        let modules = |entry: &str| -> Vec<String> {
            assets.graph(entry).iter().map(|path| format!("{origin}{}", assets.url(path))).collect()
        };
        let page = |entry: &str| policy(assets, origin, &modules(entry), "trusted-types 'none'");
        let mut worker = vec![format!("{origin}/{WORKER}")];
        let imported = assets.graph(WORKER).into_iter().filter(|path| path != WORKER);
        worker.extend(imported.map(|path| format!("{origin}/assets/{path}")));
        // Browsers differ on whether the page's `script-src` also governs what its worker imports: it lists both.
        let app = [modules("authenticator/app.js"), worker.clone()].concat();
        let app_more = "trusted-types nod-worker; manifest-src 'self'; worker-src 'self'";
        Self {
            plain: policy(assets, origin, &[], "trusted-types 'none'"),
            nameless: page("sign-in/nameless.js"),
            go_on: page("sign-in/continue.js"),
            introduce: page("sign-in/introduce.js"),
            enrol: page("enrol/enrol.js"),
            portal: page("portal/portal.js"),
            authenticator: policy(assets, origin, &app, app_more),
            worker: value(format!(
                "default-src 'none'; script-src {}; connect-src 'self'; img-src 'self'",
                folders(&worker)
            )),
        }
    }
}

/// The folders that these scripts are in, and the worker by its own address. Every file by its address would be more than the
/// 4 KiB that proxies take of an answer's head; what stands in the folders is Nod's own and in the binary.
fn folders(scripts: &[String]) -> String {
    let mut folders: Vec<&str> = Vec::new();
    for script in scripts {
        let end = script.rfind('/').map_or(0, |slash| slash + 1);
        let folder = if script.contains("/assets/") { script.get(..end).unwrap_or(script) } else { script };
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(" ")
}

fn policy(assets: &Assets, origin: &str, scripts: &[String], more: &str) -> HeaderValue {
    let scripts = if scripts.is_empty() { "'none'".to_owned() } else { folders(scripts) };
    let styles: Vec<String> = assets.styles().map(|path| format!("{origin}{}", assets.url(path))).collect();
    value(format!(
        "default-src 'none'; script-src {scripts}; style-src {}; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; {more}",
        styles.join(" ")
    ))
}

/// An origin that no header can hold leaves a policy that allows nothing.
fn value(policy: String) -> HeaderValue {
    HeaderValue::try_from(policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}
