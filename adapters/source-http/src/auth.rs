//! Who we are: a header that stays, or one that is asked for, kept, and asked for again.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use contract::settings::SecretText;
use contract::{Fault, SourceError, clean};
use http_client::{Client, FetchError, Method, Url, brief, check_url};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::answer;
use crate::ask::{Ask, Places};
use crate::settings::{Auth, Login, Oauth, Verb};
use crate::template::{fill, fill_json, plain};

/// An answer with a token is short.
const ANSWER_MAX: usize = 1 << 16;
/// A token is asked for anew so long before it ends, because clocks differ.
const EARLY: Duration = Duration::from_secs(30);

/// What is known when the source is made.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody asks.
    Nobody,
    /// A header that stays.
    Fixed(HeaderName, HeaderValue),
    /// OAuth client credentials.
    Oauth {
        /// Where.
        url: Url,
        /// The form to send, with the secret in it.
        form: SecretText,
    },
    /// A login.
    Login {
        /// The question.
        ask: Ask,
        /// What is said of it.
        login: Box<Login>,
        /// The password.
        password: SecretText,
    },
}

impl Credentials {
    /// Reads the secrets.
    ///
    /// # Errors
    /// What cannot be read or does not fit, with its key.
    pub fn new(auth: Option<&Auth>, base: &str) -> Result<Credentials, Fault> {
        let read = |key: &str, secret: &contract::settings::Secret| {
            secret.read().map_err(|wrong| Fault::at(key, wrong))
        };
        Ok(match auth {
            None => Credentials::Nobody,
            Some(Auth::Bearer(secret)) => {
                let token = read("auth.bearer", secret)?;
                fixed("auth.bearer", "authorization", &format!("Bearer {}", token.reveal()))?
            }
            Some(Auth::Basic(basic)) => {
                let password = read("auth.basic.password", &basic.password)?;
                let both = BASE64_STANDARD.encode(format!("{}:{}", basic.user, password.reveal()));
                fixed("auth.basic.password", "authorization", &format!("Basic {both}"))?
            }
            Some(Auth::Header(header)) => {
                let value = read("auth.header.value", &header.value)?;
                fixed("auth.header.value", &header.name, value.reveal())?
            }
            Some(Auth::Oauth(oauth)) => {
                let secret = read("auth.oauth.client_secret", &oauth.client_secret)?;
                let url =
                    check_url(&oauth.token_url).map_err(|wrong| Fault::at("auth.oauth.token_url", wrong))?;
                Credentials::Oauth { url, form: form(oauth, &secret) }
            }
            Some(Auth::Login(login)) => {
                let ask = Ask::new(base, &login.path, Verb::Post, &Default::default(), Some(&login.body));
                Credentials::Login {
                    ask: ask.map_err(|wrong| Fault::at("auth.login.body", wrong))?,
                    password: read("auth.login.password", &login.password)?,
                    login: Box::new(login.clone()),
                }
            }
        })
    }
}

fn fixed(key: &str, name: &str, value: &str) -> Result<Credentials, Fault> {
    let name: HeaderName =
        name.parse().map_err(|_| Fault::at(key, format!("`{name}` is no name of a header")))?;
    Ok(Credentials::Fixed(name, secret_value(value).map_err(|wrong| Fault::at(key, wrong))?))
}

fn secret_value(value: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(value).map_err(|_| "holds a character that no header can hold".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn form(oauth: &Oauth, secret: &SecretText) -> SecretText {
    let mut pairs = vec![
        ("grant_type", "client_credentials"),
        ("client_id", oauth.client_id.as_str()),
        ("client_secret", secret.reveal()),
    ];
    pairs.extend(oauth.scope.as_deref().map(|scope| ("scope", scope)));
    // The way of a query is the way of a form.
    let url = Url::parse_with_params("http://form/", pairs).expect("a URL that is written here");
    SecretText::new(url.query().unwrap_or_default())
}

/// The credentials in use, with what was asked for and is kept.
pub struct Identity {
    credentials: Credentials,
    kept: Option<(HeaderName, HeaderValue, Option<Instant>)>,
}

impl Identity {
    /// Nothing is asked for yet.
    pub fn new(credentials: Credentials) -> Identity {
        Identity { credentials, kept: None }
    }

    /// The server no longer takes what is kept. Whether something else can be had.
    pub fn forget(&mut self) -> bool {
        self.kept.take().is_some()
    }

    /// The header to send.
    ///
    /// # Errors
    /// Locked out where the server does not take who we are; lost where it cannot be asked.
    pub async fn header(
        &mut self,
        client: &Client,
    ) -> Result<Option<(HeaderName, HeaderValue)>, SourceError> {
        match &self.credentials {
            Credentials::Nobody => return Ok(None),
            Credentials::Fixed(name, value) => return Ok(Some((name.clone(), value.clone()))),
            Credentials::Oauth { .. } | Credentials::Login { .. } => {}
        }
        if let Some((name, value, until)) = &self.kept
            && until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Some((name.clone(), value.clone())));
        }
        let (name, value, until) = match &self.credentials {
            Credentials::Oauth { url, form } => token(client, url, form).await?,
            Credentials::Login { ask, login, password } => session(client, ask, login, password).await?,
            Credentials::Nobody | Credentials::Fixed(..) => return Ok(None),
        };
        self.kept = Some((name.clone(), value.clone(), until));
        Ok(Some((name, value)))
    }
}

