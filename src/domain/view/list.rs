//! Pages of lists: what is asked for, and what is shown.

use serde::Serialize;
use uuid::Uuid;

use super::{queue, shapes};
use crate::domain::actions::{Action, ActionType, ExecutionStatus};
use crate::domain::blocks::Block;
use crate::domain::people::Caller;
use crate::domain::state::TenantState;
use crate::domain::suppression::silences::Silence;
use crate::domain::time::{BusinessDate, Timestamp};
use crate::domain::violations::{Severity, Status, Violation};

/// The largest page.
pub const LIMIT_MAX: usize = 500;
/// The page when nobody says how large.
pub const LIMIT_DEFAULT: usize = 50;

/// A place in a list; opaque outside, and bound to the order of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// After the thing that this sequence number made.
    Seq(u64),
    /// After the thing of this date and sequence number.
    Dated(BusinessDate, u64),
}

impl Cursor {
    /// Its text.
    pub fn text(self) -> String {
        match self {
            Self::Seq(seq) => format!("s{seq}"),
            Self::Dated(date, seq) => format!("d{}.{seq}", date.0),
        }
    }

    /// Reads the text of a cursor.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("s", seq) => seq.parse().ok().map(Self::Seq),
            ("d", rest) => {
                let (date, seq) = rest.split_once('.')?;
                Some(Self::Dated(BusinessDate(date.parse().ok()?), seq.parse().ok()?))
            }
            _ => None,
        }
    }
}

/// How much of a list, from where.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    /// 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// From the start when absent.
    pub cursor: Option<Cursor>,
}

impl Paging {
    pub(super) fn before(self) -> u64 {
        match self.cursor {
            Some(Cursor::Seq(seq)) => seq,
            Some(Cursor::Dated(..)) | None => u64::MAX,
        }
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// How many things are looked at for one page. A filter that finds little gives short pages with a cursor, not a long wait.
pub const EXAMINED_MAX: usize = 10_000;

/// Takes a page from what is left of a list; `cursor` names the place after an item.
pub fn page<'a, T: 'a, V>(
    limit: usize,
    rest: impl Iterator<Item = &'a T>,
    takes: impl Fn(&T) -> bool,
    cursor: impl Fn(&T) -> Cursor,
    view: impl Fn(&'a T) -> V,
) -> Page<V> {
    let mut items = Vec::new();
    let mut last = None;
    for (examined, one) in rest.enumerate() {
        if items.len() == limit || examined == EXAMINED_MAX {
            return Page { items, next_cursor: last.map(Cursor::text) };
        }
        last = Some(cursor(one));
        if takes(one) {
            items.push(view(one));
        }
    }
    Page { items, next_cursor: None }
}

/// Which violations.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ViolationFilter {
    /// Business dates, inclusive; the open ones when absent.
    pub range: Option<(BusinessDate, BusinessDate)>,
    pub severity: Option<Severity>,
    pub venue_id: Option<String>,
    pub violation_type: Option<String>,
    pub status: Option<Status>,
    pub paging: Paging,
}

impl ViolationFilter {
    fn takes(&self, caller: &Caller, one: &Violation) -> bool {
        let venue = self.venue_id.as_deref();
        caller.reaches(one.venue_id.as_ref())
            && self.severity.is_none_or(|severity| severity == one.severity)
            && venue.is_none_or(|venue| one.venue_id.as_ref().is_some_and(|own| own.as_str() == venue))
            && self.violation_type.as_deref().is_none_or(|name| name == one.violation_type.as_str())
            && self.status.is_none_or(|status| status == one.status())
    }
}

/// A page of violations as JSON, newest first.
pub fn violations(state: &TenantState, caller: &Caller, filter: &ViolationFilter) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let takes = |one: &Violation| filter.takes(caller, one);
    let view = |one| shapes::with_children(state, shapes::violation(org_id, one), |venue| caller.reaches(venue));
    let limit = filter.paging.limit;
    match filter.range {
        None => {
            let rest = state.violations.open_before(filter.paging.before());
            bytes(&page(limit, rest, takes, |one: &Violation| Cursor::Seq(one.seq), view))
        }
        Some((from, to)) => {
            let before = match filter.paging.cursor {
                Some(Cursor::Dated(date, seq)) => Some((date, seq)),
                Some(Cursor::Seq(_)) | None => None,
            };
            let rest = state.violations.dated(from, to, before);
            bytes(&page(limit, rest, takes, |one: &Violation| Cursor::Dated(one.business_date, one.seq), view))
        }
    }
}

/// Which actions.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ActionFilter {
    pub status: Option<ExecutionStatus>,
    pub action_type: Option<ActionType>,
    pub violation_id: Option<Uuid>,
    /// Only what is due at this moment, or only what is not.
    pub due: Option<(bool, Timestamp)>,
    pub paging: Paging,
}

