//! Pages of lists, as they are asked for and as they are described.

use super::problem::{Problem, problem};
use super::query::Query;
use crate::domain::view::list::{Cursor, LIMIT_DEFAULT, LIMIT_MAX, Paging};

/// A page of a list.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "it describes what the domain's view writes")]
pub struct PageOf<T> {
    /// What is on the page.
    items: Vec<T>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// The order of a list, to which its cursors belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By sequence number.
    Sequence,
    /// By business date.
    Date,
}

/// Reads `limit` and `cursor`.
///
/// # Errors
/// `bad-parameter`, `bad-cursor`.
pub fn paging(query: &Query<'_>, order: Order) -> Result<Paging, Problem> {
    let limit = query.number("limit")?.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(problem!("bad-parameter", "`limit` is not between 1 and {LIMIT_MAX}"));
    }
    let cursor = query.text("cursor").map(|text| read_cursor(text, order)).transpose()?;
    Ok(Paging { limit, cursor })
}

fn read_cursor(text: &str, order: Order) -> Result<Cursor, Problem> {
    let fits = |cursor: &Cursor| match cursor {
        Cursor::Seq(_) => order == Order::Sequence,
        Cursor::Dated(..) => order == Order::Date,
    };
    Cursor::parse(text).filter(fits).ok_or_else(|| problem!("bad-cursor", "the cursor is not one of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_the_order_of_its_list() {
        assert_eq!(read_cursor("s12", Order::Sequence).unwrap(), Cursor::Seq(12));
        assert_eq!(read_cursor("s12", Order::Date).unwrap_err().code(), "bad-cursor");
        assert_eq!(read_cursor("d20100.4", Order::Sequence).unwrap_err().code(), "bad-cursor");
        assert_eq!(read_cursor("é", Order::Sequence).unwrap_err().code(), "bad-cursor");
    }
}
