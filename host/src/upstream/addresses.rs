//! Which addresses the name of a host may lead to.
//!
//! Who answers for a name can answer with any address, and with another one the next time: with one of this machine, of
//! its link, or of the place where its cloud hands out credentials, and so have the gateway talk to what nobody but this
//! machine can reach. What is looked at is therefore what the name has become, on the way to the connection, and not the
//! name. Addresses that stand in the configuration as such are not looked up, and mean what they say. Private networks
//! are not refused: many gateways are there to stand in front of a server in one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Where clouds tell a machine its secrets, beside the link's own 169.254.169.254: Alibaba, Oracle, Azure.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// The same: Amazon, Google, Scaleway.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Looks names up, and leaves out what they may not lead to.
#[derive(Clone, Debug)]
pub(super) struct Guarded<R> {
    resolver: R,
    local_hosts: Arc<[String]>,
}

impl<R> Guarded<R> {
    /// `local_hosts` may lead anywhere, as `localhost` may.
    pub(super) fn new(resolver: R, local_hosts: &[String]) -> Self {
        Self { resolver, local_hosts: local_hosts.into() }
    }

    fn may_be_here(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let is_it = |local: &str| name.eq_ignore_ascii_case(local);
        is_it("localhost") || self.local_hosts.iter().any(|local| is_it(local))
    }
}

impl<R> Service<Name> for Guarded<R>
where
    R: Service<Name, Error = io::Error>,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send + 'static,
{
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.resolver.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let anywhere = self.may_be_here(name.as_str());
        let asked = name.as_str().to_owned();
        let found = self.resolver.call(name);
        Box::pin(async move {
            let found = found.await?;
            let found: Vec<SocketAddr> = if anywhere { found.collect() } else { outward(&asked, found)? };
            Ok(found.into_iter())
        })
    }
}

/// Those addresses to which a name may lead.
///
/// # Errors
/// When there are none, but others.
fn outward(name: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, io::Error> {
    let (refused, outward): (Vec<_>, Vec<_>) = found.partition(|address| what_is_near(address.ip()).is_some());
    let first = refused.first().map(SocketAddr::ip).filter(|_| outward.is_empty());
    match first.and_then(|ip| Some((ip, what_is_near(ip)?))) {
        None => Ok(outward),
        Some((ip, what)) => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{name} is {ip}, {what}, to which no name may lead; if it is to, write {name:?} into upstream.local_hosts"
            ),
        )),
    }
}

/// What an address means that nobody but this machine, or its neighbours on the link, can reach.
fn what_is_near(ip: IpAddr) -> Option<&'static str> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => what_is_near_v4(ip),
        IpAddr::V6(ip) if METADATA_V6.contains(&ip) => Some(METADATA),
        IpAddr::V6(ip) if ip.is_loopback() => Some(LOOPBACK),
        IpAddr::V6(ip) if ip.is_unspecified() => Some(NOWHERE),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(LINK_LOCAL),
        IpAddr::V6(ip) if ip.is_multicast() => Some(MANY),
        IpAddr::V6(ip) => what_is_near_v4(inside(ip)?),
    }
}

fn what_is_near_v4(ip: Ipv4Addr) -> Option<&'static str> {
    if METADATA_V4.contains(&ip) || ip == Ipv4Addr::new(169, 254, 169, 254) {
        Some(METADATA)
    } else if ip.is_loopback() {
        Some(LOOPBACK)
    } else if ip.octets().first() == Some(&0) {
        // RFC 1122, section 3.2.1.3: all of 0/8 is this machine or this network.
        Some(NOWHERE)
    } else if ip.is_link_local() {
        Some(LINK_LOCAL)
    } else if ip.is_multicast() || ip.is_broadcast() {
        Some(MANY)
    } else {
        None
    }
}

const LOOPBACK: &str = "this machine itself";
const LINK_LOCAL: &str = "an address of the local link";
const METADATA: &str = "where a cloud tells its machines their credentials";
const NOWHERE: &str = "no address in particular";
const MANY: &str = "the address of many";

