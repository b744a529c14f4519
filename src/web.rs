//! The files that are compiled into the program: the browser client and the demo's pages.

use std::borrow::Cow;

use rust_embed::Embed;

/// All of `src/web`.
#[derive(Embed)]
#[folder = "src/web/"]
struct All;

/// A file that is compiled in.
#[derive(Clone, Debug)]
pub struct WebFile {
    /// What is in it.
    pub bytes: Cow<'static, [u8]>,
    /// The SHA-256 of that.
    pub hash: [u8; 32],
}

/// The file at this path, relative to `src/web`.
pub fn find(path: &str) -> Option<WebFile> {
    let file = All::get(path)?;
    Some(WebFile { hash: file.metadata.sha256_hash(), bytes: file.data })
}

/// The paths of all of them.
pub fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    All::iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_path_and_nothing_outside() {
        let style = find("front_page.css").unwrap();
        assert_eq!(&*style.bytes, include_bytes!("web/front_page.css"));
        for path in
            ["", "front_page", "/front_page.css", "../web.rs", "demo/../../web.rs", "./front_page.css"]
        {
            assert!(find(path).is_none(), "{path}");
        }
        assert!(paths().any(|path| path == "front_page.css"));
    }
}
