//! Whom or what an action is for, after its variables were filled in.

use crate::domain::actions::ActionType;
use crate::domain::organisation::Organisation;
use crate::domain::people::{Authority, Role};

/// The receiver of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An e-mail address.
    Email(String),
    /// A person.
    User(String),
    /// Everybody of this role at the violation's venue.
    Role(Role),
    /// Whoever holds this authority at the violation's venue.
    Authority(Authority),
    /// A Slack channel.
    Slack(String),
    /// A webhook endpoint of the organisation.
    Webhook(String),
    /// This system, or a registered one of this name.
    System(String),
}

impl Target {
    /// Reads a target for an action of this type.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a subject.
    pub fn parse(action_type: ActionType, text: &str, organisation: &Organisation) -> Result<Self, String> {
        Self::read(action_type, text).unwrap_or_else(|| Self::rung(Authority::named(text), organisation))
    }

    /// Reads a target that means the same whatever the organisation is; `None` where the action asks a rung of its ladder.
    pub fn read(action_type: ActionType, text: &str) -> Option<Result<Self, String>> {
        match action_type {
            ActionType::Alert => Some(receiver(text)),
            ActionType::Notice => Some(match text.strip_prefix("authority:") {
                Some(rung) => Ok(Self::Authority(Authority::named(rung))),
                None => receiver(text),
            }),
            ActionType::Block => Some(system(text)),
            ActionType::RequireOverride | ActionType::Escalate => None,
        }
    }

    /// The rung of an organisation's ladder.
    ///
    /// # Errors
    /// That it is none.
    pub fn rung(authority: Authority, organisation: &Organisation) -> Result<Self, String> {
        match organisation.rank(&authority) {
            Some(_) => Ok(Self::Authority(authority)),
            None => Err(format!("`{authority}` is not on the organisation's authority ladder")),
        }
    }
}

fn receiver(text: &str) -> Result<Target, String> {
    match text.split_once(':') {
        Some(("user", id)) if !id.is_empty() => Ok(Target::User(id.into())),
        Some(("role", name)) => Role::named(name).map(Target::Role).ok_or_else(|| format!("`{name}` is not a role")),
        Some(("slack", channel)) if channel.starts_with('#') && channel.len() > 1 => Ok(Target::Slack(channel.into())),
        Some(("webhook", id)) if !id.is_empty() => Ok(Target::Webhook(id.into())),
        _ if is_address(text) => Ok(Target::Email(text.into())),
        _ => Err(format!("`{text}` is not one e-mail address, user:ID, role:ROLE, slack:#CHANNEL or webhook:ID")),
    }
}

fn system(text: &str) -> Result<Target, String> {
    let plain = |text: &str| !text.is_empty() && text.len() <= 128 && !text.chars().any(|c| c.is_control() || c == ' ');
    match text.split_once(':') {
        Some(("webhook", id)) if plain(id) => Ok(Target::Webhook(id.into())),
        None if plain(text) => Ok(Target::System(text.into())),
        _ => Err(format!("`{text}` is not `system`, the name of a registered system or webhook:ID")),
    }
}

/// Whether this is one plain address (the dot-atom form of RFC 5321, with UTF-8 as in RFC 6531): no display name, no list.
pub fn is_address(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let barred = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"@".contains(c);
    let dotted =
        |part: &str| !part.is_empty() && part.split('.').all(|label| !label.is_empty()) && !part.contains(barred);
    text.len() <= 254 && local.len() <= 64 && dotted(local) && dotted(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_exactly_one_plain_address() {
        for good in ["gm@group.example", "zoë@group.example", "a.b+c@localhost"] {
            assert!(is_address(good), "{good}");
        }
        let bad = [
            "",
            "gm",
            "@x",
            "a@",
            "a b@c.d",
            "a@b.c, d@e.f",
            "A <a@b.c>",
            "a@b.c\nBcc: d@e.f",
            "a@@b.c",
            "a..b@c.d",
            "\"a b\"@c.d",
        ];
        for bad in bad {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
