//! States and their snapshots.
//!
//! ```text
//! schema u16 · head (a piece) · for each section, in the order of the code below: count u64 · that many objects (pieces)
//! ```
//! A piece is its length in a `u32` and its bytes. Every object is a piece of its own, so that no limit of the codec bounds how many
//! there are. Objects are in the order in which they came, which is the order of their numbers: some lists of the state are in that
//! order, and equal states have equal bytes.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::bytes::{Reader, put_value, value_of};
use super::form::Form;
use super::{StoredError, v1, v2};
use crate::domain::aggregate::Aggregate;
use crate::domain::directory::state::Directory;
use crate::domain::idempotency::{Idempotency, Known};
use crate::domain::state::TenantState;
use crate::domain::templates::pace::Act;
use crate::domain::templates::shadow::{ShadowTotals, Shadows};
use crate::domain::time::Timestamp;
use crate::domain::trends::{Counter, Place, Trends};

/// The schema of a directory that [`StoredState::to_snapshot`] writes.
pub const DIRECTORY_SCHEMA: u16 = 1;
/// The schema of an organisation that it writes. The first one knew overrides only: no tasks, no capabilities, no
/// policy; the second one no channels, no notifications, and of webhooks neither their health nor what is over.
pub const TENANT_SCHEMA: u16 = 3;

/// A state that can be stored.
pub trait StoredState: Aggregate {
    /// The whole state. Equal states have equal bytes.
    fn to_snapshot(&self) -> Vec<u8>;

    /// The state that was stored, in any schema that ever was; it has the same [`Aggregate::state_hash`].
    ///
    /// # Errors
    /// [`StoredError::UnknownSnapshot`]; or what is wrong with the bytes.
    fn from_snapshot(body: &[u8]) -> Result<Self, StoredError>;
}

impl StoredState for TenantState {
    fn to_snapshot(&self) -> Vec<u8> {
        let organisation = self.is_founded().then(|| Form::freeze(self.organisation()));
        let mut out = started(
            TENANT_SCHEMA,
            &v1::TenantHeadV1 { last_seq: self.last_seq(), organisation, inhibitions: Form::freeze(&self.inhibitions) },
        );
        put_section::<v1::VenueV1, _>(&mut out, sorted(self.venues.values(), |venue| venue.venue_id.clone()));
        put_section::<v1::OwnTypeV1, _>(&mut out, sorted(self.own_types.values(), |one| one.violation_type.clone()));
        put_section::<v1::TemplateV1, _>(&mut out, sorted(self.templates.iter(), |one| (one.seq, one.id)));
        put_section::<v1::ViolationV1, _>(&mut out, sorted(self.violations.iter(), |one| (one.seq, one.id)));
        put_section::<v1::ActionV1, _>(&mut out, sorted(self.actions.iter(), |one| (one.seq, one.id)));
        put_section::<v1::BlockV1, _>(&mut out, sorted(self.blocks.iter(), |one| (one.seq, one.id)));
        put_section::<v1::TrendV1, _>(&mut out, sorted_trends(&self.trends).iter().collect());
        put_section::<v1::SilenceV1, _>(&mut out, sorted(self.silences.iter(), |one| (one.seq, one.id)));
        put_section::<v1::GrantV1, _>(&mut out, sorted(self.grants.iter(), |one| (one.seq, one.id)));
        put_section::<v2::ApprovalV2, _>(&mut out, sorted(self.approvals.iter(), |one| (one.seq, one.id)));
        put_section::<v2::TaskV2, _>(&mut out, sorted(self.tasks.iter(), |one| (one.seq, one.id)));
        put_shadows(&mut out, &self.shadows);
        put_section::<v2::WebhookV2, _>(&mut out, sorted(self.webhooks.iter(), |one| (one.seq, one.id)));
        put_section::<v1::NoticeV1, _>(&mut out, sorted(self.webhooks.notices(), |one| (one.seq, one.id)));
        put_section::<v1::CapabilityV1, _>(
            &mut out,
            sorted(self.capabilities.iter(), |one| (one.seq, one.name.clone())),
        );
        put_section::<v1::PolicyV1, _>(&mut out, self.own_policy.as_deref().into_iter().collect());
        put_section::<v2::ChannelsV2, _>(&mut out, vec![&self.channels]);
        put_section::<v2::LineV2, _>(&mut out, sorted(self.webhooks.log.iter(), |line| line.seq));
        put_section::<v2::SettledV2, _>(
            &mut out,
            sorted(self.webhooks.settled.iter(), |one| (one.notice.seq, one.notice.id)),
        );
        put_section::<v1::AnnouncementV1, _>(&mut out, self.notifications.waiting().collect());
        put_section::<v1::PersonV1, _>(&mut out, sorted(self.notifications.people(), |one| one.user_id.clone()));
        put_section::<v1::NotificationV1, _>(&mut out, sorted(self.notifications.iter(), |one| (one.seq, one.id)));
        put_section::<String, _>(&mut out, self.rush.iter().collect());
        put_known(&mut out, &self.idempotency);
        out
    }

