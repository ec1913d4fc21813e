//! Reads Rust source as tokens and paths, so that the tests of the house look at code and never at comments or texts.
//!
//! Never here: a rule. It knows the shape of the language, not what this project allows.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that may stand in front of a path that begins with `::`.
const KEYWORDS: [&str; 12] =
    ["as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "return"];

/// One token with the line it stands on, counted from 1. Comments are gone; literals are [`Token::Literal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Word(String, usize),
    PathSep(usize),
    Mark(char, usize),
    Literal(usize),
}

impl Token {
    pub fn is(&self, mark: char) -> bool {
        matches!(self, Self::Mark(found, _) if *found == mark)
    }

    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word, _) => Some(word),
            Self::PathSep(_) | Self::Mark(..) | Self::Literal(_) => None,
        }
    }

    pub fn line(&self) -> usize {
        match self {
            Self::Word(_, line) | Self::PathSep(line) | Self::Mark(_, line) | Self::Literal(line) => *line,
        }
    }
}

/// One path as written, such as `crate::store::journal`; a glob ends in `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePath {
    pub segments: Vec<String>,
    pub line: usize,
    /// Names of the inline modules (`mod x { … }`) around it, outermost first.
    pub inside: Vec<String>,
    /// Whether it stands in a `use` item.
    pub imported: bool,
}

/// Every file below `folder` (relative to the package) whose name ends in `suffix`, sorted; empty when there is no folder.
pub fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&package().join(folder), suffix, &mut found);
    found.sort();
    found
}

/// The folder of the package.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `path` relative to the package, for messages.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(package()).unwrap_or(path).display().to_string()
}

/// The text of `path`.
pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn collect(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, suffix, found);
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
}

/// Splits `source` into tokens.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { chars: source.chars().collect(), at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(next) = reader.peek(0) {
        let line = reader.line;
        match next {
            '/' if reader.peek(1) == Some('/') => reader.skip_while(|c| c != '\n'),
            '/' if reader.peek(1) == Some('*') => reader.skip_block_comment(),
            '"' => {
                reader.skip_text();
                tokens.push(Token::Literal(line));
            }
            '\'' => {
                if reader.skip_char_or_lifetime() {
                    tokens.push(Token::Literal(line));
                }
            }
            ':' if reader.peek(1) == Some(':') => {
                reader.skip(2);
                tokens.push(Token::PathSep(line));
            }
            c if c.is_alphabetic() || c == '_' => match reader.word_or_literal() {
                Some(word) => tokens.push(Token::Word(word, line)),
                None => tokens.push(Token::Literal(line)),
            },
            c if c.is_ascii_digit() => {
                reader.skip_while(|c| c.is_alphanumeric() || c == '_');
                tokens.push(Token::Literal(line));
            }
            c if c.is_whitespace() => reader.skip(1),
            c => {
                reader.skip(1);
                tokens.push(Token::Mark(c, line));
            }
        }
    }
    tokens
}

/// Every path of two or more segments in `source`, and every name that is imported. Groups are spelled out:
/// `use a::{b, c::{d, self}}` gives `a::b`, `a::c::d` and `a::c`.
pub fn paths(source: &str) -> Vec<CodePath> {
    let tokens = tokens(source);
    let mut walk = Walk { tokens: &tokens, at: 0, rooms: Vec::new(), depth: 0, found: Vec::new() };
    walk.all();
    walk.found
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.peek(0) == Some('\n') {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&wanted) {
            self.skip(1);
        }
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while let Some(next) = self.peek(0) {
            match (next, self.peek(1)) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                _ => {
                    self.skip(1);
                    continue;
                }
            }
            self.skip(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_text(&mut self) {
        self.skip(1);
        while let Some(next) = self.peek(0) {
            self.skip(if next == '\\' { 2 } else { 1 });
            if next == '"' {
                return;
            }
        }
    }

    fn skip_raw_text(&mut self, hashes: usize) {
        self.skip(hashes + 1);
        while let Some(next) = self.peek(0) {
            self.skip(1);
            if next == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.skip(hashes);
                return;
            }
        }
    }

    /// True when it was a character, false when it was a lifetime or a label.
    fn skip_char_or_lifetime(&mut self) -> bool {
        if self.peek(1) == Some('\\') {
            self.skip(3);
            self.skip_while(|c| c != '\'');
            self.skip(1);
            true
        } else if self.peek(2) == Some('\'') {
            self.skip(3);
            true
        } else {
            self.skip(1);
            self.skip_while(|c| c.is_alphanumeric() || c == '_');
            false
        }
    }

    /// A word, or `None` when it was the prefix of a text such as `r#"…"#` or `b'x'`, which is then skipped whole.
    fn word_or_literal(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_while(|c| c.is_alphanumeric() || c == '_');
        let word: String = self.chars[start..self.at].iter().collect();
        let hashes = self.chars[self.at..].iter().take_while(|c| **c == '#').count();
        match word.as_str() {
            "r" | "br" | "cr" if self.peek(hashes) == Some('"') => {
                self.skip_raw_text(hashes);
                None
            }
            "b" | "c" if self.peek(0) == Some('"') => {
                self.skip_text();
                None
            }
            "b" if self.peek(0) == Some('\'') => {
                self.skip_char_or_lifetime();
                None
            }
            "r" if hashes == 1 => {
                self.skip(1);
                self.word_or_literal()
            }
            _ => Some(word),
        }
    }
}

struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Inline modules that are open, each with the depth of braces outside it.
    rooms: Vec<(String, usize)>,
    depth: usize,
    found: Vec<CodePath>,
}

