//! Percent-encoding, read strictly: a broken escape or bytes that are no UTF-8 are refused, and never replaced.

use std::borrow::Cow;

/// Whether a `+` is a space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// As in a query.
    Space,
    /// As in a path.
    Itself,
}

/// Reads a piece of a URL; `None` when it is broken. Allocates only where something is escaped.
pub fn decode(text: &str, plus: Plus) -> Option<Cow<'_, str>> {
    let escaped = |byte: &u8| *byte == b'%' || (*byte == b'+' && plus == Plus::Space);
    let Some(first) = text.as_bytes().iter().position(escaped) else { return Some(Cow::Borrowed(text)) };
    let (plain, mut rest) = text.as_bytes().split_at(first);
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(plain);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                (hex(digits[0])? << 4) | hex(digits[1])?
            }
            b'+' if plus == Plus::Space => b' ',
            other => *other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_broken_ones_refused() {
        assert!(matches!(decode("plain+", Plus::Itself), Some(Cow::Borrowed("plain+"))));
        assert_eq!(decode("a+b%20c", Plus::Space).as_deref(), Some("a b c"));
        assert_eq!(decode("Zo%C3%AB%2f", Plus::Itself).as_deref(), Some("Zoë/"));
        for broken in ["%", "%a", "%g0", "%+1", "%ff"] {
            assert_eq!(decode(broken, Plus::Space), None, "{broken}");
        }
    }
}
