//! Notices that files have changed, by their metadata.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Some files, as they were when they were last looked at.
#[derive(Debug)]
pub struct FileWatch {
    files: Vec<(PathBuf, Option<FileStamp>)>,
}

/// What changes when somebody writes to a file, or puts another one in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    file: (u64, u64),
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    /// As its folder says.
    pub fn of(metadata: &Metadata) -> FileStamp {
        FileStamp {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// As it is now; `None` for a file that cannot be seen.
    pub fn now(path: &Path) -> Option<FileStamp> {
        fs::metadata(path).ok().as_ref().map(FileStamp::of)
    }
}

impl FileWatch {
    /// These files, as they are now.
    pub fn new<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> FileWatch {
        let seen = |path: P| (path.as_ref().to_owned(), FileStamp::now(path.as_ref()));
        FileWatch { files: files.into_iter().map(seen).collect() }
    }

    /// Whether any of them is another one than when this was last asked; one that is gone is.
    pub fn has_changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.files {
            let now = FileStamp::now(path);
            changed |= now != *seen;
            *seen = now;
        }
        changed
    }
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
