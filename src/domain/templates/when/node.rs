//! What an expression is made of once its names are resolved.

/// A step of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// A text.
    Text(Box<str>),
    /// What the expression sees by a name.
    Field(Field),
    /// A name that a macro brought in.
    Slot(usize),
    /// `operand.field`.
    Select(Box<Node>, Box<str>),
    /// `has(operand.field)`.
    Has(Box<Node>, Box<str>),
    /// `operand[index]`.
    Index(Box<Node>, Box<Node>),
    /// `!operand`.
    Not(Box<Node>),
    /// `-operand`.
    Negate(Box<Node>),
    /// `&&` or `||`.
    Logic(Logic, Box<Node>, Box<Node>),
    /// `condition ? one : other`.
    Choose(Box<[Node; 3]>),
    /// `==`, or `!=` where `negated`.
    Equal {
        /// Whether it is `!=`.
        negated: bool,
        /// Both sides.
        sides: Box<[Node; 2]>,
    },
    /// `<`, `<=`, `>`, `>=`.
    Order(Order, Box<[Node; 2]>),
    /// `+`, `-`, `*`, `/`, `%`.
    Calc(Calc, Box<[Node; 2]>),
    /// `one in many`.
    In(Box<[Node; 2]>),
    /// `[one, another]`.
    List(Vec<Node>),
    /// A function.
    Call(Function, Vec<Node>),
    /// A macro: `all`, `exists`, `exists_one`, `map`, `filter`.
    Loop(Box<Loop>),
    /// The list in a slot, and one more item at its end.
    Append(usize, Box<Node>),
}

/// A macro over the items of a list or the keys of an object.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are those of the language's definition")]
pub struct Loop {
    pub range: Node,
    pub item: usize,
    pub result: usize,
    pub init: Node,
    pub condition: Node,
    pub step: Node,
    pub last: Node,
}

/// `&&` and `||`: a side that decides alone makes the other side's fault void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Logic {
    And,
    Or,
}

impl Logic {
    /// The value of one side that decides alone.
    pub fn decides(self) -> bool {
        self == Self::Or
    }
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Order {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// Calculations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Calc {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Calc {
    /// Its name in a reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "`+`",
            Self::Subtract => "`-`",
            Self::Multiply => "`*`",
            Self::Divide => "`/`",
            Self::Remainder => "`%`",
        }
    }
}

/// Functions, called as `f(x)` or `x.f()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the language")]
pub enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Int,
    Double,
    Text,
}

impl Function {
    /// Name, number of arguments with the one that it is called on, and function.
    pub const ALL: &[(&'static str, usize, Self)] = &[
        ("size", 1, Self::Size),
        ("contains", 2, Self::Contains),
        ("startsWith", 2, Self::StartsWith),
        ("endsWith", 2, Self::EndsWith),
        ("int", 1, Self::Int),
        ("double", 1, Self::Double),
        ("string", 1, Self::Text),
    ];
}

/// What an expression sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the violation's fields")]
pub enum Field {
    Id,
    ViolationType,
    Severity,
    Title,
    Description,
    SourceTable,
    SourceId,
    Fingerprint,
    VenueId,
    DetectedAt,
    BusinessDate,
    Occurrences,
    LastSeenAt,
    Status,
    Metadata,
    Entity,
    Measure,
    Venue,
}

impl Field {
    /// Every name.
    pub const ALL: &[(&'static str, Self)] = &[
        ("id", Self::Id),
        ("violation_type", Self::ViolationType),
        ("severity", Self::Severity),
        ("title", Self::Title),
        ("description", Self::Description),
        ("source_table", Self::SourceTable),
        ("source_id", Self::SourceId),
        ("fingerprint", Self::Fingerprint),
        ("venue_id", Self::VenueId),
        ("detected_at", Self::DetectedAt),
        ("business_date", Self::BusinessDate),
        ("occurrences", Self::Occurrences),
        ("last_seen_at", Self::LastSeenAt),
        ("status", Self::Status),
        ("metadata", Self::Metadata),
        ("entity", Self::Entity),
        ("measure", Self::Measure),
        ("venue", Self::Venue),
    ];
}
