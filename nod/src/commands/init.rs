//! `nod init`: a new installation.

use std::path::{Path, PathBuf};

use clap::Args;
use nod_delivery::web_push::VapidSubject;
use serde::Serialize;

use super::{ask, enrol};
use crate::cli::Common;
use crate::config::{Answers, Config, DEFAULT_DATA_DIR, PublicAddress, render};
use crate::failure::{Failure, Next as _, Outcome};
use crate::installation::Installation;
use crate::output::{self, Time};
use crate::private_file;

/// Where the configuration is written when no path is given.
const FILE: &str = "nod.toml";
/// The group of administrators.
const ADMINS: &str = "admins";

/// Ask three questions and make a new installation
///
/// Writes a commented nod.toml, makes the data folder with database and keys, adds the first administrator and prints the
/// single-use link by which their phone is enrolled. Nothing that exists is overwritten.
#[derive(Debug, Args)]
#[command(
    after_long_help = "The public host is what passkeys are made for: changing it later means enrolling every phone again.\nIt must be a full name: no IP address, no single label, no .local.\n\nExamples:\n  nod init\n  nod init --non-interactive --origin https://nod.your-domain --contact mailto:it@your-domain --admin anna"
)]
pub(crate) struct InitArguments {
    /// Public address: https://HOST
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Whom push services write to: mailto:ADDRESS or https://PAGE
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// User name of the first administrator
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
    /// Name that people see on their phones [default: the host]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Folder of database and keys, relative to nod.toml
    #[arg(long, value_name = "PATH", default_value = DEFAULT_DATA_DIR)]
    data_dir: String,
    /// PostgreSQL database to use instead of a file: postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Ask nothing: what is missing is an error
    #[arg(long)]
    non_interactive: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    config: &'a Path,
    data_dir: &'a Path,
    origin: &'a str,
    admin: &'a str,
    link: &'a str,
    expires_at: Time,
}

/// Runs it.
pub(crate) async fn run(common: &Common, arguments: InitArguments) -> Outcome {
    let path = common.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
    if path.exists() {
        let shown = path.display();
        return Err(Failure::new(format!("{shown} exists already; nothing was changed")).next("nod serve"));
    }
    let asking = !arguments.non_interactive && ask::is_possible();
    let address = question(asking, "--origin", arguments.origin.as_deref(), &origin_question(), |text| {
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        PublicAddress::parse(&text).map_err(|error| error.to_string())
    })
    .await?;
    let contact = "Contact for push services, for instance it@your-domain";
    let contact = question(asking, "--contact", arguments.contact.as_deref(), contact, |text| {
        let text = if text.contains(':') { text.to_owned() } else { format!("mailto:{text}") };
        VapidSubject::parse(&text).map_err(|error| error.to_string())
    })
    .await?;
    let admin = "User name of the first administrator";
    let admin = question(asking, "--admin", arguments.admin.as_deref(), admin, |text| {
        nod_core::text::canonical_name(text).map_err(|error| error.to_string())
    })
    .await?;
    let answers = Answers {
        origin: address.origin(),
        server_name: arguments.server_name.as_deref().unwrap_or(address.host()),
        contact: contact.as_str(),
        data_dir: &arguments.data_dir,
        database: arguments.database.as_deref(),
    };
    let text = render(&answers);
    // Read back before anything is made, so that the file and the installation agree.
    let config = Config::parse(&path, &text)?;
    config.as_owner()?;
    write_new(&path, &text)?;
    match Installation::create(config).await {
        Ok(installation) => finish(common, &installation, &admin).await,
        Err(failure) => {
            // Ours, and made a moment ago: a configuration without its data would stop the next try.
            let _ = std::fs::remove_file(&path);
            Err(failure)
        }
    }
}

fn origin_question() -> String {
    "Public host of Nod, for instance nod.your-domain (changing it later means enrolling every phone again)".to_owned()
}

/// The option's value, or the answer to the question, asked until it is right.
async fn question<T>(
    asking: bool,
    option: &str,
    given: Option<&str>,
    question: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Outcome<T> {
    if let Some(given) = given {
        return check(given).map_err(|why| Failure::misuse(format!("{option}: {why}")));
    }
    if !asking {
        return Err(Failure::misuse(format!("{option} is missing, and nobody can be asked")).next("nod init --help"));
    }
    loop {
        match check(&ask::text(question, None).await?) {
            Ok(value) => return Ok(value),
            Err(why) => eprintln!("That does not work: {why}."),
        }
    }
}

fn write_new(path: &Path, text: &str) -> Outcome {
    use std::io::Write as _;
    // Its owner's alone: a URL in it may hold a password (INV-24).
    let write = || private_file::create(path)?.write_all(text.as_bytes());
    write().map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Adds the first administrator and shows the link.
async fn finish(common: &Common, installation: &Installation, admin: &str) -> Outcome {
    let engine = &installation.engine;
    let user = engine.add_user(admin, None, false).await?;
    let group = engine.add_group(ADMINS).await?;
    engine.set_member(&group, &user, true).await?;
    let (_, link, expires_at) = enrol::make_link(engine, &user).await.or_next(format!("nod user enrol {admin}"))?;
    let config = &installation.config;
    if common.json {
        return output::json(&Made {
            config: &config.path,
            data_dir: &config.data_dir,
            origin: config.address.origin(),
            admin,
            link: &link,
            expires_at: Time(expires_at),
        });
    }
    output::line(format!("Wrote {} and made {}.", config.path.display(), config.data_dir.display()));
    output::line(
        "Keep a copy of the data key in another place (nod key export FILE): without it no backup can be restored.",
    );
    output::line(format!("\nLink for {admin} to choose a password and enrol a phone (the server must be running):"));
    enrol::show_link(&link, expires_at);
    output::line(format!(
        "\nNext: put a proxy with TLS for {} in front of {}, then run: nod serve",
        config.address.origin(),
        config.listen
    ));
    Ok(())
}
