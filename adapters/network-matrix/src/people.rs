//! Who speaks: the user of each machine, made when first needed, and the service's own for the site.

use contract::{Author, DeliveryError, clean};
use http_client::Method;
use serde::Deserialize;
use serde_json::json;

use crate::judge::{errcode, judge, judge_before, read_before};
use crate::matrix::Room;

/// Longer names of machines are cut; the server takes 256.
const NAME_CHARS_MAX: usize = 100;

/// Whose token it is.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    /// `@portevoix:usine.example`.
    pub(crate) user: String,
    /// What stands after the colon.
    server: String,
}

/// `m.room.member`: what is looked at of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Member {
    membership: String,
    displayname: Option<String>,
    avatar_url: Option<String>,
}

impl Room {
    /// Whose token it is, asked for once.
    pub(crate) async fn me(&self) -> Result<&Me, DeliveryError> {
        #[derive(Deserialize)]
        struct Who {
            user_id: String,
            device_id: Option<String>,
        }
        let found = self.me.get_or_try_init(async || {
            let answer = self.server.whoami(None).await?;
            judge_before(&answer, "the token")?;
            let Who { user_id: user, device_id } = read_before(&answer.body)?;
            let server = user.split_once(':').map(|(_, server)| server.to_owned()).unwrap_or_default();
            match (self.server.device().is_some(), device_id.is_some()) {
                (true, true) => Err(DeliveryError::LockedOut(format!(
                    "the token is one of the ordinary user {user}, expected one of an application service; else \
                     name it `token`"
                ))),
                (false, false) => Err(DeliveryError::LockedOut(format!(
                    "the token of {user} belongs to no device, so a repeated post would not be recognised after a \
                     restart of the server: expected a token of a log-in"
                ))),
                (true, false) | (false, true) => Ok(Me { user, server }),
            }
        });
        found.await
    }

    fn is_service(&self) -> bool {
        self.server.device().is_some()
    }

    /// The user of an author. A key with `_` in front is that of the site: no machine has such a name.
    pub(crate) fn user_of(&self, me: &Me, key: &str) -> String {
        if !self.is_service() || key.starts_with('_') {
            return me.user.clone();
        }
        format!("@{}{}:{}", self.settings.user_prefix, localpart(key), me.server)
    }

    /// Everybody who would speak.
    pub(crate) async fn speakers(&self) -> Result<Vec<String>, DeliveryError> {
        let me = self.me().await?;
        let machines = self.machines.iter().map(|key| self.user_of(me, key));
        let mut speakers: Vec<String> = std::iter::once(me.user.clone()).chain(machines).collect();
        speakers.dedup();
        Ok(speakers)
    }

    /// The user of an author, who is in the room and, if it is the author's own, has the author's name.
    pub(crate) async fn speaker(&self, room: &str, author: &Author) -> Result<String, DeliveryError> {
        let user = self.user_of(self.me().await?, &author.key);
        let name = display_name(author);
        let key = (room.to_owned(), user.clone());
        match self.known().present.get(&key) {
            Some(known) if !self.is_service() || *known == name => return Ok(user),
            Some(_) | None => {}
        }
        if self.is_service() {
            self.introduce(room, &user, author, &name).await?;
        } else if self.member(room, &user).await?.membership != "join" {
            // A room that all may read lets nobody speak who is not in it.
            self.join(room, &user).await?;
        }
        self.known().present.insert(key, name);
        Ok(user)
    }

    async fn introduce(
        &self,
        room: &str,
        user: &str,
        author: &Author,
        name: &str,
    ) -> Result<(), DeliveryError> {
        self.enrol(user).await?;
        let member = self.member(room, user).await?;
        let is_here = member.membership == "join";
        if !is_here || member.displayname.as_deref() != Some(name) {
            self.tell_profile(user, "displayname", name).await;
        }
        if let Some(avatar) = self.settings.avatar(&author.key)
            && (!is_here || member.avatar_url.as_deref() != Some(avatar))
        {
            self.tell_profile(user, "avatar_url", avatar).await;
        }
        if is_here { Ok(()) } else { self.bring(room, user).await }
    }

