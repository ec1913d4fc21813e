//! The policy of an organisation: which risk asks whom, what each reason of a score weighs, and when nothing automated runs.
//!
//! Promise: every level asks somebody, also where it may do without; whoever is asked is somebody who decides. A policy says what becomes
//! of requests from now on: those that were submitted keep the steps that they have.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Assignee;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, VenueId};
use crate::domain::people::{Authority, Role};
use crate::domain::permission::{Credential, Operation, allows};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::risk::RiskLevel;
use crate::domain::risk::weights::{self, Weights};
use crate::domain::state::TenantState;
use crate::domain::templates::conditions::during::Windows;
use crate::domain::time::{DAY_MS, MINUTE_MS, Timestamp};

/// The most steps of a level.
pub const STEPS_MAX: usize = 5;
/// The most people that one step asks for.
pub const QUORUM_MAX: u32 = 10;
/// The longest time for objections, in minutes: a day.
pub const VETO_MINUTES_MAX: u32 = 1_440;
/// The most freezes.
pub const FREEZES_MAX: usize = 20;
/// The most venues of one freeze.
pub const FREEZE_VENUES_MAX: usize = 200;
/// The longest name of a step or a freeze, in characters.
const NAME_CHARS_MAX: usize = 60;
/// How far the end of a freeze is looked for: windows come again every week, so one that has not ended by then does not end.
const HORIZON_MS: i64 = 8 * DAY_MS;

/// What an organisation has settled about approvals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Policy {
    pub low: LevelPolicy,
    pub medium: LevelPolicy,
    pub high: LevelPolicy,
    pub critical: LevelPolicy,
    /// Points by the name of a weight; what is absent has its default.
    pub weights: BTreeMap<Arc<str>, u32>,
    pub freezes: Vec<Freeze>,
}

/// What one level of risk asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LevelPolicy {
    /// Runs by itself where the capability allows it and can be undone.
    pub auto: bool,
    /// Runs after so many minutes unless somebody of its steps objects.
    pub veto_minutes: Option<u32>,
    /// In their order; at least one.
    pub steps: Vec<StepPolicy>,
}

/// One step, before it is frozen into a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct StepPolicy {
    pub name: Arc<str>,
    pub who: StepWho,
    /// At least 1.
    pub quorum: u32,
}

/// Whose decision a step asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StepWho {
    /// The action's owner: the person whom the request names, else anybody with the role `owner`.
    Owner,
    /// Somebody in particular.
    Named(Assignee),
}

impl StepWho {
    /// The text outside: `owner`, or that of an [`Assignee`].
    pub fn text(&self) -> String {
        match self {
            Self::Owner => "owner".into(),
            Self::Named(who) => who.text(),
        }
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "owner" { Some(Self::Owner) } else { Assignee::parse(text).map(Self::Named) }
    }
}

/// When nothing automated runs, also what is approved; it waits for the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Freeze {
    pub name: Arc<str>,
    /// By the clock of the venue; of the organisation where a request has no venue.
    pub during: Windows,
    /// Only at these venues; everywhere when absent.
    pub venue_ids: Option<Vec<VenueId>>,
}

static DEFAULT: LazyLock<Policy> = LazyLock::new(Policy::default);

impl Default for Policy {
    /// Low runs by itself where it may, medium asks the owner, high a reviewer after the owner, critical an executive after the owner.
    fn default() -> Self {
        let step = |name: &str, who| StepPolicy { name: name.into(), who, quorum: 1 };
        let owner = || step("owner", StepWho::Owner);
        let asking = |steps| LevelPolicy { auto: false, veto_minutes: None, steps };
        let reviewer = step("reviewer", StepWho::Named(Assignee::Role(Role::Reviewer)));
        let executive = step("executive", StepWho::Named(Assignee::Authority(Authority::named("vp_ops"))));
        Self {
            low: LevelPolicy { auto: true, ..asking(vec![owner()]) },
            medium: asking(vec![owner()]),
            high: asking(vec![owner(), reviewer]),
            critical: asking(vec![owner(), executive]),
            weights: BTreeMap::new(),
            freezes: Vec::new(),
        }
    }
}

