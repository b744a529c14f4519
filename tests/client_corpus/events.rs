//! crEvents as enclosing clients send them and as they arrive, also such as none should be.

use crsocket::check::random::Random;
use crsocket::protocol::event::CrEvent;

/// Texts that have been read wrongly by somebody.
const AWKWARD: [&str; 22] = [
    "",
    "Grüße aus Łódź",
    "日本語 한국어 ไทย हिन्दी",
    "שלום \u{202e}abc\u{202c}",
    "🦊 🇩🇪 👩\u{200d}👩\u{200d}👧",
    "\u{10ffff}\u{fffd}\u{feff}\u{200b}",
    "e\u{301} é \u{212b}",
    "%",
    "%41 %2C %25 %zz %C3%28",
    "a&b=c&&=;+ +#x?y/../z//:@|",
    "\"double\" 'single' `back` \\ \\n \\u0041 \\",
    "<script>alert('&amp;')</script>",
    "a\nb\r\nc\re\n",
    "\tTab\u{b}\u{c}\u{85}\u{2028}\u{2029}\u{a0}",
    "\0\u{1}\u{1b}[31m\u{7f}",
    " one space at each end ",
    "true",
    "NaN",
    "[1;{\"a\":null}]",
    "__proto__",
    "constructor",
    "toString",
];

/// Reasons and subTypes that nobody knows; some are the names of what every object has in JavaScript.
pub const UNKNOWN: [&str; 8] =
    ["", "tooManyMoons", "so so", "é🦊", "error", "__proto__", "constructor", "toString"];

const REJECTIONS: [&str; 6] =
    ["assignedToOther", "notPaired", "appIdMismatch", "invalidPartnerRole", "accessTokenMismatch", "blocked"];

/// What stands where a time should.
const TIMES: [&str; 20] = [
    "NaN",
    "1795000000000",
    "1795000000000.75",
    "0",
    "-5",
    "-0.5",
    "-1.5e3",
    "1e3",
    "+5",
    ".5",
    "5.",
    "",
    "soon",
    "0x10",
    " 5",
    "1_000",
    "1e300",
    "inf",
    "Infinity",
    "null",
];

fn one<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len())]
}

/// A crEvent for the partner, of which the machine may refuse some. It fits into `longest` bytes, just does, or just
/// does not.
pub fn to_send(random: &mut Random, longest: usize) -> CrEvent {
    let mut event = CrEvent::new("answer", "").unwrap();
    event.event_type = match random.below(20) {
        0 => one(random, &["", "no type", "ü", "a,b"]),
        1 => one(random, &["ping", "inactive", "unassign", "reject"]),
        2 => one(random, &["Ping", "constructor", "toString", "0"]),
        _ => one(random, &["answer", "touch", "x", "Trial2"]),
    }
    .into();
    event.sub_type = match random.below(20) {
        0 => one(random, &["a b", "é", "a,b", "_"]),
        1..=9 => one(random, &["left", "Right2", "toString", "0"]),
        _ => "",
    }
    .into();
    event.params = (0..random.below(4)).map(|_| one(random, &AWKWARD).into()).collect();
    if random.chance(60) {
        event.params = [one(random, &["a,b", ",", "1,2,3"]).into()].into();
    }
    event.buffered = random.chance(400);
    event.logged = random.chance(300);
    event.interceptable = random.chance(700);
    // 8,192 bytes seldom: most of the corpus would be such events.
    if random.chance(if longest > 1_000 { 8 } else { 250 }) {
        fill_up(&mut event, longest - 1 + random.below(3));
    }
    event
}

/// Makes it exactly so long, in bytes, where it is not longer.
fn fill_up(event: &mut CrEvent, length: usize) {
    let room = length.saturating_sub(event.event_data_len() + 1);
    let mut param = "ä".repeat(room / 3);
    param.push_str(&"x".repeat(room - param.len()));
    event.params = event.params.iter().cloned().chain([param.into()]).collect();
}

/// An event data string that arrives from this sender.
pub fn to_receive(random: &mut Random, sender: &str) -> String {
    let (event_type, sub_type) = match random.below(20) {
        0..=6 => ("ping", ""),
        7..=11 => (one(random, &["answer", "touch", "x"]), one(random, &["", "left", "Right2"])),
        12 => ("inactive", ""),
        13 => ("unassign", "notPaired"),
        14 => ("reject", one(random, &REJECTIONS)),
        15 | 16 => ("reject", one(random, &UNKNOWN)),
        17 => (one(random, &["Ping", "", "no type", "toString", "__proto__"]), one(random, &UNKNOWN)),
        _ => ("question", one(random, &AWKWARD)),
    };
    let params: Vec<&str> = (0..random.below(4)).map(|_| one(random, &AWKWARD)).collect();
    let mut flag = |usual| {
        let odd = random.chance(80);
        if odd { one(random, &["true", "false", "TRUE", " true", ""]) } else { usual }
    };
    let flags = [flag("false"), flag("false"), flag("true")];
    let mut time = |usual| if random.chance(150) { one(random, &TIMES) } else { usual };
    let times = [time("1795000000123"), time("NaN")];
    let fields = [&[event_type, sub_type][..], &flags, &times, &[sender], &params].concat();
    // Some lack fields at their end.
    let count = if random.chance(40) { random.below(fields.len()) } else { fields.len() };
    fields[..count].join(",")
}

/// A ping from this sender, as clients send it.
pub fn ping(sender: &str) -> String {
    format!("ping,,false,false,true,1795000000123,NaN,{sender}")
}
