//! What expressions say, what is refused, and that nothing of them is without bound.

use cel::Context;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DEPTH_MAX, Fault, Program, SOURCE_BYTES_MAX, TEXT_BYTES_MAX};
use crate::domain::templates::conditions::facts::{Facts, Occasion};
use crate::domain::testing::{comp, tenant};
use crate::domain::violations::report::Report;

fn decided(report: Report, source: &str) -> Result<bool, Fault> {
    let mut tenant = tenant().with_venue("pier");
    let metadata = report.metadata.clone().unwrap_or(Value::Null);
    let (id, _) = tenant.report(report);
    let violation = tenant.violation(id);
    let profile = tenant.state.profile(&violation.violation_type);
    let facts = Facts::new(violation, &metadata, profile, &tenant.state, tenant.now, Occasion::New);
    Program::compile(source).unwrap_or_else(|why| panic!("{source}: {why}")).holds(&facts)
}

fn floor() -> Report {
    Report { description: Some("Too much".into()), source_id: Some("row-1".into()), ..comp() }.at_venue("pier").with_metadata(
        json!({
            "server_id": "ana", "comp_amount": 250, "check_total": 312.5, "vip": false, "none": null,
            "guest": { "name": "Zoë", "visits": 3 }, "items": [{ "name": "wine", "price": 40 }, { "name": "bread", "price": 4 }],
            "tags": ["late", "bar"],
        }),
    )
}

#[test]
fn an_expression_sees_the_violation_by_the_names_of_its_fields() {
    let all = [
        "violation_type == 'comp_exception'",
        "severity in ['warning', 'critical']",
        "title == 'A comp' && description == 'Too much' && source_table == null && source_id == 'row-1'",
        "fingerprint.startsWith('comp_exception|') && venue_id == 'pier' && status == 'active'",
        "detected_at.startsWith('2025-02-14T19:00') && business_date == '2025-02-14' && occurrences == 1",
        "size(id) == 36 && last_seen_at == detected_at",
        "entity == 'ana' && measure == 250 && measure > 249.5",
        "venue.name == 'The pier' && venue.time_zone == 'Europe/Berlin' && venue.venue_id == venue_id",
        "metadata.guest.name == 'Zoë' && metadata['guest']['visits'] >= 3 && size(metadata.guest.name) == 3",
        "metadata.comp_amount / 2 == 125 && metadata.comp_amount % 100 == 50 && -metadata.comp_amount < 0",
        "metadata.comp_amount * 1.5 > 312.5 && metadata.check_total - 12 == 300.5",
        "has(metadata.guest) && !has(metadata.host) && !metadata.vip && metadata.none == null",
        "metadata.items.exists(i, i.price > 30) && !metadata.items.all(i, i.price > 30)",
        "metadata.items.exists_one(i, i.name.contains('re')) && metadata.items.map(i, i.name) == ['wine', 'bread']",
        "metadata.items.filter(i, i.price < 10)[0].name.endsWith('ad') && 'bar' in metadata.tags && 'guest' in metadata",
        "(metadata.vip ? 1 : 2) == 2 && int('12') + int(3.9) == 15 && double('1.5') == 1.5 && string(7) == '7'",
        "metadata.guest.exists(key, key == 'visits') && (metadata.tags + ['x'])[2] == 'x'",
    ];
    for source in all {
        assert_eq!(decided(floor(), source), Ok(true), "{source}");
        assert_eq!(decided(floor(), &format!("!({source})")), Ok(false), "{source}");
    }
}

#[test]
fn what_is_not_there_is_a_reason_and_not_a_guess() {
    let reasons = [
        ("metadata.host == 'x'", "there is no `host`"),
        ("metadata.items[2].price > 1", "there is no item 2"),
        ("metadata.guest > 3", "a comparison cannot take an object and a number"),
        ("metadata.none > 3", "a comparison cannot take null and a number"),
        ("metadata.tags[0] + 1 == 2", "`+` cannot take a text and a number"),
        ("metadata.vip && metadata.comp_amount || metadata.comp_amount", "`&&` or `||` cannot take a number"),
        ("metadata.server_id", "its value is a text, neither true nor false"),
        ("1 / (metadata.comp_amount - 250) == 1", "it divides by zero"),
        ("metadata.comp_amount * 9223372036854775807 > 0", "a number is too large"),
        ("int('many') == 1", "a text is not a number"),
    ];
    for (source, reason) in reasons {
        assert_eq!(decided(floor(), source).map_err(|fault| fault.to_string()), Err(reason.to_owned()), "{source}");
    }
}

