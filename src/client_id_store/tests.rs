use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tempfile::TempDir;

use super::*;
use crate::protocol::client_id::NoClientId;
use crate::protocol::ids::ClientId;

/// [`CHUNK`], to be counted with.
const A_CHUNK: usize = 1_000;

/// A server's use of a store: a sequence, and positions reserved as it needs them.
struct Server {
    store: ClientIdStore,
    sequence: ClientIdSequence,
}

impl Server {
    fn start(folder: &Path) -> Server {
        let (store, sequence) = ClientIdStore::open(folder).unwrap();
        Server { store, sequence }
    }

    fn give(&mut self) -> Result<ClientId, StoreError> {
        loop {
            match self.sequence.next(|_| false) {
                Ok(id) => return Ok(id),
                Err(NoClientId::NotReserved { needed, .. }) => {
                    self.sequence.reserve_until(self.store.reserve(needed)?);
                }
                Err(NoClientId::AllInUse) => panic!("nothing is in use"),
            }
        }
    }

    fn give_many(&mut self, count: usize) -> Vec<ClientId> {
        (0..count).map(|_| self.give().unwrap()).collect()
    }

    fn stop(mut self) {
        self.store.finish(self.sequence.position()).unwrap();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn distinct(ids: &[ClientId]) -> usize {
    ids.iter().copied().collect::<BTreeSet<_>>().len()
}

#[test]
fn a_graceful_stop_loses_nothing_and_a_crash_a_chunk_at_most() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let key = server.store.record.key;
    let mut ids = server.give_many(10);
    server.stop();

    let mut server = Server::start(folder.path());
    assert_eq!(server.sequence.position(), 10);
    ids.extend(server.give_many(5));
    drop(server); // a crash: nothing is given back

    let mut server = Server::start(folder.path());
    let position = server.sequence.position();
    assert!((15..=15 + CHUNK).contains(&position), "goes on at {position}");
    ids.extend(server.give_many(2 * A_CHUNK));
    server.stop();
    assert_eq!(distinct(&ids), ids.len());

    let server = Server::start(folder.path());
    assert!(server.store.record.key == key, "the key is made once");
}

#[test]
fn starting_and_stopping_without_giving_anything_reserves_nothing() {
    let folder = folder();
    for _ in 0..5 {
        assert_eq!(Server::start(folder.path()).sequence.position(), 0);
    }
}

#[test]
fn a_reservation_that_is_there_already_is_not_written_again() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let bound = server.store.reserve(1).unwrap();
    assert_eq!(bound, 1 + CHUNK);
    assert_eq!(u64::try_from(A_CHUNK), Ok(CHUNK));
    let written = fs::metadata(folder.path().join(STORE)).unwrap().modified().unwrap();
    assert_eq!(server.store.reserve(0).unwrap(), bound);
    assert_eq!(fs::metadata(folder.path().join(STORE)).unwrap().modified().unwrap(), written);
    assert_eq!(server.store.reserve(u64::MAX).unwrap(), u64::MAX, "the end is no overflow");
}

#[test]
fn a_file_whose_writing_or_renaming_was_cut_off_counts_for_nothing() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let ids = server.give_many(3);
    let position = server.store.record.reserved;
    let cut = Record { key: server.store.record.key, reserved: position + CHUNK }.text();
    drop(server);
    for length in 0..=cut.len() {
        fs::write(folder.path().join(NEW_STORE), &cut[..length]).unwrap();
        let mut server = Server::start(folder.path());
        assert_eq!(server.sequence.position(), position, "{length} bytes of the new file were written");
        assert!(!folder.path().join(NEW_STORE).exists());
        assert!(!ids.contains(&server.sequence.next(|_| false).unwrap_or_else(|_| server.give().unwrap())));
        server.store.finish(position).unwrap();
    }
}

#[test]
fn the_first_start_may_be_cut_off_too() {
    let folder = folder();
    fs::write(folder.path().join(NEW_STORE), "crsocket-client-ids 1\nkey 00").unwrap();
    assert_eq!(Server::start(folder.path()).sequence.position(), 0);
}

