//! Variables in targets and messages: `{{name}}`, nothing more. It cannot loop, call or read anything, and its output is bounded.

use serde_json::Value;

use crate::domain::json;
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text; a missing variable reads `[missing: NAME]`.
    pub text: String,
    /// Names of missing variables, each once.
    pub missing: Vec<String>,
}

/// Renders a template for a violation. Text beyond [`RENDERED_BYTES_MAX`] is cut off at a character.
pub fn render(template: &str, scope: &Scope<'_>) -> Rendered {
    render_with(template, |name| scope.value(name))
}

/// Renders a template with these values, within the same limit.
pub fn render_with(template: &str, value_of: impl Fn(&str) -> Option<String>) -> Rendered {
    let mut out = Rendered::default();
    let Ok(pieces) = parse(template) else {
        out.text.push_str(template); // saved templates were parsed before
        return out;
    };
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.text.push_str(text),
            Piece::Variable(name) => match value_of(name) {
                Some(value) => out.text.push_str(&value),
                None => {
                    out.text.push_str("[missing: ");
                    out.text.push_str(name);
                    out.text.push(']');
                    if !out.missing.iter().any(|one| one == name) {
                        out.missing.push(name.into());
                    }
                }
            },
        }
        if out.text.len() > RENDERED_BYTES_MAX {
            out.text.truncate(out.text.floor_char_boundary(RENDERED_BYTES_MAX));
            break;
        }
    }
    out
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

impl Scope<'_> {
    /// The value of a variable: a field of the violation, `metadata.PATH`, a name in the metadata, the names of venue and
    /// organisation, then the contacts of the venue and of the organisation.
    pub fn value(&self, name: &str) -> Option<String> {
        if let Some(path) = name.strip_prefix("metadata.") {
            return json::at_path(self.metadata, path).and_then(json::plain_text);
        }
        self.field(name)
            .or_else(|| json::at_path(self.metadata, name).and_then(json::plain_text))
            .or_else(|| self.place(name))
            .or_else(|| self.contact(name))
    }

    fn field(&self, name: &str) -> Option<String> {
        let violation = self.violation;
        Some(match name {
            "id" | "violation_id" => violation.id.to_string(),
            "org_id" => self.state.organisation().org_id.to_string(),
            "venue_id" => violation.venue_id.as_ref()?.to_string(),
            "violation_type" => violation.violation_type.to_string(),
            "severity" => violation.severity.name().into(),
            "title" => violation.title.to_string(),
            "description" => violation.description.as_ref()?.to_string(),
            "source_table" => violation.source_table.as_ref()?.to_string(),
            "source_id" => violation.source_id.as_ref()?.to_string(),
            "fingerprint" => violation.fingerprint.to_string(),
            "detected_at" => violation.detected_at.to_string(),
            "business_date" => violation.business_date.to_string(),
            "occurrences" => violation.occurrences.to_string(),
            "last_seen_at" => violation.last_seen_at.to_string(),
            "status" => violation.status().name().into(),
            _ => return None,
        })
    }

    fn place(&self, name: &str) -> Option<String> {
        match name {
            "venue_name" => self.state.venue(self.violation.venue_id.as_ref()?).map(|venue| venue.name.to_string()),
            "org_name" => Some(self.state.organisation().name.to_string()),
            _ => None,
        }
    }

    fn contact(&self, name: &str) -> Option<String> {
        let venue = self.violation.venue_id.as_ref().and_then(|id| self.state.venue(id));
        let of_venue = venue.and_then(|venue| venue.contacts.get(name));
        of_venue.or_else(|| self.state.organisation().contacts.get(name)).map(ToString::to_string)
    }
}

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