type Kept = (HeaderName, HeaderValue, Option<Instant>);

async fn token(client: &Client, url: &Url, form: &SecretText) -> Result<Kept, SourceError> {
    let request = client
        .request(Method::POST, url.clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.reveal().to_owned());
    let json = answer_of(client, request, "the token").await?;
    let token = json.get("access_token").and_then(Json::as_str);
    let token = token
        .ok_or_else(|| SourceError::Refused("the token: found no `access_token` in the answer".into()))?;
    let lasts = json.get("expires_in").and_then(|secs| secs.as_u64().or_else(|| secs.as_str()?.parse().ok()));
    // A day is enough for a token that says it lasts a century.
    let until =
        lasts.map(|secs| Instant::now() + Duration::from_secs(secs.min(86_400)).saturating_sub(EARLY));
    let value = secret_value(&format!("Bearer {token}")).map_err(SourceError::Refused)?;
    Ok((AUTHORIZATION, value, until))
}

async fn session(
    client: &Client,
    ask: &Ask,
    login: &Login,
    password: &SecretText,
) -> Result<Kept, SourceError> {
    let sent = ask.send(&Places::default());
    let ours = |name: &str| match name {
        "user" => Some(Json::from(login.user.as_str())),
        "password" => Some(Json::from(password.reveal())),
        _ => None,
    };
    let body = fill_json(&sent.body.unwrap_or_default(), &ours);
    let request = client.request(Method::POST, sent.url).json(&body);
    let json = answer_of(client, request, "the login").await?;
    let found = |name: &str| match name {
        "user" => Some(login.user.clone()),
        pointer => json.pointer(pointer).filter(|found| !found.is_null()).map(plain),
    };
    let missing = crate::template::names(&login.token).into_iter().find(|name| found(name).is_none());
    if let Some(name) = missing {
        // Not what was found instead: it may hold a secret.
        let words = format!("the login: found nothing at `{}` of the answer", clean(name, 100));
        return Err(SourceError::LockedOut(words));
    }
    let token = fill(&login.token, &found);
    let token = if login.base64 { BASE64_STANDARD.encode(token) } else { token };
    let value = format!("{} {token}", login.scheme);
    let name = login.header.parse().map_err(|_| SourceError::Refused("`header` is no name".to_owned()))?;
    Ok((name, secret_value(value.trim()).map_err(SourceError::Refused)?, None))
}

async fn answer_of(
    client: &Client,
    request: http_client::RequestBuilder,
    what: &str,
) -> Result<Json, SourceError> {
    let page = client.fetch(request, ANSWER_MAX).await.map_err(|error| match error {
        FetchError::Unreachable(words) => SourceError::Lost(format!("{what}: {words}")),
        FetchError::TooLarge => SourceError::Refused(format!("{what}: the answer is too long")),
        FetchError::Never(words) => SourceError::Refused(format!("{what}: {words}")),
    })?;
    let words = || format!("{what}: {}", brief(page.status, &String::from_utf8_lossy(&page.body)));
    match page.status {
        200..=299 => answer::parse(&page.body).map_err(|_| SourceError::Refused(format!("{what}: no JSON"))),
        408 | 425 | 429 | 500..=599 => Err(SourceError::Lost(words())),
        404 | 405 => Err(SourceError::Refused(words())),
        _ => Err(SourceError::LockedOut(words())),
    }
}
