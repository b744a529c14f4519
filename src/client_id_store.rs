//! The sequence of clientIds on disk (section 3, "clientid"): no id twice, also after a crash.
//!
//! The data folder holds two files. `client-ids` is the key of the sequence, made once, and the position below which ids
//! may have been given out. It is replaced as a whole: a new file is written and reaches the disk, takes the old one's
//! name, and the folder reaches the disk too; only then are the positions below used. `lock` is locked as long as a
//! server lives.
//!
//! A crash loses the positions that were reserved and not used, [`CHUNK`] at most; a graceful stop gives them back
//! ([`ClientIdStore::finish`]).

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::Hasher;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher24;
use thiserror::Error;

use crate::protocol::client_id::ClientIdSequence;

/// How many positions are reserved at once: as many ids can be given before the disk is waited for again, and as many
/// are lost for a round in a crash.
pub const CHUNK: u64 = 1_000;

const STORE: &str = "client-ids";
const NEW_STORE: &str = "client-ids.new";
const LAST_START: &str = "last-start";
const NEW_LAST_START: &str = "last-start.new";
const LOCK: &str = "lock";

/// The clientId sequence on disk. The folder is locked while this lives.
pub struct ClientIdStore {
    folder: PathBuf,
    record: Record,
    _lock: File,
}

/// Why clientIds cannot be kept.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The data folder cannot be made or opened.
    #[error("cannot make or open the data folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another server keeps its clientIds there.
    #[error(
        "the data folder {} is in use by another server{}: stop that one, or give this one a data_dir of its own",
        path.display(),
        holder.map_or_else(String::new, |pid| format!(" (process {pid})"))
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other server's process, if it can be told.
        holder: Option<u32>,
    },
    /// The folder cannot be locked: its file system may not be able to.
    #[error("cannot lock {}: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written for good.
    #[error("cannot keep clientIds in {}: {source}; none is given out that might be given again", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store is not what was written.
    #[error(
        "{} is damaged or not of this server ({what}). Put it back from a backup that is not older than its last use. \
         Or remove it, if no client holds a clientId any more: a new sequence begins then, and may give ids again that \
         were given before",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The operating system gives no random key.
    #[error("the operating system gives no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

/// A sequence with a random key, for one run: the next run's ids may be the same ones.
///
/// # Errors
/// [`StoreError::Random`].
pub fn ephemeral() -> Result<ClientIdSequence, StoreError> {
    Ok(ClientIdSequence::new(random_key()?, 0, u64::MAX))
}

fn random_key() -> Result<[u8; 16], getrandom::Error> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)?;
    Ok(key)
}

impl ClientIdStore {
    /// Opens the store in this folder, which is made where it is missing, readable by its owner alone. The sequence
    /// goes on where no id was given yet; nothing is reserved so far.
    ///
    /// # Errors
    /// Where another server has it, what is there is damaged, or it cannot be written to.
    pub fn open(data_dir: &Path) -> Result<(ClientIdStore, ClientIdSequence), StoreError> {
        make_folder(data_dir).map_err(|source| StoreError::Folder { path: data_dir.to_owned(), source })?;
        let lock = lock(data_dir)?;
        let record = match read(&data_dir.join(STORE))? {
            Some(record) => record,
            None => Record { key: random_key()?, reserved: 0 },
        };
        let sequence = ClientIdSequence::new(record.key, record.reserved, record.reserved);
        let store = ClientIdStore { folder: data_dir.to_owned(), record, _lock: lock };
        // A new key must be there before its first id; and a disk that takes nothing is to be told now, not in the
        // middle of a session.
        store.write(record)?;
        Ok((store, sequence))
    }

    /// Reserves positions so that all below `needed` and [`CHUNK`] more may be given out. The new bound is returned once
    /// it is on disk, which takes milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the old bound holds then, and another try may succeed.
    pub fn reserve(&mut self, needed: u64) -> Result<u64, StoreError> {
        let reserved = needed.saturating_add(CHUNK);
        if reserved > self.record.reserved {
            let record = Record { reserved, ..self.record };
            self.write(record)?;
            self.record = record;
        }
        Ok(self.record.reserved)
    }

