//! Registering what a remote module can do, and taking it out again.

use std::sync::Arc;

use serde_json::Value;

use super::schema::Schema;
use super::{CAPABILITIES_MAX, Capability, Sensitivity, built_in};
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::json::JsonText;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::templates::render;

/// The longest time that one run may take, in seconds.
pub const TIMEOUT_S_MAX: u32 = 600;
/// The time that one run may take where nobody says, in seconds.
pub const TIMEOUT_S_DEFAULT: u32 = 30;
/// The longest time in which something may be undone, in seconds: 30 days.
pub const UNDO_WINDOW_S_MAX: u32 = 30 * 24 * 3_600;
/// That time where nobody says and it can be undone, in seconds: a day.
pub const UNDO_WINDOW_S_DEFAULT: u32 = 24 * 3_600;
/// The most runs at once.
pub const CONCURRENCY_MAX: u32 = 100;
/// The runs at once where nobody says.
pub const CONCURRENCY_DEFAULT: u32 = 4;
/// The most systems that a capability touches.
const CONNECTORS_MAX: usize = 20;
/// The longest name of a system, and the longest version, in characters.
const WORD_CHARS_MAX: usize = 64;
/// The longest URL, in bytes.
const ENDPOINT_BYTES_MAX: usize = 2_000;
/// The longest template of a preview, in characters.
const TEMPLATE_CHARS_MAX: usize = 2_000;

/// Registers a capability, or puts it in place of the one of its name. Whether its endpoint may be called is decided where calls are made.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RegisterCapability {
    pub name: String,
    pub version: String,
    /// The first part of the name when absent.
    pub module: Option<String>,
    pub params: Value,
    pub sensitivity: Sensitivity,
    pub connectors: Vec<String>,
    pub reversible: bool,
    pub idempotent: bool,
    pub auto_approvable: bool,
    pub undo_window_s: Option<u32>,
    pub timeout_s: Option<u32>,
    pub concurrency: Option<u32>,
    pub preview_template: Option<String>,
    pub endpoint: String,
    /// Whether the caller may replace what others registered.
    pub of_others: bool,
}