    fn from_snapshot(body: &[u8]) -> Result<Self, StoredError> {
        let (mut reader, schema) = opened(body, TENANT_SCHEMA)?;
        let head: v1::TenantHeadV1 = value_of(reader.piece()?)?;
        let mut state = Self::restored(head.organisation.thaw()?, head.last_seq);
        state.inhibitions = head.inhibitions.thaw()?;
        each::<v1::VenueV1, _>(&mut reader, |venue| state.venues.insert(venue.venue_id.clone(), venue))?;
        each::<v1::OwnTypeV1, _>(&mut reader, |own| state.own_types.insert(own))?;
        each::<v1::TemplateV1, _>(&mut reader, |template| state.templates.put(template))?;
        each::<v1::ViolationV1, _>(&mut reader, |violation| state.violations.add(violation))?;
        each::<v1::ActionV1, _>(&mut reader, |action| state.add_action(action))?;
        each::<v1::BlockV1, _>(&mut reader, |block| state.blocks.add(block))?;
        each::<v1::TrendV1, _>(&mut reader, |(place, counter)| state.trends.put_back(place, counter))?;
        each::<v1::SilenceV1, _>(&mut reader, |silence| state.silences.put_back(silence))?;
        each::<v1::GrantV1, _>(&mut reader, |grant| state.grants.add(grant))?;
        if schema == 1 {
            each_grown::<v1::ApprovalV1, v2::ApprovalV2, _>(&mut reader, |approval| state.approvals.add(approval))?;
        } else {
            each::<v2::ApprovalV2, _>(&mut reader, |approval| state.approvals.add(approval))?;
            each::<v2::TaskV2, _>(&mut reader, |task| state.tasks.add(task))?;
        }
        each::<v1::ShadowCountV1, _>(&mut reader, |(template, totals)| {
            state.shadows.put_back_totals(template, totals);
        })?;
        each::<v1::ShadowRecordV1, _>(&mut reader, |record| state.shadows.put_back(record))?;
        each::<v1::ShadowPaceV1, _>(&mut reader, |(act, at)| state.shadows.pace.note(act, at))?;
        if schema > 2 {
            each::<v2::WebhookV2, _>(&mut reader, |webhook| state.webhooks.put(webhook))?;
        } else {
            each_grown::<v1::WebhookV1, v2::WebhookV2, _>(&mut reader, |webhook| state.webhooks.put(webhook))?;
        }
        each::<v1::NoticeV1, _>(&mut reader, |notice| state.webhooks.add_notice(notice))?;
        if schema > 1 {
            each::<v1::CapabilityV1, _>(&mut reader, |capability| state.capabilities.put(capability))?;
            each::<v1::PolicyV1, _>(&mut reader, |policy| state.own_policy = Some(Box::new(policy)))?;
        }
        if schema > 2 {
            each::<v2::ChannelsV2, _>(&mut reader, |channels| state.channels = channels)?;
            each::<v2::LineV2, _>(&mut reader, |line| state.webhooks.log.add(line))?;
            each::<v2::SettledV2, _>(&mut reader, |one| state.webhooks.settled.add(one))?;
            each::<v1::AnnouncementV1, _>(&mut reader, |announcement| state.notifications.announce(announcement))?;
            each::<v1::PersonV1, _>(&mut reader, |person| state.notifications.put_person(person))?;
            each::<v1::NotificationV1, _>(&mut reader, |notification| state.notifications.put(notification))?;
            each::<String, _>(&mut reader, |windows| state.rush = Some(windows))?;
        }
        each::<v1::KnownV1, _>(&mut reader, |(key, known)| state.idempotency.put_back(key, known))?;
        reader.done()?;
        Ok(state)
    }
}

