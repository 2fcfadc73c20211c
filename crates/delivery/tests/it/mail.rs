//! Letters handed to a real mail server, each way it can be protected.

use nod_core::Timestamp;
use nod_delivery::mail::{Letter, MailConfig, MailError, Mailer, Security};
use nod_testkit::exim::{Exim, PASSWORD, USER};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

fn letter(to: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: "Grüße".to_owned(),
        text: "Ä line\n.\nafter a dot\n".to_owned(),
        id: to.replace('@', "-"),
        at: Timestamp(1_700_000_000_000),
    }
}

fn config(port: u16, security: Security, roots: Vec<CertificateDer<'static>>) -> MailConfig {
    MailConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        login: (security != Security::None).then(|| (USER.to_owned(), Zeroizing::new(PASSWORD.to_owned()))),
        from: "nod@example.com".to_owned(),
        from_name: "Ünder \"Ltd\"".to_owned(),
        own_host: "nod.example.com".to_owned(),
        roots,
    }
}

#[tokio::test]
async fn letters_are_taken_over_tls_starttls_and_on_this_machine() {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let Some(exim) = Exim::start(&made.pem(), &key.serialize_pem()) else { return };
    let roots = || vec![made.der().clone()];
    for (port, security, to, protocol) in [
        (exim.tls, Security::Tls, "tls@example.com", "P=esmtpsa"),
        (exim.starttls, Security::StartTls, "starttls@example.com", "P=esmtpsa"),
        (exim.starttls, Security::None, "plain@plain.example", "P=esmtp "),
    ] {
        let mailer = Mailer::new(config(port, security, roots())).unwrap();
        assert_eq!(mailer.reach().await, Ok(()), "{security:?}");
        assert_eq!(mailer.send(&letter(to)).await, Ok(()), "{security:?}");
        assert!(exim.log().lines().last().is_some(), "{}", exim.log());
        assert!(exim.log().contains(protocol), "{security:?}: {}", exim.log());
    }
    let letters = exim.letters(3);
    for to in ["tls@example.com", "starttls@example.com", "plain@plain.example"] {
        let found = letters.iter().find(|letter| letter.contains(&format!("To: {to}\n"))).unwrap();
        assert!(found.contains(&format!("Message-ID: <{}@nod.example.com>", to.replace('@', "-"))), "{found}");
        assert!(found.contains("\n.\nafter a dot\n"), "a line of one dot ends no letter: {found}");
    }

    // Nobody is believed without proof, and nothing goes over a connection that is less than what was asked for.
    let unknown = Mailer::new(config(exim.tls, Security::Tls, vec![other()])).unwrap();
    assert!(matches!(unknown.send(&letter("anna@example.com")).await, Err(MailError::Unusable(_))));
    let unknown = Mailer::new(config(exim.starttls, Security::StartTls, vec![other()])).unwrap();
    assert!(matches!(unknown.send(&letter("anna@example.com")).await, Err(MailError::Unusable(_))));
    let login = Some((USER.to_owned(), Zeroizing::new(PASSWORD.to_owned())));
    let bare = Mailer::new(MailConfig { login, ..config(exim.starttls, Security::None, Vec::new()) }).unwrap();
    assert!(
        matches!(bare.send(&letter("anna@example.com")).await, Err(MailError::Unusable(_))),
        "no login without TLS"
    );
    let login = Some((USER.to_owned(), Zeroizing::new("wrong".to_owned())));
    let wrong = Mailer::new(MailConfig { login, ..config(exim.tls, Security::Tls, roots()) }).unwrap();
    assert!(
        matches!(wrong.send(&letter("anna@example.com")).await, Err(MailError::Unusable(said)) if said.contains("535"))
    );
    let mailer = Mailer::new(config(exim.tls, Security::Tls, roots())).unwrap();
    let gone = mailer.send(&letter("gone@example.com")).await;
    assert!(matches!(&gone, Err(MailError::Refused(said)) if said.contains("no such mailbox")), "{gone:?}");
    let full = mailer.send(&letter("full@example.com")).await;
    assert!(matches!(&full, Err(MailError::Deferred(said)) if said.contains("mailbox is full")), "{full:?}");
    assert_eq!(exim.letters(3).len(), 3);
}

fn other() -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap().der().clone()
}

#[tokio::test]
async fn a_server_that_says_nothing_or_nonsense_ends_in_time() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = async {
        for answer in ["220 hello\r\n999 what\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut socket, answer.as_bytes()).await.unwrap();
        }
    };
    let mailer = Mailer::new(config(port, Security::None, Vec::new())).unwrap();
    let letters = async {
        for _ in 0..3 {
            assert!(matches!(mailer.send(&letter("anna@example.com")).await, Err(MailError::Unusable(_))));
        }
    };
    tokio::join!(answers, letters);
}
