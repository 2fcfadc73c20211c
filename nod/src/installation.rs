//! An installation on disk: database, data key, push key; and the engine over them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use nod_delivery::web_push::VapidKey;
use nod_engine::ports::{CommitError, Entropy, Store, Write, random};
use nod_engine::{Argon2Queue, DATA_KEY_BYTES, Engine, Settings, Vault};
use nod_http::Followers;
use nod_protocol::checkpoint::{CheckpointPayload, sign_checkpoint};
use nod_protocol::{Jwk, SigningKey, b64};
use nod_store::{PostgresOptions, PostgresStore};
use zeroize::Zeroizing;

use crate::acme;
use crate::checkpoints::Checkpointer;
use crate::config::{Config, Database};
use crate::data_key::{self, DATA_KEY};
use crate::failure::{Failure, Outcome};
use crate::forward::{Collector, Forwarder, Hook, Sink};
use crate::mail::Notices;
use crate::private_file;
use crate::restores;
use crate::system::OsEntropy;
use crate::trust;

/// The database.
pub(crate) const DATABASE: &str = "nod.db";
/// The sealed push key among the installation's values.
const VAPID_META: &str = "vapid_key";
/// Label under which it is sealed.
const VAPID_LABEL: &str = "vapid key";
/// The sealed key that signs checkpoints of the audit, among the installation's values.
const CHECKPOINT_META: &str = "checkpoint_key";
/// Label under which it is sealed.
const CHECKPOINT_LABEL: &str = "checkpoint key";
/// The hosts that the installation has had: `host/0`, `host/1`, the last one counts.
const HOST_META: &str = "host";
/// Most changes of host that are remembered.
const MAX_HOSTS: usize = 1_000;

/// An open installation.
pub(crate) struct Installation {
    /// Its configuration.
    pub(crate) config: Config,
    /// The use cases.
    pub(crate) engine: Engine,
    vapid: Zeroizing<Vec<u8>>,
    checkpoint_key: Arc<SigningKey>,
}

impl Installation {
    /// Makes a new one: folder, data key, database, push key. Refuses to touch one that exists.
    pub(crate) async fn create(config: Config) -> Outcome<Self> {
        if config.data_dir.join(DATABASE).exists() || config.data_dir.join(DATA_KEY).exists() {
            let folder = config.data_dir.display();
            return Err(Failure::new(format!("there is an installation in {folder} already")).next("nod serve"));
        }
        private_folder(&config.data_dir)?;
        let place = data_key::Place::of(&config);
        let key = Zeroizing::new(random::<DATA_KEY_BYTES>(&OsEntropy as &dyn Entropy));
        let store = open_store(&config).await?;
        if store.meta(VAPID_META).await?.is_some() {
            return Err(Failure::new(format!(
                "the database holds an installation already: for one more node on it, copy nod.toml and {DATA_KEY} from \
                 the first"
            )));
        }
        // A key that comes from elsewhere is kept there.
        if let data_key::Place::File(path) = &place {
            data_key::write_new(path, &data_key::KeyRing::of(key))?;
        }
        let vapid = VapidKey::generate(&OsEntropy)?;
        let vault = open_vault(&config)?;
        let sealed = vault.seal(&OsEntropy, VAPID_LABEL, vapid.to_pkcs8())?;
        let checkpoint = Zeroizing::new(fresh_key().to_pkcs8()?);
        let checkpoint = vault.seal(&OsEntropy, CHECKPOINT_LABEL, &checkpoint)?;
        let host = config.address.host().as_bytes().to_vec();
        let writes = vec![
            Write::SetMeta { key: VAPID_META.to_owned(), value: sealed },
            Write::SetMeta { key: CHECKPOINT_META.to_owned(), value: checkpoint },
            Write::SetMeta { key: format!("{HOST_META}/0"), value: host },
        ];
        store.commit(writes).await?;
        Self::over(config, store).await
    }

    /// Opens one that exists, for the host it was made for.
    pub(crate) async fn open(config: Config) -> Outcome<Self> {
        Self::open_for(config, false).await
    }

