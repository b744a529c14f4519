//! The web root, and the one way to a file in it.
//!
//! A path is resolved first, links and all, and must then lie inside and be fit to be shown. What it was resolved to is
//! opened name by name, each relative to the folder before it and none through a link. So a link that is set between
//! the two steps leads nowhere: nothing needs to be trusted that could have changed meanwhile.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use thiserror::Error;

use super::names::is_served;

/// A folder is only passed through: that needs no permission to list it.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = OFlags::RDONLY;

/// The folder that holds the public files: shared ones, and one folder for each app.
///
/// It is looked up anew for each request: a web root that is replaced as a whole, or is a link that is set to another
/// release, needs no restart.
#[derive(Debug, Clone)]
pub struct WebRoot {
    path: Arc<Path>,
    /// What is not served though it may lie inside; resolved.
    private: Arc<[PathBuf]>,
}

/// Why a folder cannot be the web root.
#[derive(Debug, Error)]
pub enum WebRootError {
    /// It is missing, or may not be read.
    #[error("the web root {} cannot be read: {source}; give an existing folder", path.display())]
    Unreadable {
        /// As configured.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("the web root {} is not a folder; give the folder that holds the public files", .0.display())]
    NotAFolder(PathBuf),
}

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Found {
    /// A file, open.
    File(File),
    /// A folder.
    Folder,
}

/// Why nothing was found.
#[derive(Debug, Error)]
pub(super) enum NotFound {
    /// There is nothing to be shown; also whatever lies outside, is hidden, a source, or no plain file.
    #[error("nothing to be served")]
    Nothing,
    /// It is there, but this process may not read it.
    #[error("{path:?}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not look.
    #[error("{path:?}: {source}")]
    Failed {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl WebRoot {
    /// The web root at this path.
    ///
    /// # Errors
    /// [`WebRootError`], if there is no folder that can be read.
    pub fn open(path: &Path) -> Result<WebRoot, WebRootError> {
        let unreadable = |source| WebRootError::Unreadable { path: path.to_owned(), source };
        // Absolute, but not resolved: links in it may be set anew while the server runs.
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        if !fs::metadata(&absolute).map_err(unreadable)?.is_dir() {
            return Err(WebRootError::NotAFolder(path.to_owned()));
        }
        fs::read_dir(&absolute).map_err(unreadable)?;
        Ok(WebRoot { path: absolute.into(), private: Arc::new([]) })
    }

    /// Where it is: absolute, as configured.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same without these files and folders, should any lie in it: secrets, and the server's own data.
    ///
    /// Links to them are followed now, so they should exist.
    #[must_use]
    pub fn without(self, private: impl IntoIterator<Item = PathBuf>) -> WebRoot {
        let private = private.into_iter().map(|path| fs::canonicalize(&path).unwrap_or(path)).collect();
        WebRoot { private, ..self }
    }

    /// What lies at this path, relative to the root. Blocks on the file system, never on what it finds there.
    pub(super) fn find(&self, relative: &Path) -> Result<Found, NotFound> {
        let (root, inside) = self.resolve(relative)?;
        let failure = |errno| not_found(errno, &root.join(&inside));
        open_plainly(&root, &inside).map_err(failure)?.ok_or(NotFound::Nothing)
    }

    /// The root without links, and where in it the path leads.
    fn resolve(&self, relative: &Path) -> Result<(PathBuf, PathBuf), NotFound> {
        let root = fs::canonicalize(&self.path)
            .map_err(|source| NotFound::Failed { path: self.path.to_path_buf(), source })?;
        let path = root.join(relative);
        let real = fs::canonicalize(&path).map_err(|error| match Errno::from_io_error(&error) {
            // What may not be looked up might lie anywhere: nothing is said of it.
            Some(Errno::ACCESS) | None => NotFound::Nothing,
            Some(errno) => not_found(errno, &path),
        })?;
        // A folder around the root hides nothing: its other files are outside anyway.
        let hides =
            |private: &PathBuf| real.starts_with(private) && private.starts_with(&root) && *private != root;
        if self.private.iter().any(hides) {
            return Err(NotFound::Nothing);
        }
        match real.strip_prefix(&root) {
            Ok(inside) if is_served(inside) => Ok((root, inside.to_owned())),
            _ => Err(NotFound::Nothing),
        }
    }
}

/// Opens what lies at a path without links, dots or an absolute part; None if it is neither file nor folder.
pub(super) fn open_plainly(root: &Path, inside: &Path) -> Result<Option<Found>, Errno> {
    let folder = PASS | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: OwnedFd = rustix::fs::open(root, folder, Mode::empty())?;
    let (Some(parent), Some(name)) = (inside.parent(), inside.file_name()) else {
        return Ok(Some(Found::Folder)); // the root itself
    };
    for name in parent.components() {
        at = openat(&at, name.as_os_str(), folder, Mode::empty())?;
    }
    // Looked at before it is opened: to open a device may do something.
    let kind = FileType::from_raw_mode(statat(&at, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
    if kind == FileType::Directory {
        return Ok(Some(Found::Folder));
    }
    if kind != FileType::RegularFile {
        return Ok(None);
    }
    // Should it be a pipe or a device by now, nothing waits for its other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(&at, name, flags, Mode::empty())?);
    let is_plain = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::RegularFile;
    Ok(is_plain.then_some(Found::File(file)))
}

/// What the system's refusal means.
pub(super) fn not_found(errno: Errno, path: &Path) -> NotFound {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL | Errno::ILSEQ => {
            NotFound::Nothing
        }
        Errno::ACCESS | Errno::PERM => NotFound::Unreadable { path, source: errno.into() },
        other => NotFound::Failed { path, source: other.into() },
    }
}
