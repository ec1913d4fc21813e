//! The rules of the house that no lint knows: pages for problem codes, sizes of files, what stays inside the store.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{self, Token};

const LINES_MAX: usize = 500;
/// A file over the limit says why within its first lines.
const REASON_WITHIN_LINES: usize = 40;
/// The journal's format is positional: an attribute that leaves a field out or tags it decodes into nonsense.
const FORBIDDEN_IN_STORE: [&str; 4] = ["skip_serializing_if", "flatten", "untagged", "tag"];

#[test]
fn every_problem_code_has_a_page_and_every_page_a_code() {
    let file = source::package().join("src/http/problem.rs");
    let codes = if file.exists() { problem_codes(&source::text(&file)) } else { Ok(BTreeSet::new()) };
    let wrong = unmatched(&codes.expect("src/http/problem.rs"), &problem_pages());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn long_files_say_why() {
    let files = source::files("src", ".rs");
    let wrong: Vec<String> = files
        .iter()
        .filter_map(|file| too_long(&source::text(file)).map(|lines| format!("{}: {lines} lines", source::shown(file))))
        .collect();
    assert!(wrong.is_empty(), "split these, or say `// long: reason` near the top:\n{}\n", wrong.join("\n"));
}

#[test]
fn stored_types_use_no_attribute_that_positional_formats_cannot_read() {
    let wrong = everywhere("src/store", forbidden_attributes);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn only_the_store_knows_sled() {
    let mut wrong = everywhere("src", |text| lines_with_word(text, "sled"));
    wrong.retain(|place| !place.starts_with("src/store/"));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn nothing_is_sent_without_an_answer() {
    let wrong = everywhere("src", |text| lines_with_word(text, "do_send"));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Runs `check` on every file below `folder`; what it finds comes back as `file:line: what`.
fn everywhere(folder: &str, check: impl Fn(&str) -> Vec<(usize, String)>) -> Vec<String> {
    let mut found = Vec::new();
    for file in source::files(folder, ".rs") {
        for (line, what) in check(&source::text(&file)) {
            found.push(format!("{}:{line}: {what}", source::shown(&file)));
        }
    }
    found
}

/// The codes in the table `CODES: &[ProblemCode]`, which has rows such as
/// `ProblemCode { code: "already-lifted", status: 409, title: "Already lifted" },`.
fn problem_codes(text: &str) -> Result<BTreeSet<String>, String> {
    let (_, table) =
        text.split_once("const CODES: &[ProblemCode]").ok_or("there is no table `CODES: &[ProblemCode]`")?;
    let (table, _) = table.split_once("];").ok_or("the table `CODES` has no end")?;
    let mut codes = BTreeSet::new();
    for line in table.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        for row in line.split("code: \"").skip(1) {
            let code = row.split('"').next().unwrap_or_default();
            if code.is_empty() || !code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                return Err(format!("the code `{code}` is not of small letters, digits and hyphens"));
            }
            if !codes.insert(code.to_owned()) {
                return Err(format!("the code `{code}` is there twice"));
            }
        }
    }
    if codes.is_empty() { Err("the table `CODES` is empty".to_owned()) } else { Ok(codes) }
}

/// The names of the pages in `docs/problems`, without the index.
fn problem_pages() -> BTreeSet<String> {
    let name = |page: &Path| page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let pages = source::files("docs/problems", ".md");
    pages.iter().map(|page| name(page)).filter(|name| name != "README").collect()
}

fn unmatched(codes: &BTreeSet<String>, pages: &BTreeSet<String>) -> Vec<String> {
    let missing = codes.difference(pages).map(|code| format!("docs/problems/{code}.md is missing"));
    let orphans = pages.difference(codes).map(|page| format!("docs/problems/{page}.md explains no code of CODES"));
    missing.chain(orphans).collect()
}

/// The number of lines, when there are too many and nothing says why.
fn too_long(text: &str) -> Option<usize> {
    let lines = text.lines().count();
    let mut top = text.lines().take(REASON_WITHIN_LINES);
    let excused = top.any(|line| line.trim().strip_prefix("// long:").is_some_and(|reason| !reason.trim().is_empty()));
    (lines > LINES_MAX && !excused).then_some(lines)
}

/// Forbidden words inside `#[serde(…)]`, also when it stands in a `cfg_attr`.
fn forbidden_attributes(text: &str) -> Vec<(usize, String)> {
    let tokens = source::tokens(text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let in_attribute = before.is_some_and(|before| before.is('[') || before.is(','));
        let opens = tokens.get(at + 1).is_some_and(|next| next.is('('));
        if token.word() == Some("serde") && in_attribute && opens {
            let inside = words_in_parentheses(&tokens[at + 1..]).into_iter();
            let forbidden = inside.filter(|(_, word)| FORBIDDEN_IN_STORE.contains(&word.as_str()));
            found.extend(forbidden.map(|(line, word)| (line, format!("serde({word})"))));
        }
    }
    found
}

/// The words up to the parenthesis that closes the first one.
fn words_in_parentheses(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut depth = 0_usize;
    let mut words = Vec::new();
    for token in tokens {
        if token.is('(') {
            depth += 1;
        } else if token.is(')') {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if let Some(word) = token.word() {
            words.push((token.line(), word.to_owned()));
        }
    }
    words
}

fn lines_with_word(text: &str, wanted: &str) -> Vec<(usize, String)> {
    let tokens = source::tokens(text);
    let found = tokens.iter().filter(|token| token.word() == Some(wanted));
    found.map(|token| (token.line(), wanted.to_owned())).collect()
}

mod checker {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_table_of_codes_is_read() {
        let text = r#"
            pub const CODES: &[ProblemCode] = &[
                ProblemCode { code: "already-lifted", status: 409, title: "Already lifted" },
                // ProblemCode { code: "gone", status: 410, title: "Gone" },
                ProblemCode {
                    code: "not-found",
                    status: 404, title: "Not found" },
            ];
            const ELSEWHERE: &str = "code: \"no\"";
        "#;
        assert_eq!(problem_codes(text), Ok(set(&["already-lifted", "not-found"])));
        assert!(problem_codes("fn f() {}").is_err());
        assert!(problem_codes("const CODES: &[ProblemCode] = &[];").is_err());
        assert!(problem_codes(&text.replace("not-found", "already-lifted")).is_err());
        assert!(problem_codes(&text.replace("not-found", "Not_Found")).is_err());
    }

    #[test]
    fn a_missing_page_and_a_page_without_a_code_are_found() {
        assert_eq!(unmatched(&set(&["a", "b"]), &set(&["a", "b"])), Vec::<String>::new());
        assert_eq!(unmatched(&set(&["a", "b"]), &set(&["a"])), ["docs/problems/b.md is missing"]);
        assert_eq!(unmatched(&set(&["a"]), &set(&["a", "b"])), ["docs/problems/b.md explains no code of CODES"]);
    }

    #[test]
    fn a_long_file_needs_a_reason() {
        let long = "x\n".repeat(LINES_MAX + 1);
        assert_eq!(too_long(&"x\n".repeat(LINES_MAX)), None);
        assert_eq!(too_long(&long), Some(LINES_MAX + 1));
        assert_eq!(too_long(&format!("//! A table.\n// long: one row per route\n{long}")), None);
        assert!(too_long(&format!("// long: \n{long}")).is_some());
        assert!(too_long(&format!("{long}// long: too late\n")).is_some());
    }

    #[test]
    fn forbidden_attributes_are_found_and_methods_of_that_name_are_not() {
        let found = |text| forbidden_attributes(text).into_iter().map(|(_, what)| what).collect::<Vec<_>>();
        assert_eq!(found("#[serde(skip_serializing_if = \"Option::is_none\")]"), ["serde(skip_serializing_if)"]);
        assert_eq!(found("#[serde(rename = \"a\", flatten)]"), ["serde(flatten)"]);
        assert_eq!(found("#[serde(tag = \"t\", content = \"c\")]"), ["serde(tag)"]);
        assert_eq!(found("#[derive(Debug)]\n#[serde(untagged)]"), ["serde(untagged)"]);
        assert_eq!(found("#[cfg_attr(x, serde(flatten))]"), ["serde(flatten)"]);
        assert_eq!(found("// #[serde(flatten)]\nfn f() { a.flatten(); let tag = serde(1); }"), Vec::<String>::new());
    }

    #[test]
    fn words_are_found_in_code_only() {
        assert_eq!(
            lines_with_word("// sled\nuse sled::Db; const A: &str = \"sled\"; sled_journal();", "sled").len(),
            1
        );
        assert_eq!(lines_with_word("fn f() {\n    a.do_send(1);\n}", "do_send"), [(2, "do_send".to_owned())]);
    }
}
