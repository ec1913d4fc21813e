//! Cells as exports write them, read into JSON.

use serde_json::{Number, Value};

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Text,
    /// A word of ours, in small letters.
    Word,
    Number,
    Flag,
    Date,
}

/// How this export writes things.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Habits<'a> {
    pub decimal_comma: bool,
    pub date_format: Option<&'a str>,
}

impl Habits<'_> {
    /// The value of a cell that is not empty.
    ///
    /// # Errors
    /// What is wrong with it, without its name.
    pub fn value(&self, kind: Kind, cell: &str) -> Result<Value, String> {
        match kind {
            Kind::Text => Ok(cell.into()),
            Kind::Word => Ok(cell.to_lowercase().replace([' ', '-'], "_").into()),
            Kind::Number => self.number(cell).map(Value::Number).ok_or_else(|| format!("`{cell}` is not a number")),
            Kind::Flag => flag(cell).map(Value::Bool).ok_or_else(|| format!("`{cell}` is neither yes nor no")),
            Kind::Date => self.date(cell).map(Value::String),
        }
    }

    /// The value of a cell that nobody knows anything about: a plain number or flag where it is one, unless its column is an id.
    pub fn guessed(&self, column: &str, cell: &str) -> Value {
        let plain = !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | ','));
        let digits = cell.trim_start_matches('-');
        let padded = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        let is_id = column == "id" || column.ends_with("_id");
        match cell {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ if plain && !padded && !is_id => self.number(cell).map_or_else(|| cell.into(), Value::Number),
            _ => cell.into(),
        }
    }

    fn date(&self, cell: &str) -> Result<String, String> {
        let Some(format) = self.date_format else { return Ok(cell.into()) }; // the server says what is wrong with it
        let date = jiff::civil::Date::strptime(format, cell);
        date.map(|date| date.to_string()).map_err(|_| format!("`{cell}` is not a date as {format}"))
    }

    /// `1,234.50`, `$12`, `12.5 %`, `-3`; with a decimal comma `1.234,50`. Thousands are grouped by threes or not at all.
    fn number(&self, cell: &str) -> Option<Number> {
        let (point, group) = if self.decimal_comma { (',', '.') } else { ('.', ',') };
        let bare: String =
            cell.chars().filter(|c| !c.is_whitespace() && !matches!(c, '$' | '€' | '£' | '¥' | '%')).collect();
        let (sign, digits) = match bare.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", bare.strip_prefix('+').unwrap_or(&bare)),
        };
        let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
        let groups: Vec<&str> = whole.split(group).collect();
        let by_threes =
            groups.len() == 1 || (groups[1..].iter().all(|part| part.len() == 3) && (1..=3).contains(&groups[0].len()));
        let whole: String = groups.concat();
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !by_threes || !all_digits(&whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            rest => rest,
        };
        let fraction = fraction.trim_end_matches('0');
        let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
        serde_json::from_str(&text).ok()
    }
}

fn flag(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "x" => Some(true),
        "no" | "n" | "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const POINT: Habits<'_> = Habits { decimal_comma: false, date_format: None };
    const COMMA: Habits<'_> = Habits { decimal_comma: true, date_format: Some("%d.%m.%Y") };

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let table = [
            (POINT, "250", Some(json!(250))),
            (POINT, "$1,234.50", Some(json!(1234.5))),
            (POINT, "1234.00", Some(json!(1234))),
            (POINT, " 12.5 %", Some(json!(12.5))),
            (POINT, "-0.4", Some(json!(-0.4))),
            (POINT, ".5", Some(json!(0.5))),
            (POINT, "007", Some(json!(7))),
            (POINT, "12,5", None),
            (POINT, "1,23,456", None),
            (POINT, "1.2.3", None),
            (POINT, "twelve", None),
            (POINT, "-", None),
            (COMMA, "1.234,50 €", Some(json!(1234.5))),
            (COMMA, "12,5", Some(json!(12.5))),
            (COMMA, "12.5", None),
        ];
        for (habits, cell, expected) in table {
            assert_eq!(habits.value(Kind::Number, cell).ok(), expected, "{cell}");
        }
    }

    #[test]
    fn flags_words_and_dates_have_their_forms() {
        assert_eq!(POINT.value(Kind::Flag, "Yes"), Ok(json!(true)));
        assert_eq!(POINT.value(Kind::Flag, "0"), Ok(json!(false)));
        assert_eq!(POINT.value(Kind::Flag, "maybe"), Err("`maybe` is neither yes nor no".into()));
        assert_eq!(POINT.value(Kind::Word, "On Pace"), Ok(json!("on_pace")));
        assert_eq!(COMMA.value(Kind::Date, "14.02.2025"), Ok(json!("2025-02-14")));
        assert!(COMMA.value(Kind::Date, "30.02.2025").is_err());
    }

    #[test]
    fn what_nobody_knows_is_a_number_only_where_it_looks_like_one_and_is_no_id() {
        let guesses = [
            ("covers", "12", json!(12)),
            ("rate", "0.5", json!(0.5)),
            ("zip", "01234", json!("01234")),
            ("server_id", "1042", json!("1042")),
            ("date", "2025-02-14", json!("2025-02-14")),
            ("paid", "true", json!(true)),
            ("note", "table 4", json!("table 4")),
        ];
        for (column, cell, expected) in guesses {
            assert_eq!(POINT.guessed(column, cell), expected, "{column}");
        }
    }
}
