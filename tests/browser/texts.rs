//! CrEvents with awkward texts, from the page to a responder and back.

use crsocket::protocol::ids::ClientId;

use crate::page::{Page, Received};
use crate::responder::Responder;
use crate::setup::{Client, Site, Way};

/// What must arrive byte for byte: the params of one crEvent each. (A param has no comma.)
pub fn awkward_params() -> Vec<Vec<String>> {
    let single = [
        // Other scripts, more bytes in a character, code units in a pair.
        "Grüße aus Łódź",
        "日本語 한국어 ไทย हिन्दी",
        "שלום مرحبا \u{202e}abc\u{202c}",
        "🦊 🇩🇪 👩\u{200d}👩\u{200d}👧\u{200d}👦 👍🏽",
        "\u{10ffff}\u{fffd}\u{feff}\u{200b}\u{ad}",
        // The same letter as one character and as two: nobody normalizes.
        "é e\u{301} ﬁ \u{212b} A\u{30a} Ṩ s\u{323}\u{307} S\u{307}\u{323}",
        // Percent signs, alone and as if something were encoded.
        "%",
        "%%",
        "%41 %2C %25 %2525",
        "%zz %4 100 % %C3%28 %u0041",
        // What separates things in queries, addresses, frames, markup and headers.
        "&",
        "a&b=c&&=;",
        "&clientId=1&eventType=ping",
        "+ a+b c%2Bd",
        "#x?y/../z//:@|",
        "\"double\" 'single' `back` \\ \\n \\u0041 \\",
        "<script>alert('&amp;')</script> <!-- ]]>",
        "a\nb\n\nc\r\nd\re\n",
        "event: crEvent\ndata: ping\n\n:\nretry: 1\nid: 2\n",
        "\tTab\u{b}\u{c}\u{85}\u{2028}\u{2029}\u{a0}",
        "\0\u{1}\u{1b}[31m\u{7f}",
        " one space at each end ",
        "   ",
        " ",
        "\n",
        "true",
        "NaN",
        "[1;{\"a\":null}]",
    ];
    let mut all: Vec<Vec<String>> = single.iter().map(|text| vec![(*text).to_owned()]).collect();
    // None, an empty one, several empty ones; and in between.
    let several: [&[&str]; 6] =
        [&[], &[""], &["", ""], &["", "a", ""], &["a", "", "", "b"], &["%2C", "&", "%"]];
    all.extend(several.map(|params| params.iter().map(|&text| text.to_owned()).collect()));
    // 4,000 characters, also of two bytes, and such as need encoding: the request line has up to 24,000.
    all.extend(["x", "ü", "%", "a b&"].map(|text| vec![text.repeat(4_000 / text.chars().count())]));
    all.push(vec!["0123456789 \n%\"".repeat(20); 15]);
    all
}

/// The page sends them all; each must come to the responder as it is, and back as it is.
fn texts_there_and_back(client: Client, way: Way) {
    let Some(site) = Site::start(way) else { return };
    let responder = Responder::start(site.server().address, "200001");
    let Some(page) = Page::open(client, site.address(), "200001") else { return };
    let id = page.reaches("interacting");
    responder.reaches("interacting", Some(&id));
    for params in awkward_params() {
        let texts: Vec<&str> = params.iter().map(String::as_str).collect();
        let answer = page.asks("say", "word", &texts);
        let event = responder.received().pop().unwrap();
        let got: Vec<&str> = event.params.iter().map(AsRef::as_ref).collect();
        assert_eq!(got, texts, "from the page to the responder");
        assert_eq!((&*event.event_type, &*event.sub_type), ("say", "word"));
        assert_eq!(event.sender, Some(ClientId::parse(&id).unwrap()));
        let expected = Received {
            event_type: "say".to_owned(),
            sub_type: "word".to_owned(),
            sender: "200001".to_owned(),
            params,
        };
        assert_eq!(answer, expected, "and back");
    }
    assert_eq!(responder.received().len(), awkward_params().len());
    assert_eq!(page.snapshot().received, awkward_params().len());
}

#[test]
fn awkward_texts_go_from_a_page_to_a_responder_and_back() {
    texts_there_and_back(Client::Existing, Way::Directly);
}

#[test]
fn awkward_texts_go_from_a_page_behind_nginx_to_a_responder_and_back() {
    texts_there_and_back(Client::Existing, Way::BehindNginx);
}

#[test]
fn awkward_texts_go_from_our_page_to_a_responder_and_back() {
    texts_there_and_back(Client::Ours, Way::Directly);
}

#[test]
fn awkward_texts_go_from_our_page_behind_nginx_to_a_responder_and_back() {
    texts_there_and_back(Client::Ours, Way::BehindNginx);
}
