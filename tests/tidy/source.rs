//! Rust source as far as the tidy tests need to understand it: tokens, and what their surroundings are.

/// A word or a sign of the code. Comments are left out, literals are the word `literal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
    /// How many `mod name { ... }` of its file surround it.
    pub(crate) mods: usize,
    /// Whether it belongs to a `#[cfg(test)] mod`.
    pub(crate) in_test: bool,
}

/// The tokens of a source file.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Lexer { rest: source, line: 1 }.run();
    mark_mods(&mut tokens);
    tokens
}

/// The names that a path leads to, given what follows its first `::`, groups expanded: the first name below the
/// module where it starts. With `depth`, that module is so many levels below the root, `super` climbs, and only names
/// at the root are found.
pub(crate) fn names_at_root(path: &[Token], depth: usize) -> Vec<&Token> {
    match path {
        [] => Vec::new(),
        [first, ..] if first.text == "{" => {
            elements(path).into_iter().flat_map(|element| names_at_root(element, depth)).collect()
        }
        [first, colons, rest @ ..] if colons.text == "::" && first.text == "super" => {
            names_at_root(rest, depth.saturating_sub(1))
        }
        [first, colons, rest @ ..] if colons.text == "::" && first.text == "self" => {
            names_at_root(rest, depth)
        }
        [first, ..] if first.text == "self" || depth > 0 => Vec::new(),
        [first, ..] => vec![first],
    }
}

/// A function with a body: its name and the lines it takes, signature included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// The functions of a file.
pub(crate) fn functions(tokens: &[Token]) -> Vec<Function> {
    (0..tokens.len()).filter_map(|start| function_at(tokens.get(start..)?)).collect()
}

fn function_at(tokens: &[Token]) -> Option<Function> {
    let [keyword, name, ..] = tokens else { return None };
    if keyword.text != "fn" || !starts_word(&name.text) {
        return None;
    }
    let body = tokens.iter().position(|token| token.text == "{" || token.text == ";")?;
    if tokens[body].text == ";" {
        return None;
    }
    let last = &tokens[body + closing(&tokens[body..])?];
    Some(Function { name: name.text.clone(), line: keyword.line, lines: last.line - keyword.line + 1 })
}

/// How many lines a file has, and how many of them belong to test modules.
pub(crate) fn lengths(source: &str) -> (usize, usize) {
    let mut test_lines: Vec<usize> =
        tokens(source).iter().filter(|token| token.in_test).map(|token| token.line).collect();
    test_lines.dedup();
    let in_tests = match (test_lines.first(), test_lines.last()) {
        (Some(first), Some(last)) => last - first + 1,
        _ => 0,
    };
    (source.lines().count() - in_tests, in_tests)
}

/// The comma-separated elements of the group that starts here.
fn elements(group: &[Token]) -> Vec<&[Token]> {
    let end = closing(group).unwrap_or(group.len());
    let mut open = 0;
    group[1..end]
        .split(|token| {
            open += opens(token);
            open == 0 && token.text == ","
        })
        .collect()
}

/// Where the brace that starts here is closed.
fn closing(tokens: &[Token]) -> Option<usize> {
    let mut open = 0;
    tokens.iter().position(|token| {
        open += opens(token);
        open == 0
    })
}

fn opens(token: &Token) -> i32 {
    match token.text.as_str() {
        "{" => 1,
        "}" => -1,
        _ => 0,
    }
}

