//! Letters to people, handed to the operator's mail server over SMTP (RFC 5321, RFC 6409).
//!
//! Plain text only, and nothing is fetched when one is read. Each says that a program wrote it (RFC 3834), so that no absence
//! notice comes back.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Code, Severity};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use nod_core::{Timestamp, text};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

/// Most time for one command to the mail server and its answer.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// Most time for a whole letter.
pub const LETTER_TIMEOUT: Duration = Duration::from_secs(20);
/// Most of the server's own words that are repeated, in characters.
const MAX_SAID_CHARACTERS: usize = 200;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS after `STARTTLS` (RFC 3207); a server that does not offer it is refused.
    StartTls,
    /// None: for a server on this very machine.
    None,
}

/// A mail server and who writes through it. No `Debug`: it holds a password (INV-24).
pub struct MailConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the way there is protected.
    pub security: Security,
    /// User and password, where the server wants them.
    pub login: Option<(String, Zeroizing<String>)>,
    /// Address that letters come from.
    pub from: String,
    /// Name beside it.
    pub from_name: String,
    /// The name by which Nod introduces itself, and the right half of each letter's id: the public host.
    pub own_host: String,
    /// Authorities that vouch for the server; the system's where there are none.
    pub roots: Vec<CertificateDer<'static>>,
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Address that it goes to.
    pub to: String,
    /// One line, at most [`text::MAX_SHOWN_CHARS`] characters.
    pub subject: String,
    /// Plain text, lines ended by `\n`.
    pub text: String,
    /// The left half of its id: the same when it is sent again, so that programs can tell a repetition.
    pub id: String,
    /// The time that it carries.
    pub at: Timestamp,
}

/// Why a letter was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The server will not take this letter, now or later: most often there is no such mailbox.
    #[error("the mail server refuses it: {0}")]
    Refused(String),
    /// The server does not take this letter now: a full mailbox, a domain that is not found, a stranger who is to come again
    /// (450, 451, 452; RFC 5321 section 4.2.3).
    #[error("the mail server does not take it now: {0}")]
    Deferred(String),
    /// The server takes nothing at present, or nothing from us. Its words, if it said any.
    #[error("the mail server cannot be used: {0}")]
    Unusable(String),
    /// No whole answer in time.
    #[error("the mail server did not answer within {} s", LETTER_TIMEOUT.as_secs())]
    Timeout,
    /// The letter cannot be written down.
    #[error("this is no letter: {0}")]
    Letter(String),
}

/// Hands letters to one mail server, over a new connection for each.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    own_host: String,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").finish_non_exhaustive()
    }
}

impl Mailer {
    /// A way to this server. Nothing is sent yet.
    ///
    /// # Errors
    /// [`MailError::Letter`] for an impossible sender; [`MailError::Unusable`] for authorities that cannot be used.
    pub fn new(config: MailConfig) -> Result<Self, MailError> {
        let from = Mailbox::new(some_name(&config.from_name), address(&config.from)?);
        let tls = match config.security {
            Security::Tls => Tls::Wrapper(parameters(&config)?),
            Security::StartTls => Tls::Required(parameters(&config)?),
            Security::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(COMMAND_TIMEOUT))
            .hello_name(ClientId::Domain(config.own_host.clone()));
        if let Some((user, password)) = config.login {
            transport = transport.credentials(Credentials::new(user, String::clone(&password)));
        }
        Ok(Self { transport: transport.build(), from, own_host: config.own_host })
    }

    /// Hands over a letter. When this returns, the server has taken it upon itself (RFC 5321 section 6.1).
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(letter)?;
        let sent = tokio::time::timeout(LETTER_TIMEOUT, self.transport.send(message));
        sent.await.map_err(|_| MailError::Timeout)?.map(|_| ()).map_err(|error| told(&error))
    }

    /// Connects, introduces and proves itself. Nothing is sent.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn reach(&self) -> Result<(), MailError> {
        let reached = tokio::time::timeout(LETTER_TIMEOUT, self.transport.test_connection());
        match reached.await.map_err(|_| MailError::Timeout)?.map_err(|error| told(&error))? {
            true => Ok(()),
            false => Err(MailError::Unusable("it closed the connection".to_owned())),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailError> {
        let at = u64::try_from(letter.at.0).unwrap_or(0);
        let date = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at)).unwrap_or(SystemTime::UNIX_EPOCH);
        Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.own_host)))
            .date(date)
            .from(self.from.clone())
            .to(Mailbox::new(None, address(&letter.to)?))
            .subject(text::shown(&letter.subject))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.replace('\n', "\r\n"))
            .map_err(|error| MailError::Letter(error.to_string()))
    }
}