#[test]
fn while_the_disk_refuses_the_old_bound_holds() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let mut ids = server.give_many(A_CHUNK);
    // Neither can be replaced by a file: the new one cannot be written, then not be renamed.
    for name in [NEW_STORE, STORE] {
        let path = folder.path().join(name);
        let saved = fs::read(&path).ok();
        let _ = fs::remove_file(&path);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("in the way"), "").unwrap();

        let before = server.sequence.clone();
        while let Ok(id) = server.sequence.next(|_| false) {
            ids.push(id);
        }
        let refused = server.give().unwrap_err();
        assert!(refused.to_string().contains("none is given out that might be given again"), "{refused}");
        assert_eq!(server.sequence.reserved_until(), before.reserved_until());

        fs::remove_dir_all(&path).unwrap();
        if let Some(saved) = saved {
            fs::write(&path, saved).unwrap();
        }
        ids.extend(server.give_many(A_CHUNK));
    }
    drop(server);
    ids.extend(Server::start(folder.path()).give_many(10));
    assert_eq!(distinct(&ids), ids.len());
}

#[test]
fn a_damaged_store_is_told_and_never_replaced_by_a_fresh_one() {
    let folder = folder();
    let path = folder.path().join(STORE);
    Server::start(folder.path()).give_many(1);
    let good = fs::read(&path).unwrap();
    let cut = (0..good.len()).map(|length| good[..length].to_vec());
    let flipped = (0..good.len()).map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    });
    let replaced = [b"".to_vec(), b"\n".to_vec(), [good.as_slice(), b"x"].concat(), vec![0; good.len()]];
    let later = String::from_utf8(good.clone()).unwrap().replace("ids 1", "ids 2").into_bytes();
    for damaged in cut.chain(flipped).chain(replaced).chain([later]) {
        fs::write(&path, &damaged).unwrap();
        let error = ClientIdStore::open(folder.path()).unwrap_err();
        let told = error.to_string();
        assert!(matches!(error, StoreError::Damaged { .. }), "{told}");
        assert!(told.contains(path.to_str().unwrap()) && told.contains("backup"), "{told}");
        assert!(!told.contains(&hex(&good)), "{told} shows the key");
        assert_eq!(fs::read(&path).unwrap(), damaged, "it was touched");
    }
    fs::write(&path, &good).unwrap();
    Server::start(folder.path());
}

/// The hexadecimal key of a store.
fn hex(store: &[u8]) -> String {
    str::from_utf8(store).unwrap().lines().nth(1).unwrap().trim_start_matches("key ").to_owned()
}

#[test]
fn one_server_for_one_folder() {
    let folder = folder();
    let server = Server::start(folder.path());
    let told = ClientIdStore::open(folder.path()).unwrap_err().to_string();
    for part in
        [folder.path().to_str().unwrap(), "another server", &format!("process {}", std::process::id())]
    {
        assert!(told.contains(part), "{part:?} is missing in: {told}");
    }
    fs::write(folder.path().join(LOCK), "").unwrap();
    let told = ClientIdStore::open(folder.path()).unwrap_err().to_string();
    assert!(told.contains("another server:"), "without a pid: {told}");
    drop(server);
    Server::start(folder.path());
}

