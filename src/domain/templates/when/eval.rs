//! Running a program: every step counted, nothing copied that can be borrowed.

use std::rc::Rc;

use serde_json::Value;

use super::node::{Calc, Field, Function, Logic, Loop, Node};
use super::value::{Val, calculated, ordered};
use super::{Fault, STEPS_MAX, TEXT_BYTES_MAX};
use crate::domain::ids::OutsideId;
use crate::domain::templates::conditions::facts::Facts;

/// How many bytes of text are one step.
const BYTES_PER_STEP: usize = 64;

type Evaluated<'v> = Result<Val<'v>, Fault>;

/// One run of a program.
pub struct Machine<'v> {
    facts: &'v Facts<'v>,
    slots: Vec<Val<'v>>,
    left: u32,
}

impl<'v> Machine<'v> {
    /// A machine with room for what macros bring in.
    pub fn new(facts: &'v Facts<'v>, slots: usize) -> Self {
        Self { facts, slots: vec![Val::Null; slots], left: STEPS_MAX }
    }

    /// Whether a program holds.
    ///
    /// # Errors
    /// Why it says neither yes nor no.
    pub fn run(mut self, root: &'v Node) -> Result<bool, Fault> {
        self.spend(1)?;
        if let Some(verdict) = self.verdict(root) {
            return verdict;
        }
        match self.value_of(root)? {
            Val::Bool(holds) => Ok(holds),
            other => Err(Fault::NotBool(other.kind())),
        }
    }

    fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.left = self.left.checked_sub(steps).ok_or(Fault::Spent)?;
        Ok(())
    }

    /// The value of a node. What is only read does not go the long way.
    #[inline]
    fn value(&mut self, node: &'v Node) -> Evaluated<'v> {
        self.spend(1)?;
        match node {
            Node::Text(text) => Ok(Val::Text(text)),
            Node::Int(value) => Ok(Val::Int(*value)),
            Node::Field(field) => Ok(self.field(*field)),
            _ => self.value_of(node),
        }
    }

    /// Whether a node holds, where it is one that says yes or no; its own step was spent before.
    fn verdict(&mut self, node: &'v Node) -> Option<Result<bool, Fault>> {
        Some(match node {
            Node::Bool(value) => Ok(*value),
            Node::Not(operand) => self.truth("`!`", operand).map(|value| !value),
            Node::Logic(logic, one, two) => self.logic(*logic, one, two),
            Node::Equal { negated, sides } => self.equal(sides).map(|same| same != *negated),
            Node::Order(order, sides) => self.both(sides).and_then(|(one, two)| ordered(*order, &one, &two)),
            Node::In(sides) => self.is_in(sides),
            _ => return None,
        })
    }

    fn equal(&mut self, sides: &'v [Node; 2]) -> Result<bool, Fault> {
        let (one, two) = self.both(sides)?;
        self.same(&one, &two)
    }

    /// The value of a node whose step was spent before.
    fn value_of(&mut self, node: &'v Node) -> Evaluated<'v> {
        match node {
            Node::Null => Ok(Val::Null),
            Node::Int(value) => Ok(Val::Int(*value)),
            Node::Double(value) => Ok(Val::Double(*value)),
            Node::Text(text) => Ok(Val::Text(text)),
            Node::Field(field) => Ok(self.field(*field)),
            Node::Slot(slot) => Ok(self.slots[*slot].clone()),
            Node::Select(operand, field) => {
                let operand = self.value(operand)?;
                member(&operand, field)?.ok_or_else(|| Fault::Missing(format!("`{field}`").into()))
            }
            Node::Has(operand, field) => {
                let operand = self.value(operand)?;
                member(&operand, field).map(|found| Val::Bool(found.is_some()))
            }
            Node::Index(operand, index) => self.index(operand, index),
            Node::Negate(operand) => match self.value(operand)? {
                Val::Int(whole) => whole.checked_neg().map(Val::Int).ok_or(Fault::Overflow),
                Val::Double(number) => Ok(Val::Double(-number)),
                other => Err(Fault::Kinds("`-`", other.kind(), "")),
            },
            Node::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                if self.truth("`?`", condition)? { self.value(yes) } else { self.value(no) }
            }
            Node::Calc(calc, sides) => {
                let (one, two) = self.both(sides)?;
                self.calc(*calc, &one, &two)
            }
            Node::List(items) => {
                let items: Result<Vec<Val<'v>>, Fault> = items.iter().map(|item| self.value(item)).collect();
                Ok(Val::List(Rc::new(items?)))
            }
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Loop(over) => self.over(over),
            Node::Append(slot, item) => self.append(*slot, item),
            Node::Bool(_) | Node::Not(_) | Node::Logic(..) | Node::Equal { .. } | Node::Order(..) | Node::In(_) => {
                self.verdict(node).unwrap_or(Ok(false)).map(Val::Bool) // each of these has one
            }
        }
    }

    fn both(&mut self, sides: &'v [Node; 2]) -> Result<(Val<'v>, Val<'v>), Fault> {
        Ok((self.value(&sides[0])?, self.value(&sides[1])?))
    }

    fn truth(&mut self, what: &'static str, node: &'v Node) -> Result<bool, Fault> {
        self.spend(1)?;
        if let Some(verdict) = self.verdict(node) {
            return verdict;
        }
        match self.value_of(node)? {
            Val::Bool(value) => Ok(value),
            other => Err(Fault::Kinds(what, other.kind(), "")),
        }
    }

    /// A side that decides alone makes the other's fault void; steps that are spent stay spent.
    fn logic(&mut self, logic: Logic, one: &'v Node, two: &'v Node) -> Result<bool, Fault> {
        let left = self.truth("`&&` or `||`", one);
        match left {
            Ok(value) if value == logic.decides() => return Ok(value),
            Err(Fault::Spent) => return left,
            Ok(_) | Err(_) => {}
        }
        match (left, self.truth("`&&` or `||`", two)?) {
            (_, right) if right == logic.decides() => Ok(right),
            (Ok(_), right) => Ok(right),
            (Err(fault), _) => Err(fault),
        }
    }

    fn field(&self, field: Field) -> Val<'v> {
        let facts = self.facts;
        let violation = facts.violation;
        let text = |text: Option<&'v str>| text.map_or(Val::Null, Val::Text);
        match field {
            Field::Id => Val::made(violation.id.to_string()),
            Field::ViolationType => Val::Text(violation.violation_type.as_str()),
            Field::Severity => Val::Text(violation.severity.name()),
            Field::Title => Val::Text(&violation.title),
            Field::Description => text(violation.description.as_deref()),
            Field::SourceTable => text(violation.source_table.as_ref().map(OutsideId::as_str)),
            Field::SourceId => text(violation.source_id.as_ref().map(OutsideId::as_str)),
            Field::Fingerprint => Val::Text(&violation.fingerprint),
            Field::VenueId => text(violation.venue_id.as_ref().map(OutsideId::as_str)),
            Field::DetectedAt => Val::made(violation.detected_at.to_string()),
            Field::BusinessDate => Val::made(violation.business_date.to_string()),
            Field::Occurrences => Val::Int(violation.occurrences.into()),
            Field::LastSeenAt => Val::made(violation.last_seen_at.to_string()),
            Field::Status => Val::Text(violation.status().name()),
            Field::Metadata => Val::of(facts.metadata),
            Field::Entity => text(violation.entity.as_ref().map(|entity| entity.id.as_str())),
            Field::Measure => facts.measure.map_or(Val::Null, Val::Double),
            Field::Venue => Val::of(facts.venue()),
        }
    }

    fn index(&mut self, operand: &'v Node, index: &'v Node) -> Evaluated<'v> {
        let (operand, index) = (self.value(operand)?, self.value(index)?);
        let at = |whole: i64| usize::try_from(whole).unwrap_or(usize::MAX);
        let found = match (&operand, &index) {
            (Val::Items(items), Val::Int(whole)) => items.get(at(*whole)).map(Val::of),
            (Val::List(items), Val::Int(whole)) => items.get(at(*whole)).cloned(),
            (Val::Object(fields), _) if index.text().is_some() => {
                index.text().and_then(|name| fields.get(name)).map(Val::of)
            }
            _ => return Err(Fault::Kinds("`[ ]`", operand.kind(), index.kind())),
        };
        found.ok_or_else(|| match index {
            Val::Int(whole) => Fault::Missing(format!("item {whole}").into()),
            other => Fault::Missing(format!("`{}`", other.text().unwrap_or_default()).into()),
        })
    }

    fn calc(&mut self, calc: Calc, one: &Val<'v>, two: &Val<'v>) -> Evaluated<'v> {
        if calc != Calc::Add {
            return calculated(calc, one, two);
        }
        if let (Some(left), Some(right)) = (one.text(), two.text()) {
            let bytes = left.len() + right.len();
            if bytes > TEXT_BYTES_MAX {
                return Err(Fault::TooLong);
            }
            self.spend(bytes / BYTES_PER_STEP)?;
            return Ok(Val::made(format!("{left}{right}")));
        }
        match (items_of(one), items_of(two)) {
            (Some(left), Some(right)) => {
                self.spend(left.len() + right.len())?;
                let both = (0..left.len()).map(|at| left.get(at)).chain((0..right.len()).map(|at| right.get(at)));
                Ok(Val::List(Rc::new(both.collect())))
            }
            _ => calculated(calc, one, two),
        }
    }

    fn is_in(&mut self, sides: &'v [Node; 2]) -> Result<bool, Fault> {
        let [one, many] = sides;
        let wanted = self.value(one)?;
        if let Node::List(items) = many {
            // a list that is written out needs not be made
            for item in items {
                let item = self.value(item)?;
                if self.same(&wanted, &item)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let many = self.value(many)?;
        if let Val::Object(fields) = &many {
            return Ok(wanted.text().is_some_and(|name| fields.contains_key(name)));
        }
        let Some(items) = items_of(&many) else { return Err(Fault::Kinds("`in`", wanted.kind(), many.kind())) };
        for at in 0..items.len() {
            if self.same(&wanted, &items.get(at))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether two values are the same, whatever their kinds; each part that is looked at is a step.
    fn same(&mut self, one: &Val<'v>, two: &Val<'v>) -> Result<bool, Fault> {
        self.spend(1)?;
        match (one, two) {
            (Val::Text(one), Val::Text(two)) => {
                self.spend(one.len().min(two.len()) / BYTES_PER_STEP)?;
                Ok(one == two)
            }
            (Val::Null, Val::Null) => Ok(true),
            (Val::Bool(one), Val::Bool(two)) => Ok(one == two),
            (Val::Int(one), Val::Int(two)) => Ok(one == two),
            (Val::Object(one), Val::Object(two)) => {
                if one.len() != two.len() {
                    return Ok(false);
                }
                for (name, value) in *one {
                    let Some(other) = two.get(name) else { return Ok(false) };
                    if !self.same(&Val::of(value), &Val::of(other))? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => {
                if let (Some(one), Some(two)) = (one.text(), two.text()) {
                    self.spend(one.len().min(two.len()) / BYTES_PER_STEP)?;
                    return Ok(one == two);
                }
                if let (Some(one), Some(two)) = (one.number(), two.number()) {
                    return Ok(one == two);
                }
                let (Some(one), Some(two)) = (items_of(one), items_of(two)) else { return Ok(false) };
                if one.len() != two.len() {
                    return Ok(false);
                }
                for at in 0..one.len() {
                    if !self.same(&one.get(at), &two.get(at))? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    fn call(&mut self, function: Function, arguments: &'v [Node]) -> Evaluated<'v> {
        let first = arguments.first().map_or(Ok(Val::Null), |node| self.value(node))?;
        match function {
            Function::Size => self.size(&first),
            Function::Contains | Function::StartsWith | Function::EndsWith => {
                let second = arguments.get(1).map_or(Ok(Val::Null), |node| self.value(node))?;
                self.part(function, &first, &second)
            }
            Function::Int => whole(&first),
            Function::Double => match (first.number(), first.text()) {
                (Some(number), _) => Ok(Val::Double(number)),
                (None, Some(text)) => text.parse().map(Val::Double).map_err(|_| Fault::NoNumber),
                (None, None) => Err(Fault::Kinds("double()", first.kind(), "")),
            },
            Function::Text => match first {
                Val::Text(_) | Val::Made(_) => Ok(first),
                Val::Int(number) => Ok(Val::made(number.to_string())),
                Val::Double(number) => Ok(Val::made(number.to_string())),
                Val::Bool(value) => Ok(Val::Text(if value { "true" } else { "false" })),
                Val::Null | Val::Items(_) | Val::Object(_) | Val::List(_) => {
                    Err(Fault::Kinds("string()", first.kind(), ""))
                }
            },
        }
    }

    fn size(&mut self, of: &Val<'v>) -> Evaluated<'v> {
        let size = match (of.text(), items_of(of), of) {
            (Some(text), ..) => {
                self.spend(text.len() / BYTES_PER_STEP)?;
                text.chars().count()
            }
            (None, Some(items), _) => items.len(),
            (None, None, Val::Object(fields)) => fields.len(),
            _ => return Err(Fault::Kinds("size()", of.kind(), "")),
        };
        i64::try_from(size).map(Val::Int).map_err(|_| Fault::Overflow)
    }

    fn part(&mut self, function: Function, whole: &Val<'v>, part: &Val<'v>) -> Evaluated<'v> {
        let (Some(whole), Some(part)) = (whole.text(), part.text()) else {
            return Err(Fault::Kinds("contains(), startsWith() or endsWith()", whole.kind(), part.kind()));
        };
        self.spend(whole.len() / BYTES_PER_STEP)?;
        Ok(Val::Bool(match function {
            Function::StartsWith => whole.starts_with(part),
            Function::EndsWith => whole.ends_with(part),
            _ => whole.contains(part),
        }))
    }

    fn over(&mut self, over: &'v Loop) -> Evaluated<'v> {
        let range = self.value(&over.range)?;
        self.slots[over.result] = self.value(&over.init)?;
        let mut fault = None;
        let keys: Vec<Val<'v>>;
        let items = match (&range, items_of(&range)) {
            (_, Some(items)) => items,
            (Val::Object(fields), None) => {
                self.spend(fields.len())?;
                keys = fields.keys().map(|name| Val::Text(name)).collect();
                Items::Made(&keys)
            }
            _ => return Err(Fault::Kinds("a macro", range.kind(), "")),
        };
        for at in 0..items.len() {
            self.slots[over.item] = items.get(at);
            if !self.truth("a macro", &over.condition)? {
                break;
            }
            match self.value(&over.step) {
                Ok(value) => self.slots[over.result] = value,
                // `exists` and `all` may still be decided by another item
                Err(one) if one != Fault::Spent && matches!(over.step, Node::Logic(..)) => {
                    fault.get_or_insert(one);
                }
                Err(one) => return Err(one),
            }
        }
        match (fault, &over.step, &self.slots[over.result]) {
            (None, ..) => self.value(&over.last),
            (Some(_), Node::Logic(logic, ..), Val::Bool(value)) if *value == logic.decides() => self.value(&over.last),
            (Some(fault), ..) => Err(fault),
        }
    }

    fn append(&mut self, slot: usize, item: &'v Node) -> Evaluated<'v> {
        let item = self.value(item)?;
        match std::mem::replace(&mut self.slots[slot], Val::Null) {
            Val::List(mut items) => {
                Rc::make_mut(&mut items).push(item);
                Ok(Val::List(items))
            }
            other => Err(Fault::Kinds("`+`", other.kind(), "a list")),
        }
    }
}

/// The items of a list of either origin.
enum Items<'a, 'v> {
    Given(&'v [Value]),
    Made(&'a [Val<'v>]),
}

impl<'v> Items<'_, 'v> {
    fn len(&self) -> usize {
        match self {
            Self::Given(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    fn get(&self, at: usize) -> Val<'v> {
        match self {
            Self::Given(items) => items.get(at).map_or(Val::Null, Val::of),
            Self::Made(items) => items.get(at).cloned().unwrap_or(Val::Null),
        }
    }
}

fn items_of<'a, 'v>(value: &'a Val<'v>) -> Option<Items<'a, 'v>> {
    match value {
        Val::Items(items) => Some(Items::Given(items)),
        Val::List(items) => Some(Items::Made(items)),
        Val::Null | Val::Bool(_) | Val::Int(_) | Val::Double(_) => None,
        Val::Text(_) | Val::Made(_) | Val::Object(_) => None,
    }
}

fn member<'v>(of: &Val<'v>, field: &str) -> Result<Option<Val<'v>>, Fault> {
    match of {
        Val::Object(fields) => Ok(fields.get(field).map(Val::of)),
        _ => Err(Fault::Kinds("`.`", of.kind(), "")),
    }
}

fn whole<'v>(of: &Val<'v>) -> Evaluated<'v> {
    match of {
        Val::Int(whole) => Ok(Val::Int(*whole)),
        Val::Double(number) if number.is_finite() && number.abs() < 9.2e18 =>
        {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "the language cuts the fraction off; the range was looked at"
            )]
            Ok(Val::Int(*number as i64))
        }
        Val::Double(_) => Err(Fault::Overflow),
        Val::Text(_) | Val::Made(_) => {
            of.text().and_then(|text| text.parse().ok()).map(Val::Int).ok_or(Fault::NoNumber)
        }
        Val::Null | Val::Bool(_) | Val::Items(_) | Val::Object(_) | Val::List(_) => {
            Err(Fault::Kinds("int()", of.kind(), ""))
        }
    }
}