/// The address of version 4 to which a translator passes on what is sent to one of version 6: NAT64 (RFC 6052) and 6to4
/// (RFC 3056), and what is left of addresses written as of version 6 (RFC 4291, section 2.5.5.1).
fn inside(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, _, _, _, _, _] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::{Ready, ready};

    use super::*;

    /// Answers for every name with these addresses.
    #[derive(Clone)]
    struct Stub(Vec<IpAddr>);

    impl Service<Name> for Stub {
        type Response = IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = Ready<Result<Self::Response, io::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            let addresses: Vec<SocketAddr> = self.0.iter().map(|ip| (*ip, 0).into()).collect();
            ready(Ok(addresses.into_iter()))
        }
    }

    async fn look_up(name: &str, local_hosts: &[String], addresses: &[&str]) -> Result<Vec<String>, String> {
        let stub = Stub(addresses.iter().map(|address| address.parse().unwrap()).collect());
        let found = Guarded::new(stub, local_hosts).call(name.parse().unwrap()).await;
        found.map(|found| found.map(|found| found.ip().to_string()).collect()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_leads_to_no_address_that_only_this_machine_can_reach() {
        for (address, what) in [
            ("127.0.0.1", LOOPBACK),
            ("127.255.0.3", LOOPBACK),
            ("::1", LOOPBACK),
            ("::ffff:127.0.0.1", LOOPBACK),
            ("::7f00:1", LOOPBACK),
            ("64:ff9b::7f00:1", LOOPBACK),
            ("2002:7f00:1::", LOOPBACK),
            ("0.0.0.0", NOWHERE),
            ("0.1.2.3", NOWHERE),
            ("::", NOWHERE),
            ("169.254.0.1", LINK_LOCAL),
            ("fe80::1", LINK_LOCAL),
            ("febf::1", LINK_LOCAL),
            ("169.254.169.254", METADATA),
            ("::ffff:169.254.169.254", METADATA),
            ("64:ff9b::a9fe:a9fe", METADATA),
            ("fd00:ec2::254", METADATA),
            ("fd20:ce::254", METADATA),
            ("fd00:42::42", METADATA),
            ("100.100.100.200", METADATA),
            ("192.0.0.192", METADATA),
            ("168.63.129.16", METADATA),
            ("224.0.0.1", MANY),
            ("255.255.255.255", MANY),
            ("ff02::1", MANY),
        ] {
            let said = look_up("api.example.com", &[], &[address]).await.unwrap_err();
            assert!(said.starts_with(&format!("api.example.com is {address}, {what}, ")), "{said}");
            assert!(said.ends_with("write \"api.example.com\" into upstream.local_hosts"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_name_leads_to_any_other_address_private_ones_too() {
        for address in [
            "93.184.216.34",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "2606:2800:220:1::1",
            "fd12:3456::1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            assert_eq!(look_up("api.example.com", &[], &[address]).await, Ok(vec![address.to_owned()]));
        }
    }

    #[tokio::test]
    async fn of_several_addresses_those_are_left_out_that_are_refused() {
        let found = look_up("api.example.com", &[], &["127.0.0.1", "10.0.0.1", "::1", "10.0.0.2"]).await;
        assert_eq!(found, Ok(vec!["10.0.0.1".to_owned(), "10.0.0.2".to_owned()]));
        assert_eq!(look_up("api.example.com", &[], &[]).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn names_that_the_operator_has_written_down_for_it_lead_anywhere() {
        let local = ["model.internal".to_owned()];
        for name in ["localhost", "LocalHost", "localhost.", "model.internal", "Model.Internal."] {
            assert_eq!(look_up(name, &local, &["127.0.0.1"]).await, Ok(vec!["127.0.0.1".to_owned()]), "{name}");
        }
        for name in ["localhost.example.com", "xlocalhost", "x.model.internal", "internal"] {
            assert!(look_up(name, &local, &["127.0.0.1"]).await.is_err(), "{name}");
        }
    }
}
