//! The commented file that `nod init` writes.

/// What the questions were answered with.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    /// Public origin.
    pub(crate) origin: &'a str,
    /// Name that people read.
    pub(crate) server_name: &'a str,
    /// VAPID subject.
    pub(crate) contact: &'a str,
    /// Folder of the data.
    pub(crate) data_dir: &'a str,
    /// URL of a PostgreSQL database.
    pub(crate) database: Option<&'a str>,
}

/// The file's text.
pub(crate) fn render(answers: &Answers<'_>) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let database = match answers.database {
        Some(url) => format!("url = {}", quoted(url)),
        None => "# url = \"postgres://nod@db.your-domain.example/nod?sslmode=require\"".to_owned(),
    };
    format!(
        include_str!("template.toml"),
        database = database,
        origin = quoted(answers.origin),
        server_name = quoted(answers.server_name),
        data_dir = quoted(answers.data_dir),
        contact = quoted(answers.contact),
    )
}
