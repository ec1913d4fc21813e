//! Variables in targets and messages: `{{name}}`, nothing more. It cannot loop, call or read anything, and its output is bounded.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde_json::Value;

use crate::domain::json::{self, Path};
use crate::domain::state::TenantState;
use crate::domain::violations::Violation;

/// The largest rendered text, in bytes.
pub const RENDERED_BYTES_MAX: usize = 16 * 1024;
/// The most variables in one template.
const VARIABLES_MAX: usize = 200;

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// The name of a variable.
    Variable(&'a str),
}

/// Takes a template apart.
///
/// # Errors
/// Braces that do not close, a variable that is no dotted name, too many variables.
pub fn parse(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let inside = &rest[start + 2..];
        let end = inside.find("}}").ok_or("has a `{{` without its `}}`")?;
        let name = inside[..end].trim();
        if !is_variable(name) {
            return Err(format!("has `{{{{{name}}}}}`, which is not the name of a variable"));
        }
        pieces.push(Piece::Variable(name));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    let variables = pieces.iter().filter(|piece| matches!(piece, Piece::Variable(_))).count();
    if variables > VARIABLES_MAX {
        return Err(format!("has more than {VARIABLES_MAX} variables"));
    }
    Ok(pieces)
}

fn is_variable(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    !name.is_empty() && name.len() <= 200 && name.split('.').all(part)
}

/// A rendered text and the variables that were not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text; a missing variable reads `[missing: NAME]`.
    pub text: Arc<str>,
    /// Names of missing variables, each once.
    pub missing: Vec<Arc<str>>,
}

/// A template that was taken apart, so that rendering it reads nothing again.
#[derive(Clone, Debug)]
pub enum Wording {
    /// It has no variables, so it always reads the same.
    Fixed(Arc<str>),
    /// Text and variables.
    Parts(Vec<Part>),
}

/// A part of a template with its name looked up.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text as it is.
    Text(Box<str>),
    /// A variable.
    Variable(Variable),
}

/// A variable and where it is looked for.
#[derive(Clone, Debug)]
pub struct Variable {
    name: Arc<str>,
    /// Where it would stand in the metadata.
    path: Path,
    /// What the violation, its venue or its organisation say by this name; `None` for a path in the metadata alone.
    own: Option<Own>,
}

/// What a bare name means before and after the metadata.
#[derive(Clone, Copy, Debug)]
struct Own {
    field: Option<Write>,
    place: Option<Write>,
}

/// Writes a value at the end of a text; `None` when there is none.
type Write = for<'a> fn(&Scope<'a>, &mut String) -> Option<()>;

/// Room for the value of a variable before it is known.
const VALUE_BYTES: usize = 24;

impl Wording {
    /// Takes a template apart. One that cannot be is its own text; saved templates were looked at before.
    pub fn of(template: &str) -> Self {
        let Ok(pieces) = parse(template) else { return Self::Fixed(template.into()) };
        let is_text = |piece: &Piece<'_>| matches!(piece, Piece::Text(_));
        if pieces.iter().all(is_text) {
            return Self::Fixed(template[..template.floor_char_boundary(RENDERED_BYTES_MAX)].into());
        }
        let part = |piece| match piece {
            Piece::Text(text) => Part::Text(text.into()),
            Piece::Variable(name) => Part::Variable(Variable::named(name)),
        };
        Self::Parts(pieces.into_iter().map(part).collect())
    }

    /// Renders it for a violation. Text beyond [`RENDERED_BYTES_MAX`] is cut off at a character.
    pub fn rendered(&self, scope: &Scope<'_>) -> Rendered {
        self.filled(|variable, out| scope.write(variable, out))
    }

    fn filled(&self, write: impl Fn(&Variable, &mut String) -> Option<()>) -> Rendered {
        let parts = match self {
            Self::Fixed(text) => return Rendered { text: text.clone(), missing: Vec::new() },
            Self::Parts(parts) => parts,
        };
        let (mut text, mut missing) = (String::with_capacity(parts.iter().map(Part::room).sum()), Vec::new());
        for part in parts {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Variable(variable) => {
                    if write(variable, &mut text).is_none() {
                        text.extend(["[missing: ", &*variable.name, "]"]);
                        if !missing.contains(&variable.name) {
                            missing.push(variable.name.clone());
                        }
                    }
                }
            }
            if text.len() > RENDERED_BYTES_MAX {
                text.truncate(text.floor_char_boundary(RENDERED_BYTES_MAX));
                break;
            }
        }
        Rendered { text: text.into(), missing }
    }
}

