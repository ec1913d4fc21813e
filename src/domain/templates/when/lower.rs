//! From what the reader gives to a program: names resolved, size and depth counted, what cannot work refused.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, LiteralValue, SelectExpr, operators};
use cel::parser::Expression;

use super::node::{Calc, Field, Function, Logic, Loop, Node, Order};
use super::{DEPTH_MAX, NODES_MAX, Program};

type Lowered = Result<Node, String>;

/// The program of an expression.
///
/// # Errors
/// What is wrong with it, as a sentence without a subject.
pub fn program(expression: &Expression) -> Result<Program, String> {
    let mut lowering = Lowering::default();
    let root = lowering.node(expression, 0)?;
    match kind(&root) {
        None | Some("a truth") => Ok(Program { root, slots: lowering.slots_max }),
        Some(kind) => Err(format!("gives {kind}, neither true nor false")),
    }
}

/// What a node gives, where that is certain.
fn kind(node: &Node) -> Option<&'static str> {
    match node {
        Node::Null => Some("null"),
        Node::Int(_) | Node::Double(_) | Node::Negate(_) => Some("a number"),
        Node::Call(Function::Size | Function::Int | Function::Double, _) => Some("a number"),
        Node::Text(_) | Node::Call(Function::Text, _) => Some("a text"),
        Node::Calc(..) => Some("a number, a text or a list"),
        Node::List(_) | Node::Append(..) => Some("a list"),
        Node::Bool(_) | Node::Has(..) | Node::Not(_) | Node::Logic(..) | Node::Equal { .. } => Some("a truth"),
        Node::Order(..) | Node::In(_) => Some("a truth"),
        Node::Call(Function::Contains | Function::StartsWith | Function::EndsWith, _) => Some("a truth"),
        Node::Field(Field::Metadata | Field::Venue) => Some("an object"),
        Node::Field(_) => Some("a text or a number"),
        Node::Slot(_) | Node::Select(..) | Node::Index(..) | Node::Choose(_) | Node::Loop(_) => None,
    }
}

#[derive(Default)]
struct Lowering {
    /// The names that macros brought in, outermost first; the place is the slot.
    scope: Vec<String>,
    slots_max: usize,
    nodes: usize,
}

impl Lowering {
    fn node(&mut self, expression: &Expression, depth: usize) -> Lowered {
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return Err(format!("is nested deeper than {DEPTH_MAX}"));
        }
        if self.nodes > NODES_MAX {
            return Err(format!("has more than {NODES_MAX} parts"));
        }
        let depth = depth + 1;
        match &expression.expr {
            Expr::Literal(literal) => self::literal(literal),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.select(select, depth),
            Expr::List(list) => self.list(list, depth),
            Expr::Call(call) => self.call(call, depth),
            Expr::Comprehension(comprehension) => self.macro_over(comprehension, depth),
            Expr::Map(_) | Expr::Struct(_) => Err("has a map or a message, which are not supported".into()),
            Expr::Unspecified => Err("cannot be read".into()),
        }
    }

    fn boxed(&mut self, expression: &Expression, depth: usize) -> Result<Box<Node>, String> {
        self.node(expression, depth).map(Box::new)
    }

    fn name(&self, name: &str) -> Lowered {
        if let Some(slot) = self.scope.iter().rposition(|one| one == name) {
            return Ok(Node::Slot(slot));
        }
        let field = Field::ALL.iter().find(|(own, _)| *own == name);
        field.map(|(_, field)| Node::Field(*field)).ok_or_else(|| {
            let known: Vec<&str> = Field::ALL.iter().map(|(name, _)| *name).collect();
            format!("names `{name}`, which it cannot see; it sees {}", known.join(", "))
        })
    }

    fn select(&mut self, select: &SelectExpr, depth: usize) -> Lowered {
        let operand = self.boxed(&select.operand, depth)?;
        let field = select.field.as_str().into();
        Ok(if select.test { Node::Has(operand, field) } else { Node::Select(operand, field) })
    }

    fn list(&mut self, list: &ListExpr, depth: usize) -> Lowered {
        let items: Result<Vec<Node>, String> = list.elements.iter().map(|one| self.node(one, depth)).collect();
        items.map(Node::List)
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Lowered {
        let name = call.func_name.as_str();
        match (call.target.is_none(), call.args.as_slice()) {
            (true, [one]) if name == operators::LOGICAL_NOT => Ok(Node::Not(self.boxed(one, depth)?)),
            (true, [one]) if name == operators::NEGATE => Ok(Node::Negate(self.boxed(one, depth)?)),
            (true, [one]) if name == operators::NOT_STRICTLY_FALSE => self.node(one, depth),
            (true, [one, two]) if is_binary(name) => self.binary(name, one, two, depth),
            (true, [one, two, three]) if name == operators::CONDITIONAL => {
                let parts = [self.node(one, depth)?, self.node(two, depth)?, self.node(three, depth)?];
                Ok(Node::Choose(Box::new(parts)))
            }
            _ => self.function(call, depth),
        }
    }

    fn binary(&mut self, name: &str, one: &Expression, two: &Expression, depth: usize) -> Lowered {
        let (left, right) = (self.node(one, depth)?, self.node(two, depth)?);
        if let Some(logic) = logic_of(name) {
            return Ok(Node::Logic(logic, Box::new(left), Box::new(right)));
        }
        if name == operators::INDEX {
            return Ok(Node::Index(Box::new(left), Box::new(right)));
        }
        let sides = Box::new([left, right]);
        if let Some(order) = order_of(name) {
            return Ok(Node::Order(order, sides));
        }
        if let Some(calc) = calc_of(name) {
            return Ok(Node::Calc(calc, sides));
        }
        match name {
            operators::EQUALS => Ok(Node::Equal { negated: false, sides }),
            operators::NOT_EQUALS => Ok(Node::Equal { negated: true, sides }),
            operators::IN => Ok(Node::In(sides)),
            _ => Err(format!("uses `{name}`, which is not supported")),
        }
    }

    fn function(&mut self, call: &CallExpr, depth: usize) -> Lowered {
        let name = call.func_name.as_str();
        let known = Function::ALL.iter().find(|(own, _, _)| *own == name);
        let Some((_, arguments, function)) = known else {
            let known: Vec<&str> = Function::ALL.iter().map(|(name, _, _)| *name).collect();
            return Err(format!(
                "uses `{name}`, which is not supported; there are {}, and the macros has, all, exists, exists_one, map, filter",
                known.join(", ")
            ));
        };
        let given: Vec<&Expression> = call.target.as_deref().into_iter().chain(&call.args).collect();
        if given.len() != *arguments {
            return Err(format!("gives `{name}` {} values; it takes {arguments}", given.len()));
        }
        let given: Result<Vec<Node>, String> = given.into_iter().map(|one| self.node(one, depth)).collect();
        Ok(Node::Call(*function, given?))
    }

    fn macro_over(&mut self, one: &ComprehensionExpr, depth: usize) -> Lowered {
        if one.iter_var2.is_some() {
            return Err("has a macro with two variables, which is not supported".into());
        }
        let range = self.node(&one.iter_range, depth)?;
        let init = self.node(&one.accu_init, depth)?;
        let result = self.enter(&one.accu_var);
        let item = self.enter(&one.iter_var);
        let condition = self.node(&one.loop_cond, depth)?;
        let step = appending(self.node(&one.loop_step, depth)?, result);
        self.scope.truncate(item);
        let last = self.node(&one.result, depth)?;
        self.scope.truncate(result);
        Ok(Node::Loop(Box::new(Loop { range, item, result, init, condition, step, last })))
    }

    /// Brings a name in; gives its slot.
    fn enter(&mut self, name: &str) -> usize {
        self.scope.push(name.to_owned());
        self.slots_max = self.slots_max.max(self.scope.len());
        self.scope.len() - 1
    }
}

