//! What is wrong with a squid.conf, each finding at its line.

mod support;

use support::alone;

const NONE: [&str; 0] = [];

/// What a proxy needs that others reach, as lines 1 to 3.
const RIGHT: &str = "http_port 8080\nacl lab src 192.0.2.0/24\nhttp_access allow lab\n";

/// What is found in these lines behind the three that are right.
#[track_caller]
fn found(lines: &str) -> Vec<String> {
    alone("squid.conf", &format!("{RIGHT}{lines}"))
}

#[test]
fn what_is_right_is_right() {
    let lines = "http_port 192.0.2.1:3128 intercept name=lab # for redirected traffic\n\
                 https_port 3129 intercept ssl-bump generate-host-certificates=off tls-cert=/a.pem\n\
                 acl step at_step SslBump1\nssl_bump peek step\nssl_bump splice all\n\
                 delay_pools 2\ndelay_class 1 1\ndelay_access 1 allow lab\ndelay_parameters 1 300000/300000 # 300kB/s\n\
                 delay_class 2 2\ndelay_access 2 allow all\ndelay_parameters 2 -1/-1 125000/125000 # 1Mbit/s each\n\
                 acl words url_regex -i \"/etc/squid/words\"\n  # http_access deny words\n\
                 refresh_pattern -i \\\n  (/cgi-bin/|\\?) 0 0% 0\n";
    assert_eq!(found(lines), NONE);
    // For the machine itself, and with more of it elsewhere.
    assert_eq!(alone("squid.conf", "http_port 3128\nhttp_access allow localhost\nhttp_access deny all\n"), NONE);
    assert_eq!(
        alone("squid.conf", "http_port 3128\ninclude /etc/squid/conf.d/*.conf\nacl lab src 192.0.2.0/24\n"),
        NONE
    );
}

