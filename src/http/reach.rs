//! Under which addresses a server is reached: on its own device, and from others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use if_addrs::{IfOperStatus, Interface, get_if_addrs};

/// How many addresses are named at most: a machine with more of them has others to explain it.
const MOST: usize = 16;

/// How interfaces begin behind which only containers and virtual machines of this device are.
const INSIDE: [&str; 9] = ["docker", "br-", "veth", "virbr", "vnet", "vmnet", "lxc", "lxd", "podman"];

/// Where a server listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(Vec<Listening>);

/// A socket that is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Its own address.
    pub address: SocketAddr,
    /// Whether a socket of IPv6 takes connections by IPv4 too.
    pub takes_both: bool,
}

impl Reach {
    /// A server that listens there.
    pub fn new(listening: impl IntoIterator<Item = Listening>) -> Reach {
        Reach(listening.into_iter().collect())
    }

    /// Whether nothing but loopback is listened on.
    pub fn is_loopback(&self) -> bool {
        self.0.iter().all(|listening| listening.address.ip().is_loopback())
    }

    /// The addresses for a browser on this device, by loopback.
    pub fn here(&self) -> Vec<String> {
        let here = |listening: &Listening| match listening.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Some(listening.url(Ipv4Addr::LOCALHOST.into())),
            IpAddr::V6(ip) if ip.is_unspecified() && listening.takes_both => {
                Some(listening.url(Ipv4Addr::LOCALHOST.into()))
            }
            IpAddr::V6(ip) if ip.is_unspecified() => Some(listening.url(Ipv6Addr::LOCALHOST.into())),
            ip if ip.is_loopback() => Some(listening.url(ip)),
            _ => None,
        };
        without_repeats(self.0.iter().filter_map(here))
    }

    /// The addresses for browsers on other devices, those first that most likely serve; the system is asked for them, since
    /// they change. None where only loopback is listened on.
    pub fn elsewhere(&self) -> Vec<String> {
        let listens_everywhere = self.0.iter().any(|listening| listening.address.ip().is_unspecified());
        let interfaces = if listens_everywhere { get_if_addrs() } else { Ok(Vec::new()) };
        let interfaces = interfaces.unwrap_or_else(|error| {
            log::debug!("the addresses of this device cannot be listed: {error}");
            Vec::new()
        });
        let mut own: Vec<IpAddr> =
            interfaces.iter().filter(|one| leads_out(one)).map(Interface::ip).collect();
        own.sort_by_key(|ip| rank(*ip));
        self.elsewhere_by(&own)
    }

    /// The same, where this device has these addresses for others.
    fn elsewhere_by(&self, own: &[IpAddr]) -> Vec<String> {
        let mut found = Vec::new();
        for listening in &self.0 {
            let bound = listening.address.ip();
            if bound.is_unspecified() {
                let takes =
                    |ip: &&IpAddr| ip.is_ipv4() == bound.is_ipv4() || ip.is_ipv4() && listening.takes_both;
                found.extend(own.iter().filter(takes).map(|ip| listening.url(*ip)));
            } else if !bound.is_loopback() && serves_others(bound) {
                found.push(listening.url(bound));
            }
        }
        without_repeats(found.into_iter())
    }
}

/// Where it listens, as it was bound.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.0.iter().map(|listening| format!("{}://{}/", listening.scheme, listening.address));
        f.write_str(&bound.collect::<Vec<_>>().join(" and "))
    }
}

impl Listening {
    /// What a browser opens to get there by this address.
    fn url(&self, ip: IpAddr) -> String {
        let Listening { scheme, address, .. } = *self;
        let host = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        match (scheme, address.port()) {
            ("http", 80) | ("https", 443) => format!("{scheme}://{host}/"),
            (_, port) => format!("{scheme}://{host}:{port}/"),
        }
    }
}

/// Whether other devices may be behind this interface.
fn leads_out(interface: &Interface) -> bool {
    let works = match interface.oper_status {
        IfOperStatus::Down | IfOperStatus::NotPresent | IfOperStatus::LowerLayerDown => false,
        IfOperStatus::Up | IfOperStatus::Testing | IfOperStatus::Unknown | IfOperStatus::Dormant => true,
    };
    let is_inside = INSIDE.iter().any(|beginning| interface.name.starts_with(beginning));
    works && !is_inside && serves_others(interface.ip())
}

/// Whether a browser on another device could open this address. It takes no zones, which link-local IPv6 needs.
fn serves_others(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unspecified() && !ip.is_unicast_link_local(),
    }
}

/// Private IPv4 addresses serve most surely in one room; those that nobody gave least.
fn rank(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) if ip.is_private() => 0,
        IpAddr::V4(ip) if !ip.is_link_local() => 1,
        IpAddr::V6(_) => 2,
        IpAddr::V4(_) => 3,
    }
}

