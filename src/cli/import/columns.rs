//! Which column is which field, and the item that a row becomes.

use anyhow::bail;
use csv::StringRecord;
use serde_json::{Map, Value, json};

use super::values::{Habits, Kind};

/// A field: its name, what it is, whether it must be there.
type Field = (&'static str, Kind, bool);

const COMP: &[Field] = &[
    ("id", Kind::Text, false),
    ("venue_id", Kind::Text, true),
    ("business_date", Kind::Date, false),
    ("server_id", Kind::Text, false),
    ("server_name", Kind::Text, true),
    ("comp_amount", Kind::Number, true),
    ("comp_reason", Kind::Text, false),
    ("approved", Kind::Flag, false),
    ("manager_name", Kind::Text, false),
    ("time", Kind::Text, false),
    ("check_total", Kind::Number, false),
];
const PACE: &[Field] = &[
    ("id", Kind::Text, false),
    ("venue_id", Kind::Text, true),
    ("business_date", Kind::Date, false),
    ("pace_status", Kind::Word, true),
    ("actual", Kind::Number, true),
    ("expected", Kind::Number, true),
];
const GREETING: &[Field] = &[
    ("id", Kind::Text, false),
    ("venue_id", Kind::Text, true),
    ("business_date", Kind::Date, false),
    ("table_number", Kind::Text, true),
    ("seated_at", Kind::Text, true),
    ("delay_seconds", Kind::Number, true),
    ("threshold_seconds", Kind::Number, true),
    ("server_id", Kind::Text, false),
];
const GAP: &[Field] = &[
    ("id", Kind::Text, false),
    ("venue_id", Kind::Text, true),
    ("business_date", Kind::Date, false),
    ("role", Kind::Text, false),
    ("gap_fte", Kind::Number, true),
    ("required_fte", Kind::Number, true),
    ("scheduled_fte", Kind::Number, true),
    ("manager_id", Kind::Text, false),
];
const VIOLATION: &[Field] = &[
    ("id", Kind::Text, false),
    ("venue_id", Kind::Text, false),
    ("severity", Kind::Word, true),
    ("title", Kind::Text, false),
    ("description", Kind::Text, false),
    ("source_table", Kind::Text, false),
    ("source_id", Kind::Text, false),
    ("fingerprint", Kind::Text, false),
    ("detected_at", Kind::Text, false),
    ("business_date", Kind::Date, false),
];

/// The source of rows that name none.
const SOURCE_TABLE: &str = "import";
const COLUMNS_MAX: usize = 500;

/// What the user said about columns.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    /// Columns and what they are.
    pub map: &'a [(String, String)],
    /// Fields that are the same in every row.
    pub set: &'a [(String, String)],
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Field(&'static str, Kind),
    /// A dotted path in the metadata.
    Metadata(String),
    LeftOut,
}

/// How rows become items.
#[derive(Debug)]
pub struct Plan<'a> {
    violation_type: &'a str,
    reporter: Option<&'static str>,
    columns: Vec<(String, Target)>,
    set: Vec<(Target, Value)>,
    habits: Habits<'a>,
}

impl<'a> Plan<'a> {
    /// How rows under this header become items of this type.
    ///
    /// # Errors
    /// A column or field that is not there, is there twice, or is missing.
    pub fn of(
        violation_type: &'a str,
        header: &StringRecord,
        wishes: &Wishes<'_>,
        habits: &Habits<'a>,
    ) -> anyhow::Result<Self> {
        let (reporter, fields) = shape(violation_type);
        if header.len() > COLUMNS_MAX {
            bail!("the first row has more than {COLUMNS_MAX} columns");
        }
        for (column, _) in wishes.map {
            if !header.iter().any(|own| simple(own) == simple(column)) {
                let there = header.iter().map(str::trim).collect::<Vec<_>>().join(", ");
                bail!("there is no column `{column}`; there are {there}");
            }
        }
        let mut columns = Vec::new();
        for own in header {
            let wish = wishes.map.iter().find(|(column, _)| simple(column) == simple(own));
            let target = match wish {
                Some((_, field)) => target(field, fields)?,
                None => found(&simple(own), fields),
            };
            columns.push((own.trim().trim_start_matches('\u{feff}').to_owned(), target));
        }
        let mut set = Vec::new();
        for (field, value) in wishes.set {
            let target = target(field, fields)?;
            let value = match &target {
                Target::Field(_, kind) => {
                    habits.value(*kind, value).map_err(|why| anyhow::anyhow!("--set {field}: {why}"))?
                }
                Target::Metadata(path) => habits.guessed(path, value),
                Target::LeftOut => bail!("--set takes a field or metadata.NAME"),
            };
            set.push((target, value));
        }
        let plan = Self { violation_type, reporter, columns, set, habits: *habits };
        plan.expect_whole(fields)?;
        Ok(plan)
    }

