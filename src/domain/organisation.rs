//! The tenant and its venues: names, contacts, time zones, the authority ladder.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ids::{OrgId, VenueId};
use super::people::{Authority, Held};
use super::rejection::{Faults, Rejection};
use super::time::{BusinessDate, Timestamp, Zone};

/// The most venues of one organisation.
pub const VENUES_MAX: usize = 10_000;
/// The hour at which a business day starts unless a venue says otherwise.
pub const BUSINESS_DAY_STARTS: u8 = 4;
/// The ladder of a new organisation, lowest first.
pub const DEFAULT_LADDER: [&str; 4] = ["manager", "gm", "vp_ops", "owner"];

/// Names that messages can use, such as `gm_email`.
pub type Contacts = BTreeMap<Arc<str>, Arc<str>>;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Organisation {
    pub org_id: OrgId,
    pub name: Arc<str>,
    /// IANA; where a violation has no venue.
    pub time_zone: Arc<str>,
    /// Lowest first.
    pub authority_ladder: Vec<Authority>,
    pub contacts: Contacts,
    pub created_at: Timestamp,
}

impl Organisation {
    /// Where a rung stands on the ladder, 0 the lowest; `None` when it is no rung.
    pub fn rank(&self, authority: &Authority) -> Option<usize> {
        self.authority_ladder.iter().position(|rung| rung == authority)
    }

    /// Whether what somebody holds is at least `needed`. Where the ladder lost a rung, its top decides.
    pub fn is_enough(&self, held: &Held, needed: &Authority) -> bool {
        match held {
            Held::Top => true,
            Held::Nothing => false,
            Held::Rung(held) => match (self.rank(held), self.rank(needed)) {
                (Some(held), Some(needed)) => held >= needed,
                (Some(held), None) => held + 1 == self.authority_ladder.len(),
                (None, _) => false,
            },
        }
    }

    /// How strict it is to ask for a rung: its place on the ladder; one that the ladder lost is above all.
    pub fn strictness(&self, needed: &Authority) -> usize {
        self.rank(needed).unwrap_or(usize::MAX)
    }

    /// The lowest rung.
    pub fn lowest_authority(&self) -> Authority {
        self.authority_ladder.first().cloned().unwrap_or_else(|| Authority::named(DEFAULT_LADDER[0]))
    }
}

/// One site of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Venue {
    pub venue_id: VenueId,
    pub name: Arc<str>,
    /// IANA.
    pub time_zone: Arc<str>,
    /// Hour of the local day, 0–23.
    pub business_day_starts: u8,
    pub contacts: Contacts,
}

impl Venue {
    /// The end of the business date of a moment at this venue.
    pub fn business_day_end(&self, moment: Timestamp) -> Timestamp {
        self.business_date(moment).end(&Zone::named_or_utc(&self.time_zone), self.business_day_starts)
    }

    /// The business date of a moment at this venue.
    pub fn business_date(&self, moment: Timestamp) -> BusinessDate {
        BusinessDate::at(moment, &Zone::named_or_utc(&self.time_zone), self.business_day_starts)
    }
}

/// What is to become of an organisation's settings; what is absent stays.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SettingsDraft {
    pub name: Option<String>,
    pub contacts: Option<BTreeMap<String, String>>,
    pub authority_ladder: Option<Vec<String>>,
}

impl SettingsDraft {
    /// The organisation with these settings.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for names, contacts or a ladder that cannot be.
    pub fn applied_to(self, old: &Organisation) -> Result<Organisation, Rejection> {
        let mut faults = Faults::default();
        let mut new = old.clone();
        if let Some(name) = self.name {
            check_name(&mut faults, "/name", &name);
            new.name = name.into();
        }
        if let Some(contacts) = self.contacts {
            new.contacts = checked_contacts(&mut faults, contacts);
        }
        if let Some(ladder) = self.authority_ladder {
            new.authority_ladder = checked_ladder(&mut faults, &ladder);
        }
        faults.done()?;
        Ok(new)
    }
}

/// What a venue is to be.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct VenueDraft {
    pub name: String,
    pub time_zone: String,
    pub business_day_starts: Option<u8>,
    pub contacts: Option<BTreeMap<String, String>>,
}

impl VenueDraft {
    /// The venue as it will be stored.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for a name, zone, hour or contact that cannot be.
    pub fn checked(self, venue_id: VenueId) -> Result<Venue, Rejection> {
        let mut faults = Faults::default();
        check_name(&mut faults, "/name", &self.name);
        faults.take("/time_zone", Zone::named(&self.time_zone));
        let starts = self.business_day_starts.unwrap_or(BUSINESS_DAY_STARTS);
        faults.expect(starts < 24, "/business_day_starts", "is not an hour from 0 to 23");
        let contacts = checked_contacts(&mut faults, self.contacts.unwrap_or_default());
        faults.done()?;
        Ok(Venue {
            venue_id,
            name: self.name.into(),
            time_zone: self.time_zone.into(),
            business_day_starts: starts,
            contacts,
        })
    }
}

/// Checks a name that people read: 1–200 characters on one line.
pub fn check_name(faults: &mut Faults, pointer: &str, name: &str) {
    faults.expect(!name.trim().is_empty(), pointer, "is empty");
    faults.expect(!name.chars().any(char::is_control), pointer, "contains a control character");
    faults.text(pointer, Some(name), 200);
}

fn checked_contacts(faults: &mut Faults, contacts: BTreeMap<String, String>) -> Contacts {
    faults.expect(contacts.len() <= 50, "/contacts", "has more than 50 entries");
    for (name, value) in &contacts {
        let pointer = format!("/contacts/{name}");
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        faults.expect(plain && name.len() <= 64, &pointer, "is not a name of letters, digits and _ (64 at most)");
        faults.expect(!value.chars().any(char::is_control), &pointer, "contains a control character");
        faults.text(&pointer, Some(value), 300);
    }
    contacts.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn checked_ladder(faults: &mut Faults, ladder: &[String]) -> Vec<Authority> {
    faults.expect((1..=16).contains(&ladder.len()), "/authority_ladder", "does not have 1 to 16 rungs");
    for (index, rung) in ladder.iter().enumerate() {
        let pointer = format!("/authority_ladder/{index}");
        let plain = !rung.is_empty() && rung.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        faults.expect(plain && rung.len() <= 64, &pointer, "is not a name of small letters, digits and _ (64 at most)");
        faults.expect(!ladder[..index].contains(rung), &pointer, "stands on the ladder twice");
    }
    ladder.iter().map(|rung| Authority::named(rung)).collect()
}
