//! `[[hosted]]`: crSockets that the server hosts itself.

use std::collections::BTreeSet;

use config::{Map, Value};

use super::Settings;
use super::mistake::{Given, Mistake};
use super::section::Section;
use super::value::{self, place};
use crate::protocol::ids::{AccessToken, AppId, ClientId, InvalidId};

/// One `[[hosted]]`: crSockets of one app and user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedSettings {
    /// Their app.
    pub app: AppId,
    /// On whose behalf they take part.
    pub access_token: AccessToken,
    /// How many controllers, each with a responder of its own. None.
    pub pairs: u32,
    /// How many single controllers. None.
    pub controllers: u32,
    /// How many single responders, each waiting for a controller. None.
    pub responders: u32,
    /// Their clientIds, in this order: controller and responder of each pair, controllers, responders. Whoever is left is
    /// given one at each start.
    pub client_ids: Vec<ClientId>,
    /// What they do with crEvents.
    pub behaviour: Behaviour,
}

/// What a hosted client does with the crEvents it gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing.
    #[default]
    Idle,
    /// It answers each with the same content, but for the protocol's own. In a pair the responder does so alone: two that
    /// echo each other would never stop.
    Echo,
}

impl Behaviour {
    /// Its name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Behaviour::Idle => "idle",
            Behaviour::Echo => "echo",
        }
    }

    fn parse(text: &str) -> Option<Behaviour> {
        [Behaviour::Idle, Behaviour::Echo].into_iter().find(|behaviour| behaviour.as_str() == text)
    }
}

impl HostedSettings {
    /// How many crSockets these are.
    pub fn sockets(&self) -> u64 {
        2 * u64::from(self.pairs) + u64::from(self.controllers) + u64::from(self.responders)
    }
}

/// Reads all `[[hosted]]`.
pub(super) fn read(hosted: Option<&Value>, mistakes: &mut Vec<Mistake>) -> Vec<HostedSettings> {
    let Some(value) = hosted else { return Vec::new() };
    let items = value::list(value).unwrap_or(std::slice::from_ref(value));
    let mut read = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let name = format!("hosted[{index}]");
        match value::table(item).filter(|_| value::list(value).is_some()) {
            Some(values) => read.extend(one(name, values, mistakes)),
            None => mistakes.push(Mistake::Refused {
                given: Given { key: "hosted".to_owned(), value: None, place: place(item) },
                accepted: "sections, [[hosted]]".to_owned(),
            }),
        }
    }
    read
}

fn one(name: String, values: &Map<String, Value>, mistakes: &mut Vec<Mistake>) -> Option<HostedSettings> {
    let mut section = Section::new(name, Some(values), mistakes);
    let (app_id, token) = (InvalidId::AppId.to_string(), InvalidId::AccessToken.to_string());
    let app =
        section.needed("app", "hosted clients belong to an app", &app_id, |text| AppId::parse(text).ok());
    let access_token =
        section.needed("access_token", "hosted clients take part for a user", &token, |text| {
            AccessToken::parse(text).ok()
        });
    let mut count = |key| section.whole(key, 0, 0..=ClientId::COUNT);
    let (pairs, controllers, responders) = (count("pairs"), count("controllers"), count("responders"));
    let client_ids = section.list("client_ids", Vec::new(), "six digits, such as \"482913\"", |text| {
        ClientId::parse(text).ok().map(|id| vec![id])
    });
    let behaviour = section.text("behaviour", Behaviour::default(), "\"idle\" or \"echo\"", Behaviour::parse);
    section.close();
    let (app, access_token) = (app?, access_token?);
    Some(HostedSettings { app, access_token, pairs, controllers, responders, client_ids, behaviour })
}

/// What speaks against them all together, and against the apps they name.
pub(super) fn check(hosted: Option<&Value>, settings: &Settings, mistakes: &mut Vec<Mistake>) {
    let items = hosted.and_then(value::list).unwrap_or_default();
    for (index, (one, item)) in settings.hosted.iter().zip(items).enumerate() {
        if !settings.server.any_app && !settings.apps.contains_key(&one.app) {
            let value = value::table(item).and_then(|values| values.get("app"));
            mistakes.push(Mistake::Refused {
                given: Given {
                    key: format!("hosted[{index}].app"),
                    value: value.and_then(value::shown),
                    place: value.map_or_else(|| place(item), place),
                },
                accepted: "an app that is served: one of [apps], or any with server.any_app".to_owned(),
            });
        }
    }
    let mut taken = BTreeSet::new();
    for (index, one) in settings.hosted.iter().enumerate() {
        if let Some(id) = one.client_ids.iter().find(|id| !taken.insert(**id)) {
            let value = items.get(index).and_then(value::table).and_then(|values| values.get("client_ids"));
            mistakes.push(Mistake::Refused {
                given: Given {
                    key: format!("hosted[{index}].client_ids"),
                    value: Some(format!("\"{id}\" once more")),
                    place: value.map_or_else(|| "the file".to_owned(), place),
                },
                accepted: "each clientId once".to_owned(),
            });
        }
    }
    let sockets: u64 = settings.hosted.iter().map(HostedSettings::sockets).sum();
    if let Some(first) = items.first().filter(|_| sockets > u64::from(ClientId::COUNT)) {
        mistakes.push(Mistake::Refused {
            given: Given {
                key: "hosted".to_owned(),
                value: Some(format!("{sockets} clients")),
                place: place(first),
            },
            accepted: "as many clients as there are clientIds, a million".to_owned(),
        });
    }
}
