//! Query parameters: known by name, given once, decoded strictly.

use std::borrow::Cow;
use std::str::FromStr;

use actix_web::HttpRequest;
use uuid::Uuid;

use super::path;
use super::percent::{Plus, decode};
use super::problem::{Problem, problem};
use crate::domain::time::BusinessDate;

/// The parameters of one request.
#[derive(Debug)]
pub struct Query<'a> {
    given: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// Reads the parameters of a request that knows these names, and `min_version`.
    ///
    /// # Errors
    /// `unknown-parameter`, and `bad-parameter` for one that is broken or there twice.
    pub fn of(req: &'a HttpRequest, names: &[&str]) -> Result<Self, Problem> {
        Self::parse(req.query_string(), names)
    }

    fn parse(text: &'a str, names: &[&str]) -> Result<Self, Problem> {
        let mut given: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let broken = || problem!("bad-parameter", "the query is not percent-encoded UTF-8");
            let name = decode(name, Plus::Space).ok_or_else(broken)?;
            let value = decode(value, Plus::Space).ok_or_else(broken)?;
            if name != "min_version" && !names.contains(&&*name) {
                return Err(problem!("unknown-parameter", "there is no parameter `{}` here", shortened(&name)));
            }
            if given.iter().any(|(known, _)| *known == name) {
                return Err(problem!("bad-parameter", "`{name}` is there twice"));
            }
            given.push((name, value));
        }
        Ok(Self { given })
    }

    /// The text of a parameter; an empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.given.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    /// The value of a parameter as `read` gives it.
    ///
    /// # Errors
    /// `bad-parameter` when it gives none; `what` says what the parameter is.
    pub fn read<T>(&self, name: &str, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let wrong = || problem!("bad-parameter", "`{name}` is not {what}");
        self.text(name).map(|text| read(text).ok_or_else(wrong)).transpose()
    }

    /// A number.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.read(name, "a whole number in range", |text| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        })
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.read(name, "`true` or `false`", |text| text.parse().ok())
    }

    /// A date.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn date(&self, name: &str) -> Result<Option<BusinessDate>, Problem> {
        self.read(name, "a date (YYYY-MM-DD)", |text| BusinessDate::parse(text).ok())
    }

    /// An id of ours.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn uuid(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        self.read(name, "a UUID", path::parse_uuid)
    }

    /// One of the values that a JSON field of this type takes.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn choice<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.read(name, "one of the values that it takes", |text| serde_json::from_value(text.into()).ok())
    }

    /// The version that the answer must have reached.
    ///
    /// # Errors
    /// `bad-parameter`.
    pub fn min_version(&self) -> Result<Option<u64>, Problem> {
        self.number("min_version")
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::violations::Severity;

    fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> &'static str {
        result.unwrap_err().code()
    }

    #[test]
    fn a_parameter_is_known_given_once_and_well_formed() {
        let known = ["severity", "due", "limit"];
        assert_eq!(code(Query::parse("colour=red", &known)), "unknown-parameter");
        assert_eq!(code(Query::parse("due=true&due=true", &known)), "bad-parameter");
        assert_eq!(code(Query::parse("due=%", &known)), "bad-parameter");
        let query = Query::parse("severity=critical&due=maybe&limit=%2B5&min_version=7", &known).unwrap();
        assert_eq!(query.choice::<Severity>("severity").unwrap(), Some(Severity::Critical));
        assert_eq!(code(query.flag("due")), "bad-parameter");
        assert_eq!(code(query.number::<u64>("limit")), "bad-parameter");
        assert_eq!(query.min_version().unwrap(), Some(7));
    }

    #[test]
    fn an_empty_parameter_counts_as_absent() {
        let query = Query::parse("&severity=&due", &["severity", "due"]).unwrap();
        assert_eq!((query.text("severity"), query.text("due")), (None, None));
    }
}
