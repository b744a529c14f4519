//! What no path, no link and no race may get.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::to_bytes;
use actix_web::test::TestRequest;
use proptest::prelude::*;
use rustix::fs::{RenameFlags, renameat_with};

use super::super::names;
use super::super::root::{self, Found};
use super::super::{BuiltIn, serve};
use super::{SECRET, Site};

#[actix_rt::test]
async fn no_encoding_of_dots_or_slashes_leads_out() {
    let site = Site::new();
    site.assert_nothing(&[
        "../secret.txt",
        "..%2fsecret.txt",
        "..%2Fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        ".%2e/secret.txt",
        "%2E./secret.txt",
        "%252e%252e/secret.txt",
        "%252e%252e%252fsecret.txt",
        "..%252fsecret.txt",
        "..%5csecret.txt",
        "..%c0%afsecret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "%e0%80%ae%e0%80%ae/secret.txt",
        "..;/secret.txt",
        "app/../../secret.txt",
        "app/..%2f..%2fsecret.txt",
        "app/controller/../../../secret.txt",
        "app/./../../secret.txt",
        "/../secret.txt",
        "//secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "..",
        "../",
        "../../../../../../../../../../../../etc/passwd",
        "app/controller/..",
        "js/../top.txt",
        "js/./client.js",
        "./top.txt",
        "js%2fclient.js",
        "top.txt%00",
        "top.txt%00.html",
        "%00",
        "app%00/controller/",
        "%ef%bc%8e%ef%bc%8e/secret.txt",
    ])
    .await;
    let root = site.folder.path().to_str().unwrap().to_owned();
    site.assert_nothing(&[&format!("{root}/secret.txt"), &format!("/{root}/public/top.txt")]).await;
}

#[actix_rt::test]
async fn links_inside_are_followed_and_links_out_are_nothing() {
    let site = Site::new();
    let inside = site.path("top.txt").to_str().unwrap().to_owned();
    let outside = site.folder.path().join("secret.txt").to_str().unwrap().to_owned();
    for (name, to) in [
        ("in.txt", "top.txt"),
        ("app/up.txt", "../top.txt"),
        ("absolute.txt", &inside),
        ("chain.txt", "in.txt"),
        ("pages", "app"),
        ("home", "."),
    ] {
        site.link(name, to);
    }
    site.assert_served(&[
        ("in.txt", "top.txt"),
        ("app/up.txt", "top.txt"),
        ("absolute.txt", "top.txt"),
        ("chain.txt", "top.txt"),
        ("pages/controller/", "app/controller/index.html"),
        ("home/home/top.txt", "top.txt"),
    ])
    .await;
    assert_eq!(site.get("pages").await.header("location"), "./pages/");
    for (name, to) in [
        ("out.txt", "../secret.txt"),
        ("far.txt", &outside),
        ("out", "../private"),
        ("app/empty/index.html", "../../../secret.txt"),
        ("via", "out"),
        ("passwd", "/etc/passwd"),
        ("slash", "/"),
        ("proc", "/proc/self/root"),
        ("loop", "loop"),
        ("tick", "tock"),
        ("tock", "tick"),
        ("dangling", "none"),
        ("roundabout", "../public/top.txt"),
    ] {
        site.link(name, to);
    }
    site.assert_nothing(&[
        "out.txt",
        "far.txt",
        "out",
        "out/",
        "out/secret.txt",
        "out/c.txt",
        "app/empty/",
        "via/secret.txt",
        "passwd",
        "slash/etc/passwd",
        "slash",
        "proc/etc/passwd",
        "loop",
        "loop/x",
        "tick",
        "dangling",
    ])
    .await;
    // Out and in again ends inside.
    site.assert_served(&[("roundabout", "top.txt")]).await;
}

#[actix_rt::test]
async fn hidden_files_and_sources_are_nothing_also_by_a_link_of_another_name() {
    let site = Site::new();
    site.link("env.txt", ".env");
    site.link("git", ".git");
    site.link("config.txt", "app/config.php");
    site.link("top.php", "top.txt");
    site.assert_nothing(&[
        ".env",
        "%2eenv",
        ".git/config",
        ".git/",
        ".git",
        "git/config",
        "git",
        "env.txt",
        "app/.htaccess",
        "app/config.php",
        "app/config.ph%70",
        "app/config.php/",
        "app/config.php/x",
        "app/config.php~",
        "config.txt",
        "top.php",
    ])
    .await;
}

#[test]
fn sources_and_their_copies_are_known_by_name() {
    let is_served = |name: &str| names::is_served(Path::new(name));
    let refused = "a.php a.PHP a.Php5 a.phtml a.phar a.phps a.inc a.inc.php a.py a.pyc a.pl a.cgi a.rb a.sh a.sql \
        a.sql.gz a.toml a.php~ a.php.bak a.php.BAK a.php.old a.php.orig a.php.save a.php.swp a.php.1 a.php.~1~ \
        a.php.2024-05-01.tar.gz a.php_old a.php-2024 a.php. #a.php# a.b.php b/a.php .a .a.html a/.b .a/b \
        ä.php";
    for name in refused.split_whitespace().chain(["a.php (copy)"]) {
        assert!(!is_served(name), "{name} is served");
    }
    let served = "a.js php php.min.js mode-php.js a.php.js phpinfo.html messages.pl.js a.sh.json a.tar.gz a.bak a.old \
        a~ a.1.2.js jquery-3.7.1.min.js a.php/index.html includes.txt a.pyx.txt a..js a a. ~ a.PNG \
        a.html.bak";
    for name in served.split_whitespace().chain(["a.\u{fc}", "a b.html"]) {
        assert!(is_served(name), "{name} is not served");
    }
}