impl RegisterCapability {
    /// Decides; the same name again gives it another secret.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let name: Arc<str> = self.name.as_str().into();
        let old = state.capabilities.get(&name);
        if built_in::find(&name).is_some() {
            return Err(Rejection::BuiltInCapability);
        }
        self.check()?;
        match old {
            Some(old) => expect_own(old, self.of_others, context)?,
            None if state.capabilities.len() >= CAPABILITIES_MAX => {
                return Err(Rejection::LimitReached { what: "capabilities", limit: CAPABILITIES_MAX });
            }
            None => {}
        }
        let capability = self.made(name.clone(), old, state, context);
        Ok(Decision {
            events: vec![Event::CapabilitySaved(Box::new(capability))],
            answer: Answer::CapabilityMade(name),
        })
    }

    fn check(&self) -> Result<(), Rejection> {
        let mut faults = Faults::default();
        match self.name.split_once('.') {
            Some((module, verb)) if is_word(module) && is_word(verb) => {
                faults.expect(
                    !built_in::is_own_module(module),
                    "/name",
                    "is in a module that belongs to the server itself",
                );
                let same = self.module.as_deref().is_none_or(|named| named == module);
                faults.expect(same, "/module", "is not the first part of the name");
            }
            Some(_) | None => faults.add("/name", "is not module.verb, each of [a-z][a-z0-9_]{0,63}"),
        }
        expect_word(&mut faults, "/version", &self.version);
        if let Err(fault) = Schema::compile(&self.params, "/params") {
            faults.add(fault.pointer, fault.detail);
        }
        faults.expect(self.connectors.len() <= CONNECTORS_MAX, "/connectors", "has more than 20 entries");
        for (index, connector) in self.connectors.iter().enumerate().take(CONNECTORS_MAX) {
            let pointer = format!("/connectors/{index}");
            expect_word(&mut faults, &pointer, connector);
            faults.expect(!self.connectors[..index].contains(connector), &pointer, "is there twice");
        }
        let undo = self.undo_window_s.is_none_or(|s| s <= UNDO_WINDOW_S_MAX);
        faults.expect(undo, "/undo_window", "is not between 0 and 2592000 seconds (30 days)");
        let timeout = self.timeout_s.is_none_or(|s| (1..=TIMEOUT_S_MAX).contains(&s));
        faults.expect(timeout, "/timeout", "is not between 1 and 600 seconds");
        let concurrency = self.concurrency.is_none_or(|runs| (1..=CONCURRENCY_MAX).contains(&runs));
        faults.expect(concurrency, "/concurrency", "is not between 1 and 100");
        if let Some(template) = &self.preview_template {
            faults.text("/preview_template", Some(template), TEMPLATE_CHARS_MAX);
            if let Err(detail) = render::parse(template) {
                faults.add("/preview_template", detail);
            }
        }
        let url =
            (1..=ENDPOINT_BYTES_MAX).contains(&self.endpoint.len()) && !self.endpoint.chars().any(char::is_control);
        faults.expect(url, "/endpoint", "is empty, too long or contains a control character");
        faults.done()
    }

    fn made(self, name: Arc<str>, old: Option<&Capability>, state: &TenantState, context: &Context<'_>) -> Capability {
        let module = name.split('.').next().unwrap_or_default().into();
        let undo_default = if self.reversible { UNDO_WINDOW_S_DEFAULT } else { 0 };
        Capability {
            name,
            seq: 0, // given when the event is applied
            version: self.version.into(),
            module,
            params: JsonText::of(&self.params),
            sensitivity: self.sensitivity,
            connectors: self.connectors.into_iter().map(Into::into).collect(),
            reversible: self.reversible,
            idempotent: self.idempotent,
            auto_approvable: self.auto_approvable,
            undo_window_s: self.undo_window_s.unwrap_or(undo_default),
            timeout_s: self.timeout_s.unwrap_or(TIMEOUT_S_DEFAULT),
            concurrency: self.concurrency.unwrap_or(CONCURRENCY_DEFAULT),
            preview_template: self.preview_template.unwrap_or_default().into(),
            endpoint: Some(self.endpoint.into()),
            generation: generation(old, state),
            created_by: context.label(),
            created_at: context.now,
        }
    }
}

/// The next generation. A new name begins with the number of its event, which is above every generation that an earlier capability of this
/// name can have had: what was taken out because its secret had leaked does not come back with that secret.
fn generation(old: Option<&Capability>, state: &TenantState) -> u32 {
    let next = state.last_seq().saturating_add(1);
    old.map_or_else(|| u32::try_from(next).unwrap_or(u32::MAX), |old| old.generation.saturating_add(1))
}

/// Takes a capability out. What waits for it can be decided and cancelled, and fails when its turn comes: taking a module's power away is
/// never put off by what it has asked for.
#[derive(Clone, Debug)]
pub struct DeleteCapability {
    /// Its name.
    pub name: String,
    /// Whether the caller may take out what others registered.
    pub of_others: bool,
}

impl DeleteCapability {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        if built_in::find(&self.name).is_some() {
            return Err(Rejection::BuiltInCapability);
        }
        let capability = state.capabilities.get(&self.name).ok_or(Rejection::NotFound)?;
        expect_own(capability, self.of_others, context)?;
        let name = capability.name.clone();
        let events = vec![Event::CapabilityDeleted { name, by: context.label() }];
        Ok(Decision { events, answer: Answer::Nothing })
    }
}

/// That a module's key keeps to what it registered itself; else one module could take over the calls to another.
fn expect_own(capability: &Capability, of_others: bool, context: &Context<'_>) -> Result<(), Rejection> {
    let own = capability.created_by == context.label();
    if own || of_others { Ok(()) } else { Err(Rejection::NotYourCapability) }
}

/// `[a-z][a-z0-9_]{0,63}`.
fn is_word(word: &str) -> bool {
    let first = word.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    first
        && word.len() <= 64
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Checks text on one line.
fn expect_word(faults: &mut Faults, pointer: &str, word: &str) {
    let fits = !word.trim().is_empty() && !word.chars().any(char::is_control) && word.chars().count() <= WORD_CHARS_MAX;
    faults.expect(fits, pointer, "is empty, longer than 64 characters or contains a control character");
}
