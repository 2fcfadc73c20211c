//! What the account page shows: phones, browsers, sessions, and the one thing worth doing next.

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use nod_core::Timestamp;
use nod_core::access::{Method, Session};
use nod_core::people::User;
use nod_core::possession::{BoundBy, Browser, Device, DeviceState, Platform};
use nod_engine::Outcome;

use super::ago::ago;
use super::views::{AccountView, BrowserRow, DeviceRow, SessionRow};
use crate::cookies;
use crate::state::AppState;

/// The page for the owner of `session`.
pub(super) async fn draw(state: &AppState, session: &Session, user: &User, headers: &HeaderMap) -> Outcome<Response> {
    let store = state.engine().store();
    let now = store.now().await?;
    let mut devices = store.devices_of(user.id).await?;
    devices.retain(|device| device.state != DeviceState::Revoked);
    let mut browsers = store.browsers_of(user.id).await?;
    browsers.retain(|browser| browser.is_bound(now));
    let mut sessions = store.sessions_of(user.id).await?;
    sessions.retain(|session| session.is_live(now));
    let cookie = cookies::BROWSER.read(headers);
    let this_browser = state.engine().this_browser(cookie.as_deref(), user.id).await?;
    let this_browser_bound = browsers.iter().any(|browser| Some(browser.id) == this_browser);
    let site = state.site();
    let view = AccountView {
        assets: &site.assets,
        server: &site.server,
        user: &user.name,
        display_name: &user.display_name,
        protection: &protection(&devices),
        next_step: &next_step(&devices, this_browser_bound),
        this_browser_bound,
        devices: devices.into_iter().map(|device| device_row(device, now)).collect(),
        browsers: browsers
            .into_iter()
            .map(|b| BrowserRow { current: Some(b.id) == this_browser, ..browser_row(b, now) })
            .collect(),
        sessions: sessions
            .into_iter()
            .map(|s| SessionRow { current: s.id == session.id, ..session_row(s, now) })
            .collect(),
    };
    Ok(site.page(StatusCode::OK, &view, &site.policies.account))
}

fn protection(devices: &[Device]) -> String {
    let names: Vec<&str> = devices.iter().filter(|d| d.state == DeviceState::Active).map(|d| d.name.as_str()).collect();
    if names.is_empty() {
        "Your account has no phone yet.".to_owned()
    } else {
        format!("Your account is protected by: {}.", names.join(", "))
    }
}

fn next_step(devices: &[Device], this_browser_bound: bool) -> String {
    let active = devices.iter().filter(|d| d.state == DeviceState::Active).count();
    if active == 0 {
        return "Add a phone, so that Nod can ask you.".to_owned();
    }
    if !this_browser_bound {
        return "Introduce this browser, so that the next sign-in here asks your phone at once.".to_owned();
    }
    if active == 1 {
        return "Add a second phone, in case you lose this one.".to_owned();
    }
    String::new()
}

fn device_row(device: Device, now: Timestamp) -> DeviceRow {
    DeviceRow {
        id: device.id.to_string(),
        name: device.name,
        kind: match device.platform {
            Platform::Android => "Android",
            Platform::Ios => "iPhone or iPad",
            Platform::Desktop => "browser on a computer",
            Platform::Terminal => "terminal",
        },
        state: if device.state == DeviceState::Active { "active" } else { "pending" },
        added: format!("added {}", ago(device.created_at, now)),
        last_seen: format!("seen {}", ago(device.last_seen_at, now)),
    }
}

fn browser_row(browser: Browser, now: Timestamp) -> BrowserRow {
    BrowserRow {
        id: browser.id.to_string(),
        name: browser.label,
        how: match browser.bound_by {
            BoundBy::Passkey => "introduced with a passkey",
            BoundBy::Link => "introduced by an administrator's link",
        },
        last_seen: format!("used {}", ago(browser.last_used_at, now)),
        current: false,
    }
}

fn session_row(session: Session, now: Timestamp) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        browser: session.agent,
        how: match session.method {
            Method::Push => "approved on a phone",
            Method::PushNumber => "approved on a phone with the number",
            Method::Passkey => "with a passkey",
        },
        address: session.address,
        started: format!("signed in {}", ago(session.created_at, now)),
        current: false,
    }
}
