//! A private message bus with a desktop notification daemon of our own on it: what browsers show, and the clicks.

use crate::folder::Folder;
use crate::process::{PATIENCE, Process, until};
use crate::tools::DBUS;
use std::collections::HashMap;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use zbus::blocking::Connection;
use zbus::zvariant::OwnedValue;

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";
/// A browser drops a click that comes before it has read the reply to its `Notify`; so we pause, and click again.
const CLICK_PAUSE: Duration = Duration::from_millis(100);

/// A notification as the browser asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Id that the daemon gave.
    pub id: u32,
    /// Name of the application (`Firefox`, `Chromium`).
    pub app: String,
    /// Title.
    pub summary: String,
    /// Text; Chromium puts the origin and a blank line before it.
    pub body: String,
    /// Keys and labels in turn: `default`, `Activate`, `deny-moz`, `Deny`, ...
    pub actions: Vec<String>,
}

impl Notification {
    /// Key of the action with this label.
    #[must_use]
    pub fn key_of(&self, label: &str) -> Option<&str> {
        self.actions.chunks(2).find(|pair| pair.get(1).is_some_and(|text| text == label)).map(|pair| pair[0].as_str())
    }
}

#[derive(Debug, Default)]
struct Seen {
    shown: Vec<Notification>,
    closed: Vec<u32>,
}

#[derive(Debug, Default)]
struct Log {
    seen: Mutex<Seen>,
    more: Condvar,
}

struct Daemon {
    log: Arc<Log>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    #[expect(clippy::unused_self, reason = "the shape of the D-Bus method")]
    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "persistence"].map(str::to_owned).to_vec()
    }

    #[expect(clippy::unused_self, reason = "the shape of the D-Bus method")]
    fn get_server_information(&self) -> (String, String, String, String) {
        ("harness".to_owned(), "nod".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    #[expect(clippy::too_many_arguments, reason = "the shape of the D-Bus method")]
    fn notify(
        &self,
        app_name: String,
        replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut seen = self.log.seen.lock().unwrap();
        let id = if replaces_id > 0 { replaces_id } else { u32::try_from(seen.shown.len()).unwrap() + 1 };
        seen.shown.push(Notification { id, app: app_name, summary, body, actions });
        self.log.more.notify_all();
        id
    }

    async fn close_notification(&self, id: u32, #[zbus(connection)] connection: &zbus::Connection) {
        self.log.seen.lock().unwrap().closed.push(id);
        self.log.more.notify_all();
        // Reason 3: closed by this call.
        let _ = connection.emit_signal(None::<()>, PATH, NAME, "NotificationClosed", &(id, 3_u32)).await;
    }
}

/// The bus and its daemon; both end on drop.
#[derive(Debug)]
pub struct Bus {
    connection: Connection,
    log: Arc<Log>,
    address: String,
    _process: Process,
    _folder: Folder,
}

impl Bus {
    /// Starts `dbus-daemon` in a folder of its own and takes the notification service there.
    ///
    /// # Panics
    /// When either does not come up.
    #[must_use]
    pub fn start() -> Self {
        let folder = Folder::new();
        let mut command = Command::new(DBUS.find().expect("dbus-daemon is installed"));
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        command.arg(format!("--address=unix:path={}", folder.path().join("bus").display()));
        let mut process = Process::start("dbus-daemon", &mut command);
        // The socket file is there before the daemon accepts; the printed line is not.
        let address = process.wait_line("unix:path=", PATIENCE, |line| line.starts_with("unix:path="));
        let log = Arc::<Log>::default();
        let connection = zbus::blocking::connection::Builder::address(address.as_str())
            .and_then(|builder| builder.name(NAME))
            .and_then(|builder| builder.serve_at(PATH, Daemon { log: Arc::clone(&log) }))
            .and_then(zbus::blocking::connection::Builder::build)
            .expect("the private bus takes our notification service");
        Self { connection, log, address, _process: process, _folder: folder }
    }

    /// Value for `DBUS_SESSION_BUS_ADDRESS`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All notifications so far.
    ///
    /// # Panics
    /// When the daemon has panicked.
    #[must_use]
    pub fn shown(&self) -> Vec<Notification> {
        self.log.seen.lock().unwrap().shown.clone()
    }

    /// Ids that browsers closed so far.
    ///
    /// # Panics
    /// When the daemon has panicked.
    #[must_use]
    pub fn closed(&self) -> Vec<u32> {
        self.log.seen.lock().unwrap().closed.clone()
    }

    /// Waits for a notification beyond the first `after` ones that `wanted` accepts.
    ///
    /// # Panics
    /// When it does not come in time; those seen are shown.
    #[track_caller]
    pub fn wait_shown(&self, after: usize, wanted: impl Fn(&Notification) -> bool) -> Notification {
        let find = |seen: &Seen| seen.shown.iter().skip(after).find(|shown| wanted(shown)).cloned();
        self.wait("a notification", find)
    }

    /// Waits until the browser has closed this notification.
    ///
    /// # Panics
    /// When it does not do so in time.
    #[track_caller]
    pub fn wait_closed(&self, id: u32) {
        self.wait("a closed notification", |seen: &Seen| seen.closed.contains(&id).then_some(()));
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, find: impl Fn(&Seen) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut seen = self.log.seen.lock().unwrap();
        loop {
            if let Some(found) = find(&seen) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited {PATIENCE:?} in vain for {what}; seen: {seen:?}");
            seen = self.log.more.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Presses an action (`default` is the body), again and again until `arrived` says that the browser has seen it.
    ///
    /// # Panics
    /// When the click does not arrive in time.
    #[track_caller]
    pub fn click(&self, id: u32, key: &str, mut arrived: impl FnMut() -> bool) {
        let mut pressed = Instant::now();
        until(&format!("the click on `{key}` of notification {id}"), PATIENCE, || {
            if arrived() {
                return Some(());
            }
            if pressed.elapsed() >= CLICK_PAUSE {
                self.press(id, key);
                pressed = Instant::now();
            }
            None
        });
    }

    /// Presses an action once, whether or not the browser is ready for it.
    ///
    /// # Panics
    /// When the bus is gone.
    pub fn press(&self, id: u32, key: &str) {
        self.connection.emit_signal(None::<()>, PATH, NAME, "ActionInvoked", &(id, key)).unwrap();
    }
}