/// Renders a template with these values, within the same limit.
pub fn render_with(template: &str, value_of: impl Fn(&str) -> Option<String>) -> Rendered {
    Wording::of(template).filled(|variable, out| put(out, &value_of(&variable.name)?))
}

impl Part {
    fn room(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Variable(_) => VALUE_BYTES,
        }
    }
}

impl Variable {
    fn named(name: &str) -> Self {
        let of = |list: &[(&str, Write)]| list.iter().find(|(own, _)| *own == name).map(|(_, write)| *write);
        let own = || Own { field: of(FIELDS), place: of(PLACES) };
        let inner = name.strip_prefix(METADATA);
        Self { name: name.into(), path: Path::of(inner.unwrap_or(name)), own: inner.is_none().then(own) }
    }
}

/// What variables mean for one violation.
pub struct Scope<'a> {
    /// The violation.
    pub violation: &'a Violation,
    /// Its metadata, or null.
    pub metadata: &'a Value,
    /// The organisation, for its venues and contacts.
    pub state: &'a TenantState,
}

/// What a path into the metadata begins with.
const METADATA: &str = "metadata.";

impl Scope<'_> {
    /// Writes the value of a variable: a field of the violation, `metadata.PATH`, a name in the metadata, the names of venue and
    /// organisation, then the contacts of the venue and of the organisation.
    fn write(&self, variable: &Variable, out: &mut String) -> Option<()> {
        let in_metadata = |out: &mut String| json::write_plain(variable.path.in_value(self.metadata)?, out);
        let Some(own) = variable.own else { return in_metadata(out) };
        own.field
            .and_then(|field| field(self, out))
            .or_else(|| in_metadata(out))
            .or_else(|| own.place.and_then(|place| place(self, out)))
            .or_else(|| put(out, self.contact(&variable.name)?))
    }

    fn contact(&self, name: &str) -> Option<&str> {
        let venue = self.violation.venue_id.as_ref().and_then(|id| self.state.venue(id));
        let of_venue = venue.and_then(|venue| venue.contacts.get(name));
        of_venue.or_else(|| self.state.organisation().contacts.get(name)).map(|value| &**value)
    }
}

fn put(out: &mut String, text: &str) -> Option<()> {
    out.push_str(text);
    Some(())
}

fn show(out: &mut String, value: &impl fmt::Display) -> Option<()> {
    write!(out, "{value}").ok()
}

/// The fields of a violation.
const FIELDS: &[(&str, Write)] = &[
    ("id", |of, out| show(out, &of.violation.id)),
    ("violation_id", |of, out| show(out, &of.violation.id)),
    ("org_id", |of, out| put(out, of.state.organisation().org_id.as_str())),
    ("venue_id", |of, out| put(out, of.violation.venue_id.as_ref()?.as_str())),
    ("violation_type", |of, out| put(out, of.violation.violation_type.as_str())),
    ("severity", |of, out| put(out, of.violation.severity.name())),
    ("title", |of, out| put(out, &of.violation.title)),
    ("description", |of, out| put(out, of.violation.description.as_ref()?)),
    ("source_table", |of, out| put(out, of.violation.source_table.as_ref()?.as_str())),
    ("source_id", |of, out| put(out, of.violation.source_id.as_ref()?.as_str())),
    ("fingerprint", |of, out| put(out, &of.violation.fingerprint)),
    ("detected_at", |of, out| show(out, &of.violation.detected_at)),
    ("business_date", |of, out| show(out, &of.violation.business_date)),
    ("occurrences", |of, out| show(out, &of.violation.occurrences)),
    ("last_seen_at", |of, out| show(out, &of.violation.last_seen_at)),
    ("status", |of, out| put(out, of.violation.status().name())),
];

/// Where it is.
const PLACES: &[(&str, Write)] = &[
    ("venue_name", |of, out| put(out, &of.state.venue(of.violation.venue_id.as_ref()?)?.name)),
    ("org_name", |of, out| put(out, &of.state.organisation().name)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_text_and_variables() {
        let pieces = parse("Hi {{ metadata.server_name }}, {{gap}}!").unwrap();
        let expected = [
            Piece::Text("Hi "),
            Piece::Variable("metadata.server_name"),
            Piece::Text(", "),
            Piece::Variable("gap"),
            Piece::Text("!"),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for wrong in ["Hi {{name", "{{}}", "{{ a b }}", "{{a..b}}", "{{ a | upper }}", "{{ for x in y }}"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse(&"{{a}}".repeat(201)).is_err());
        assert_eq!(parse("50 % { of } it"), Ok(vec![Piece::Text("50 % { of } it")]));
    }
}