    fn targets(&self) -> impl Iterator<Item = &Target> {
        self.columns.iter().map(|(_, target)| target).chain(self.set.iter().map(|(target, _)| target))
    }

    fn expect_whole(&self, fields: &[Field]) -> anyhow::Result<()> {
        for (name, _, needed) in fields {
            let times = self.targets().filter(|target| matches!(target, Target::Field(own, _) if own == name)).count();
            if times > 1 {
                bail!("there are {times} columns for `{name}`; leave one out with --map COLUMN=-");
            }
            if *needed && times == 0 {
                bail!(
                    "there is no column for `{name}`; name it with --map COLUMN={name}, or give one value with --set {name}=VALUE"
                );
            }
        }
        Ok(())
    }

    /// The item of a row.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn item(&self, record: &StringRecord) -> Result<Value, String> {
        if record.len() != self.columns.len() {
            return Err(format!("has {} cells where the first row has {}", record.len(), self.columns.len()));
        }
        let (mut fields, mut metadata) = (Map::new(), Map::new());
        for ((column, target), cell) in self.columns.iter().zip(record.iter().map(str::trim)) {
            if cell.is_empty() {
                continue;
            }
            match target {
                Target::Field(name, kind) => {
                    let value = self.habits.value(*kind, cell).map_err(|why| format!("{column}: {why}"))?;
                    fields.insert((*name).to_owned(), value);
                }
                Target::Metadata(path) => put(&mut metadata, path, self.habits.guessed(path, cell)),
                Target::LeftOut => {}
            }
        }
        for (target, value) in &self.set {
            match target {
                Target::Field(name, _) => drop(fields.insert((*name).to_owned(), value.clone())),
                Target::Metadata(path) => put(&mut metadata, path, value.clone()),
                Target::LeftOut => {}
            }
        }
        if !metadata.is_empty() {
            fields.insert("metadata".into(), Value::Object(metadata));
        }
        Ok(self.whole(fields, record))
    }

    fn whole(&self, mut fields: Map<String, Value>, record: &StringRecord) -> Value {
        if let Some(reporter) = self.reporter {
            fields.entry("id").or_insert_with(|| row_id(record).into());
            return json!({ "reporter": reporter, "source": fields });
        }
        let id = fields.remove("id");
        if !fields.contains_key("fingerprint") {
            fields.entry("source_table").or_insert_with(|| SOURCE_TABLE.into());
            fields.entry("source_id").or_insert_with(|| id.unwrap_or_else(|| row_id(record).into()));
        }
        fields.entry("title").or_insert_with(|| spoken(self.violation_type).into());
        fields.insert("violation_type".into(), self.violation_type.into());
        Value::Object(fields)
    }
}

fn shape(violation_type: &str) -> (Option<&'static str>, &'static [Field]) {
    match violation_type {
        "comp_exception" => (Some("comp-exception"), COMP),
        "sales_pace" => (Some("sales-pace"), PACE),
        "greeting_delay" => (Some("greeting-delay"), GREETING),
        "staffing_gap" => (Some("staffing-gap"), GAP),
        _ => (None, VIOLATION),
    }
}

/// What a column of this name is without anybody saying so.
fn found(name: &str, fields: &[Field]) -> Target {
    let known = fields.iter().find(|(own, _, _)| *own == name);
    known.map_or_else(|| Target::Metadata(metadata_name(name)), |(own, kind, _)| Target::Field(own, *kind))
}

fn metadata_name(name: &str) -> String {
    name.strip_prefix("metadata.").unwrap_or(name).to_owned()
}

/// What the user says that something is.
fn target(field: &str, fields: &[Field]) -> anyhow::Result<Target> {
    if field == "-" {
        return Ok(Target::LeftOut);
    }
    if let Some(path) = field.strip_prefix("metadata.").filter(|path| path.split('.').all(|step| !step.is_empty())) {
        return Ok(Target::Metadata(path.to_owned()));
    }
    match fields.iter().find(|(own, _, _)| *own == field) {
        Some((own, kind, _)) => Ok(Target::Field(own, *kind)),
        None => {
            let known = fields.iter().map(|(own, _, _)| *own).collect::<Vec<_>>().join(", ");
            bail!("there is no field `{field}`; there are {known}, metadata.NAME, and - to leave a column out")
        }
    }
}

