//! The machine of the browser client, held to the machines of this crate by the corpus (`tests/client_corpus`), in a page
//! that imports it from the server.

use std::fs;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::client_corpus::Corpus;
use crate::process::Server;
use crate::setup::until;

/// What a page with this corpus beside it says.
fn replayed(browser: &Browser, corpus: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("public");
    let page = public.join("corpus");
    fs::create_dir_all(&page).unwrap();
    fs::write(page.join("index.html"), include_str!("corpus.html")).unwrap();
    fs::write(page.join("run.js"), include_str!("corpus.js")).unwrap();
    fs::write(page.join("compare.js"), include_str!("../client_corpus/compare.mjs")).unwrap();
    fs::write(page.join("corpus.jsonl"), corpus).unwrap();
    let config = format!("[server]\nweb_root = {public:?}\n[apps.demo]\n");
    let server = Server::in_folder(folder, &config, |_| {});
    browser.open(&format!("http://{}/crsocket/corpus/", server.address));
    // As long as it goes on, however slow the machine is.
    let mut shown = String::new();
    loop {
        let now = until("more of the page's result", || {
            let now: String = browser.run("return document.body.innerText;", &[]);
            let done: bool = browser.run("return window.replayed !== undefined;", &[]);
            if done || now != shown { Ok(now) } else { Err(format!("it still shows {now:?}")) }
        });
        match browser.run("return window.replayed ?? null;", &[]) {
            Value::Null => shown = now,
            result => return result,
        }
    }
}

/// The first sequence, with a wrong state at its end.
fn spoiled(corpus: &Corpus) -> String {
    let mut sequence: Value = serde_json::from_str(&corpus.sequences[0]).unwrap();
    let last = sequence["steps"].as_array_mut().unwrap().last_mut().unwrap();
    last["state"][1] = json!("spoiled");
    format!("{sequence}\n{}\n", corpus.sequences[1])
}

#[test]
fn the_clients_machine_does_what_the_wired_machines_do() {
    let Some(browser) = Browser::start() else { return };
    let corpus = Corpus::new();
    let result = replayed(&browser, &corpus.text());
    println!("{} sequences, {} steps", result["sequences"], result["steps"]);
    let told = result["told"].as_array().into_iter().flatten().chain(result.get("failed"));
    let told: Vec<&str> = told.filter_map(Value::as_str).collect();
    assert!(result["different"] == 0, "{} sequences differ:\n{}", result["different"], told.join("\n\n"));
    assert_eq!(result["sequences"], corpus.sequences.len());
    assert_eq!(result["steps"], corpus.steps);
    assert!(corpus.sequences.len() >= 2_000);

    // The comparison itself.
    let result = replayed(&browser, &spoiled(&corpus));
    assert_eq!((&result["different"], &result["sequences"]), (&json!(1), &json!(2)));
    assert!(result["told"][0].as_str().is_some_and(|told| told.contains("spoiled")), "{result}");
}