impl StoredState for Directory {
    fn to_snapshot(&self) -> Vec<u8> {
        let mut out = started(
            DIRECTORY_SCHEMA,
            &v1::DirectoryHeadV1 { last_seq: self.last_seq(), last_stream: self.last_stream() },
        );
        put_section::<v1::RegistrationV1, _>(
            &mut out,
            sorted(self.organisations(), |one| (one.stream, one.org_id.clone())),
        );
        put_section::<v1::KeyV1, _>(&mut out, sorted(self.keys(), |key| (key.seq, key.id.clone())));
        put_section::<v1::UserV1, _>(
            &mut out,
            sorted(self.users(), |user| (user.seq, user.org_id.clone(), user.id.clone())),
        );
        put_section::<v1::SessionV1, _>(&mut out, sorted(self.sessions(), |session| session.hash));
        put_known(&mut out, self.idempotency());
        out
    }

    fn from_snapshot(body: &[u8]) -> Result<Self, StoredError> {
        let (mut reader, _) = opened(body, DIRECTORY_SCHEMA)?;
        let head: v1::DirectoryHeadV1 = value_of(reader.piece()?)?;
        let mut state = Self::restored(head.last_seq, head.last_stream);
        each::<v1::RegistrationV1, _>(&mut reader, |registration| state.add_organisation(registration))?;
        each::<v1::KeyV1, _>(&mut reader, |key| state.add_key(key))?;
        each::<v1::UserV1, _>(&mut reader, |user| state.put_user(user))?;
        each::<v1::SessionV1, _>(&mut reader, |session| state.add_session(session))?;
        each::<v1::KnownV1, _>(&mut reader, |(key, known)| state.put_back_request(key, known))?;
        reader.done()?;
        Ok(state)
    }
}

fn started<H: Serialize>(schema: u16, head: &H) -> Vec<u8> {
    let mut out = schema.to_le_bytes().to_vec();
    put_value(&mut out, head);
    out
}

/// What follows the schema, which is one of those up to the newest.
fn opened(body: &[u8], newest: u16) -> Result<(Reader<'_>, u16), StoredError> {
    let mut reader = Reader::new(body);
    match reader.u16()? {
        schema if (1..=newest).contains(&schema) => Ok((reader, schema)),
        schema => Err(StoredError::UnknownSnapshot { schema }),
    }
}

fn sorted<'a, D, K: Ord>(objects: impl Iterator<Item = &'a D>, key: impl FnMut(&&'a D) -> K) -> Vec<&'a D> {
    let mut objects: Vec<&D> = objects.collect();
    objects.sort_by_cached_key(key);
    objects
}

fn put_section<S: Form<D> + Serialize, D>(out: &mut Vec<u8>, objects: Vec<&D>) {
    out.extend_from_slice(&(objects.len() as u64).to_le_bytes());
    for object in objects {
        put_value(out, &S::freeze(object));
    }
}

/// What templates on trial would have done: the totals, the records, and when each last acted for whom.
fn put_shadows(out: &mut Vec<u8>, shadows: &Shadows) {
    let mut totals: Vec<(Uuid, ShadowTotals)> =
        shadows.all_totals().map(|(id, totals)| (*id, totals.clone())).collect();
    totals.sort_unstable_by_key(|(template, _)| *template);
    put_section::<v1::ShadowCountV1, _>(out, totals.iter().collect());
    put_section::<v1::ShadowRecordV1, _>(out, sorted(shadows.records(), |record| record.seq));
    let mut acts: Vec<(Act, Timestamp)> = shadows.pace.iter().map(|(act, at)| (act.clone(), *at)).collect();
    acts.sort_unstable();
    put_section::<v1::ShadowPaceV1, _>(out, acts.iter().collect());
}

/// Idempotency keys, oldest first: in that order they are let go.
fn put_known(out: &mut Vec<u8>, idempotency: &Idempotency) {
    let known: Vec<(Arc<str>, Known)> = idempotency.iter().map(|(key, known)| (key.clone(), *known)).collect();
    put_section::<v1::KnownV1, _>(out, known.iter().collect());
}

fn sorted_trends(trends: &Trends) -> Vec<(Place, Counter)> {
    trends.iter().map(|(place, counter)| (place, counter.clone())).collect() // kept in order
}

fn each<S: Form<D> + DeserializeOwned, D>(reader: &mut Reader<'_>, mut take: impl FnMut(D)) -> Result<(), StoredError> {
    for _ in 0..reader.u64()? {
        take(value_of::<S>(reader.piece()?)?.thaw()?);
    }
    Ok(())
}

/// As [`each`], for objects in an older form `S`, through the next one `T`.
fn each_grown<S: Into<T> + DeserializeOwned, T: Form<D>, D>(
    reader: &mut Reader<'_>,
    mut take: impl FnMut(D),
) -> Result<(), StoredError> {
    for _ in 0..reader.u64()? {
        let next: T = value_of::<S>(reader.piece()?)?.into();
        take(next.thaw()?);
    }
    Ok(())
}