impl ActionFilter {
    fn takes(&self, caller: &Caller, one: &Action) -> bool {
        let is_due = |now: Timestamp| one.due().is_some_and(|at| at <= now);
        caller.reaches(one.venue_id.as_ref())
            && self.status.is_none_or(|status| status == one.status)
            && self.action_type.is_none_or(|kind| kind == one.action_type)
            && self.violation_id.is_none_or(|id| id == one.violation_id)
            && self.due.is_none_or(|(wanted, now)| is_due(now) == wanted)
    }
}

/// A page of actions as JSON, newest first.
pub fn actions(state: &TenantState, caller: &Caller, filter: &ActionFilter) -> Vec<u8> {
    let (limit, before) = (filter.paging.limit, filter.paging.before());
    let takes = |one: &Action| filter.takes(caller, one);
    let cursor = |one: &Action| Cursor::Seq(one.seq);
    match &filter.violation_id {
        None => bytes(&page(limit, state.actions.before(before), takes, cursor, shapes::action)),
        Some(id) => {
            let theirs = state.violations.get(id).map_or(&[] as &[Uuid], |violation| &violation.actions);
            let rest = theirs.iter().rev().filter_map(|id| state.actions.get(id)).filter(|one| one.seq < before);
            bytes(&page(limit, rest, takes, cursor, shapes::action))
        }
    }
}

/// Which blocks.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct BlockFilter {
    pub block_type: Option<String>,
    pub entity_id: Option<String>,
    pub venue_id: Option<String>,
    /// Only those that hold at this moment, or only those that do not.
    pub active: Option<(bool, Timestamp)>,
    pub paging: Paging,
}

impl BlockFilter {
    fn takes(&self, caller: &Caller, one: &Block) -> bool {
        let venue = self.venue_id.as_deref();
        caller.reaches(one.venue_id.as_ref())
            && self.block_type.as_deref().is_none_or(|name| name == &*one.key.block_type)
            && self.entity_id.as_deref().is_none_or(|id| id == one.key.entity_id.as_str())
            && venue.is_none_or(|venue| one.venue_id.as_ref().is_some_and(|own| own.as_str() == venue))
            && self.active.is_none_or(|(wanted, now)| one.is_active(now) == wanted)
    }
}

/// A page of blocks as JSON, newest first.
pub fn blocks(state: &TenantState, caller: &Caller, filter: &BlockFilter) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let rest = state.blocks.before(filter.paging.before());
    let takes = |one: &Block| filter.takes(caller, one);
    let view = |one| shapes::block(org_id, one);
    bytes(&page(filter.paging.limit, rest, takes, |one: &Block| Cursor::Seq(one.seq), view))
}

/// A page of templates as JSON, in the order in which they run.
pub fn templates(state: &TenantState, paging: Paging) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let after = if paging.cursor.is_some() { paging.before() } else { 0 };
    let rest = state.templates.after(after);
    bytes(&page(paging.limit, rest, |_| true, |one| Cursor::Seq(one.seq), |one| shapes::template(org_id, one)))
}

/// A page of the silences that are not over as JSON, newest first.
pub fn silences(state: &TenantState, caller: &Caller, paging: Paging, now: Timestamp) -> Vec<u8> {
    let rest = state.silences.before(paging.before(), now);
    let takes = |one: &Silence| caller.reaches(one.venue_id.as_ref());
    bytes(&page(paging.limit, rest.into_iter(), takes, |one| Cursor::Seq(one.seq), queue::silence))
}

/// The rules of inhibition as one page.
pub fn inhibitions(state: &TenantState) -> Vec<u8> {
    bytes(&Page { items: state.inhibitions.iter().map(queue::inhibition).collect(), next_cursor: None })
}

/// All venues that the caller reaches, by id, as one page.
pub fn venues(state: &TenantState, caller: &Caller) -> Vec<u8> {
    let mut found: Vec<_> = state.venues.values().filter(|one| caller.reaches(Some(&one.venue_id))).collect();
    found.sort_by(|one, two| one.venue_id.cmp(&two.venue_id));
    bytes(&Page { items: found.into_iter().map(shapes::venue).collect(), next_cursor: None })
}

/// A shape as JSON.
pub fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec())
}