/// `map` and `filter` say "the result so far and this list of one", which would copy the result at every item: an append instead.
fn appending(step: Node, result: usize) -> Node {
    match step {
        Node::Choose(mut parts) => {
            let [_, one, _] = &mut *parts;
            let inner = std::mem::replace(one, Node::Null);
            *one = appending(inner, result);
            Node::Choose(parts)
        }
        Node::Calc(Calc::Add, sides) => match *sides {
            [Node::Slot(slot), Node::List(mut items)] if slot == result && items.len() == 1 => {
                let only = items.pop().unwrap_or(Node::Null);
                Node::Append(slot, Box::new(only))
            }
            other => Node::Calc(Calc::Add, Box::new(other)),
        },
        other => other,
    }
}

fn literal(literal: &LiteralValue) -> Lowered {
    match literal {
        LiteralValue::Null => Ok(Node::Null),
        LiteralValue::Boolean(value) => Ok(Node::Bool(*value.inner())),
        LiteralValue::Int(value) => Ok(Node::Int(*value.inner())),
        LiteralValue::Double(value) => Ok(Node::Double(*value.inner())),
        LiteralValue::String(value) => Ok(Node::Text(value.inner().into())),
        LiteralValue::UInt(_) => Err("has an unsigned number such as `1u`; write it without the `u`".into()),
        LiteralValue::Bytes(_) => Err("has bytes such as `b\"x\"`, which are not supported".into()),
    }
}

fn is_binary(name: &str) -> bool {
    logic_of(name).is_some()
        || order_of(name).is_some()
        || calc_of(name).is_some()
        || [operators::EQUALS, operators::NOT_EQUALS, operators::IN, operators::INDEX].contains(&name)
}

fn logic_of(name: &str) -> Option<Logic> {
    match name {
        operators::LOGICAL_AND => Some(Logic::And),
        operators::LOGICAL_OR => Some(Logic::Or),
        _ => None,
    }
}

fn order_of(name: &str) -> Option<Order> {
    match name {
        operators::LESS => Some(Order::Below),
        operators::LESS_EQUALS => Some(Order::AtMost),
        operators::GREATER => Some(Order::Above),
        operators::GREATER_EQUALS => Some(Order::AtLeast),
        _ => None,
    }
}

fn calc_of(name: &str) -> Option<Calc> {
    match name {
        operators::ADD => Some(Calc::Add),
        operators::SUBSTRACT => Some(Calc::Subtract),
        operators::MULTIPLY => Some(Calc::Multiply),
        operators::DIVIDE => Some(Calc::Divide),
        operators::MODULO => Some(Calc::Remainder),
        _ => None,
    }
}
