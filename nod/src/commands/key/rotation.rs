//! `nod key add|rotate|retire`: another data key, without a moment in which a running server meets what it cannot judge.
//!
//! A new key is accepted everywhere before it makes anything, and an old one stays accepted until nothing holds under it alone. The
//! server looks at the file every second; each step here gives it three.

use std::path::PathBuf;
use std::time::Duration;

use nod_engine::ports::{Entropy, random};
use nod_engine::{DATA_KEY_BYTES, Resealed};
use zeroize::Zeroizing;

use super::show;
use crate::cli::Common;
use crate::config::Config;
use crate::data_key::{self, KeyRing, Place};
use crate::failure::{Failure, Outcome};
use crate::installation::Installation;
use crate::key_watch::KEY_LOOK_EVERY;
use crate::output;
use crate::system::OsEntropy;

/// Looks of a server after which it has surely taken a change up.
const LOOKS: u32 = 3;
/// A file of keys must have been as it is for so long before a key is taken out of it.
const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// Progress is told each time so many rows have been looked at.
const TELL_EVERY: u64 = 10_000;

/// The file of keys. Other places are changed by those who keep them.
fn file(config: &Config) -> Outcome<PathBuf> {
    match Place::of(config) {
        Place::File(path) => Ok(path),
        place => Err(Failure::new(format!(
            "the data key is in {place}, which this command does not change: put `NEW OLD` there, two keys with the new one first, \
             on every node, and start the nodes again; then nod key rotate makes everything anew under the first"
        ))),
    }
}

/// Adds a key that waits.
pub(super) fn add(config: &Config) -> Outcome<(Place, KeyRing)> {
    let path = file(config)?;
    let keys = Place::File(path.clone()).read()?;
    let fresh = Zeroizing::new(random::<DATA_KEY_BYTES>(&OsEntropy as &dyn Entropy));
    let more = || Failure::new("a key waits already, or there are too many").next("nod key rotate");
    let keys = keys.with_next(fresh).ok_or_else(more)?;
    data_key::replace(&path, &keys)?;
    Ok((Place::File(path), keys))
}

/// A pause in which a server that runs takes the file up. Whether one runs, and where, is not known here.
async fn until_taken_up() {
    tokio::time::sleep(KEY_LOOK_EVERY * LOOKS).await;
}

/// Adds a key where none waits, lets it seal, and makes everything anew.
pub(super) async fn rotate(common: &Common, config: Config) -> Outcome {
    let place = Place::of(&config);
    let mut keys = place.read()?;
    if !keys.has_next() && !keys.has_old() {
        keys = add(&config)?.1;
        until_taken_up().await;
    }
    // One that was broken off behind this goes on with the rows.
    let promoted = keys.promoted();
    let is_new = promoted.is_some();
    if let Some(promoted) = promoted {
        data_key::replace(&file(&config)?, &promoted)?;
        until_taken_up().await;
        keys = promoted;
    }
    let installation = Installation::open(config).await?;
    let done = reseal(&installation).await?;
    let present: String = keys.all().take(1).map(data_key::id).collect();
    if !is_new && done.renewed == 0 {
        return Err(Failure::new(format!(
            "nothing was replaced: key {present} makes everything already, and an old one is still accepted; retire that before \
             the next rotation"
        ))
        .next("nod key retire"));
    }
    let detail = format!("key {present} makes everything from now on, and {} rows were made anew", done.renewed);
    installation.engine.note_rotation(detail).await?;
    show(common, &place, None, &keys)?;
    if !common.json {
        output::line(format!(
            "\n{} rows were made anew, {} were under the new key already.",
            done.renewed, done.present
        ));
        output::line("Other nodes on this database need the same file: copy it now.");
        output::line(
            "Backups made until now need the old key: keep its export with them. For the new one: nod key export FILE",
        );
        output::line("Next, in a minute or later: nod key retire");
    }
    Ok(())
}

async fn reseal(installation: &Installation) -> Outcome<Resealed> {
    installation.reseal_values().await?;
    let mut told = 0;
    let seen = |rows: u64| {
        if rows >= told + TELL_EVERY {
            told = rows;
            eprintln!("{rows} rows looked at");
        }
    };
    let done = installation.engine.reseal(seen).await?;
    if done.foreign > 0 {
        eprintln!(
            "warning: {} rows hold under no data key: they were not written by Nod, are refused, and were left as they are",
            done.foreign
        );
    }
    Ok(done)
}

/// Makes anew what is left, and takes the old keys out of the file.
pub(super) async fn retire(common: &Common, config: Config) -> Outcome {
    let path = file(&config)?;
    let place = Place::File(path.clone());
    let keys = place.read()?;
    if !keys.has_old() {
        return Err(Failure::new("there is no old key to retire").next("nod key list"));
    }
    let changed = std::fs::metadata(&path)?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = Duration::from_millis(u64::try_from(crate::system::now().0).unwrap_or_default());
    let changed = now.saturating_sub(changed);
    if changed < SETTLED_AFTER {
        let left = (SETTLED_AFTER - changed).as_secs() + 1;
        return Err(Failure::new(format!(
            "the keys were changed a moment ago, and a server may still use the old one: try again in {left} s"
        ))
        .next("nod key retire"));
    }
    let installation = Installation::open(config).await?;
    reseal(&installation).await?;
    let kept = keys.without_old();
    data_key::replace(&path, &kept)?;
    let retired: Vec<String> =
        keys.all().map(data_key::id).filter(|id| kept.all().all(|key| data_key::id(key) != *id)).collect();
    installation.engine.note_rotation(format!("key {} was retired", retired.join(", "))).await?;
    show(common, &place, None, &kept)?;
    if !common.json {
        output::line(
            "\nCopy the file to the other nodes on this database. A copy of an old key opens nothing any more but old backups.",
        );
    }
    Ok(())
}