    /// When this run starts, for its pids, in seconds of Unix time: now, or just after the run before it, whatever the clock
    /// says. It is on disk before it is returned.
    ///
    /// # Errors
    /// [`StoreError`]: what is there cannot be read or understood, or the new value cannot be written.
    pub fn next_start(&self, now: u64) -> Result<u64, StoreError> {
        let path = self.folder.join(LAST_START);
        let last: Option<u64> = match fs::read_to_string(&path) {
            Ok(text) => {
                let what = "it is not a number of seconds";
                let parsed = text.trim().parse();
                Some(parsed.map_err(|_| StoreError::Damaged { path: path.clone(), what })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        let start = last.map_or(now, |last| now.max(last.saturating_add(1)));
        let new = self.folder.join(NEW_LAST_START);
        let written = write_new(&new, &format!("{start}\n"))
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| sync_folder(&self.folder));
        written.map_err(|source| StoreError::Write { path, source })?;
        Ok(start)
    }

    /// Gives back what was reserved and not used: `position` is that of the sequence, which gives out nothing from here
    /// on; what it gave would be given again by the next run.
    ///
    /// # Errors
    /// [`StoreError::Write`]; no harm is done then, but that a chunk is lost for a round.
    pub fn finish(&mut self, position: u64) -> Result<(), StoreError> {
        if position < self.record.reserved {
            let record = Record { reserved: position, ..self.record };
            self.write(record)?;
            self.record = record;
        }
        Ok(())
    }

    fn write(&self, record: Record) -> Result<(), StoreError> {
        let new = self.folder.join(NEW_STORE);
        let written = write_new(&new, &record.text())
            .and_then(|()| fs::rename(&new, self.folder.join(STORE)))
            .and_then(|()| sync_folder(&self.folder));
        written.map_err(|source| StoreError::Write { path: self.folder.join(STORE), source })
    }
}

impl fmt::Debug for ClientIdStore {
    // Without the key: who knows it knows every clientId to come.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdStore")
            .field("folder", &self.folder)
            .field("reserved", &self.record.reserved)
            .finish_non_exhaustive()
    }
}

/// What is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Record {
    key: [u8; 16],
    /// No position at or beyond this one was used.
    reserved: u64,
}

const HEADER: &str = "crsocket-client-ids 1";

impl Record {
    fn text(&self) -> String {
        let key: String = self.key.iter().map(|byte| format!("{byte:02x}")).collect();
        let said = format!("{HEADER}\nkey {key}\nreserved {}\n", self.reserved);
        let check = checksum(&said);
        format!("{said}check {check:016x}\n")
    }

    /// Reads what [`Record::text`] wrote, and nothing else.
    fn parse(text: &str) -> Result<Record, &'static str> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err("its first line is not that of a store of clientIds, version 1");
        }
        let mut value = |name: &str| lines.next().and_then(|line| line.strip_prefix(name));
        let key = value("key ").and_then(key).ok_or("its key is not 32 hexadecimal digits")?;
        let reserved = value("reserved ").and_then(|number| number.parse().ok());
        let record = Record { key, reserved: reserved.ok_or("its bound is not a number")? };
        if record.text() == text { Ok(record) } else { Err("its checksum does not match") }
    }
}

fn key(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(number.to_be_bytes())
}

/// Tells damage, not malice: whoever can write there can take the file away, too.
fn checksum(text: &str) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn read(path: &Path) -> Result<Option<Record>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::Read { path: path.to_owned(), source }),
    };
    let text = str::from_utf8(&bytes).map_err(|_| "it is not UTF-8");
    let record = text.and_then(Record::parse);
    record.map(Some).map_err(|what| StoreError::Damaged { path: path.to_owned(), what })
}

/// Writes a file of its own and waits until the disk has it. What a crash left of an earlier one is not used again.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the folder and those above it, and waits until the disk has them: a folder that is gone after a crash would
/// take the key with it.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
        .collect();
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for made in missing {
        match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent)?,
            Some(_) | None => sync_folder(Path::new("."))?,
        }
    }
    Ok(())
}

/// Locks the folder, or says who has locked it.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let cannot_write = |source| StoreError::Write { path: path.clone(), source };
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(cannot_write)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).ok().and_then(|pid| pid.trim().parse().ok());
            return Err(StoreError::InUse { path: folder.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(StoreError::Lock { path, source }),
    }
    // For whoever asks next; on a full disk it is not worth a refusal of its own.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

#[cfg(test)]
mod tests;
