//! Who asks, behind proxies.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The peer's address; where the peer is a trusted proxy, the last address named to it that is no trusted proxy itself.
///
/// Each proxy appends whom it saw, so only what trusted ones appended can be believed: it is read from the end. A proxy
/// that writes one of the two headers passes on what a client wrote into the other; so where both are there, and name
/// different clients, neither is believed.
pub(super) fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    Some(behind(peer, request.headers(), trusted))
}

fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let forwarded =
        elements(headers, header::FORWARDED).into_iter().map(|text| forwarded_for(&text)).collect();
    let x_forwarded_for = elements(headers, X_FORWARDED_FOR).into_iter().map(|text| address(&text)).collect();
    match (last_untrusted(forwarded, is_trusted), last_untrusted(x_forwarded_for, is_trusted)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

/// The last address that is no trusted proxy, or the first proxy where all are; `None` where nothing can be believed.
fn last_untrusted(named: Vec<Option<IpAddr>>, is_trusted: impl Fn(&IpAddr) -> bool) -> Option<IpAddr> {
    let mut known = None;
    for address in named.into_iter().rev() {
        // Whoever stands before an address that cannot be read cannot be believed.
        let Some(address) = address else { break };
        known = Some(address);
        if !is_trusted(&address) {
            break;
        }
    }
    known
}

fn elements(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(|element| element.trim().to_owned())).collect()
}

/// The `for` of an element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = values.next()?;
    address(value.trim().trim_matches('"'))
}

/// An address, with or without a port, IPv6 in brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        behind(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_what_they_appended() {
        let proxies = ["10.0.0.0/8", "::1/128"];
        type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str);
        let rows: &[Row] = &[
            ("192.0.2.1", &[("x-forwarded-for", "198.51.100.7")], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, 198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.2.2.2")], "198.51.100.7"),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "10.2.2.2")],
                "203.0.113.9",
            ),
            ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, rubbish, 10.2.2.2")], "10.2.2.2"),
            ("10.0.0.1", &[("x-forwarded-for", "10.3.3.3, 10.2.2.2")], "10.3.3.3"),
            (
                "10.0.0.1",
                &[("forwarded", "for=203.0.113.9;proto=https, For=\"[2001:db8::1]:4711\"")],
                "2001:db8::1",
            ),
            ("10.0.0.1", &[("forwarded", "for=_hidden")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "198.51.100.7")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "203.0.113.9, 198.51.100.7")],
                "198.51.100.7",
            ),
            ("::1", &[("x-forwarded-for", "198.51.100.7:4000")], "198.51.100.7"),
            ("::1", &[("x-forwarded-for", "::ffff:198.51.100.7")], "198.51.100.7"),
        ];
        for (peer, headers, expected) in rows {
            assert_eq!(seen(peer, headers, &proxies), *expected, "{peer} {headers:?}");
        }
    }
}
