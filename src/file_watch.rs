//! Notices that files have changed, by their metadata.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Some files, as they were when they were last looked at.
#[derive(Debug)]
pub struct FileWatch {
    files: Vec<(PathBuf, Option<Seen>)>,
}

/// What tells one state of a file from another: an editor changes its time or its length, a rename its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    len: u64,
    identity: (u64, u64),
}

impl FileWatch {
    /// These files, as they are now.
    pub fn new<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> FileWatch {
        let seen = |path: P| (path.as_ref().to_owned(), Seen::of(path.as_ref()));
        FileWatch { files: files.into_iter().map(seen).collect() }
    }

    /// Whether any of them is another one than when this was last asked; one that is gone is.
    pub fn has_changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.files {
            let now = Seen::of(path);
            changed |= now != *seen;
            *seen = now;
        }
        changed
    }
}

impl Seen {
    /// `None` for a file that cannot be seen.
    fn of(path: &Path) -> Option<Seen> {
        let metadata = fs::metadata(path).ok()?;
        Some(Seen { modified: metadata.modified().ok(), len: metadata.len(), identity: identity(&metadata) })
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_replacing_and_removing_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let other = folder.path().join("other");
        fs::write(&path, "a\n").unwrap();
        let mut watch = FileWatch::new([&path]);
        assert!(!watch.has_changed());

        fs::write(&path, "a\nb\n").unwrap();
        assert!(watch.has_changed(), "another length");
        assert!(!watch.has_changed());

        fs::copy(&path, &other).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(watch.has_changed(), "another file of the same length");

        fs::remove_file(&path).unwrap();
        assert!(watch.has_changed(), "gone");
        assert!(!watch.has_changed());
        fs::write(&path, "a\n").unwrap();
        assert!(watch.has_changed(), "back");
    }
}
