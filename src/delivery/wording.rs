//! How messages to people are worded: the templates in `templates/` filled with values that cannot break out of their place.
//!
//! A line of a template that names a value which is absent is left out. Values are filled in one pass: what looks like a
//! placeholder inside a value stays text.

const ALERT_TEXT: &str = include_str!("templates/alert.txt");
const ALERT_HTML: &str = include_str!("templates/alert.html");

const SUBJECT_TITLE_CHARS_MAX: usize = 100;
const SUBJECT_VENUE_CHARS_MAX: usize = 60;

/// What an alert is about. `message` is the rendered text of the action's template and may have several lines.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AlertParts<'a> {
    pub organisation: &'a str,
    pub venue: Option<&'a str>,
    pub severity: &'a str,
    pub title: &'a str,
    pub message: &'a str,
    /// Already in the reader's time zone and words.
    pub detected_at: &'a str,
    /// How often it was reported so far; the line is left out below 2.
    pub occurrences: u64,
    /// A page that asks for a login; anything but `http` and `https` is left out.
    pub link: Option<&'a str>,
}

/// The subject, the plain text (with the message word for word) and the HTML of an alert.
pub fn alert_mail(parts: &AlertParts<'_>) -> (String, String, String) {
    let venue = parts.venue.map(one_line).filter(|venue| !venue.is_empty());
    let title = one_line(parts.title);
    let severity = one_line(parts.severity);
    let values = [
        ("organisation", Some(one_line(parts.organisation))),
        ("message", Some(parts.message.to_owned())),
        ("detected_at", Some(one_line(parts.detected_at))),
        ("occurrences", (parts.occurrences > 1).then(|| parts.occurrences.to_string())),
        ("link", parts.link.map(one_line).filter(|link| opens_a_page(link))),
        ("title", Some(title.clone())),
        ("severity", Some(severity.clone())),
        ("venue", venue.clone()),
    ];
    let mut subject = format!("[{severity}] {}", shortened(&title, SUBJECT_TITLE_CHARS_MAX));
    if let Some(venue) = venue {
        subject.push_str(" · ");
        subject.push_str(&shortened(&venue, SUBJECT_VENUE_CHARS_MAX));
    }
    let text = filled(ALERT_TEXT, &values);
    let escaped = values.map(|(name, value)| (name, value.map(|value| escaped_html(&value))));
    (subject, text, filled(ALERT_HTML, &escaped))
}

/// `text` on one line: control characters, line and paragraph separators and marks that change the direction of writing become
/// blanks, and blanks are never doubled.
pub fn one_line(text: &str) -> String {
    let breaks_out = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.split(breaks_out).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `text` with at most `chars_max` characters, the last an ellipsis where something is missing.
pub fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn opens_a_page(link: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme)) && !link.contains(' ')
}

fn escaped_html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The template with `{{name}}` replaced, without the lines that name an absent value.
fn filled(template: &str, values: &[(&str, Option<String>)]) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    for line in template.split_inclusive('\n') {
        if let Some(line) = filled_line(line, values) {
            text.push_str(&line);
        }
    }
    text
}

/// None when the line names a value that is absent or unknown.
fn filled_line(line: &str, values: &[(&str, Option<String>)]) -> Option<String> {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}")?;
        let (_, value) = values.iter().find(|(known, _)| *known == name)?;
        text.push_str(before);
        text.push_str(value.as_ref()?);
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> AlertParts<'static> {
        AlertParts {
            organisation: "Harbour Group",
            venue: Some("Quay House"),
            severity: "critical",
            title: "Comps above 200",
            message: "Zoë comped 250 at Quay House",
            detected_at: "Friday 12 June, 19:04",
            occurrences: 3,
            link: Some("https://center.example/violations/1?a=b&c=d"),
        }
    }

    #[test]
    fn an_alert_names_what_happened_and_where() {
        let (subject, text, html) = alert_mail(&alert());
        assert_eq!(subject, "[critical] Comps above 200 · Quay House");
        for part in [
            "Comps above 200",
            "Zoë comped 250 at Quay House",
            "Quay House",
            "critical",
            "Friday 12 June, 19:04",
            "Harbour Group",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
            assert!(html.contains(part), "{part} in\n{html}");
        }
        assert!(text.contains("3 times") && text.contains("https://center.example/violations/1?a=b&c=d"), "{text}");
        assert!(html.contains(r#"href="https://center.example/violations/1?a=b&amp;c=d""#), "{html}");
    }

    #[test]
    fn lines_about_absent_values_are_left_out() {
        let (subject, text, html) = alert_mail(&AlertParts { venue: None, occurrences: 1, link: None, ..alert() });
        assert_eq!(subject, "[critical] Comps above 200");
        for gone in ["Venue", "times", "http", "{{"] {
            assert!(!text.contains(gone), "{gone} in\n{text}");
            assert!(!html.contains(gone), "{gone} in\n{html}");
        }
    }

    #[test]
    fn every_placeholder_of_the_templates_has_a_value() {
        let lines = |filled: &str| filled.lines().count();
        let (_, text, html) = alert_mail(&alert());
        assert_eq!((lines(&text), lines(&html)), (lines(ALERT_TEXT), lines(ALERT_HTML)));
    }

    #[test]
    fn the_text_carries_the_message_word_for_word() {
        let message = "First & <second>\n  third {{link}} $1 \\0\n\n.\nlast";
        let (_, text, html) = alert_mail(&AlertParts { message, ..alert() });
        assert!(text.contains(message), "{text}");
        assert!(html.contains("First &amp; &lt;second&gt;\n  third {{link}} $1"), "{html}");
    }

    #[test]
    fn html_in_a_value_stays_text() {
        let nasty = r#"<script>alert('x')</script><img src=x onerror="y">"#;
        let parts = AlertParts {
            organisation: nasty,
            venue: Some(nasty),
            severity: nasty,
            title: nasty,
            message: nasty,
            detected_at: nasty,
            ..alert()
        };
        let (_, _, html) = alert_mail(&parts);
        for live in ["<script", "<img", "onerror=\"y\""] {
            assert!(!html.contains(live), "{live} in\n{html}");
        }
        for link in ["javascript:alert(1)", "data:text/html,x", "https://a.example/ onclick=x", " "] {
            let (_, text, html) = alert_mail(&AlertParts { link: Some(link), ..alert() });
            assert!(!html.contains("href") && !text.contains("alert(1)"), "{link}: {html}");
        }
        let (_, _, html) = alert_mail(&AlertParts { link: Some(r#"https://a.example/"><b>"#), ..alert() });
        assert!(!html.contains("<b>"), "{html}");
    }

    #[test]
    fn a_line_break_in_a_value_starts_no_line_and_no_header() {
        let nasty = "Bar\r\nBcc: all@group.example\nDetected: never\u{2028}x\u{202E}y";
        let (subject, text, _) =
            alert_mail(&AlertParts { title: nasty, venue: Some(nasty), severity: nasty, ..alert() });
        assert!(!subject.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{202E}')), "{subject:?}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("Detected: never")), "{text}");
    }

    #[test]
    fn a_subject_stays_short_and_keeps_its_venue() {
        let (subject, _, _) = alert_mail(&AlertParts { title: &"é".repeat(200), ..alert() });
        assert!(subject.chars().count() <= 180 && subject.ends_with("… · Quay House"), "{subject}");
    }
}
