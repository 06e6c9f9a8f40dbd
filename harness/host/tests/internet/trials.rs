//! The trials.

use std::{
    fs, io,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use labrig_host::{
    firewall::{self, FirewallErrorKind, Rules},
    proxy::{self, Proxy, ProxyErrorKind},
    tls,
    upstream::{AUTHORITY, Upstream},
};
use labrig_plan::{
    lab::OriginFault,
    origin_file, render,
    scenario::Firewall,
    unit::{Rate, Size},
};

use crate::{
    guest::{connect, get, rate, verified_tls},
    lab::{self, FORWARD, INTERCEPT, ORIGIN, RATE, Running, in_office},
    namespaces::within,
};

/// Name and body of each.
pub(crate) const ALL: &[(&str, fn())] = &[
    ("proxy::refuses_a_misspelled_delay_pool", a_misspelled_delay_pool_is_refused),
    ("proxy::refuses_a_misordered_delay_pool", a_misordered_delay_pool_is_refused),
    ("proxy::tells_why_squid_ended", a_taken_port_ends_the_start),
    ("upstream::tells_which_server_ended", a_dead_origin_server_ends_the_start),
    ("upstream::talks_to_busybox", an_origin_talks_to_a_client_without_signature_algorithms),
    ("upstream::proves_who_it_is", an_origin_proves_who_it_is),
    ("upstream::misbehaves_as_asked", an_origin_misbehaves_as_asked),
    ("upstream::keeps_silent_as_asked", a_resolver_keeps_silent_as_asked),
    ("firewall::changes_nothing_when_refused", refused_rules_change_nothing),
    ("nftables::intercepts", || intercepts(Firewall::Nftables)),
    ("iptables::intercepts", || intercepts(Firewall::Iptables)),
    ("nftables::holds_the_rate", || holds_the_rate(Firewall::Nftables)),
];

const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x100, 0, 0, 0, 0, 1);
const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(192, 168, 100, 1);

/// The configuration of the legacy lab, to the letter.
const LEGACY: &str = "http_port 8080 \nhttp_port 3128 transparent\n\nacl openstack src 192.168.100.0/24\n\
    delay_pools 1\ndelay_calss 1 1\ndelay_access 1 allow openstack\ndelay_parameters 300000/300000 # 100kB/s\n";

fn doubts(conf: &str) -> Vec<(Option<usize>, String)> {
    let path = Path::new("/run/squid.conf");
    fs::write(path, conf).unwrap();
    match proxy::verify(path).map_err(|error| error.kind) {
        Ok(()) => Vec::new(),
        Err(ProxyErrorKind::Doubted(doubts)) => doubts.into_iter().map(|doubt| (doubt.line, doubt.message)).collect(),
        Err(other) => panic!("{other}"),
    }
}

fn a_misspelled_delay_pool_is_refused() {
    let doubts = doubts(LEGACY);
    assert_eq!(doubts[0].0, Some(6));
    assert!(doubts[0].1.contains("unrecognized: 'delay_calss'"), "{doubts:?}");
    assert!(doubts.iter().any(|(line, words)| *line == Some(8) && words.contains("Bungled")), "{doubts:?}");
}

fn a_misordered_delay_pool_is_refused() {
    // Without a name for itself squid looks this host's up, and doubts one that does not resolve.
    let start = "visible_hostname labrig\nhttp_port 8080\nacl lab src 192.168.100.0/24\n";
    let rules = "delay_access 1 allow lab\ndelay_parameters 1 300000/300000\n";
    // Squid's own exit status is 0 for this one.
    let misordered = doubts(&format!("{start}delay_class 1 1\ndelay_pools 1\n{rules}"));
    let lines: Vec<_> = misordered.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [Some(4), Some(7)], "{misordered:?}");
    assert!(misordered.iter().all(|(_, words)| words.contains("Ignoring pool 1")), "{misordered:?}");
    assert_eq!(doubts(&format!("{start}delay_pools 1\ndelay_class 1 1\n{rules}")), []);
}