#[test]
fn only_the_owner_may_read_what_ids_will_come() {
    let above = folder();
    let folder = above.path().join("a/b");
    let mut server = Server::start(&folder);
    server.give_many(1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (path, expected) in [
        (above.path().join("a"), 0o700),
        (folder.clone(), 0o700),
        (folder.join(STORE), 0o600),
        (folder.join(LOCK), 0o600),
    ] {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    assert!(!format!("{:?}", server.store).contains(&hex(&fs::read(folder.join(STORE)).unwrap())));
}

#[test]
fn what_is_no_folder_cannot_be_one() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    for path in [path.clone(), path.join("below")] {
        let told = ClientIdStore::open(&path).unwrap_err().to_string();
        assert!(told.contains(path.to_str().unwrap()), "{told}");
    }
}

#[test]
fn without_a_folder_each_run_has_its_own_sequence() {
    let mut ids = BTreeSet::new();
    for _ in 0..4 {
        let mut sequence = ephemeral().unwrap();
        ids.insert((0..3).map(|_| sequence.next(|_| false).unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(ids.len(), 4);
}

/// A small file system of its own, unmounted when this goes.
struct Disk(TempDir);

impl Disk {
    /// `None`, with a reason printed, where this process may not mount.
    fn new() -> Option<Disk> {
        let disk = Disk(folder());
        match mount("tmpfs", disk.0.path(), "tmpfs", MountFlags::empty(), Some(c"size=64k")) {
            Ok(()) => Some(disk),
            Err(error) => {
                print_reason(&format!("mounting a tmpfs is not possible here: {error}"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

#[allow(clippy::print_stderr, reason = "a test that is skipped says why")]
fn print_reason(reason: &str) {
    eprintln!("skipped: {reason}");
}

#[test]
fn on_a_full_disk_no_id_is_given_that_might_be_given_again() {
    let Some(disk) = Disk::new() else { return };
    let data = disk.path().join("data");
    let mut server = Server::start(&data);
    let mut ids = server.give_many(1);
    let filler = disk.path().join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);

    while let Ok(id) = server.give() {
        ids.push(id);
        assert!(ids.len() <= 1 + A_CHUNK, "ids are given beyond what was reserved");
    }
    let told = server.give().unwrap_err().to_string();
    assert!(told.contains("No space left") && told.contains(data.to_str().unwrap()), "{told}");
    drop(server);
    let told = ClientIdStore::open(&data).unwrap_err().to_string();
    assert!(told.contains("No space left"), "a start is refused, too: {told}");

    fs::remove_file(&filler).unwrap();
    let mut server = Server::start(&data);
    ids.extend(server.give_many(10));
    assert_eq!(distinct(&ids), ids.len());
}

#[test]
fn on_a_read_only_disk_nothing_starts() {
    let Some(disk) = Disk::new() else { return };
    let used = disk.path().join("used");
    Server::start(&used).stop();
    mount_remount(disk.path(), MountFlags::RDONLY, "").unwrap();
    for folder in [used, disk.path().join("new")] {
        let told = ClientIdStore::open(&folder).unwrap_err().to_string();
        assert!(told.contains("Read-only") && told.contains(folder.to_str().unwrap()), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_id_is_given_twice_over_stops_and_crashes(
        runs in prop::collection::vec((0..2 * A_CHUNK, any::<bool>(), any::<bool>()), 1..8)
    ) {
        let folder = folder();
        let mut ids = Vec::new();
        for (count, crashes, leaves_a_new_file) in runs {
            let mut server = Server::start(folder.path());
            ids.extend(server.give_many(count));
            if crashes {
                drop(server);
            } else {
                server.stop();
            }
            if leaves_a_new_file {
                fs::copy(folder.path().join(STORE), folder.path().join(NEW_STORE)).unwrap();
            }
        }
        prop_assert_eq!(distinct(&ids), ids.len());
    }
}

#[test]
fn section_3_no_run_starts_when_another_one_did() {
    let folder = tempfile::tempdir().unwrap();
    let start = |now| ClientIdStore::open(folder.path()).unwrap().0.next_start(now).unwrap();
    assert_eq!(start(1_800_000_000), 1_800_000_000);
    assert_eq!(start(1_800_000_000), 1_800_000_001, "within the same second");
    assert_eq!(start(1_700_000_000), 1_800_000_002, "the clock was set back");
    assert_eq!(start(1_800_000_500), 1_800_000_500);
    fs::write(folder.path().join("last-start"), "yesterday").unwrap();
    let error = ClientIdStore::open(folder.path()).unwrap().0.next_start(1_800_000_600).unwrap_err();
    assert!(error.to_string().contains("last-start"), "{error}");
}
