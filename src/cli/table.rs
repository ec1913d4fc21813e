//! Tables for people: columns as wide as their widest cell, two blanks between them, no lines to break a copy.

use serde_json::Value;

use super::output::plain;

/// A table under its head; a cell never steers the terminal, and no line ends in blanks.
pub fn render<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_uppercase);
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| plain(cell))).collect();
    let mut widths = [0; N];
    for row in std::iter::once(&head).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    std::iter::once(&head).chain(&rows).map(line).collect::<Vec<_>>().join("\n")
}

/// A field of a JSON object as a cell: text as it is, lists with commas, `-` for nothing.
pub fn cell(object: &Value, field: &str) -> String {
    match &object[field] {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), Into::into))
            .collect::<Vec<_>>()
            .join(","),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["k1".to_owned(), "Till é".to_owned()], ["key-22".to_owned(), "x".to_owned()]];
        assert_eq!(render(["id", "name"], &rows), "ID      NAME\nk1      Till é\nkey-22  x");
        assert_eq!(render(["id", "name"], &[]), "ID  NAME");
    }

    #[test]
    fn a_cell_shows_every_kind_of_value() {
        let object = serde_json::json!({ "text": "a", "list": ["x", "y", 3], "number": 7, "nothing": null });
        let shown: Vec<String> =
            ["text", "list", "number", "nothing", "absent"].into_iter().map(|field| cell(&object, field)).collect();
        assert_eq!(shown, ["a", "x,y,3", "7", "-", "-"]);
    }

    #[test]
    fn a_cell_cannot_break_its_line() {
        assert_eq!(render(["name"], &[["two\nlines\u{1b}[1m".to_owned()]]).lines().count(), 2);
    }
}
