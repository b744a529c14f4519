//! Which part of the server a path leads to.
//!
//! Two of the resources are asked for with every crEvent, so they are found by their place in the path, without patterns.

/// Below which everything of CRSocket is served.
const PREFIX: &str = "/crsocket/";

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/`.
    FrontPage,
    /// One of the three resources, with or without the trailing slash.
    Resource {
        /// The appId, unchecked.
        app: &'a str,
        /// Which one.
        resource: Resource,
    },
    /// A file: what stands behind `/crsocket/`, still encoded.
    File {
        /// Empty for the folder itself.
        tail: &'a str,
    },
    /// Nothing that is served.
    Nothing,
}

/// A resource of the protocol (section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// Gives out clientIds.
    ClientId,
    /// Event streams.
    EventSource,
    /// Takes events.
    SendEvent,
}

impl<'a> Route<'a> {
    /// The name of the app that it belongs to, unchecked, if it belongs to one.
    pub(super) fn app(self) -> Option<&'a str> {
        match self {
            Route::Resource { app, .. } => Some(app),
            Route::File { tail } => tail.split_once('/').map(|(app, _)| app),
            Route::FrontPage | Route::Nothing => None,
        }
    }

    /// Where this path leads.
    pub(super) fn of(path: &'a str) -> Route<'a> {
        if path == "/" {
            return Route::FrontPage;
        }
        if path == PREFIX.trim_end_matches('/') {
            return Route::File { tail: "" };
        }
        let Some(tail) = path.strip_prefix(PREFIX) else { return Route::Nothing };
        match tail.split_once('/') {
            Some((app, rest)) => match Resource::named(rest.strip_suffix('/').unwrap_or(rest)) {
                Some(resource) => Route::Resource { app, resource },
                None => Route::File { tail },
            },
            None => Route::File { tail },
        }
    }
}

impl Resource {
    fn named(name: &str) -> Option<Resource> {
        match name {
            "clientid" => Some(Resource::ClientId),
            "eventsource" => Some(Resource::EventSource),
            "sendevent" => Some(Resource::SendEvent),
            _ => None,
        }
    }

    /// The methods it answers, as `Allow` has them.
    pub(super) fn methods(self) -> &'static str {
        match self {
            Resource::ClientId | Resource::EventSource => "GET",
            Resource::SendEvent => "GET, POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_3_each_resource_with_and_without_the_trailing_slash() {
        for (name, resource) in [
            ("clientid", Resource::ClientId),
            ("eventsource", Resource::EventSource),
            ("sendevent", Resource::SendEvent),
        ] {
            for slash in ["", "/"] {
                let path = format!("/crsocket/commtest/{name}{slash}");
                assert_eq!(Route::of(&path), Route::Resource { app: "commtest", resource }, "{path}");
            }
        }
    }

    #[test]
    fn everything_else_below_crsocket_is_a_file() {
        for tail in [
            "",
            "js/a.js",
            "commtest",
            "commtest/",
            "commtest/controller/",
            "commtest/sendevent/x",
            "commtest/sendevent//",
            "commtest//sendevent",
            "sendevent",
            "commtest/SENDEVENT",
        ] {
            assert_eq!(Route::of(&format!("/crsocket/{tail}")), Route::File { tail }, "{tail}");
        }
        assert_eq!(Route::of("/"), Route::FrontPage);
        assert_eq!(Route::of("/crsocket"), Route::File { tail: "" });
        for path in ["", "/x", "//", "*", "/crsocketx/a/sendevent"] {
            assert_eq!(Route::of(path), Route::Nothing, "{path}");
        }
    }
}
