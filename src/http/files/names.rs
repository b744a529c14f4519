//! Which names are served: the path of a request, and what is never shown.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

/// Longest path, in bytes, still encoded. No file has a longer one: Linux takes 4,096 bytes, each encoded in three.
const MAX_PATH: usize = 3 * 4096;

/// Endings of what a server runs or reads, and a browser does not.
const SOURCES: [&str; 39] = [
    "php", "php3", "php4", "php5", "php7", "php8", "phps", "pht", "phtm", "phtml", "phar", "inc", "py",
    "pyc", "pyo", "pyw", "pl", "pm", "cgi", "fcgi", "rb", "erb", "sh", "bash", "sql", "asp", "aspx", "ascx",
    "ashx", "asmx", "jsp", "jspx", "cfm", "lua", "env", "htaccess", "htpasswd", "tcl", "toml",
];

/// Endings that say of a file that it is another one's older, spare or packed self.
const COPIES: [&str; 29] = [
    "bak", "backup", "back", "bk", "old", "orig", "original", "save", "saved", "sav", "swp", "swo", "swn",
    "tmp", "temp", "copy", "dist", "disabled", "off", "new", "rej", "zip", "gz", "bz2", "xz", "zst", "tar",
    "rar", "7z",
];

/// The path within the web root that a request's path means (percent-encoded as it came, behind `/crsocket/`).
///
/// None if no file can be meant: hidden names, `.` and `..`, encoded slashes, NUL, server-side sources.
pub(super) fn relative_path(encoded: &str) -> Option<PathBuf> {
    if encoded.len() > MAX_PATH {
        return None;
    }
    let mut path = PathBuf::new();
    for segment in encoded.split('/').filter(|segment| !segment.is_empty()) {
        let name: Vec<u8> = percent_decode_str(segment).collect();
        // `Path` would leave a `.` out in silence.
        if name.contains(&b'/') || name.contains(&0) || name.starts_with(b".") {
            return None;
        }
        path.push(OsString::from_vec(name));
    }
    is_served(&path).then_some(path)
}

/// Whether a file of this path may be shown, if there is one.
pub(super) fn is_served(path: &Path) -> bool {
    let visible = path.components().all(|component| match component {
        Component::Normal(name) => !name.as_bytes().starts_with(b"."),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => false,
    });
    visible && !path.file_name().is_some_and(is_source)
}

/// Whether a file of this name is a server-side source, or a copy of one: `a.php`, `a.PHP`, `a.php~`, `a.php.bak`,
/// `a.php.2024-05-01.gz`, `a.php_old`.
fn is_source(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    let mut endings = name.split('.').skip(1).collect::<Vec<_>>();
    while let Some(ending) = endings.pop() {
        let end = ending.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(ending.len());
        let (word, rest) = ending.split_at(end);
        if SOURCES.contains(&word) {
            return true;
        }
        let is_number = ending.bytes().all(|byte| !byte.is_ascii_alphabetic());
        if !(is_number || COPIES.contains(&word) || (word.is_empty() && !rest.is_empty())) {
            return false;
        }
    }
    false
}
