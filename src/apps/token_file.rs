//! Token files: a token in each line, and a role behind it where it has but one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::apps::one_or_both;
use crate::config::{ListedToken, TokenPattern};
use crate::file_watch::FileStamp;
use crate::protocol::ids::{AccessToken, Role};

/// What is wrong with a token file. It names the line, never what stands there.
#[derive(Debug, Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that cannot be understood.
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, or what is accepted.
        what: LineFault,
    },
}

/// What is wrong with a line of a token file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineFault {
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The first word is no token.
    #[error("a token is one or more printable ASCII characters without a space")]
    Token,
    /// What follows the token is no role.
    #[error("a token is followed by nothing, by controller or responder, or by a comment (# ...)")]
    Role,
    /// The token is not one that the app's `token_pattern` lets through.
    #[error("the token does not match the app's token_pattern")]
    Pattern,
    /// The same token stands elsewhere with other roles.
    #[error("the same token has other roles in line {0}")]
    Repeated(usize),
    /// The same token stands in `tokens` with other roles.
    #[error("the same token has other roles in the app's tokens")]
    InTokens,
}

/// The token files that were read, as they were then.
#[derive(Clone, Debug, Default)]
pub struct TokenFiles {
    read: Vec<(PathBuf, Option<FileStamp>)>,
}

impl TokenFiles {
    /// Whether any of them is no longer what was read, going by what its folder says of it. Takes a system call for
    /// each file.
    pub fn changed(&self) -> bool {
        self.read.iter().any(|(path, stamp)| FileStamp::now(path) != *stamp)
    }

    /// The tokens of a list: those given, and those in its file, which is watched from here on, be it good or not.
    pub(super) fn read(
        &mut self,
        path: &Path,
        given: &[ListedToken],
        pattern: Option<&TokenPattern>,
    ) -> Result<Vec<ListedToken>, TokenFileError> {
        let (stamp, bytes) = contents(path);
        self.read.push((path.to_owned(), stamp));
        let bytes = bytes.map_err(|source| TokenFileError::Read { path: path.to_owned(), source })?;
        parse(&bytes, given, pattern).map_err(|(line, what)| TokenFileError::Line {
            path: path.to_owned(),
            line,
            what,
        })
    }
}

/// What stands in a file, and its stamp, which is not younger: what is written meanwhile is seen as a change.
fn contents(path: &Path) -> (Option<FileStamp>, io::Result<Vec<u8>>) {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return (None, Err(error)),
    };
    let stamp = Some(FileStamp::of(&metadata));
    if !metadata.is_file() {
        return (stamp, Err(io::Error::other("it is not a regular file")));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    (stamp, read.map(|_| bytes))
}

/// The given tokens and those of the lines; or the first line at fault.
fn parse(
    bytes: &[u8],
    given: &[ListedToken],
    pattern: Option<&TokenPattern>,
) -> Result<Vec<ListedToken>, (usize, LineFault)> {
    let mut listed = given.to_vec();
    // Where a token stood first; line 0 is `tokens`.
    let mut seen: BTreeMap<AccessToken, (usize, Option<Role>)> =
        given.iter().map(|listed| (listed.token.clone(), (0, listed.role))).collect();
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Some(token) = line_token(text).map_err(|fault| (line, fault))? else { continue };
        if pattern.is_some_and(|pattern| !pattern.matches(&token.token)) {
            return Err((line, LineFault::Pattern));
        }
        match seen.get(&token.token) {
            Some((_, role)) if *role == token.role => {}
            Some((0, _)) => return Err((line, LineFault::InTokens)),
            Some((first, _)) => return Err((line, LineFault::Repeated(*first))),
            None => {
                seen.insert(token.token.clone(), (line, token.role));
                listed.push(token);
            }
        }
    }
    Ok(listed)
}

/// The token of a line, if there is one.
fn line_token(line: &[u8]) -> Result<Option<ListedToken>, LineFault> {
    let text = str::from_utf8(line).map_err(|_| LineFault::Encoding)?;
    let mut words = text.split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
    let Some(token) = words.next() else { return Ok(None) };
    let token = AccessToken::parse(token).map_err(|_| LineFault::Token)?;
    let roles: Vec<Role> = words.map(Role::parse).collect::<Result<_, _>>().map_err(|_| LineFault::Role)?;
    let role = one_or_both(&roles).flatten();
    Ok(Some(ListedToken { token, role }))
}
