//! Findings of `[node]`, and of how nodes are installed.

use crate::{NETWORK, check};

#[test]
fn installs() {
    let origins = "[upstream.origin.\"deb.lab\"]\napt = {}\n[upstream.origin.\"www.lab\"]\n";
    let small = "disk = [{ size = \"1GiB\" }]\nmemory = \"256MiB\"\n";
    check(
        &format!(
            "{NETWORK}{origins}\
             [node.a]\ninstall = {{ debootstrap = {{ origin = \"dep.lab\", packages = [\"Curl\"] }} }}\n{small}\
             [node.b]\ninstall = {{ debootstrap = {{ origin = \"www.lab\", after = \"c\" }} }}\n\
             [node.c]\n\
             [node.d]\ninstall = {{ debootstrap = {{ origin = \"deb.lab\", after = \"x\" }} }}\n\
             disk = [{{ size = \"2GiB\" }}]\n",
        ),
        &[
            "8:38 there is no origin `dep.lab`",
            "8:61 expected a package name, found `Curl`",
            "9:18 `1GiB` is too small to install on",
            "10:10 `256MiB` of memory is too little to boot with",
            "11:7 node `b` has no disk to install on",
            "12:38 origin `www.lab` has no apt repository",
            "12:57 node `c` is not installed, so there is nothing to wait for",
            "15:57 there is no node `x`",
        ],
    );
}

#[test]
fn installs_that_cannot_begin() {
    let debian = |after: &str| {
        format!(
            "install = {{ debootstrap = {{ origin = \"deb.lab\", after = \"{after}\" }} }}\ndisk = [{{ size = \"2GiB\" }}]\n"
        )
    };
    check(
        &format!(
            "[network.lab]\nsubnet = \"192.168.50.0/24\"\nmode = \"isolated\"\n[upstream.origin.\"deb.lab\"]\napt = {{}}\n\
             [node.a]\n{}[node.b]\n{}",
            debian("b"),
            debian("a"),
        ),
        &[
            "7:7 node `a` is installed from the upstream, which its first network does not reach",
            "8:57 node `a` would wait for itself",
            "10:7 node `b` is installed from the upstream, which its first network does not reach",
            "11:57 node `b` would wait for itself",
        ],
    );
}