impl Walk<'_> {
    fn all(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Mark('{', _) => self.depth += 1,
                Token::Mark('}', _) => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.rooms.last().is_some_and(|(_, depth)| *depth == self.depth) {
                        self.rooms.pop();
                    }
                }
                Token::Word(word, _) if word == "mod" && self.mark_at(2, '{') => {
                    let name = self.word_at(1).unwrap_or_default().to_owned();
                    self.rooms.push((name, self.depth));
                    self.at += 1;
                }
                Token::Word(word, _) if word == "use" && !self.mark_at(1, '<') => {
                    self.at += 1;
                    self.tree(&[]);
                    continue;
                }
                Token::Word(word, line) if word == "extern" && self.word_at(1) == Some("crate") => {
                    let name = self.word_at(2).unwrap_or_default().to_owned();
                    self.keep(vec![name], *line, true);
                    self.at += 2;
                }
                Token::Word(word, _) if word == "pub" && self.mark_at(1, '(') && self.is_visibility() => {
                    while !self.tokens.get(self.at).is_none_or(|token| token.is(')')) {
                        self.at += 1;
                    }
                }
                Token::Word(..) => {
                    self.plain_path();
                    continue;
                }
                Token::PathSep(_) | Token::Mark(..) | Token::Literal(_) => {}
            }
            self.at += 1;
        }
    }

    fn word_at(&self, ahead: usize) -> Option<&str> {
        self.tokens.get(self.at + ahead)?.word()
    }

    fn mark_at(&self, ahead: usize, mark: char) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.is(mark))
    }

    fn sep_at(&self, ahead: usize) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::PathSep(_)))
    }

    /// `pub(crate)`, `pub(super)`, `pub(self)` and `pub(in …)`, but not the field of a tuple.
    fn is_visibility(&self) -> bool {
        match self.word_at(2) {
            Some("in") => true,
            Some("crate" | "super" | "self") => self.mark_at(3, ')'),
            _ => false,
        }
    }

    /// A path outside `use`: words joined by `::`. Generic arguments end it and are read on their own.
    fn plain_path(&mut self) {
        let line = self.tokens[self.at].line();
        let mut segments = Vec::new();
        while let Some(word) = self.word_at(0) {
            segments.push(word.to_owned());
            self.at += 1;
            // `return ::a::b` is a path of two segments behind a keyword.
            let keyword = KEYWORDS.contains(&segments[0].as_str());
            if keyword || !(self.sep_at(0) && self.word_at(1).is_some()) {
                break;
            }
            self.at += 1;
        }
        if segments.len() > 1 {
            self.keep(segments, line, false);
        }
    }

    /// A tree of imports after `prefix`; stops behind it.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        while let Some(token) = self.tokens.get(self.at) {
            let line = token.line();
            self.at += 1;
            match token {
                Token::Word(word, _) if word == "as" => {
                    self.at += 1;
                    self.keep(segments, line, true);
                    return;
                }
                Token::Word(word, _) if word == "self" && !prefix.is_empty() => {}
                Token::Word(word, _) => segments.push(word.clone()),
                Token::Mark('*', _) => segments.push("*".to_owned()),
                Token::Mark('{', _) => {
                    while self.tokens.get(self.at).is_some_and(|token| !token.is('}')) {
                        if self.mark_at(0, ',') {
                            self.at += 1;
                        } else {
                            self.tree(&segments);
                        }
                    }
                    self.at += 1;
                    return;
                }
                Token::PathSep(_) => continue,
                Token::Mark(..) | Token::Literal(_) => {
                    return;
                }
            }
            if !self.sep_at(0) && self.word_at(0) != Some("as") {
                self.keep(segments, line, true);
                return;
            }
        }
    }

    fn keep(&mut self, segments: Vec<String>, line: usize, imported: bool) {
        let inside = self.rooms.iter().map(|(name, _)| name.clone()).collect();
        self.found.push(CodePath { segments, line, inside, imported });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Vec<String> {
        paths(source).into_iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn groups_are_spelled_out() {
        assert_eq!(
            read("use crate::{a, b::{c as d, self, *}, e::f}; use g; pub(crate) use h::{i, j,};"),
            ["crate::a", "crate::b::c", "crate::b", "crate::b::*", "crate::e::f", "g", "h::i", "h::j"]
        );
    }

    #[test]
    fn code_is_read_and_comments_and_texts_are_not() {
        let source = r##"
            // a::b
            /* c::d /* e::f */ g::h */
            fn x<'a>(y: &'a str) -> i::j<k::l> { m::n::<o::p>(); return ::z::w; '"'; "q::r \" s::t"; r#"u" v::w"#; b'\''; r#x::y() }
        "##;
        assert_eq!(read(source), ["i::j", "k::l", "m::n", "o::p", "z::w", "x::y"]);
    }

    #[test]
    fn a_visibility_is_no_path_but_a_field_is() {
        assert_eq!(read("pub(in crate::a) fn f() {} pub(super) struct S(pub (crate::b::T, u8));"), ["crate::b::T"]);
    }

    #[test]
    fn a_path_knows_the_inline_modules_around_it() {
        let found = paths("mod a { mod b { use super::x; } fn f() { y::z() } } use w;");
        let inside: Vec<String> = found.iter().map(|path| path.inside.join("/")).collect();
        assert_eq!(inside, ["a/b", "a", ""]);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let found = paths("\"two\nlines\";\nuse a;\n");
        assert_eq!(found[0].line, 3);
    }
}
