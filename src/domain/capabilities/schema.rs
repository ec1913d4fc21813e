//! JSON Schemas of payloads: read when a capability is registered, and kept ready beside it.
//!
//! Promise: what is accepted is checked in a time that the sizes of schema and payload bound. So a schema refers to its own definitions
//! only and never to itself, patterns have no way back, and what references unfold to is counted. Nothing is ever fetched.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

use crate::domain::json;
use crate::domain::rejection::Fault;

/// The largest schema, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1024;
/// The deepest schema.
pub const SCHEMA_DEPTH_MAX: usize = 16;
/// How many sub-schemas there may be once every reference is followed.
const NODES_MAX: u64 = 1_000;
/// The most patterns.
const PATTERNS_MAX: usize = 50;
/// The most memory of one compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 128 * 1024;
/// The most faults that one payload is told of.
const FAULTS_MAX: usize = 20;
/// The longest sentence about a fault, in characters.
const DETAIL_CHARS_MAX: usize = 300;

/// Dialects that may be named; without a name it is the first.
const DIALECTS: [&str; 3] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
];
/// Keywords that would make the reading of a reference, or the cost of a check, depend on more than the schema in front of us.
const REFUSED: [&str; 9] = [
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// A schema that is ready to check payloads.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// What is wrong with it, at a pointer that begins with `root`.
    pub fn compile(schema: &Value, root: &str) -> Result<Self, Fault> {
        if !schema.is_object() {
            return Err(Fault::new(root, "is not a JSON Schema: it is no object"));
        }
        if json::depth(schema) > SCHEMA_DEPTH_MAX {
            return Err(Fault::new(root, format!("is nested deeper than {SCHEMA_DEPTH_MAX}")));
        }
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(Fault::new(root, format!("is larger than {SCHEMA_BYTES_MAX} bytes")));
        }
        Walk { whole: schema, root, known: HashMap::new(), open: Vec::new(), patterns: 0 }.bounded()?;
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::options().offline().should_validate_formats(true).with_pattern_options(patterns);
        let built = options.build(schema);
        built.map(Self).map_err(|error| Fault::new(format!("{root}{}", error.instance_path()), said(&error)))
    }

    /// What is wrong with a value, at pointers that begin with `root`; nothing when it fits.
    pub fn faults(&self, value: &Value, root: &str) -> Vec<Fault> {
        if self.0.is_valid(value) {
            return Vec::new();
        }
        let mut faults: Vec<Fault> = Vec::new();
        for error in self.0.iter_errors(value) {
            note(&error, root, &mut faults);
            if faults.len() >= FAULTS_MAX {
                break;
            }
        }
        faults.truncate(FAULTS_MAX);
        faults
    }
}

/// Notes an error where a caller looks for it: a field that is missing or not known at its own place.
fn note(error: &ValidationError<'_>, root: &str, faults: &mut Vec<Fault>) {
    let here = format!("{root}{}", error.instance_path());
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            faults.push(Fault::new(format!("{here}/{}", step(name)), "is missing"));
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown = unexpected.iter().take(FAULTS_MAX);
            faults.extend(unknown.map(|name| Fault::new(format!("{here}/{}", step(name)), "is not known here")));
        }
        ValidationErrorKind::FalseSchema => faults.push(Fault::new(here, "is not allowed here")),
        _ => faults.push(Fault::new(here, said(error))),
    }
}

/// The sentence of an error without its subject, which is the place; and without the value, which may be private.
fn said(error: &ValidationError<'_>) -> String {
    let said = error.masked_with("").to_string();
    said.trim().chars().take(DETAIL_CHARS_MAX).collect()
}

/// A name as a step of a JSON Pointer.
fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A walk over a schema that follows references and counts what there is to check.
struct Walk<'a> {
    whole: &'a Value,
    root: &'a str,
    /// What each reference unfolds to.
    known: HashMap<&'a str, u64>,
    /// The references that are being followed.
    open: Vec<&'a str>,
    patterns: usize,
}