    /// Opens one that exists; with `accept_new_host` also for another host than before, which is then its host.
    pub(crate) async fn open_for(config: Config, accept_new_host: bool) -> Outcome<Self> {
        let made = match config.database {
            Database::Sqlite => config.data_dir.join(DATABASE).exists(),
            // A node of its own has nothing here but the key.
            Database::Postgres { .. } => data_key::Place::of(&config).exists(),
        };
        if !made {
            let folder = config.data_dir.display();
            return Err(Failure::new(format!("there is no installation in {folder}")).next("nod init"));
        }
        let store = open_store(&config).await?;
        restores::check_finished(&*store).await?;
        check_host(&*store, &config, accept_new_host).await?;
        Self::over(config, store).await
    }

    /// Over a store that holds its rows.
    pub(crate) async fn over(config: Config, store: Arc<dyn Store>) -> Outcome<Self> {
        let vault = open_vault(&config)?.in_epoch(restores::epoch(&*store).await?);
        let vapid = sealed_value(&*store, &vault, VAPID_META, VAPID_LABEL).await?;
        let checkpoint_key = sealed_value(&*store, &vault, CHECKPOINT_META, CHECKPOINT_LABEL).await?;
        let checkpoint_key = Arc::new(SigningKey::from_pkcs8(&checkpoint_key)?);
        let public = b64::decode(&VapidKey::from_pkcs8(&vapid)?.public_base64url())?;
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let passwords = Arc::new(Argon2Queue::new(cores, Arc::clone(&entropy))?);
        let settings = Settings {
            origin: config.address.origin().to_owned(),
            rp_id: config.address.host().to_owned(),
            server_name: config.server_name.clone(),
            number_always: config.number_always,
            vapid_public_key: public,
        };
        let engine = Engine::new(store, entropy, passwords, vault, settings);
        Ok(Self { config, engine, vapid, checkpoint_key })
    }

    /// The push key.
    pub(crate) fn vapid_key(&self) -> Outcome<VapidKey> {
        Ok(VapidKey::from_pkcs8(&self.vapid)?)
    }

    /// The public half of the key that signs checkpoints of the audit.
    pub(crate) fn checkpoint_key(&self) -> &Jwk {
        self.checkpoint_key.jwk()
    }

    /// Seals what the database holds sealed anew, where another key than the present one sealed it.
    pub(crate) async fn reseal_values(&self) -> Outcome {
        let (store, vault) = (self.engine.store(), self.engine.vault());
        let acme = (acme::META, acme::LABEL);
        for (meta, label) in [(VAPID_META, VAPID_LABEL), (CHECKPOINT_META, CHECKPOINT_LABEL), acme] {
            let Some(from) = store.meta(meta).await? else {
                // An installation without ACME has nothing there.
                if meta == acme::META {
                    continue;
                }
                return Err(Failure::new(format!("the database holds no {label}")));
            };
            if vault.sealed_now(label, &from) {
                continue;
            }
            let to = vault.seal(&OsEntropy, label, &vault.open(label, &from)?)?;
            store.commit(vec![Write::ChangeMeta { key: meta.to_owned(), from, to }]).await?;
        }
        Ok(())
    }

    /// Signs a checkpoint of the audit.
    pub(crate) fn sign(&self, checkpoint: &CheckpointPayload) -> Outcome<String> {
        Ok(sign_checkpoint(&self.checkpoint_key, checkpoint)?)
    }

    /// What writes checkpoints of the audit to the configured file.
    pub(crate) fn checkpointer(&self) -> Checkpointer {
        Checkpointer::new(self.engine.clone(), Arc::clone(&self.checkpoint_key), self.config.checkpoint_file.clone())
    }

    /// What sends events of the audit to the configured collector and webhooks, and notices to people.
    pub(crate) fn forwarders(&self, followers: &Followers) -> Outcome<Vec<Forwarder>> {
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(syslog) = &self.config.syslog {
            sinks.push(Box::new(Collector::open(syslog, self.config.address.host())?));
        }
        for webhook in &self.config.webhooks {
            let failed = |failure: Failure| failure.during(&format!("the webhook {}", webhook.name));
            sinks.push(Box::new(Hook::open(webhook).map_err(failed)?));
        }
        if let Some(mail) = &self.config.mail {
            let failed = |failure: Failure| failure.during("mail");
            sinks.push(Box::new(Notices::open(self.engine.clone(), &self.config, mail).map_err(failed)?));
        }
        let forwarder = |sink| Forwarder::new(self.engine.clone(), sink, followers.clone());
        Ok(sinks.into_iter().map(forwarder).collect())
    }
}