/// One line without control characters: the library panics on others.
fn some_name(name: &str) -> Option<String> {
    Some(text::shown(name)).filter(|name| !name.is_empty())
}

fn address(text: &str) -> Result<lettre::Address, MailError> {
    text.parse().map_err(|_| MailError::Letter("its address is none".to_owned()))
}

fn parameters(config: &MailConfig) -> Result<TlsParameters, MailError> {
    let unusable = |error: lettre::transport::smtp::Error| MailError::Unusable(error.to_string());
    let mut builder = TlsParameters::builder(config.host.clone());
    if !config.roots.is_empty() {
        builder = builder.certificate_store(CertificateStore::None);
    }
    for root in &config.roots {
        builder = builder.add_root_certificate(Certificate::from_der(root.to_vec()).map_err(unusable)?);
    }
    builder.build_rustls().map_err(unusable)
}

/// What an error means for the letter: a permanent refusal that is not about us is about it (RFC 5321 section 4.2.1; RFC 4954
/// section 6 for those about us).
fn told(error: &lettre::transport::smtp::Error) -> MailError {
    const ABOUT_US: [Code; 4] = [
        code(Category::Unspecified3, 0), // 530 must authenticate, or must use TLS
        code(Category::Unspecified3, 4), // 534 stronger mechanism
        code(Category::Unspecified3, 5), // 535 wrong password
        code(Category::Unspecified3, 8), // 538 encryption required
    ];
    if error.is_timeout() {
        return MailError::Timeout;
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(deeper) = source {
        words = format!("{words}: {deeper}");
        source = deeper.source();
    }
    let said = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let said: String = said.take(MAX_SAID_CHARACTERS).collect();
    let said = said.trim_end_matches([':', ' ']).to_owned();
    match error.status() {
        Some(status) if error.is_permanent() && !ABOUT_US.contains(&status) => MailError::Refused(said),
        // 421 and 454 are about the server and about us; the others of this kind about the letter.
        Some(Code { category: Category::MailSystem, .. }) if error.is_transient() => MailError::Deferred(said),
        _ => MailError::Unusable(said),
    }
}

const fn code(category: Category, detail: u8) -> Code {
    use lettre::transport::smtp::response::Detail;
    let detail = match detail {
        4 => Detail::Four,
        5 => Detail::Five,
        8 => Detail::Eight,
        _ => Detail::Zero,
    };
    Code { severity: Severity::PermanentNegativeCompletion, category, detail }
}

/// `Auto-Submitted: auto-generated` (RFC 3834 section 5).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_plain_text_with_its_id_its_date_and_no_way_to_add_a_header() {
        let config = MailConfig {
            host: "mail.example.com".to_owned(),
            port: 465,
            security: Security::Tls,
            login: None,
            from: "nod@example.com".to_owned(),
            from_name: "Example \"Ltd\"\r\nBcc: eve@example.com".to_owned(),
            own_host: "nod.example.com".to_owned(),
            roots: Vec::new(),
        };
        let letter = Letter {
            to: "anna@example.com".to_owned(),
            subject: "Grüße\r\nBcc: eve@example.com".to_owned(),
            text: "One\nTwo\n".to_owned(),
            id: "abc".to_owned(),
            at: Timestamp(1_700_000_000_000),
        };
        let message = Mailer::new(config).unwrap().message(&letter).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        for line in [
            "Message-ID: <abc@nod.example.com>\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "To: anna@example.com\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "\r\n\r\nOne\r\nTwo\r\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in {text}");
        }
        assert!(!text.contains("\nBcc") && !text.contains("\rBcc"), "{text}");
        for to in ["anna", "anna@example.com\r\nDATA", "a b@example.com", ""] {
            let letter = Letter { to: to.to_owned(), ..letter.clone() };
            assert!(matches!(Mailer::message(&mailer(), &letter), Err(MailError::Letter(_))), "{to:?}");
        }
    }

    fn mailer() -> Mailer {
        Mailer::new(MailConfig {
            host: "127.0.0.1".to_owned(),
            port: 25,
            security: Security::None,
            login: None,
            from: "nod@example.com".to_owned(),
            from_name: String::new(),
            own_host: "nod.example.com".to_owned(),
            roots: Vec::new(),
        })
        .unwrap()
    }
}
