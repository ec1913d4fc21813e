//! `when`: an expression of the Common Expression Language over one violation, that says yes or no.
//!
//! The `cel` crate reads it, once, when the template is put into the state; what is kept is a small program of our own with its names
//! resolved. It is our own because the crate's interpreter has no limit on its work: here every step is counted, and an expression that
//! needs more than [`STEPS_MAX`] ends with that as its reason. Where the interpreter gives a value, the program gives the same one; what
//! it cannot do (time, bytes, regular expressions, maps written out) is refused when the template is saved, not when a violation comes.

mod eval;
mod lower;
mod node;
mod value;

use std::fmt;

use cel::parser::Parser;

use super::conditions::facts::Facts;
use node::Node;

/// The longest expression, in bytes.
pub const SOURCE_BYTES_MAX: usize = 1_000;
/// The deepest expression, in operations inside each other.
pub const DEPTH_MAX: usize = 32;
/// The most nodes of an expression after its macros were written out.
pub const NODES_MAX: usize = 300;
/// The most steps that one evaluation takes: a node, an item of a list, or some bytes of text each. As many templates as a type may
/// have, all of which use them up, take a million.
pub const STEPS_MAX: u32 = 4_000;
/// The longest text that an expression makes, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// An expression that is ready to run. It holds no source and never fails to be there: what could not be read was not saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    root: Node,
    slots: usize,
}

/// Why an expression gave neither yes nor no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It took too many steps.
    Spent,
    /// It made a text that is too long.
    TooLong,
    /// It asked for something that is not there.
    Missing(Box<str>),
    /// An operation does not fit the kinds of its values.
    Kinds(&'static str, &'static str, &'static str),
    /// A result that no number holds.
    Overflow,
    /// A division by nothing.
    ByZero,
    /// A text that is no number.
    NoNumber,
    /// Its value is not yes or no, but this.
    NotBool(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spent => write!(f, "it needs more than {STEPS_MAX} steps"),
            Self::TooLong => write!(f, "it makes a text of more than {TEXT_BYTES_MAX} bytes"),
            Self::Missing(name) => write!(f, "there is no {name}"),
            Self::Kinds(what, one, "") => write!(f, "{what} cannot take {one}"),
            Self::Kinds(what, one, two) => write!(f, "{what} cannot take {one} and {two}"),
            Self::Overflow => f.write_str("a number is too large"),
            Self::ByZero => f.write_str("it divides by zero"),
            Self::NoNumber => f.write_str("a text is not a number"),
            Self::NotBool(kind) => write!(f, "its value is {kind}, neither true nor false"),
        }
    }
}

impl Program {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a subject.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.trim().is_empty() {
            return Err("is empty".into());
        }
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("is longer than {SOURCE_BYTES_MAX} bytes"));
        }
        let depth = u16::try_from(DEPTH_MAX).unwrap_or(u16::MAX);
        let parsed = Parser::new().max_recursion_depth(depth).parse(source).map_err(|errors| refusal(&errors))?;
        lower::program(&parsed)
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// Why it says neither yes nor no.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, Fault> {
        eval::Machine::new(facts, self.slots).run(&self.root)
    }
}

/// The first thing that the reader stumbled over.
fn refusal(errors: &cel::ParseErrors) -> String {
    let Some(first) = errors.errors.first() else { return "cannot be read".into() };
    let (line, column) = first.pos;
    if first.msg.contains("Recursion limit") {
        return format!("is nested deeper than {DEPTH_MAX} at line {line}, column {column}");
    }
    let said: String = first.msg.trim_start_matches("Syntax error: ").chars().take(160).collect();
    format!("cannot be read at line {line}, column {column}: {said}")
}

#[cfg(test)]
mod tests;