impl Policy {
    /// The policy of whoever has none of their own.
    pub fn shipped() -> &'static Self {
        &DEFAULT
    }

    /// What a level of risk asks for.
    pub fn level(&self, level: RiskLevel) -> &LevelPolicy {
        match level {
            RiskLevel::Low => &self.low,
            RiskLevel::Medium => &self.medium,
            RiskLevel::High => &self.high,
            RiskLevel::Critical => &self.critical,
        }
    }

    /// What each reason of a score weighs.
    pub fn weights(&self) -> Weights {
        Weights::with(&self.weights)
    }

    /// Until when nothing automated runs at a venue, and the name of the freeze that holds now; nothing when none does. Freezes that follow
    /// on one another without a gap are one. One that never ends is looked at again after eight days.
    pub fn frozen_until(
        &self,
        state: &TenantState,
        venue: Option<&VenueId>,
        now: Timestamp,
    ) -> Option<(Timestamp, Arc<str>)> {
        let here: Vec<&Freeze> = self.freezes.iter().filter(|freeze| freeze.is_at(venue)).collect();
        if here.is_empty() {
            return None;
        }
        let zone = state.zone(venue);
        let holding = |at: Timestamp| {
            let local = zone.local(at);
            here.iter().find(|freeze| freeze.during.hold(local))
        };
        let name = holding(now)?.name.clone();
        // Minute by minute, because the clock on the wall is what counts: it jumps, and comes back.
        let mut at = Timestamp(now.0.div_euclid(MINUTE_MS).saturating_add(1).saturating_mul(MINUTE_MS));
        let last = now.plus_ms(HORIZON_MS);
        while at < last && holding(at).is_some() {
            at = at.plus_ms(MINUTE_MS);
        }
        Some((at, name))
    }
}

impl Freeze {
    /// Whether it is for a venue. One for certain venues is not for what has none.
    fn is_at(&self, venue: Option<&VenueId>) -> bool {
        self.venue_ids.as_ref().is_none_or(|ids| venue.is_some_and(|venue| ids.contains(venue)))
    }
}

/// What a policy is to be. What is absent is as shipped.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyDraft {
    /// By level of risk.
    pub levels: LevelDrafts,
    /// Points by the name of a weight, 0 to 100; also `module.NAME`.
    pub weights: BTreeMap<String, u32>,
    /// At most 20.
    pub freezes: Vec<FreezeDraft>,
}

/// What the levels of risk are to ask for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct LevelDrafts {
    pub low: Option<LevelDraft>,
    pub medium: Option<LevelDraft>,
    pub high: Option<LevelDraft>,
    pub critical: Option<LevelDraft>,
}

/// What one level is to ask for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelDraft {
    /// Runs by itself where the capability allows it and can be undone; never at critical risk.
    #[serde(default)]
    pub auto: bool,
    /// 1 to 1440: runs after so many minutes unless somebody of its steps objects; never at critical risk.
    #[serde(default)]
    pub veto_minutes: Option<u32>,
    /// 1 to 5.
    pub steps: Vec<StepDraft>,
}

/// What a step is to ask for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepDraft {
    /// What people read; 1 to 60 characters.
    pub name: String,
    /// `owner`, `user:ID`, `role:ROLE` or `authority:AUTHORITY`.
    pub who: String,
    /// How many of them; 1 when absent, at most 10.
    #[serde(default)]
    pub quorum: Option<u32>,
}

/// When nothing automated is to run.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeDraft {
    /// What people read; 1 to 60 characters.
    pub name: String,
    /// A window `{ days, from, to }`, or a list of them, by the venue's clock, as in the conditions of a template.
    #[schema(value_type = Vec<crate::domain::templates::conditions::during::During>)]
    pub during: Windows,
    /// Everywhere when absent.
    #[serde(default)]
    pub venue_ids: Option<Vec<String>>,
}

/// Changes the policy.
#[derive(Clone, Debug)]
pub struct ChangeApprovalPolicy {
    /// All of it.
    pub draft: PolicyDraft,
}

impl ChangeApprovalPolicy {
    /// Decides; the same policy again changes nothing.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let policy = self.draft.checked(state)?;
        let events = if &policy == state.policy() {
            Vec::new()
        } else {
            vec![Event::ApprovalPolicyChanged { policy: Box::new(policy), by: context.label() }]
        };
        Ok(Decision { events, answer: Answer::ApprovalPolicy })
    }
}

impl PolicyDraft {
    /// The policy as it will be.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with everything that cannot be; [`Rejection::UnknownVenue`].
    pub fn checked(self, state: &TenantState) -> Result<Policy, Rejection> {
        let mut faults = Faults::default();
        let shipped = Policy::shipped();
        let LevelDrafts { low, medium, high, critical } = self.levels;
        let mut level = |name: &str, draft: Option<LevelDraft>, shipped: &LevelPolicy| match draft {
            Some(draft) => draft.checked(&mut faults, &format!("/levels/{name}"), name == "critical", state),
            None => shipped.clone(),
        };
        let (low, medium) = (level("low", low, &shipped.low), level("medium", medium, &shipped.medium));
        let (high, critical) = (level("high", high, &shipped.high), level("critical", critical, &shipped.critical));
        let weights = checked_weights(&mut faults, self.weights);
        let freezes = checked_freezes(&mut faults, self.freezes);
        faults.done()?;
        let named = freezes.iter().filter_map(|freeze| freeze.venue_ids.as_ref()).flatten();
        for venue in named {
            state.venue(venue).ok_or(Rejection::UnknownVenue { pointer: "/freezes" })?;
        }
        Ok(Policy { low, medium, high, critical, weights, freezes })
    }
}