/// What the data key of this installation opens.
pub(crate) fn open_vault(config: &Config) -> Outcome<Vault> {
    Ok(Vault::with(&data_key::load(config)?))
}

/// Whether the data key is the one that these rows were made with.
pub(crate) async fn check_key(store: &dyn Store, vault: &Vault) -> Outcome {
    sealed_value(store, vault, VAPID_META, VAPID_LABEL).await.map(|_| ())
}

/// A fresh P-256 key.
fn fresh_key() -> SigningKey {
    loop {
        let scalar = Zeroizing::new(random::<32>(&OsEntropy as &dyn Entropy));
        // One draw in some thousand millions is no scalar of the group.
        if let Ok(key) = SigningKey::from_entropy(&scalar) {
            return key;
        }
    }
}

async fn sealed_value(store: &dyn Store, vault: &Vault, meta: &str, label: &str) -> Outcome<Zeroizing<Vec<u8>>> {
    let sealed = store.meta(meta).await?.ok_or_else(|| {
        Failure::new(format!(
            "the database holds no {label}: nod init did not finish; move the data away and run it again"
        ))
    })?;
    Ok(vault.open(label, &sealed)?)
}

/// The store that the configuration names.
pub(crate) async fn open_store(config: &Config) -> Outcome<Arc<dyn Store>> {
    match postgres_options(config)? {
        None => open_file(&config.data_dir.join(DATABASE)),
        Some(options) => Ok(Arc::new(PostgresStore::open(&options).await?)),
    }
}

/// The store over a SQLite file.
pub(crate) fn open_file(path: &Path) -> Outcome<Arc<dyn Store>> {
    Ok(Arc::new(nod_store::SqliteStore::open(path, Arc::new(crate::system::now))?))
}

/// How the configured PostgreSQL database is reached; none where the database is a file.
pub(crate) fn postgres_options(config: &Config) -> Outcome<Option<PostgresOptions>> {
    let Database::Postgres { url, password_file, ca, connections, listen } = &config.database else { return Ok(None) };
    let password = password_file.as_deref().map(private_file::read).transpose()?;
    let tls = nod_store::asks_for_tls(url).then(|| trust::client(ca.as_deref())).transpose()?;
    Ok(Some(PostgresOptions {
        tls,
        url: url.clone(),
        password: password.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()),
        connections: *connections,
        listen: *listen,
    }))
}

/// The host is the relying party id: passkeys made for one do not work for another.
pub(crate) async fn check_host(store: &dyn Store, config: &Config, accept: bool) -> Outcome {
    let now = config.address.host();
    for change in 0..MAX_HOSTS {
        let key = format!("{HOST_META}/{change}");
        let known = match store.meta(&key).await? {
            Some(value) => String::from_utf8_lossy(&value).into_owned(),
            None => return Err(no_installation(config)),
        };
        if store.meta(&format!("{HOST_META}/{}", change + 1)).await?.is_some() {
            continue;
        }
        if known == now {
            return Ok(());
        }
        if !accept {
            let file = config.path.display();
            return Err(Failure::new(format!(
                "{file} names the host {now}, but this installation was made for {known}. Passkeys belong to a host: \
                 with another one every phone has to be enrolled again. Set origin back, or accept the new host"
            ))
            .next("nod serve --accept-new-host"));
        }
        let value = now.as_bytes().to_vec();
        let write = Write::SetMeta { key: format!("{HOST_META}/{}", change + 1), value };
        store.commit(vec![write]).await.map_err(|error| match error {
            CommitError::Conflict { .. } => Failure::new("another process changed the host just now; try again"),
            CommitError::Store(error) => error.into(),
        })?;
        tracing::warn!(host = now, before = known, "new host accepted: every phone has to be enrolled again");
        return Ok(());
    }
    Err(Failure::new("the host was changed too often"))
}

/// The database is there, and nobody made an installation in it.
fn no_installation(config: &Config) -> Failure {
    let failure = Failure::new("the database does not say for which host it was made: there is no installation in it");
    let left = matches!(config.database, Database::Postgres { .. }) && config.data_dir.join(DATABASE).exists();
    if left { failure.next("nod migrate sqlite-to-postgres") } else { failure }
}

pub(crate) fn private_folder(path: &Path) -> Outcome {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}
