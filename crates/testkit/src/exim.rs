//! A mail server of a test's own (Exim): in a temporary folder, on ports of its own, ended when dropped.
#![expect(clippy::missing_panics_doc, reason = "whatever goes wrong with a test's own server ends the test")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::tools;

/// Looks until a start or a letter is given up: over a minute.
const LOOKS: u32 = 3_000;
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Who may write.
pub const USER: &str = "nod";
/// With this password.
pub const PASSWORD: &str = "hunter2-for-mail";

/// The server. Over TLS it lets [`USER`] log in and then takes letters for `example.com`, where it has no mailbox `gone` and one that is `full`; without
/// TLS it takes letters for `plain.example` from everybody.
#[derive(Debug)]
pub struct Exim {
    folder: TempDir,
    program: PathBuf,
    /// Port without TLS, on which STARTTLS is offered.
    pub starttls: u16,
    /// Port with TLS from the first byte.
    pub tls: u16,
    server: Option<Child>,
}

impl Exim {
    /// Starts one with this certificate and key (PEM). None, with a line that says so, where it is not installed or the test is
    /// not root's; in CI that is a failure unless `ci-skips.toml` lists it.
    #[must_use]
    pub fn start(certificate: &str, key: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap_or_else(|error| unreachable!("a temporary folder: {error}"));
        let program = find(folder.path())?;
        // Both are held until both are known, so that they differ.
        let held = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).ok());
        let [starttls, tls] = held.each_ref().map(|held| held.as_ref().and_then(|held| held.local_addr().ok()));
        let (starttls, tls) = (starttls?.port(), tls?.port());
        drop(held);
        let mut exim = Self { folder, program, starttls, tls, server: None };
        exim.prepare(certificate, key).unwrap_or_else(|error| unreachable!("the server's files: {error}"));
        exim.run();
        Some(exim)
    }

    fn prepare(&self, certificate: &str, key: &str) -> std::io::Result<()> {
        fs::set_permissions(self.folder.path(), PermissionsExt::from_mode(0o755))?;
        fs::create_dir(self.file("spool"))?;
        for (name, text) in
            [("cert.pem", certificate), ("key.pem", key), ("box", ""), ("exim.conf", &self.configuration())]
        {
            fs::write(self.file(name), text)?;
        }
        // It gives up root and goes on as the user that its package made.
        let passwd = fs::read_to_string("/etc/passwd")?;
        let line = passwd.lines().find(|line| line.starts_with("Debian-exim:")).unwrap_or_default();
        let mut ids = line.split(':').skip(2).filter_map(|id| id.parse().ok());
        let (user, group) = (ids.next(), ids.next());
        for name in ["", "spool", "key.pem", "box"] {
            chown(self.file(name), user, group)?;
        }
        Ok(())
    }

    /// Runs it, again after [`Exim::quit`].
    pub fn run(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg("-C").arg(self.file("exim.conf")).arg("-bdf").stdin(Stdio::null()).stderr(Stdio::null());
        self.server = Some(command.spawn().unwrap_or_else(|error| unreachable!("starting exim: {error}")));
        let listens = until(|| TcpStream::connect(("127.0.0.1", self.starttls)).ok());
        assert!(listens.is_some(), "exim does not listen: {}", self.log());
    }

    /// Ends the server.
    pub fn quit(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.text("mainlog")
    }

    /// Waits for so many letters and gives all that were delivered, each with its quoted-printable lines joined.
    #[must_use]
    pub fn letters(&self, count: usize) -> Vec<String> {
        let found = until(|| {
            let text = self.text("box");
            let letters = text.split("\nFrom ").filter(|letter| !letter.trim().is_empty());
            let letters: Vec<String> = letters.map(|letter| letter.replace("=\n", "").replace("=3D", "=")).collect();
            (letters.len() >= count && text.ends_with("\n\n")).then_some(letters)
        });
        found.unwrap_or_else(|| unreachable!("{count} letters did not come: {}\n{}", self.text("box"), self.log()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn configuration(&self) -> String {
        let (folder, starttls, tls) = (self.folder.path().display(), self.starttls, self.tls);
        format!(
            "primary_hostname = localhost\nexim_user = Debian-exim\nexim_group = Debian-exim\nnever_users =\n\
             keep_environment =\nspool_directory = {folder}/spool\nlog_file_path = {folder}/%slog\npid_file_path = {folder}/pid\n\
             local_interfaces = <; [127.0.0.1]:{starttls}; [127.0.0.1]:{tls}\ntls_on_connect_ports = {tls}\n\
             daemon_smtp_ports =\ntls_advertise_hosts = *\ntls_certificate = {folder}/cert.pem\n\
             tls_privatekey = {folder}/key.pem\nhost_lookup =\nrfc1413_hosts =\nacl_smtp_rcpt = rcpt\n\
             begin acl\nrcpt:\n  defer message = mailbox is full\n    local_parts = full\n  deny message = no such mailbox\n    local_parts = gone\n\
             \x20 accept authenticated = *\n    domains = example.com\n  accept domains = plain.example\n  deny message = not for us\n\
             begin routers\nall:\n  driver = accept\n  transport = box\n\
             begin transports\nbox:\n  driver = appendfile\n  file = {folder}/box\n  user = Debian-exim\n  group = Debian-exim\n\
             begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n\
             \x20 server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}\n\
             \x20 server_set_id = $auth2\n  server_advertise_condition = ${{if def:tls_in_cipher}}\n"
        )
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.quit();
    }
}

/// The program, where this test may run it.
fn find(folder: &Path) -> Option<PathBuf> {
    let root = fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0);
    let found = tools::EXIM.find().filter(|_| root);
    if found.is_none() {
        let missing =
            if root { tools::EXIM.missing() } else { "exim lets nobody but root name its configuration".to_owned() };
        println!("SKIP: {missing}");
        assert!(
            !tools::is_ci() || tools::allowed_skip(tools::EXIM.name).is_some(),
            "CI=true, so this fails: {missing}"
        );
    }
    found
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    (0..LOOKS).find_map(|_| {
        let found = look();
        if found.is_none() {
            std::thread::sleep(LOOK_AGAIN);
        }
        found
    })
}