    /// A user with our device: made if it is not there.
    async fn enrol(&self, user: &str) -> Result<(), DeliveryError> {
        let answer = self.server.whoami(Some(user)).await?;
        match (answer.status, errcode(&answer).as_str()) {
            (200, _) => Ok(()),
            (400, "M_UNKNOWN_DEVICE") => self.make_device(user).await,
            // Not registered yet, or not one of ours: the registration tells which.
            (403, _) => {
                self.register(user).await?;
                self.make_device(user).await
            }
            _ => judge_before(&answer, user),
        }
    }

    async fn register(&self, user: &str) -> Result<(), DeliveryError> {
        let body = json!({
            "type": "m.login.application_service", "username": name_of(user), "inhibit_login": true,
        });
        let answer = self.server.set(Method::POST, &["register"], None, &body).await?;
        if errcode(&answer) == "M_USER_IN_USE" {
            return Ok(());
        }
        judge_before(&answer, &format!("{user} cannot be registered"))
    }

    /// A log-in whose token nobody keeps: what counts is the device. Where people log in elsewhere there is none, and
    /// a device is made by itself (client-server API since 1.17, MSC4190).
    async fn make_device(&self, user: &str) -> Result<(), DeliveryError> {
        let device = self.server.device().unwrap_or_default();
        let body = json!({
            "type": "m.login.application_service",
            "identifier": { "type": "m.id.user", "user": name_of(user) },
            "device_id": device,
            "initial_device_display_name": "portevoix",
        });
        let mut answer = self.server.set(Method::POST, &["login"], None, &body).await?;
        if errcode(&answer) == "M_APPSERVICE_LOGIN_UNSUPPORTED" {
            let body = json!({ "display_name": "portevoix" });
            answer = self.server.set(Method::PUT, &["devices", device], Some(user), &body).await?;
        }
        judge_before(&answer, &format!("the device of {user}"))
    }

    /// What the room knows of a user: nothing, if it never was in it.
    async fn member(&self, room: &str, user: &str) -> Result<Member, DeliveryError> {
        let answer = self.read_room(room, &["state", "m.room.member", user], &[]).await?;
        if answer.status == 404 {
            return Ok(Member::default());
        }
        judge_before(&answer, user)?;
        read_before(&answer.body)
    }

    /// Name and picture are a pleasure, not a condition: a server may forbid both.
    async fn tell_profile(&self, user: &str, key: &str, value: &str) {
        let body = json!({ key: value });
        let asked = self.server.set(Method::PUT, &["profile", user, key], Some(user), &body).await;
        if let Err(reason) = asked.and_then(|answer| judge(&answer)) {
            tracing::warn!(%user, key, %reason, "the profile stays as it is");
        }
    }

    /// Into the room, by an invitation if need be.
    async fn bring(&self, room: &str, user: &str) -> Result<(), DeliveryError> {
        let is_me = self.me().await?.user == user;
        match self.join(room, user).await {
            Err(DeliveryError::LockedOut(_)) if !is_me => {
                self.invite(room, user).await?;
                self.join(room, user).await
            }
            joined => joined,
        }
    }
}

/// The name that people see.
fn display_name(author: &Author) -> String {
    let name = clean(author.name.trim(), NAME_CHARS_MAX);
    if name.is_empty() { author.key.clone() } else { name }
}

/// `pv_press-3` of `@pv_press-3:usine.example`.
fn name_of(user: &str) -> &str {
    user.trim_start_matches('@').split(':').next().unwrap_or_default()
}

/// A key as a part of a user's name: what may not stand there is written as its bytes (appendices, *Mapping from other
/// character sets*).
fn localpart(key: &str) -> String {
    let is_fit =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
    let write = |byte: u8| if is_fit(byte) { char::from(byte).to_string() } else { format!("={byte:02x}") };
    key.bytes().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_becomes_a_name_and_two_keys_never_the_same() {
        assert_eq!(localpart("press-3"), "press-3");
        assert_eq!(localpart("Fräse 1=a"), "=46r=c3=a4se=201=3da");
        assert_eq!(name_of("@pv_press-3:usine.example:8448"), "pv_press-3");
    }

    #[test]
    fn a_name_is_short_and_never_empty() {
        let author =
            |name: &str| Author { key: "press-3".to_owned(), name: name.to_owned(), place: String::new() };
        assert_eq!(display_name(&author(" Presse 3\n")), "Presse 3");
        assert_eq!(display_name(&author("\u{200b}")), "press-3");
        assert_eq!(display_name(&author(&"e\u{301}".repeat(5_000))).chars().count(), 101);
    }
}