/// Fills in `mods` and `in_test`.
fn mark_mods(tokens: &mut [Token]) {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    for at in 0..tokens.len() {
        let is_mod = tokens[at].text == "mod" && tokens.get(at + 2).is_some_and(|token| token.text == "{");
        let Some(end) = is_mod.then(|| closing(&tokens[at + 2..])).flatten() else { continue };
        let before = &tokens[..at];
        let in_test =
            before.len() >= 7 && before[at - 7..].iter().zip(TEST).all(|(token, text)| token.text == text);
        for token in &mut tokens[at + 2..=at + 2 + end] {
            token.mods += 1;
            token.in_test |= in_test;
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            let (length, text) = self.next(first);
            if let Some(text) = text {
                tokens.push(Token { text, line: self.line, mods: 0, in_test: false });
            }
            let (taken, rest) = self.rest.split_at(length);
            self.line += taken.matches('\n').count();
            self.rest = rest;
        }
        tokens
    }

    /// The length of what comes next, and its text if it is a token.
    fn next(&self, first: char) -> (usize, Option<String>) {
        let literal = |length| (length, Some("literal".to_owned()));
        if self.rest.starts_with("//") {
            (self.rest.find('\n').unwrap_or(self.rest.len()), None)
        } else if self.rest.starts_with("/*") {
            (block_comment(self.rest), None)
        } else if let Some(length) = string(self.rest) {
            literal(length)
        } else if first == '\'' {
            char_or_lifetime(self.rest).map_or((1, None), literal)
        } else if starts_word(self.rest) {
            let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let word = &self.rest[..end.unwrap_or(self.rest.len())];
            (word.len(), Some(word.to_owned()))
        } else if self.rest.starts_with("::") {
            (2, Some("::".to_owned()))
        } else {
            (first.len_utf8(), (!first.is_whitespace()).then(|| first.to_string()))
        }
    }
}

fn starts_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The length of a block comment, in which others may be nested.
fn block_comment(text: &str) -> usize {
    let (mut open, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            open += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            open -= 1;
            at += 2;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if open == 0 {
            break;
        }
    }
    at
}

/// The length of the string literal that starts here, prefix included, if one does.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let rest = text.strip_prefix(*prefix).map(|rest| rest.trim_start_matches('#'));
        rest.is_some_and(|rest| rest.starts_with('"'))
    })?;
    let hashes = text[prefix.len()..].find('"')?;
    let start = prefix.len() + hashes + 1;
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()));
    }
    // Without `r`, a sign before the quote is not part of the literal.
    (hashes == 0).then(|| start + quoted(&text[start..], '"'))
}

/// The length of a character literal; nothing where the quote starts a lifetime.
fn char_or_lifetime(text: &str) -> Option<usize> {
    let mut chars = text.chars().skip(1);
    let is_char = chars.next()? == '\\' || chars.next()? == '\'';
    is_char.then(|| 1 + quoted(&text[1..], '\''))
}

/// The length up to and with the quote that ends a literal; an escaped one does not.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_hide_their_words() {
        let cases = [
            ("a // x\nb", "a b"),
            ("a /* x /* x */ x */ b", "a b"),
            (r#"a "x \" x" b"#, "a literal b"),
            (r###"a r##"x "# x"## b"###, "a literal b"),
            (r#"a b"x" c"x" br"x\" b"#, "a literal literal literal b"),
            (r"a '\'' '\\' 'x' b", "a literal literal literal b"),
            ("a<'x> 'é' b", "a < x > literal b"),
            ("a::b::{c}", "a :: b :: { c }"),
            ("#[r] r#type \"x", "# [ r ] r # type literal"),
        ];
        for (source, expected) in cases {
            assert_eq!(words(source).join(" "), expected, "{source}");
        }
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let source = "a /*\n*/ \"\n\" b // \nc";
        let lines: Vec<usize> = tokens(source).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }

    #[test]
    fn modules_and_tests_are_marked() {
        let tokens = tokens("a mod x { b } #[cfg(test)] mod y { c mod z { d } } e #[cfg(unix)] mod w { f }");
        let seen = |name: &str| {
            let token = tokens.iter().find(|token| token.text == name).unwrap();
            (token.mods, token.in_test)
        };
        let expected = [
            ("a", (0, false)),
            ("b", (1, false)),
            ("c", (1, true)),
            ("d", (2, true)),
            ("e", (0, false)),
            ("f", (1, false)),
        ];
        for (name, marks) in expected {
            assert_eq!(seen(name), marks, "{name}");
        }
    }

    #[test]
    fn lengths_of_files_and_functions() {
        let source =
            "fn a() {\n  {}\n}\nfn b();\ntype C = fn(u8);\n#[cfg(test)]\nmod tests {\n  fn d() {}\n}\n";
        assert_eq!(lengths(source), (6, 3));
        let functions = functions(&tokens(source));
        let seen: Vec<_> = functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(seen, [("a", 1, 3), ("d", 8, 1)]);
    }
}