impl LevelDraft {
    fn checked(self, faults: &mut Faults, at: &str, is_critical: bool, state: &TenantState) -> LevelPolicy {
        let always = "is not for critical risk, which people always decide";
        faults.expect(!(is_critical && self.auto), &format!("{at}/auto"), always);
        faults.expect(!(is_critical && self.veto_minutes.is_some()), &format!("{at}/veto_minutes"), always);
        let veto = self.veto_minutes.is_none_or(|minutes| (1..=VETO_MINUTES_MAX).contains(&minutes));
        faults.expect(veto, &format!("{at}/veto_minutes"), "is not between 1 and 1440");
        let count = (1..=STEPS_MAX).contains(&self.steps.len());
        faults.expect(count, &format!("{at}/steps"), "does not have 1 to 5 steps");
        let steps = self.steps.into_iter().take(STEPS_MAX).enumerate();
        let steps =
            steps.filter_map(|(index, step)| step.checked(faults, &format!("{at}/steps/{index}"), state)).collect();
        LevelPolicy { auto: self.auto, veto_minutes: self.veto_minutes, steps }
    }
}

impl StepDraft {
    fn checked(self, faults: &mut Faults, at: &str, state: &TenantState) -> Option<StepPolicy> {
        expect_name(faults, &format!("{at}/name"), &self.name);
        let quorum = self.quorum.unwrap_or(1);
        faults.expect((1..=QUORUM_MAX).contains(&quorum), &format!("{at}/quorum"), "is not between 1 and 10");
        let pointer = format!("{at}/who");
        let who = StepWho::parse(&self.who);
        match &who {
            None => faults.add(&*pointer, "is none of owner, user:ID, role:ROLE and authority:AUTHORITY"),
            Some(StepWho::Named(Assignee::Role(role))) => {
                let decides = allows(Operation::DecideApproval, Credential::Person(*role));
                faults.expect(decides, &pointer, "is a role that decides nothing");
            }
            Some(StepWho::Named(Assignee::Authority(rung))) => {
                let known = state.organisation().rank(rung).is_some();
                faults.expect(known, &pointer, "is not on the organisation's authority ladder");
            }
            Some(StepWho::Named(Assignee::User(_))) => {
                faults.expect(quorum == 1, &format!("{at}/quorum"), "is more than the one person that it asks");
            }
            Some(StepWho::Owner) => {}
        }
        Some(StepPolicy { name: self.name.into(), who: who?, quorum })
    }
}

fn expect_name(faults: &mut Faults, pointer: &str, name: &str) {
    let fits = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    faults.expect(fits, pointer, "is empty, longer than 60 characters or contains a control character");
}

/// The weights that are not as shipped.
fn checked_weights(faults: &mut Faults, given: BTreeMap<String, u32>) -> BTreeMap<Arc<str>, u32> {
    let modules = given.keys().filter(|name| name.starts_with(weights::MODULE)).count();
    faults.expect(modules <= weights::MODULES_MAX, "/weights", "names more than 100 modules");
    for (name, points) in given.iter().take(weights::MODULES_MAX + weights::DEFAULTS.len()) {
        let pointer = format!("/weights/{}", name.replace('~', "~0").replace('/', "~1"));
        faults.expect(weights::is_known(name), &pointer, "is not the name of a weight");
        faults.expect(*points <= weights::POINTS_MAX, &pointer, "is not between 0 and 100");
    }
    let own = given.into_iter().filter(|(name, points)| weights::default_of(name) != Some(*points));
    own.map(|(name, points)| (name.into(), points)).collect()
}

fn checked_freezes(faults: &mut Faults, given: Vec<FreezeDraft>) -> Vec<Freeze> {
    faults.expect(given.len() <= FREEZES_MAX, "/freezes", "has more than 20 entries");
    let mut freezes: Vec<Freeze> = Vec::new();
    for (index, draft) in given.into_iter().take(FREEZES_MAX).enumerate() {
        let at = format!("/freezes/{index}");
        expect_name(faults, &format!("{at}/name"), &draft.name);
        let again = freezes.iter().any(|one| *one.name == *draft.name);
        faults.expect(!again, &format!("{at}/name"), "is there twice");
        draft.during.check(faults, &format!("{at}/during"));
        let venue_ids = draft.venue_ids.map(|ids| {
            let fits = (1..=FREEZE_VENUES_MAX).contains(&ids.len());
            faults.expect(fits, &format!("{at}/venue_ids"), "does not have 1 to 200 entries");
            let ids = ids.iter().take(FREEZE_VENUES_MAX).enumerate();
            ids.filter_map(|(n, id)| faults.take(&format!("{at}/venue_ids/{n}"), OutsideId::parse(id))).collect()
        });
        freezes.push(Freeze { name: draft.name.into(), during: draft.during, venue_ids });
    }
    freezes
}

#[cfg(test)]
mod tests;