fn without_repeats(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    for one in all {
        if kept.len() < MOST && !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(bound: &[&str], takes_both: bool) -> Reach {
        Reach::new(bound.iter().map(|url| {
            let (scheme, address) = url.split_once("://").unwrap();
            let scheme = if scheme == "https" { "https" } else { "http" };
            Listening { scheme, address: address.parse().unwrap(), takes_both }
        }))
    }

    #[test]
    fn addresses_follow_from_where_it_listens() {
        let own: Vec<IpAddr> =
            ["192.168.1.5", "203.0.113.9", "2001:db8::5"].iter().map(|ip| ip.parse().unwrap()).collect();
        type Row = (&'static [&'static str], bool, &'static [&'static str], &'static [&'static str]);
        let rows: &[Row] = &[
            (&["http://127.0.0.1:8080"], false, &["http://127.0.0.1:8080/"], &[]),
            (&["http://[::1]:8080"], false, &["http://[::1]:8080/"], &[]),
            (
                &["http://0.0.0.0:8080"],
                false,
                &["http://127.0.0.1:8080/"],
                &["http://192.168.1.5:8080/", "http://203.0.113.9:8080/"],
            ),
            (
                &["http://[::]:8080"],
                true,
                &["http://127.0.0.1:8080/"],
                &["http://192.168.1.5:8080/", "http://203.0.113.9:8080/", "http://[2001:db8::5]:8080/"],
            ),
            (&["http://[::]:8080"], false, &["http://[::1]:8080/"], &["http://[2001:db8::5]:8080/"]),
            (&["http://192.0.2.7:8080"], false, &[], &["http://192.0.2.7:8080/"]),
            (&["http://[fe80::1]:8080"], false, &[], &[]),
            (
                &["http://0.0.0.0:80", "https://0.0.0.0:443"],
                false,
                &["http://127.0.0.1/", "https://127.0.0.1/"],
                &[
                    "http://192.168.1.5/",
                    "http://203.0.113.9/",
                    "https://192.168.1.5/",
                    "https://203.0.113.9/",
                ],
            ),
            (
                &["http://0.0.0.0:81", "http://192.168.1.5:81"],
                false,
                &["http://127.0.0.1:81/"],
                &["http://192.168.1.5:81/", "http://203.0.113.9:81/"],
            ),
        ];
        for (bound, takes_both, here, elsewhere) in rows {
            let reach = reach(bound, *takes_both);
            assert_eq!(reach.here(), *here, "{bound:?}");
            assert_eq!(reach.elsewhere_by(&own), *elsewhere, "{bound:?}");
        }
    }

    #[test]
    fn what_most_likely_serves_comes_first_and_there_is_an_end() {
        let mut own = ["169.254.1.1", "2001:db8::1", "203.0.113.9", "10.0.0.1"].map(|ip| ip.parse().unwrap());
        own.sort_by_key(|ip| rank(*ip));
        assert_eq!(
            own.map(|ip: IpAddr| ip.to_string()),
            ["10.0.0.1", "203.0.113.9", "2001:db8::1", "169.254.1.1"]
        );
        let many: Vec<IpAddr> = (0..40).map(|last| Ipv4Addr::new(10, 0, 0, last).into()).collect();
        assert_eq!(reach(&["http://0.0.0.0:1"], false).elsewhere_by(&many).len(), MOST);
    }

    #[test]
    fn an_interface_behind_which_no_device_is_does_not_count() {
        let interface = |name: &str, ip: &str, oper_status| Interface {
            name: name.to_owned(),
            addr: match ip.parse().unwrap() {
                IpAddr::V4(ip) => if_addrs::IfAddr::V4(if_addrs::Ifv4Addr {
                    ip,
                    netmask: Ipv4Addr::BROADCAST,
                    prefixlen: 32,
                    broadcast: None,
                }),
                IpAddr::V6(ip) => if_addrs::IfAddr::V6(if_addrs::Ifv6Addr {
                    ip,
                    netmask: Ipv6Addr::UNSPECIFIED,
                    prefixlen: 64,
                    broadcast: None,
                }),
            },
            index: None,
            oper_status,
            is_p2p: false,
        };
        for (name, ip, status, counts) in [
            ("eth0", "192.168.1.5", IfOperStatus::Up, true),
            ("wlan0", "2001:db8::5", IfOperStatus::Unknown, true),
            ("wlan0", "fe80::5", IfOperStatus::Up, false),
            ("lo", "127.0.0.1", IfOperStatus::Unknown, false),
            ("eth1", "192.168.1.6", IfOperStatus::Down, false),
            ("docker0", "172.17.0.1", IfOperStatus::Up, false),
        ] {
            assert_eq!(leads_out(&interface(name, ip, status)), counts, "{name} {ip}");
        }
    }
}