#[test]
fn directives_and_ports() {
    for (lines, expected) in [
        (
            "cache_men 8 MB",
            "squid.conf:4 squid knows no directive `cache_men`, and passes over the line (did you mean `cache_mem`?)",
        ),
        (
            "cache_mem 64MB",
            "squid.conf:4 squid does not start: `64MB` is no number (write the unit apart, as in `cache_mem 64 MB`)",
        ),
        ("cache_dir ufs /a 100", "squid.conf:4 squid does not start: a `ufs` store is not said in full"),
        ("http_port 3128 transparent", "squid.conf:4 `transparent` is spelt `intercept` since squid 3.1"),
        (
            "http_port 3128 intercpt",
            "squid.conf:4 squid knows no option `intercpt` of a port (did you mean `intercept`?)",
        ),
        ("http_port 312800", "squid.conf:4 `312800` has no number of a port"),
        ("http_port 8080", "squid.conf:4 squid listens on `8080` already"),
        (
            "https_port 3129 intercept tls-cert=/a.pem",
            "squid.conf:4 squid does not start: an `https_port` that intercepts needs",
        ),
    ] {
        let found = found(lines);
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{lines}: {found:#?}");
    }
    let only = alone("squid.conf", "http_port 3128 intercept\nhttp_access allow all\n");
    assert!(matches!(&*only, [one] if one.starts_with("squid.conf:1 every port intercepts")), "{only:#?}");
}

#[test]
fn delay_pools() {
    let pools = |lines: &str| found(&format!("delay_pools 1\n{lines}"));
    for (lines, expected) in [
        (
            "delay_class 1 1\ndelay_access 1 allow lab\ndelay_parameters 64000/64000",
            "squid.conf:7 `delay_parameters` begins with the number",
        ),
        ("delay_class 2 1\ndelay_access 2 allow lab", "squid.conf:5 there is no pool 2"),
        ("delay_class 1 6\ndelay_access 1 allow lab", "squid.conf:5 there is no class `6`"),
        ("delay_class 1 1\ndelay_class 1 2\ndelay_access 1 allow lab", "squid.conf:6 pool 1 has a class already"),
        (
            "delay_access 1 allow lab\ndelay_parameters 1 64000/64000",
            "squid.conf:6 pool 1 has no class, so squid passes over its rates",
        ),
        (
            "delay_access 1 allow lab\ndelay_parameters 1 64000/64000\ndelay_class 1 1",
            "squid.conf:6 pool 1 has no class yet, so squid passes over its rates",
        ),
        ("delay_class 1 1\ndelay_parameters 1 64000/64000", "squid.conf:5 nothing goes through pool 1"),
        (
            "delay_class 1 2\ndelay_access 1 allow lab\ndelay_parameters 1 64000/64000",
            "squid.conf:7 a pool of class 2 has 2 values",
        ),
        ("delay_class 1 1\ndelay_access 1 allow lab\ndelay_parameters 1 64k", "squid.conf:7 `64k` is no rate"),
        (
            "delay_class 1 1\ndelay_access 1 allow lab\ndelay_parameters 1 64000/64000 # 64kbit/s",
            "squid.conf:7 the comment says 64kbit/s, and 64000 is 64kB/s",
        ),
        (
            "delay_class 1 1\ndelay_access 1 allow lab\ndelay_pools 1",
            "squid.conf:7 squid forgets all pools before this line",
        ),
    ] {
        let found = pools(lines);
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{lines}: {found:#?}");
    }
    let early = found("delay_class 1 1\ndelay_access 1 allow lab\ndelay_pools 1\n");
    assert!(
        matches!(&*early, [one] if one.starts_with("squid.conf:4 squid reads line by line, and there are no pools yet")),
        "{early:#?}"
    );
}

#[test]
fn nothing_follows_from_a_misspelt_line() {
    let lines = "delay_pools 1\ndelay_calss 1 1\ndelay_access 1 allow lab\ndelay_parameters 1 64000/64000\n";
    assert_eq!(
        found(lines),
        ["squid.conf:5 squid knows no directive `delay_calss`, and passes over the line (did you mean `delay_class`?)"]
    );
}

#[test]
fn lists() {
    for (lines, expected) in [
        (
            "http_access deny labb",
            "squid.conf:4 there is no list `labb`, so squid does not start (did you mean `lab`?)",
        ),
        ("acl lab src 192.0.2.0/33", "squid.conf:4 `192.0.2.0/33` is no address, so squid does not start"),
        ("acl other src 198.51.100.0/24", "squid.conf:4 nothing asks for list `other`"),
        ("acl lab dst 198.51.100.0/24", "squid.conf:4 list `lab` is of type `src` already"),
        (
            "acl evil dstdomian .evil.lab\nhttp_access deny evil",
            "squid.conf:4 squid knows no type `dstdomian` of lists",
        ),
        ("acl other", "squid.conf:4 this list has no type"),
        ("http_access deny all\nhttp_access allow localhost", "squid.conf:5 squid never gets as far as this line"),
        ("http_access permit localhost", "squid.conf:4 `permit` is neither `allow` nor `deny`"),
    ] {
        let found = found(lines);
        assert!(matches!(&*found, [one] if one.starts_with(expected)), "{lines}: {found:#?}");
    }
    // Lists of other things than clients may be there for a later day.
    for line in ["acl step2 at_step SslBump2", "acl card arp 52:54:00:00:00:01", "acl far dst 198.51.100.0/24"] {
        assert_eq!(found(line), Vec::<String>::new(), "{line}");
    }
    let denied = alone("squid.conf", "http_port 8080\nacl lab src 192.0.2.0/24\ncache deny lab\n");
    assert!(
        matches!(&*denied, [one] if one.starts_with("squid.conf:2 nothing lets list `lab` through")),
        "{denied:#?}"
    );
    let nobody = "http_port 8080\nhttp_port 3128 intercept\nhttp_access allow localhost\nhttp_access deny all\n";
    let nobody = alone("squid.conf", nobody);
    assert!(
        matches!(&*nobody, [one] if one.starts_with("squid.conf:1 no `http_access` lets any client through")),
        "{nobody:#?}"
    );
}