/// What stands at a path may be replaced between its check and its opening.
#[test]
fn a_link_set_after_the_check_leads_nowhere() {
    let site = Site::new();
    let root = fs::canonicalize(site.path("")).unwrap();
    let open = |path: &str| root::open_plainly(&root, Path::new(path));
    assert!(matches!(open("app/controller/index.html"), Ok(Some(Found::File(_)))));
    site.link("file.txt", "../secret.txt");
    site.link("folder", "../private");
    site.link("in", "app");
    for path in ["file.txt", "folder", "folder/secret.txt", "in/controller/index.html"] {
        let opened = open(path);
        assert!(matches!(opened, Err(_) | Ok(None)), "{path}: {opened:?}");
    }
}

/// A folder and a link to the outside change places all the time.
#[test]
fn no_race_leads_out() {
    let site = Site::new();
    fs::create_dir(site.path("a")).unwrap();
    site.write("a/c.txt", "inside");
    site.link("b", "../private");
    site.write("c.txt", "inside");
    site.link("d.txt", "../secret.txt");
    let done = AtomicBool::new(false);
    let swap = |from: &str, to: &str| {
        renameat_with(rustix::fs::CWD, site.path(from), rustix::fs::CWD, site.path(to), RenameFlags::EXCHANGE)
    };
    let mut seen = BTreeSet::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                swap("a", "b").unwrap();
                swap("c.txt", "d.txt").unwrap();
            }
        });
        for round in 0..40_000 {
            let path = ["a/c.txt", "c.txt"][round % 2];
            match site.root.find(Path::new(path)) {
                Ok(Found::File(file)) => seen.insert(std::io::read_to_string(file).unwrap()),
                Ok(Found::Folder) => panic!("{path} is no folder"),
                Err(error) => seen.insert(format!("{error:?}")),
            };
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["Nothing", "inside"]);
}

/// A name, or a path, in one of the ways in which it can be written.
fn written(name: &str, how: u8) -> String {
    match how {
        0 => {
            name.bytes().map(|byte| if byte == b'/' { "/".into() } else { format!("%{byte:02x}") }).collect()
        }
        1 => name.replace('.', "%2E"),
        2 => format!("{name}%2f"),
        3 => name.replace('.', "%252e"),
        4 => format!("{name}%00"),
        _ => name.to_owned(),
    }
}

/// Pieces of paths: names that are there, names that must not be, and ways to write them.
fn piece() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "app",
        "js",
        "controller",
        "index.html",
        "client.js",
        "top.txt",
        "config.php",
        ".env",
        ".git",
        "config",
        "out",
        "home",
        "absolute.txt",
        "env.txt",
        "secret.txt",
        "private",
        "public",
        "..",
        ".",
        "",
        "etc",
        "passwd",
        "up",
    ]);
    let name = (names, 0..30u8).prop_map(|(name, how)| written(name, how));
    prop_oneof![19 => name, 1 => "[!-.0->@-~%]{0,8}"]
}

/// Whatever is served lies inside, and is visible; and what is plainly there is served.
#[test]
fn any_path_leads_to_a_public_file_or_nowhere() {
    let site = Site::new();
    let inside = site.path("top.txt");
    for (name, to) in [
        ("out", "../private"),
        ("home", "."),
        ("absolute.txt", inside.to_str().unwrap()),
        ("env.txt", ".env"),
        ("up", ".."),
        ("app/out", "../../private"),
        ("js/app", "../app"),
    ] {
        site.link(name, to);
    }
    let public = ["js/client.js", "app/controller/index.html", "app/responder/index.html", "top.txt"];
    let system = actix_web::rt::System::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let known =
        ["top.txt", "js/client.js", "app/controller/", "home/top.txt", "absolute.txt", "js/app/responder/"];
    let known = (prop::sample::select(known.to_vec()), prop::sample::select(vec![0, 1, 9]))
        .prop_map(|(path, how)| vec![written(path, how)]);
    let paths = prop_oneof![4 => prop::collection::vec(piece(), 0..5), 1 => known];
    let counted = Cell::new(0_u32);
    runner
        .run(&paths, |pieces| {
            let path = pieces.join("/");
            let slash = path.is_empty() || path.ends_with('/');
            let uri = if slash { "/crsocket/app/" } else { "/crsocket/app" };
            let request = TestRequest::get().uri(uri).to_http_request();
            let (status, body) = system.block_on(async {
                let response = serve(Some(&site.root), BuiltIn::default(), &request, &path).await;
                let status = response.status().as_u16();
                (status, to_bytes(response.into_body()).await.unwrap())
            });
            let body = String::from_utf8_lossy(&body).into_owned();
            prop_assert!(!body.contains(SECRET), "{path}: {body}");
            match status {
                200 => {
                    prop_assert!(public.contains(&body.as_str()), "{path}: {body}");
                    counted.set(counted.get() + 1);
                }
                301 | 404 => {}
                other => prop_assert!(false, "{path}: {other}"),
            }
            // The same path, plainly written, if it names a public file.
            let plain =
                pieces.iter().filter(|piece| !piece.is_empty()).cloned().collect::<Vec<_>>().join("/");
            if !slash && public.contains(&plain.as_str()) {
                prop_assert_eq!(&body, &plain);
            }
            Ok(())
        })
        .unwrap();
    let served = counted.get();
    assert!(served > 300, "only {served} of 3000 paths led to a file: the property says little");
}