fn a_taken_port_ends_the_start() {
    let lab = lab::lab(Firewall::Nftables, None);
    let artifacts = lab::render(&lab);
    up();
    let _taken = TcpListener::bind((Ipv6Addr::UNSPECIFIED, FORWARD)).unwrap();
    let start = Instant::now();
    let error =
        Proxy::start(&artifacts.join(render::SQUID_CONF), ([127, 0, 0, 1], FORWARD).into()).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    assert!(error.contains("Address already in use"), "{error}");
}

fn a_dead_origin_server_ends_the_start() {
    let lab = lab::lab(Firewall::Nftables, None);
    let artifacts = lab::render(&lab);
    up();
    let start = Instant::now();
    let error = Upstream::start(&lab.upstream, artifacts, Path::new("/bin/false")).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    assert!(error.contains("origin server ended (exit status: 1)"), "{error}");
}

/// busybox's `ClientHello` (RFC 5246, section 7.4.1.2) offers TLS 1.2 and no `signature_algorithms`.
fn an_origin_talks_to_a_client_without_signature_algorithms() {
    let lab = lab::lab(Firewall::Nftables, None);
    let artifacts = lab::render(&lab);
    up();
    let _upstream = Upstream::start(&lab.upstream, artifacts, &std::env::current_exe().unwrap()).unwrap();
    let curves = [0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17];
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    // No session; TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; no compression.
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, curves.len() as u8]);
    hello.extend(curves);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);

    let mut stream = connect(lab.upstream.origins[0].v4, 443).unwrap();
    stream.write_all(&record).unwrap();
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).unwrap();
    // A handshake record (22) with a ServerHello (2) in it; an alert would be 21.
    assert_eq!((answer[0], answer[5]), (22, 2), "{answer:?}");
}

fn an_origin_proves_who_it_is() {
    let lab = lab::lab(Firewall::Nftables, None);
    let artifacts = lab::render(&lab);
    up();
    let _upstream = Upstream::start(&lab.upstream, artifacts, &std::env::current_exe().unwrap()).unwrap();
    let origin = lab.upstream.origins[0].v4;
    let another = Path::new("/run/another-ca.pem");
    let made = rcgen::generate_simple_self_signed([ORIGIN.to_owned()]).unwrap();
    fs::write(another, made.cert.pem()).unwrap();
    let (own, address) = (Path::new(AUTHORITY), origin.to_string());

    let refusal = |name: &str, authority: &Path, port: u16| {
        tls::connect(connect(origin, port).unwrap(), name, authority).err().map(|error| error.to_string())
    };
    assert_eq!(refusal(ORIGIN, own, 443), None);
    assert_eq!(refusal(&address, own, 443), None);
    let told = |refusal: Option<String>, words: &str| {
        assert!(refusal.clone().is_some_and(|text| text.contains(words)), "{refusal:?}")
    };
    told(refusal(ORIGIN, another, 443), "its certificate is refused: ");
    told(refusal("other.lab", own, 443), "its certificate is refused: hostname mismatch");
    told(refusal(ORIGIN, own, 80), "the handshake failed: ");
    told(refusal(ORIGIN, Path::new("/run/no-ca.pem"), 443), "No such file");
}