/// `Comp Amount ($)` as `comp_amount`.
fn simple(column: &str) -> String {
    let mut out = String::new();
    for c in column.trim().trim_start_matches('\u{feff}').chars() {
        match c {
            '.' => out.push('.'),
            c if c.is_alphanumeric() => out.extend(c.to_lowercase()),
            _ if out.ends_with('_') || out.is_empty() => {}
            _ => out.push('_'),
        }
    }
    out.trim_end_matches('_').to_owned()
}

/// Puts a value at a dotted path; a value that stands in the way is replaced.
fn put(metadata: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(metadata.insert(path.to_owned(), value)),
        Some((step, rest)) => {
            let inner = metadata.entry(step).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The id of a row that brings none: what is in it.
fn row_id(record: &StringRecord) -> String {
    let mut hasher = blake3::Hasher::new();
    for cell in record {
        hasher.update(&(cell.len() as u64).to_le_bytes()).update(cell.as_bytes());
    }
    format!("row-{}", &hasher.finalize().to_hex()[..24])
}

/// `late_delivery` as `Late delivery`.
fn spoken(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits<'_> = Habits { decimal_comma: false, date_format: None };

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect()
    }

    fn made(
        name: &str,
        header: &[&str],
        row: &[&str],
        map: &[(&str, &str)],
        set: &[(&str, &str)],
    ) -> Result<Value, String> {
        let (map, set) = (pairs(map), pairs(set));
        let wishes = Wishes { map: &map, set: &set };
        let plan =
            Plan::of(name, &StringRecord::from(header.to_vec()), &wishes, &HABITS).map_err(|why| why.to_string())?;
        plan.item(&StringRecord::from(row.to_vec()))
    }

    #[test]
    fn columns_find_their_fields_and_the_others_are_metadata() {
        let header =
            ["\u{feff}ID", "Venue ID", "Server Name", "Comp Amount ($)", "Approved?", "Covers", "metadata.guest.vip"];
        let row = ["c-1", "pier", "Ana", "$1,250.00", "no", "4", "true"];
        let source = json!({
            "id": "c-1", "venue_id": "pier", "server_name": "Ana", "comp_amount": 1250, "approved": false,
            "metadata": { "covers": 4, "guest": { "vip": true } },
        });
        let item = made("comp_exception", &header, &row, &[("Comp Amount ($)", "comp_amount")], &[]).unwrap();
        assert_eq!(item, json!({ "reporter": "comp-exception", "source": source }));
    }

    #[test]
    fn a_type_of_the_organisation_is_a_violation() {
        let header = ["id", "supplier", "minutes_late", "note"];
        let row = ["d-7", "fish & co", "45", ""];
        let wishes: &[(&str, &str)] = &[("supplier", "metadata.supplier.id"), ("note", "description")];
        let item =
            made("late_delivery", &header, &row, wishes, &[("severity", "Warning"), ("venue_id", "pier")]).unwrap();
        let whole = json!({
            "violation_type": "late_delivery", "severity": "warning", "venue_id": "pier", "title": "Late delivery",
            "source_table": "import", "source_id": "d-7",
            "metadata": { "supplier": { "id": "fish & co" }, "minutes_late": 45 },
        });
        assert_eq!(item, whole);
    }

    #[test]
    fn a_row_without_an_id_is_known_by_what_is_in_it() {
        let id = |row: [&str; 2]| {
            made("late_delivery", &["venue_id", "severity"], &row, &[], &[]).unwrap()["source_id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(id(["pier", "info"]), id(["pier", "info"]));
        assert_ne!(id(["pier", "info"]), id(["pieri", "nfo"]));
    }

    #[test]
    fn what_does_not_fit_together_is_said_before_anything_is_sent() {
        let said = |header: &[&str], map: &[(&str, &str)]| made("sales_pace", header, &[], map, &[]).unwrap_err();
        let whole = ["venue_id", "pace_status", "actual", "expected"];
        assert!(said(&whole[1..], &[]).starts_with("there is no column for `venue_id`"));
        assert!(said(&whole, &[("plan", "expected")]).starts_with("there is no column `plan`"));
        assert!(said(&whole, &[("actual", "revenue")]).starts_with("there is no field `revenue`"));
        assert!(
            said(&["venue_id", "pace_status", "actual", "expected", "Actual"], &[]).starts_with("there are 2 columns")
        );
        assert_eq!(said(&whole, &[]), "has 0 cells where the first row has 4");
    }

    #[test]
    fn a_cell_that_does_not_fit_names_its_column() {
        let header = ["venue_id", "Pace Status", "actual", "expected"];
        let wrong = made("sales_pace", &header, &["pier", "Warning", "lots", "1000"], &[], &[]);
        assert_eq!(wrong, Err("actual: `lots` is not a number".into()));
    }
}
