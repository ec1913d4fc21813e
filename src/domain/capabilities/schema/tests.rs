//! What a schema may say, and what payloads are told.

use serde_json::{Value, json};

use super::Schema;

fn refused(schema: &Value) -> (String, String) {
    let fault = Schema::compile(schema, "/params").expect_err("a schema that is refused");
    (fault.pointer, fault.detail)
}

fn pointers(schema: &Value, value: &Value) -> Vec<String> {
    let schema = Schema::compile(schema, "/params").expect("a schema");
    schema.faults(value, "/payload").into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn a_schema_that_is_none_is_refused_where_it_goes_wrong() {
    assert_eq!(refused(&json!(true)).0, "/params");
    assert_eq!(refused(&json!({ "type": "strange" })).0, "/params/type");
    assert_eq!(refused(&json!({ "properties": { "a": { "minLength": "x" } } })).0, "/params/properties/a/minLength");
    assert_eq!(refused(&json!({ "$schema": "https://example.com/mine" })).0, "/params/$schema");
    assert_eq!(refused(&json!({ "description": "x".repeat(16 * 1024) })).0, "/params");
    let deep = (0..20).fold(json!({}), |inner, _| json!({ "not": inner }));
    assert_eq!(refused(&deep).0, "/params");
    for dialect in ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"] {
        assert!(Schema::compile(&json!({ "$schema": dialect, "type": "object" }), "/params").is_ok(), "{dialect}");
    }
}

#[test]
fn a_reference_stays_in_the_schema_and_never_comes_back_to_itself() {
    let with = |reference: &str| json!({ "$defs": { "a": { "type": "string" } }, "properties": { "x": { "$ref": reference } } });
    assert!(pointers(&with("#/$defs/a"), &json!({ "x": "ok" })).is_empty());
    assert_eq!(pointers(&with("#/$defs/a"), &json!({ "x": 1 })), ["/payload/x"]);
    for away in [
        "https://example.com/s.json",
        "file:///etc/passwd",
        "#",
        "#/properties/x",
        "#/$defs/none",
        "#/$defs/%61",
        "other",
    ] {
        assert_eq!(refused(&with(away)).0, "/params/properties/x/$ref", "{away}");
    }
    let itself = json!({ "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } },
        "$ref": "#/$defs/a" });
    assert_eq!(refused(&itself).1, "leads back to itself");
    for keyword in ["$id", "$dynamicRef", "$anchor", "unevaluatedProperties"] {
        assert_eq!(refused(&json!({ "not": { keyword: "x" } })).0, format!("/params/not/{keyword}"));
        // A property of that name is no keyword.
        assert!(Schema::compile(&json!({ "properties": { keyword: { "type": "string" } } }), "/params").is_ok());
    }
}

#[test]
fn references_that_unfold_to_too_much_are_refused() {
    let mut definitions = json!({ "d0": { "type": "integer" } });
    for number in 1..12 {
        let below = format!("#/$defs/d{}", number - 1);
        definitions[format!("d{number}")] = json!({ "allOf": [{ "$ref": below }, { "$ref": below }] });
    }
    let said = refused(&json!({ "$defs": definitions, "$ref": "#/$defs/d11" })).1;
    assert_eq!(said, "has more than 1000 parts once its references are followed");
}

#[test]
fn patterns_have_no_way_back_and_a_bounded_size() {
    assert_eq!(
        pointers(&json!({ "properties": { "a": { "pattern": "^(a+)+$" } } }), &json!({ "a": "b" })),
        ["/payload/a"]
    );
    let long = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    assert_eq!(pointers(&long, &json!({ "a": format!("{}!", "a".repeat(30_000)) })), ["/payload/a"]);
    for pattern in ["(?=a)b", r"(a)\1", "(", "(a{1000}){1000}"] {
        let (pointer, _) = refused(&json!({ "properties": { "a": { "pattern": pattern } } }));
        assert!(pointer.starts_with("/params"), "{pattern}: {pointer}");
    }
    let many: Vec<Value> = (0..51).map(|number| json!({ "pattern": format!("a{number}") })).collect();
    assert_eq!(refused(&json!({ "anyOf": many })).1, "has more than 50 patterns");
}

#[test]
fn faults_are_told_at_their_places_without_the_value() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["a/b"],
        "properties": { "a/b": { "type": "string", "maxLength": 3 }, "list": { "items": { "format": "email" } }, "never": false },
    });
    assert_eq!(pointers(&schema, &json!({})), ["/payload/a~1b"]);
    assert_eq!(pointers(&schema, &json!({ "a/b": "x", "more": 1 })), ["/payload/more"]);
    assert_eq!(pointers(&schema, &json!({ "a/b": "x", "list": ["a@b.example", "nobody"] })), ["/payload/list/1"]);
    assert_eq!(pointers(&schema, &json!({ "a/b": "x", "never": 1 })), ["/payload/never"]);
    let compiled = Schema::compile(&schema, "/params").unwrap();
    let faults = compiled.faults(&json!({ "a/b": "a secret" }), "/payload");
    assert_eq!(faults[0].detail, "is longer than 3 characters");
    let many: Vec<Value> = (0..100).map(|_| json!("nobody")).collect();
    assert_eq!(compiled.faults(&json!({ "a/b": "x", "list": many }), "/payload").len(), 20);
}