fn an_origin_misbehaves_as_asked() {
    let mut lab = lab::lab(Firewall::Nftables, None);
    let (slow, cut) = (200_000, 70_000);
    lab.upstream.origins[0].faults = [
        ("/blob", OriginFault::Reset),
        ("/again", OriginFault::Truncate(Size::from_bytes(cut))),
        ("/large", OriginFault::Slow(Rate::from_bytes_per_second(slow))),
    ]
    .map(|(path, fault)| (path.to_owned(), fault))
    .into();
    lab.upstream.origins[1].faults = [("/blob".to_owned(), OriginFault::Status(503))].into();
    let artifacts = lab::render(&lab);
    up();
    let _upstream = Upstream::start(&lab.upstream, artifacts, &std::env::current_exe().unwrap()).unwrap();
    let [archive, other] = [0, 1].map(|index| lab.upstream.origins[index].v4);

    let error = get(connect(archive, 80).unwrap(), ORIGIN, "/blob").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
    let error = get(verified_tls(connect(archive, 443).unwrap(), ORIGIN).unwrap(), ORIGIN, "/blob").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");

    // Head and body as of the whole file, and then the end.
    let mut stream = connect(archive, 80).unwrap();
    write!(stream, "GET /again HTTP/1.1\r\nHost: {ORIGIN}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    assert!(String::from_utf8_lossy(&answer[..head]).contains("content-length: 1000000"));
    assert_eq!(answer.len() as u64 - head as u64 - 4, cut);

    let measured = rate(connect(archive, 80).unwrap(), ORIGIN, "/large", slow, 2).unwrap();
    assert!((measured / slow as f64 - 1.0).abs() < 0.1, "{measured} bytes/s");

    let answer = get(connect(other, 80).unwrap(), "other.lab", "/blob").unwrap();
    assert_eq!((answer.status, answer.body.len()), (503, 0));
}

fn a_resolver_keeps_silent_as_asked() {
    let silent = [IpAddr::from([9, 9, 9, 9]), "2620:fe::fe".parse().unwrap()];
    let mut lab = lab::lab(Firewall::Nftables, None);
    lab.upstream.silent = silent.to_vec();
    let artifacts = lab::render(&lab);
    up();
    let _upstream = Upstream::start(&lab.upstream, artifacts, &std::env::current_exe().unwrap()).unwrap();
    // Nobody refuses the connection, and nobody says that there is no way: it is just never answered.
    for server in silent {
        let error = connect(server, 53).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{server}: {error}");
    }
    connect([8, 8, 8, 8], 53).unwrap();
}

fn refused_rules_change_nothing() {
    let good = "table inet first {\n}\n";
    firewall::apply(Rules::Nftables(good)).unwrap();
    let before = firewall::observe(Firewall::Nftables).unwrap();
    assert!(before.contains("first"), "{before}");
    let error = firewall::apply(Rules::Nftables("table inet second {\n}\nnonsense\n")).unwrap_err();
    let FirewallErrorKind::Refused { line: Some(line), .. } = &error.kind else { panic!("{error}") };
    assert_eq!((line.number, line.text.as_str()), (3, "nonsense"), "{error}");
    assert_eq!(firewall::observe(Firewall::Nftables).unwrap(), before);

    let v4 = "*filter\n:KEPT - [0:0]\nCOMMIT\n";
    let v6 = "*filter\n:KEPT - [0:0]\n-A KEPT --nonsense\nCOMMIT\n";
    let error = firewall::apply(Rules::Iptables { v4, v6 }).unwrap_err();
    let FirewallErrorKind::Refused { line: Some(line), .. } = &error.kind else { panic!("{error}") };
    assert_eq!(
        (error.tool, line.number, line.text.as_str()),
        ("ip6tables-restore", 3, "-A KEPT --nonsense"),
        "{error}"
    );
    assert!(!firewall::observe(Firewall::Iptables).unwrap().contains("KEPT"));
}

fn intercepts(firewall: Firewall) {
    let running = Running::start(firewall, None);
    let origin = &running.lab.upstream.origins[0];
    let file: Vec<u8> = (0..1_000_000 / 32).flat_map(|index| origin_file::block("/blob", index)).collect();
    let addresses: [IpAddr; 2] = [origin.v4.into(), origin.v6.into()];

    // HTTP: redirected, fetched once, then from the cache, over either family.
    let hits: Vec<bool> = [addresses[0], addresses[0], addresses[1]]
        .into_iter()
        .map(|address| {
            let entry = running.entries_of(1, || {
                let answer = in_office(|| get(connect(address, 80)?, ORIGIN, "/blob")).unwrap();
                assert_eq!(answer.status, 200);
                assert!(answer.body == file, "{} bytes that are not the file's", answer.body.len());
            });
            let [entry] = &entry[..] else { panic!("{entry:?}") };
            assert!(entry.is_redirected(), "{entry:?}");
            assert_eq!(entry.destination, Some((address, 80)), "{entry:?}");
            assert_eq!(entry.url, format!("http://{ORIGIN}/blob"), "{entry:?}");
            assert_eq!(entry.client.is_ipv4(), address.is_ipv4(), "{entry:?}");
            assert_ne!(entry.is_hit(), entry.is_miss(), "{entry:?}");
            entry.is_hit()
        })
        .collect();
    assert_eq!(hits, [false, true, true]);

    // HTTPS: redirected and spliced, so the guest sees the origin's own certificate.
    for address in addresses {
        let entries = running.entries_of(2, || {
            let answer = in_office(|| get(verified_tls(connect(address, 443)?, ORIGIN)?, ORIGIN, "/blob")).unwrap();
            assert_eq!((answer.status, answer.body.len()), (200, file.len()));
        });
        let tunnel = entries.iter().find(|entry| entry.is_tunnel()).unwrap();
        assert_eq!((tunnel.is_redirected(), tunnel.destination), (true, Some((address, 443))), "{tunnel:?}");
        assert_eq!((tunnel.sni.as_deref(), tunnel.bump.as_deref()), (Some(ORIGIN), Some("splice")), "{tunnel:?}");
        assert!(tunnel.bytes > 1_000_000, "{tunnel:?}");
    }

    // A client that knows of the proxy.
    let entries = running.entries_of(1, || {
        let url = format!("http://{ORIGIN}/again");
        assert_eq!(in_office(|| get(connect(GATEWAY_V4, FORWARD)?, ORIGIN, &url)).unwrap().status, 200);
    });
    assert_eq!(
        (entries[0].port, entries[0].is_redirected(), entries[0].is_miss()),
        (Some(FORWARD), false, true),
        "{entries:?}"
    );

    // Direct access to an intercept port is dropped: no answer, not a refusal.
    for port in INTERCEPT {
        for gateway in [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)] {
            let error = in_office(|| connect(gateway, port)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{gateway} {port}: {error}");
        }
    }

    // A network that is not behind the proxy goes past it.
    let start = running.proxy.access_log().end().unwrap();
    let answer = within("street", || get(connect(addresses[0], 80)?, ORIGIN, "/blob")).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(running.proxy.access_log().entries_since(start).unwrap().entries, []);

    let rules = firewall::observe(firewall).unwrap();
    assert!(rules.to_lowercase().contains("labrig"), "{rules}");
    running.ends_well();
}

fn holds_the_rate(firewall: Firewall) {
    let running = Running::start(firewall, Some("300kB/s"));
    let address = running.lab.upstream.origins[0].v4;
    // At any phase of squid's second, and with any level of its bucket.
    for pause in [0, 300, 1400] {
        std::thread::sleep(Duration::from_millis(pause));
        let http = in_office(|| rate(connect(address, 80)?, ORIGIN, "/large", RATE, 2)).unwrap();
        assert!((http / RATE as f64 - 1.0).abs() < 0.1, "{http} bytes/s by HTTP");
    }
    // A tunnel looks at the bucket every 0.3 s only, so each end of the measurement may be that late.
    let https = in_office(|| rate(verified_tls(connect(address, 443)?, ORIGIN)?, ORIGIN, "/large", RATE, 5)).unwrap();
    assert!((https / RATE as f64 - 1.0).abs() < 0.1, "{https} bytes/s by HTTPS");
    running.ends_well();
}

/// An interface is up before anything binds to its address.
fn up() {
    labrig_host::process::run(
        std::process::Command::new("ip").args(["link", "set", "lo", "up"]),
        None,
        Duration::from_secs(10),
    )
    .unwrap();
}
