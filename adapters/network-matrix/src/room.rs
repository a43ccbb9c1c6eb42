//! The room: where it is, that it is not encrypted, that one may speak in it.

use std::collections::BTreeMap;

use contract::DeliveryError;
use http_client::{Answer, Method};
use serde::Deserialize;
use serde_json::json;

use crate::judge::{errcode, judge_before, read_before};
use crate::matrix::Room;

/// `m.room.power_levels`, with the defaults of the specification.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Powers {
    events: BTreeMap<String, i64>,
    events_default: i64,
    users: BTreeMap<String, i64>,
    users_default: i64,
}

impl Powers {
    fn needed(&self) -> i64 {
        self.events.get("m.room.message").copied().unwrap_or(self.events_default)
    }

    fn of(&self, user: &str) -> i64 {
        self.users.get(user).copied().unwrap_or(self.users_default)
    }
}

impl Room {
    /// The id of the room, asked for once and again after a refusal: an alias may point elsewhere one day.
    pub(crate) async fn room(&self) -> Result<String, DeliveryError> {
        #[derive(Deserialize)]
        struct Found {
            room_id: String,
        }
        let name = self.settings.room.as_deref().unwrap_or_default();
        if name.starts_with('!') {
            return Ok(name.to_owned());
        }
        if let Some(room) = &self.known().room {
            return Ok(room.clone());
        }
        let me = &self.me().await?.user;
        let answer = self.server.get(&["directory", "room", name], &[], me).await?;
        judge_before(&answer, &format!("the room `{name}`"))?;
        let Found { room_id } = read_before(&answer.body)?;
        self.known().room = Some(room_id.clone());
        Ok(room_id)
    }

    /// Reads something of a room. Whoever asks must be in it, and joins it if not.
    pub(crate) async fn read_room(
        &self,
        room: &str,
        what: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Answer, DeliveryError> {
        let me = &self.me().await?.user;
        let path = [&["rooms", room], what].concat();
        let answer = self.server.get(&path, query, me).await?;
        if answer.status != 403 {
            return Ok(answer);
        }
        self.join(room, me).await?;
        self.server.get(&path, query, me).await
    }

    /// Asks before every post, for a room can be encrypted at any time and never be plain again.
    pub(crate) async fn refuse_encryption(&self, room: &str) -> Result<(), DeliveryError> {
        let answer = self.read_room(room, &["state", "m.room.encryption"], &[]).await?;
        match (answer.status, errcode(&answer).as_str()) {
            (404, "M_NOT_FOUND") => Ok(()),
            (200, _) => Err(DeliveryError::LockedOut(format!(
                "the room {room} is encrypted, and encryption cannot be taken back: expected a room without it"
            ))),
            _ => judge_before(&answer, "the state of the room"),
        }
    }

    /// Goes into the room. Who is in it already stays.
    pub(crate) async fn join(&self, room: &str, user: &str) -> Result<(), DeliveryError> {
        let answer = self.server.set(Method::POST, &["join", room], Some(user), &json!({})).await?;
        judge_before(&answer, &format!("{user} cannot join {room}, expected an invitation of {user}"))
    }

    /// Asks somebody in.
    pub(crate) async fn invite(&self, room: &str, user: &str) -> Result<(), DeliveryError> {
        let me = &self.me().await?.user;
        let body = json!({ "user_id": user });
        let answer = self.server.set(Method::POST, &["rooms", room, "invite"], Some(me), &body).await?;
        judge_before(&answer, &format!("{me} cannot invite {user} into {room}"))
    }

    /// Sees whether one could post: token, room, no encryption, rights of everybody who would speak.
    pub(crate) async fn ready(&self) -> Result<(), DeliveryError> {
        let room = self.room().await?;
        self.refuse_encryption(&room).await?;
        let answer = self.read_room(&room, &["state", "m.room.power_levels"], &[]).await?;
        if answer.status == 404 {
            return Ok(());
        }
        judge_before(&answer, "the rights in the room")?;
        let powers: Powers = read_before(&answer.body)?;
        let speakers = self.speakers().await?;
        let mute = speakers.iter().filter(|user| powers.of(user) < powers.needed());
        for user in mute {
            if !self.made(&room, user).await? {
                return Err(DeliveryError::LockedOut(format!(
                    "{user} may not post in {room}: it has the right {}, expected {} (`m.room.message` of the room)",
                    powers.of(user),
                    powers.needed()
                )));
            }
        }
        Ok(())
    }

    /// True of who made the room: since version 12 of rooms they may do everything and are in no list.
    async fn made(&self, room: &str, user: &str) -> Result<bool, DeliveryError> {
        #[derive(Deserialize)]
        struct Create {
            sender: String,
            content: Content,
        }
        #[derive(Deserialize)]
        struct Content {
            #[serde(default)]
            room_version: String,
            #[serde(default)]
            additional_creators: Vec<String>,
        }
        let answer = self.read_room(room, &["state", "m.room.create"], &[("format", "event")]).await?;
        judge_before(&answer, "the making of the room")?;
        let Create { sender, content } = read_before(&answer.body)?;
        let is_version_12 = content.room_version.parse().is_ok_and(|version: u32| version >= 12);
        Ok(is_version_12 && (sender == user || content.additional_creators.iter().any(|made| made == user)))
    }
}