impl<'a> Walk<'a> {
    fn bounded(mut self) -> Result<(), Fault> {
        let (whole, root) = (self.whole, self.root);
        let nodes = self.node(whole, root)?;
        if nodes > NODES_MAX {
            let said = format!("has more than {NODES_MAX} parts once its references are followed");
            return Err(Fault::new(root, said));
        }
        if self.patterns > PATTERNS_MAX {
            return Err(Fault::new(root, format!("has more than {PATTERNS_MAX} patterns")));
        }
        Ok(())
    }

    /// How many schemas are in this one, with all that it refers to.
    fn node(&mut self, schema: &'a Value, at: &str) -> Result<u64, Fault> {
        let Value::Object(keywords) = schema else { return Ok(1) };
        let mut nodes = 1_u64;
        for (keyword, value) in keywords {
            let here = || format!("{at}/{}", step(keyword));
            nodes = nodes.saturating_add(match (keyword.as_str(), value) {
                ("$schema", value) if value.is_string() => {
                    let named = value.as_str().unwrap_or_default().trim_end_matches('#');
                    if at != self.root || !DIALECTS.contains(&named) {
                        return Err(Fault::new(here(), format!("is none of {}", DIALECTS.join(", "))));
                    }
                    0
                }
                ("$ref", Value::String(target)) => self.reference(target, &here())?,
                (refused, _) if REFUSED.contains(&refused) => {
                    return Err(Fault::new(here(), "is a keyword that cannot be used here"));
                }
                ("pattern", _) => {
                    self.patterns += 1;
                    0
                }
                ("$defs" | "definitions", Value::Object(named)) => {
                    self.named(named, &here())?;
                    0 // counted where they are referred to
                }
                ("patternProperties", Value::Object(named)) => {
                    self.patterns += named.len();
                    self.named(named, &here())?
                }
                ("properties" | "dependentSchemas" | "dependencies", Value::Object(named)) => {
                    self.named(named, &here())?
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Value::Array(schemas)) => {
                    self.listed(schemas, &here())?
                }
                (
                    "additionalProperties"
                    | "additionalItems"
                    | "items"
                    | "contains"
                    | "propertyNames"
                    | "not"
                    | "if"
                    | "then"
                    | "else"
                    | "contentSchema",
                    schema,
                ) => self.node(schema, &here())?,
                _ => 0,
            });
        }
        Ok(nodes)
    }

    fn named(&mut self, schemas: &'a Map<String, Value>, at: &str) -> Result<u64, Fault> {
        schemas.iter().try_fold(0_u64, |sum, (name, schema)| {
            Ok(sum.saturating_add(self.node(schema, &format!("{at}/{}", step(name)))?))
        })
    }

    fn listed(&mut self, schemas: &'a [Value], at: &str) -> Result<u64, Fault> {
        schemas.iter().enumerate().try_fold(0_u64, |sum, (index, schema)| {
            Ok(sum.saturating_add(self.node(schema, &format!("{at}/{index}"))?))
        })
    }

    fn reference(&mut self, target: &'a str, at: &str) -> Result<u64, Fault> {
        if let Some(nodes) = self.known.get(target) {
            return Ok(*nodes);
        }
        let plain = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        let named = ["#/$defs/", "#/definitions/"].iter().find_map(|start| target.strip_prefix(start));
        if !named.is_some_and(plain) {
            return Err(Fault::new(at, "is not #/$defs/NAME or #/definitions/NAME"));
        }
        if self.open.contains(&target) {
            return Err(Fault::new(at, "leads back to itself"));
        }
        let whole = self.whole;
        let schema = whole.pointer(target.trim_start_matches('#'));
        let schema = schema.ok_or_else(|| Fault::new(at, "leads nowhere"))?;
        self.open.push(target);
        let nodes = self.node(schema, &format!("{}{}", self.root, target.trim_start_matches('#')))?;
        self.open.pop();
        self.known.insert(target, nodes);
        Ok(nodes)
    }
}

#[cfg(test)]
mod tests;