#[test]
fn a_side_that_decides_alone_makes_the_fault_of_the_other_void() {
    for source in ["metadata.host == 1 || true", "true || metadata.host == 1", "!(metadata.host == 1 && false)"] {
        assert_eq!(decided(floor(), source), Ok(true), "{source}");
    }
    let items = json!({ "items": [{}, { "price": 40 }] });
    let report = comp().with_metadata(items);
    assert_eq!(decided(report.clone(), "metadata.items.exists(i, i.price > 30)"), Ok(true));
    assert_eq!(decided(report.clone(), "metadata.items.all(i, i.price > 50)"), Ok(false));
    assert!(decided(report, "metadata.items.exists(i, i.price > 50)").is_err());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_read() {
    let long = format!("title == '{}'", "x".repeat(SOURCE_BYTES_MAX));
    let deep = format!("{}true{}", "(".repeat(DEPTH_MAX + 5), ")".repeat(DEPTH_MAX + 5));
    let chain = format!("1{} == 2", " + 1".repeat(200));
    let wide = format!("size([{}]) == 1", "1,".repeat(400));
    let not = format!("{}true", "!(".repeat(40)) + &")".repeat(40);
    let expected = [
        ("", "is empty"),
        ("   ", "is empty"),
        ("(((1 <", "cannot be read at line 1, column 7"),
        ("title ==", "cannot be read"),
        (&long, "is longer than"),
        (&deep, "is nested deeper than"),
        (&chain, "is nested deeper than"),
        (&not, "is nested deeper than"),
        (&wide, "has more than 300 parts"),
        ("tittle == 'x'", "names `tittle`, which it cannot see; it sees id, violation_type"),
        ("metadata.items.exists(i, j > 1)", "names `j`"),
        ("title.matches('a+')", "uses `matches`, which is not supported; there are size"),
        ("timestamp(detected_at) > timestamp('2025-01-01T00:00:00Z')", "uses `timestamp`"),
        ("size(title, 1) == 1", "gives `size` 2 values; it takes 1"),
        ("1u == 1u", "has an unsigned number"),
        ("b'x' == b'x'", "has bytes"),
        ("{'a': 1}.a == 1", "has a map"),
        ("1 + 2", "gives a number, a text or a list, neither true nor false"),
        ("'yes'", "gives a text"),
        ("title", "gives a text or a number"),
        ("metadata", "gives an object"),
    ];
    for (source, reason) in expected {
        let why = Program::compile(source).expect_err(source);
        assert!(why.starts_with(reason), "{}: {why}", &source[..source.len().min(60)]);
    }
}

#[test]
fn reading_a_hostile_text_takes_neither_the_stack_nor_the_day() {
    let shapes = [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{1:", "1", "}"),
        ("size(", "1", ")"),
        ("[1].all(x,", "true", ")"),
        ("(true?", "1", ":2)"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("1 + ", "1", ""),
        ("1 < ", "1", ""),
        ("true ? 1 : ", "1", ""),
        ("title.", "x", ""),
        ("", "title", "[0]"),
        ("", "title", ".b()"),
        ("1,", "", ""),
        ("\"", "", ""),
        ("'''", "", ""),
        ("a(b[c.d(", "", ""),
    ];
    for (open, inner, close) in shapes {
        for count in [20, 60, 1_000] {
            let whole = format!("{}{inner}{}", open.repeat(count), close.repeat(count));
            let cut: String = whole.chars().take(SOURCE_BYTES_MAX).collect();
            for source in [whole, cut] {
                let _ = Program::compile(&source).map_err(|why| assert!(why.len() < 600, "{why}"));
            }
        }
    }
}

#[test]
fn a_hostile_expression_ends_after_its_steps() {
    let list: Vec<i64> = (0..5_000).collect();
    let report = comp().with_metadata(json!({ "l": list, "t": "x".repeat(8_000) }));
    let hostile = [
        "metadata.l.all(a, metadata.l.all(b, metadata.l.all(c, metadata.l.all(d, a + b + c + d >= 0))))",
        "metadata.l.map(a, metadata.l.map(b, metadata.l)).size() > 0",
        "metadata.l.exists(a, a < 0)",
        "metadata.l.filter(a, true).size() == 5000",
        "(metadata.l + metadata.l + metadata.l).size() > 0",
        "metadata.l == metadata.l",
        "-1 in metadata.l",
        "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, a+b+c+d > 0))))",
        "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, metadata.t.contains('xxxxxxxxy') || true)))",
        "metadata.l.exists(a, a < 0) || true", // spent stays spent
    ];
    for source in hostile {
        assert_eq!(decided(report.clone(), source), Err(Fault::Spent), "{source}");
    }
    let doubling =
        format!("{}.size() > 0", (0..6).fold("metadata.t".to_owned(), |text, _| format!("({text} + {text})")));
    let ended = decided(report, &doubling);
    assert!(matches!(ended, Err(Fault::TooLong | Fault::Spent)), "{ended:?} is bounded by {TEXT_BYTES_MAX}");
}

#[test]
fn what_a_shift_needs_is_far_from_the_limit() {
    let items: Vec<Value> = (0..200).map(|number| json!({ "price": number, "name": "wine" })).collect();
    let report = comp().with_metadata(json!({ "items": items }));
    let source = "metadata.items.filter(i, i.price > 150 && i.name != 'bread').size() == 49";
    assert_eq!(decided(report, source), Ok(true));
}

/// Expressions of small parts, most of which mean something.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("metadata.a".to_owned()),
        Just("metadata.b".to_owned()),
        Just("metadata.l".to_owned()),
        Just("metadata.o.x".to_owned()),
        Just("metadata.o".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("'ab'".to_owned()),
        (-3_i64..4).prop_map(|number| format!("({number})")),
        Just("1.5".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let operators = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&&", "||", "in"];
        prop_oneof![
            4 => (two, proptest::sample::select(operators.to_vec())).prop_map(|((one, two), op)| format!("({one} {op} {two})")),
            1 => inner.clone().prop_map(|one| format!("!({one})")),
            1 => inner.clone().prop_map(|one| format!("size({one})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            1 => inner.clone().prop_map(|one| format!("metadata.l.exists(i, i == {one})")),
            1 => inner.clone().prop_map(|one| format!("metadata.l.all(i, i < {one})")),
            1 => inner.prop_map(|one| format!("metadata.l.map(i, i + {one})")),
        ]
    })
}

fn inside() -> Value {
    json!({ "a": 2, "b": "abc", "l": [1, 2, 3], "o": { "x": 1.5 } })
}

/// What the crate's own interpreter says.
fn interpreted(source: &str) -> Option<bool> {
    let program = cel::Program::compile(source).ok()?;
    let mut context = Context::default();
    context.add_variable("metadata", inside()).ok()?;
    match program.execute(&context).ok()? {
        cel::Value::Bool(value) => Some(value),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn where_the_interpreter_of_the_crate_gives_a_value_so_does_the_program(source in expression()) {
        let Some(expected) = interpreted(&source) else { return Ok(()) };
        let Ok(program) = Program::compile(&source) else { return Ok(()) };
        let mut tenant = tenant();
        let metadata = inside();
        let (id, _) = tenant.report(comp().with_metadata(metadata.clone()));
        let violation = tenant.violation(id);
        let profile = tenant.state.profile(&violation.violation_type);
        let facts = Facts::new(violation, &metadata, profile, &tenant.state, tenant.now, Occasion::New);
        prop_assert_eq!(program.holds(&facts), Ok(expected), "{}", source);
    }

    #[test]
    fn any_text_is_read_or_refused(source in ".{0,60}") {
        let _ = Program::compile(&source).map_err(|why| assert!(!why.is_empty()));
    }
}
