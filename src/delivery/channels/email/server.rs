//! The mail server of a URL: how to connect to it, how to hand a mail over, and what its answers mean.

use std::error::Error as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use reqwest::Url;

use super::mail::Mail;
use crate::delivery::channel::{Outcome, detail};
use crate::delivery::effect::EffectOutcome;

const SMTP_PORT: u16 = 25;
const SUBMISSION_PORT: u16 = 587;
const SUBMISSIONS_PORT: u16 = 465;

/// Where mails are handed over. Has no `Debug`, because it holds a password.
pub(super) struct Server {
    host: String,
    port: u16,
    security: Security,
    login: Option<Credentials>,
    hello: ClientId,
    /// Every form in which the password goes over the wire, masked in details.
    secrets: Vec<String>,
}

enum Security {
    Plain,
    StartTlsIfOffered(TlsParameters),
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

impl Server {
    /// Reads the forms that lettre's own `from_url` documents; unlike it, refuses a user without a password.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that shows neither user nor password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("cannot be read: {error}"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls_to_host =
            || TlsParameters::new(host.clone()).map_err(|error| format!("has a host that TLS cannot check: {error}"));
        let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (port, security) = match (url.scheme(), asked.as_deref()) {
            ("smtp", None) => (SMTP_PORT, Security::Plain),
            ("smtp", Some("opportunistic")) => (SUBMISSION_PORT, Security::StartTlsIfOffered(tls_to_host()?)),
            ("smtp", Some("required")) => (SUBMISSION_PORT, Security::StartTls(tls_to_host()?)),
            ("smtps", _) => (SUBMISSIONS_PORT, Security::Tls(tls_to_host()?)),
            ("smtp", Some(_)) => return Err("has a tls parameter that is neither required nor opportunistic".into()),
            _ => return Err("starts with neither smtp:// nor smtps://".into()),
        };
        let (login, secrets) = match url.password() {
            Some(password) => {
                let (user, password) = (percent_decoded(url.username())?, percent_decoded(password)?);
                let secrets = wire_forms(&user, &password);
                (Some(Credentials::new(user, password)), secrets)
            }
            None if !url.username().is_empty() => return Err("names a user without a password".into()),
            None => (None, Vec::new()),
        };
        let name = url.path().trim_matches('/');
        let hello = if name.is_empty() { ClientId::default() } else { ClientId::Domain(name.to_owned()) };
        Ok(Self { port: url.port().unwrap_or(port), host, security, login, hello, secrets })
    }

    /// Opens a connection and hands the mail over on it. `Ok` means that the server took it, with what the server said.
    pub(super) async fn hand_over(&self, mail: &Mail) -> Result<(AsyncSmtpConnection, String), Error> {
        let mut connection = self.connect().await?;
        let reply = self.send(&mut connection, mail).await?;
        Ok((connection, reply))
    }

    /// Hands the mail over on a connection, and gives what the server said when it took it.
    pub(super) async fn send(&self, connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<String, Error> {
        let reply = connection.send(&mail.envelope, &mail.bytes).await?;
        let said = format!("{} {}", reply.code(), reply.message().collect::<Vec<_>>().join(" "));
        Ok(detail(&said, &self.secrets))
    }

    /// What a failed attempt means: 5xx stays refused, everything else may pass.
    pub(super) fn outcome_of(&self, error: &Error) -> Outcome {
        let detail = self.said(error);
        if error.is_permanent() { Outcome::Refused { detail } } else { Outcome::Retry { detail, after_ms: None } }
    }

    /// The same for a mail that was being handed over and must not come twice: without a word of the server it may have taken it.
    pub(super) fn effect_of(&self, error: &Error) -> EffectOutcome {
        let said = self.said(error);
        match error.status() {
            Some(_) if error.is_permanent() => EffectOutcome::Failed { error: said },
            Some(_) => EffectOutcome::NotSent { error: said },
            None => EffectOutcome::Unknown { error: said, retry_after_ms: None },
        }
    }

    /// What went wrong, for people.
    pub(super) fn said(&self, error: &Error) -> String {
        let said = match (error.status(), error.source()) {
            (Some(code), Some(text)) => format!("{code} {text}"),
            (Some(_), None) | (None, _) => error.to_string(),
        };
        detail(&said, &self.secrets)
    }

    /// Opens a connection on which mails can be handed over.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let tls_first = match &self.security {
            Security::Tls(tls) => Some(tls.clone()),
            Security::Plain | Security::StartTlsIfOffered(_) | Security::StartTls(_) => None,
        };
        let address = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, tls_first, None).await?;
        match &self.security {
            Security::StartTls(tls) => connection.starttls(tls.clone(), &self.hello).await?,
            Security::StartTlsIfOffered(tls) if connection.can_starttls() => {
                connection.starttls(tls.clone(), &self.hello).await?;
            }
            Security::StartTlsIfOffered(_) | Security::Plain | Security::Tls(_) => {}
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await?;
        }
        Ok(connection)
    }
}

/// The password as it is, and as AUTH LOGIN and AUTH PLAIN send it; the longest first, so that none leaves a rest of another.
fn wire_forms(user: &str, password: &str) -> Vec<String> {
    let plain = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
    let mut forms = vec![plain, BASE64_STANDARD.encode(password), password.to_owned()];
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}

fn percent_decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = behind.first_chunk::<2>().and_then(|hex| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(hex[0])? * 16 + digit(hex[1])?).ok()
        });
        match escaped {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &behind[2..];
            }
            Some(_) | None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| "has a user or password that is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Server {
        Server::parse(url).unwrap_or_else(|why| panic!("{url} {why}"))
    }

    #[test]
    fn a_url_says_host_port_and_security() {
        let plain = parsed("smtp://127.0.0.1:2525");
        assert_eq!((plain.host.as_str(), plain.port), ("127.0.0.1", 2525));
        assert!(matches!(plain.security, Security::Plain) && plain.login.is_none());
        assert_eq!(parsed("smtp://mail.example").port, 25);
        assert_eq!(parsed("smtp://[::1]:26").host, "::1");
        let wrapped = parsed("smtps://ana:pw@mail.example");
        assert!(matches!(wrapped.security, Security::Tls(_)) && wrapped.port == 465 && wrapped.login.is_some());
        let required = parsed("smtp://mail.example/center.example?tls=required");
        assert!(matches!(required.security, Security::StartTls(_)) && required.port == 587);
        assert_eq!(required.hello.to_string(), "center.example");
        assert!(matches!(parsed("smtp://mail.example?tls=opportunistic").security, Security::StartTlsIfOffered(_)));
    }

    #[test]
    fn an_unusable_url_is_refused_without_showing_it() {
        for url in [
            "",
            "mail.example",
            "http://ana:hunter2@mail.example",
            "smtp://ana:hunter2@mail.example?tls=maybe",
            "smtp:",
            "smtp://ana@mail.example",
            "ana:hunter2@mail.example",
            "smtp://ana:%FFhunter2@h",
        ] {
            let why = Server::parse(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            assert!(!why.contains("hunter2") && !why.contains("ana"), "{why}");
        }
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        assert_eq!(percent_decoded("a%40b%2fc%C3%A9"), Ok("a@b/cé".to_owned()));
        assert_eq!(percent_decoded("100%"), Ok("100%".to_owned()));
        assert!(percent_decoded("%FF").is_err());
    }
}
