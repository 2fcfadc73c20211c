//! An installation on disk: database, data key, push key; and the engine over them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nod_delivery::web_push::VapidKey;
use nod_engine::ports::{CommitError, Entropy, Store, Write, random};
use nod_engine::{Argon2Queue, DATA_KEY_BYTES, Engine, Settings, Vault};
use nod_protocol::{Jwk, SigningKey, b64};
use nod_store::{PostgresOptions, PostgresStore};
use zeroize::Zeroizing;

use crate::checkpoints::Checkpointer;
use crate::config::{Config, Database};
use crate::failure::{Failure, Outcome};
use crate::system::OsEntropy;

/// The database.
const DATABASE: &str = "nod.db";
/// The data key: beside the database, never in it, so that a copy of the database alone opens nothing.
const DATA_KEY: &str = "data.key";
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
        let key = Zeroizing::new(random::<DATA_KEY_BYTES>(&OsEntropy as &dyn Entropy));
        let store = open_store(&config).await?;
        if store.meta(VAPID_META).await?.is_some() {
            return Err(Failure::new(format!(
                "the database holds an installation already: for one more node on it, copy nod.toml and {DATA_KEY} from \
                 the first"
            )));
        }
        write_key(&config.data_dir.join(DATA_KEY), &key)?;
        let vapid = VapidKey::generate(&OsEntropy)?;
        let vault = Vault::new(&key);
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
            Database::Sqlite => DATABASE,
            // A node of its own has nothing here but the key.
            Database::Postgres { .. } => DATA_KEY,
        };
        if !config.data_dir.join(made).exists() {
            let folder = config.data_dir.display();
            return Err(Failure::new(format!("there is no installation in {folder}")).next("nod init"));
        }
        let store = open_store(&config).await?;
        check_host(&*store, &config, accept_new_host).await?;
        Self::over(config, store).await
    }

    async fn over(config: Config, store: Arc<dyn Store>) -> Outcome<Self> {
        let key = read_key(&config.data_dir.join(DATA_KEY))?;
        let vault = Vault::new(&key);
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

    /// What writes checkpoints of the audit to the configured file.
    pub(crate) fn checkpointer(&self) -> Checkpointer {
        Checkpointer::new(self.engine.clone(), Arc::clone(&self.checkpoint_key), self.config.checkpoint_file.clone())
    }
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

async fn open_store(config: &Config) -> Outcome<Arc<dyn Store>> {
    let Database::Postgres { url, password_file, connections, listen } = &config.database else {
        let path = config.data_dir.join(DATABASE);
        return Ok(Arc::new(nod_store::SqliteStore::open(&path, Arc::new(crate::system::now))?));
    };
    let password = password_file.as_deref().map(read_password).transpose()?;
    let options = PostgresOptions {
        url: url.clone(),
        password: password.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()),
        connections: *connections,
        listen: *listen,
    };
    Ok(Arc::new(PostgresStore::open(&options).await?))
}

fn read_password(path: &Path) -> Outcome<Zeroizing<String>> {
    let read = || {
        let metadata = fs::metadata(path)?;
        Ok((metadata, Zeroizing::new(fs::read_to_string(path)?)))
    };
    let (metadata, text) = read().map_err(|error: io::Error| Failure::new(format!("{}: {error}", path.display())))?;
    check_mode(path, &metadata)?;
    Ok(text)
}

/// The host is the relying party id: passkeys made for one do not work for another.
async fn check_host(store: &dyn Store, config: &Config, accept: bool) -> Outcome {
    let now = config.address.host();
    for change in 0..MAX_HOSTS {
        let key = format!("{HOST_META}/{change}");
        let known = match store.meta(&key).await? {
            Some(value) => String::from_utf8_lossy(&value).into_owned(),
            None => return Err(Failure::new("the database does not say for which host it was made")),
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

fn private_folder(path: &Path) -> Outcome {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_key(path: &Path, key: &[u8; DATA_KEY_BYTES]) -> Outcome {
    let text = Zeroizing::new(b64::encode(key));
    let write = || {
        let mut file = private_file(path)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What is wrong with the data key's file. Never its content (INV-24).
#[derive(Debug, thiserror::Error)]
enum KeyError {
    #[error("{path}: {source}; without its data key a database opens nothing: put the key back", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} may be read by other users (mode {mode:o}); run: chmod 600 {path}", path = path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{path} holds no data key: it must be one line of 43 characters", path = path.display())]
    Damaged { path: PathBuf },
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; DATA_KEY_BYTES]>, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    check_mode(path, &fs::metadata(path).map_err(unreadable)?)?;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
    let key = b64::decode_array(text.trim()).map_err(|_| KeyError::Damaged { path: path.to_owned() })?;
    Ok(Zeroizing::new(key))
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}
