//! How a domain value becomes a frozen one and back, and the forms of what has no fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::error::StoredError;
use crate::domain::ids::{OutsideId, StreamId};
use crate::domain::json::JsonText;
use crate::domain::people::Authority;
use crate::domain::templates::conditions::Conditions;
use crate::domain::time::{BusinessDate, Timestamp};
use crate::domain::violations::ViolationType;

/// A frozen type that holds a `D`. The form never changes; a changed `D` gets another form in another version.
pub trait Form<D>: Sized {
    /// The frozen value.
    fn freeze(value: &D) -> Self;

    /// The domain value, checked as if it came from outside.
    ///
    /// # Errors
    /// When it is none.
    fn thaw(self) -> Result<D, StoredError>;
}

/// Declares a frozen struct, field by field in the order of its bytes, and its way from and to a domain struct with the same
/// fields. A field that the domain gains or loses does not compile here: that is the moment for the next version, and this one
/// then becomes a plain struct with `From<XV1> for XV2`.
macro_rules! frozen {
    ($($(#[$doc:meta])* $name:ident of $domain:ident { $($field:ident: $form:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs, reason = "the fields are those of the domain")]
        pub struct $name { $(pub $field: $form,)+ }

        impl $crate::store::stored::form::Form<$domain> for $name {
            fn freeze(value: &$domain) -> Self {
                let $domain { $($field),+ } = value;
                Self { $($field: <$form as $crate::store::stored::form::Form<_>>::freeze($field),)+ }
            }

            fn thaw(self) -> Result<$domain, $crate::store::stored::error::StoredError> {
                Ok($domain { $($field: <$form as $crate::store::stored::form::Form<_>>::thaw(self.$field)?,)+ })
            }
        }
    )+};
}
pub(super) use frozen;

/// Declares the frozen struct of an event that has fields of its own: domain type and form of each, in the order of the bytes.
macro_rules! frozen_event {
    ($($(#[$doc:meta])* $name:ident of $event:ident::$variant:ident { $($field:ident: $domain:ty => $form:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs, reason = "the fields are those of the domain")]
        pub struct $name { $(pub $field: $form,)+ }

        impl $name {
            /// The frozen event with these fields.
            pub fn of($($field: &$domain),+) -> Self {
                Self { $($field: <$form as $crate::store::stored::form::Form<$domain>>::freeze($field),)+ }
            }

            /// The event.
            ///
            /// # Errors
            /// When a field is not what it should be.
            pub fn thaw(self) -> Result<$event, $crate::store::stored::error::StoredError> {
                Ok($event::$variant { $($field: <$form as $crate::store::stored::form::Form<$domain>>::thaw(self.$field)?,)+ })
            }
        }
    )+};
}
pub(super) use frozen_event;

macro_rules! as_it_is {
    ($($form:ty),+) => {$(
        impl Form<$form> for $form {
            fn freeze(value: &$form) -> Self { value.clone() }
            fn thaw(self) -> Result<$form, StoredError> { Ok(self) }
        }
    )+};
}

as_it_is!(bool, u8, u16, u32, u64, [u8; 16], [u8; 32]);

macro_rules! by_conversion {
    ($($domain:ty as $form:ty: |$value:ident| $freeze:expr, |$stored:ident| $thaw:expr;)+) => {$(
        impl Form<$domain> for $form {
            fn freeze($value: &$domain) -> Self { $freeze }
            fn thaw(self) -> Result<$domain, StoredError> { let $stored = self; $thaw }
        }
    )+};
}

by_conversion! {
    Arc<str> as String: |text| text.as_ref().to_owned(), |text| Ok(text.into());
    Uuid as [u8; 16]: |id| id.into_bytes(), |bytes| Ok(Uuid::from_bytes(bytes));
    Timestamp as i64: |at| at.0, |ms| Ok(Timestamp(ms));
    BusinessDate as i32: |date| date.0, |days| Ok(BusinessDate(days));
    StreamId as u64: |stream| stream.0, |number| Ok(StreamId(number));
    Authority as String: |rung| rung.0.as_ref().to_owned(), |name| Ok(Authority(name.into()));
    JsonText as String: |json| json.as_str().to_owned(), |text| Ok(JsonText::from_stored(text));
    OutsideId as String: |id| id.as_str().to_owned(), |text| OutsideId::parse(&text).map_err(|why| StoredError::malformed("an id", why));
    ViolationType as String: |name| name.as_str().to_owned(),
        |text| ViolationType::parse(&text).map_err(|why| StoredError::malformed("a violation type", why));
    Conditions as String: |conditions| json_of(conditions),
        |text| serde_json::from_str(&text).map_err(|error| StoredError::malformed("conditions", error));
    Decimal as (i128, u32): |amount| (amount.mantissa(), amount.scale()), |parts| {
        Decimal::try_from_i128_with_scale(parts.0, parts.1).map_err(|error| StoredError::malformed("an amount", error))
    };
    BTreeMap<Arc<str>, u32> as Vec<(String, u32)>:
        |map| map.iter().map(|(name, value)| (name.as_ref().to_owned(), *value)).collect(),
        |pairs| Ok(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect());
    BTreeMap<Arc<str>, Arc<str>> as Vec<(String, String)>:
        |map| map.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())).collect(),
        |pairs| Ok(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
}

/// The canonical JSON text of a type whose maps have text as keys, which JSON can always hold.
pub fn json_of<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("JSON holds maps with text as keys")
}

impl<D, S: Form<D>> Form<Option<D>> for Option<S> {
    fn freeze(value: &Option<D>) -> Self {
        value.as_ref().map(S::freeze)
    }

    fn thaw(self) -> Result<Option<D>, StoredError> {
        self.map(S::thaw).transpose()
    }
}

impl<D, S: Form<D>> Form<Vec<D>> for Vec<S> {
    fn freeze(value: &Vec<D>) -> Self {
        value.iter().map(S::freeze).collect()
    }

    fn thaw(self) -> Result<Vec<D>, StoredError> {
        self.into_iter().map(S::thaw).collect()
    }
}
