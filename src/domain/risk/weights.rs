//! What each reason of a score weighs: defaults, and what an organisation says instead.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The most points of one weight.
pub const POINTS_MAX: u32 = 100;
/// The start of the name of an organisation's own weight: points for every request of that module.
pub const MODULE: &str = "module.";
/// The most of those.
pub const MODULES_MAX: usize = 100;

macro_rules! weights {
    ($($(#[doc = $doc:literal])+ $constant:ident = $name:literal: $points:literal;)+) => {
        $($(#[doc = $doc])+ pub const $constant: &str = $name;)+

        /// Every weight with its default.
        pub const DEFAULTS: &[(&str, u32)] = &[$(($name, $points)),+];
    };
}

weights! {
    /// What it does happens outside of this server.
    REMOTE = "module_remote": 5;
    /// It touches what is for insiders.
    INTERNAL = "sensitivity_internal": 5;
    /// It touches what is about people.
    PERSONAL = "sensitivity_personal": 12;
    /// It touches money.
    FINANCIAL = "sensitivity_financial": 20;
    /// For each system that it touches, five of them at most.
    CONNECTOR = "connector": 7;
    /// It cannot be taken back.
    IRREVERSIBLE = "irreversible": 12;
    /// Running it twice does it twice.
    NOT_IDEMPOTENT = "not_idempotent": 4;
    /// It reaches 2 to 10 people.
    RECIPIENTS_SOME = "recipients_2": 3;
    /// It reaches 11 to 100 people.
    RECIPIENTS_MANY = "recipients_11": 8;
    /// It reaches more than 100 people.
    RECIPIENTS_MASS = "recipients_101": 15;
    /// It moves 100 or more.
    AMOUNT_100 = "amount_100": 4;
    /// It moves 1,000 or more.
    AMOUNT_1000 = "amount_1000": 8;
    /// It moves 10,000 or more.
    AMOUNT_10000 = "amount_10000": 15;
    /// Nothing that the requester asked for was carried out yet.
    REQUESTER_NEW = "requester_new": 3;
    /// Much of what the requester asked for was rejected, failed or was undone.
    REQUESTER_SETBACKS = "requester_setbacks": 10;
    /// The capability was never carried out yet.
    CAPABILITY_NEW = "capability_new": 3;
    /// Much of what the capability did failed or was undone.
    CAPABILITY_SETBACKS = "capability_setbacks": 10;
    /// It is before six in the morning at the venue.
    NIGHT = "night": 5;
}

/// The weights of an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights(BTreeMap<Arc<str>, u32>);

impl Weights {
    /// The defaults with these in their place.
    pub fn with(own: &BTreeMap<Arc<str>, u32>) -> Self {
        Self(own.clone())
    }

    /// The points of a weight; nothing for a name without a meaning.
    pub fn of(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or_else(|| default_of(name).unwrap_or(0))
    }

    /// The points for every request of a module, where the organisation gave it some.
    pub fn of_module(&self, module: &str) -> u32 {
        self.0.get(format!("{MODULE}{module}").as_str()).copied().unwrap_or(0)
    }

    /// All that count, by name.
    pub fn all(&self) -> BTreeMap<Arc<str>, u32> {
        let mut all: BTreeMap<Arc<str>, u32> =
            DEFAULTS.iter().map(|(name, points)| ((*name).into(), *points)).collect();
        all.extend(self.0.iter().map(|(name, points)| (name.clone(), *points)));
        all
    }
}

/// The default of a weight; `None` for a name that is none, and for those of modules, which have no default.
pub fn default_of(name: &str) -> Option<u32> {
    DEFAULTS.iter().find(|(own, _)| *own == name).map(|(_, points)| *points)
}

/// Whether a name means something.
pub fn is_known(name: &str) -> bool {
    let of_module = name.strip_prefix(MODULE).is_some_and(|module| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !module.is_empty() && module.len() <= 64 && module.bytes().all(plain)
    });
    of_module || default_of(name).is_some()
}
