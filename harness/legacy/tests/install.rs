//! What is wrong with calls of virt-install and with preseeds, each finding at its line.

mod support;

use support::{alone, one};

const NONE: [&str; 0] = [];

#[test]
fn what_is_right_is_right() {
    let script = "#!/bin/bash\nset -e\nNAME=web # the first\n\
        virt-install --name \"$NAME\" --memory 2048,hugepages=yes --vcpus=2 \\\n  --disk size=10 \\\n  --network network=lab,mac=$MAC \\\n\
        --location http://deb.example/debian/ --initrd-inject=/srv/preseed.cfg \\\n\
        --extra-args \"auto=true file=/preseed.cfg console=ttyS0\" --os-variant debian12\n\
        cat >user-data <<EOF\nvirt-install --name is no call\nEOF\n\
        virt-install -n other -r 512 --import --disk /srv/a.qcow2 -w network:lab\n\
        virt-install --name d --memory 512 -l http://deb.example/ --initrd-inject=a.cfg -x \"ks=file:/a.cfg file=/b-$X\"\n\
        virt-install --name e --memory=memory=512,currentMemory=256 --import --vcpus sockets=2 --graphics spice,listen=none \\\n\
        --disk $D,size=$S,driver.discard=unmap,boot.order=1 --disk size=1.5 --memory $M -w bridge=br0,xpath1.set=./@a=b\n\
        virt-install --name f --memory 512 -l http://deb.example/ --initrd-inject=a.cfg -x \"a=$X file=/a.cfg\"\n\
        virt-install --name g --memory 512 -l http://deb.example/ --initrd-inject=a.cfg -x \"a=$(echo file=/c.cfg )\"\n\
        virt-install $OPTIONS\nvirt-install --name c \"${ARGS[@]}\"\n";
    assert_eq!(alone("web.sh", script), NONE);
    let preseed = "#_preseed_V1\nd-i debian-installer/locale string en_US\nd-i netcfg/get_hostname string lab\n\
        d-i mirror/http/proxy string\nd-i passwd/root-login boolean false\nd-i passwd/user-password password a\n\
        d-i passwd/user-password-again password a\ntasksel tasksel/first multiselect standard\n\
        d-i apt-setup/local0/repository string http://deb.lab/\nd-i netcfg/get_hostname seen true\n\
        d-i partman-auto/expert_recipe string \\\n  boot-root :: 500 10000 -1 ext4 \\\n    method{ format } .\n";
    assert_eq!(alone("preseed.cfg", preseed), NONE);
}

#[test]
fn what_only_asks_installs_nothing() {
    let asks = "command -v virt-install >/dev/null || exit 1\ncommand -V virt-install\ntype virt-install\n\
        which virt-install\nvirt-install --version\nvirt-install --help | head\nvirt-install --osinfo list\n\
        virt-install --os-variant list\nvirt-install --disk=?\nvirt-install --network '?' --name a\n";
    assert_eq!(alone("a.sh", asks), NONE);
    let text = labrig_legacy::import("lab.toml", &[support::file("a.sh", asks)]).text;
    assert!(text.contains("[node.guest]") && text.matches("[node.").count() == 1, "{text}");
}

#[test]
fn virt_install() {
    const WHOLE: &str = "virt-install --name a --memory 512 --import";
    for (call, expected) in [
        ("virt-install --name a --import", "nothing says how much memory it has"),
        ("virt-install --name a --memory 512", "nothing says where the system comes from"),
        (
            "virt-install --name a --memory 512 --import --initrd-inject=a.cfg",
            "a file gets into the installer with `--location` alone",
        ),
        (
            "virt-install --name a --memory 512 --cdrom a.iso --extra-args auto",
            "arguments get into the installer with `--location` alone",
        ),
        (
            &format!("{WHOLE} --os-variant ubuntujammy"),
            "libosinfo knows no system `ubuntujammy` (write `--os-variant ubuntu22.04`",
        ),
        (
            &format!("{WHOLE} --os-variant=debianwheezy"),
            "libosinfo knows no system `debianwheezy` (write `--os-variant debian7`",
        ),
        (&format!("{WHOLE} --netwrok default"), "virt-install knows no option `--netwrok` (did you mean `--network`?)"),
        (&format!("{WHOLE} --network default,mac=52:54:00:00:00"), "`52:54:00:00:00` is no MAC address"),
        (&format!("{WHOLE} --network default,mac=01:54:00:00:00:01"), "this MAC address is one of a group"),
        (
            &format!("{WHOLE} --disk sise=10,format=qcow2"),
            "`--disk` of virt-install has no key `sise` (did you mean `size`?)",
        ),
        (
            &format!("{WHOLE} --network netwrk=$N,source_path=a"),
            "`--network` of virt-install has no key `netwrk` (did you",
        ),
        (&format!("{WHOLE} --graphics nonee"), "there is no type `nonee` of graphics (did you mean `none`?)"),
        (&format!("{WHOLE} --disk size=10G"), "a disk's size is a number of GiB, and `10G` is none (write `size=10`"),
        (&format!("{WHOLE} --vcpus two"), "`--vcpus` is a number of processors, and `two` is none (write `--vcpus 2`)"),
        (
            "virt-install --name a --memory 2G --import",
            "memory is a number of MiB, and `2G` is none (write `--memory 2048`)",
        ),
        (&format!("{WHOLE} -c a.iso"), "`--import` boots a disk that has a system, and `--cdrom` an installer"),
        (
            "virt-install --name a --memory 512 --location http://deb.example/ --initrd-inject=a.cfg -x \"hostname=$N file=/b.cfg\"",
            "the installer is to read `/b.cfg`, and nothing puts it there",
        ),
        (
            "virt-install --name a --memory 512 --location http://deb.example/ --extra-args 'file=/a.cfg'",
            "the installer is to read `/a.cfg`, and nothing puts it there (add `--initrd-inject=a.cfg`)",
        ),
    ] {
        one("a.sh", &format!("#!/bin/sh\n\n{call}\n"), &format!("a.sh:3 {expected}"));
    }
    let found = alone(
        "a.sh",
        "virt-install --name a \\\n  --memory 512 \\\n  --location http://deb.example/ \\\n  -x ks=file:/ks.cfg \\\n  --initrd-inject other.cfg\n",
    );
    assert!(matches!(&*found, [one] if one.starts_with("a.sh:4 the installer is to read `/ks.cfg`")), "{found:#?}");
}

#[test]
fn preseeds() {
    const FIRST: &str = "d-i debian-installer/locale string en_US\n";
    for (line, expected) in [
        ("d-i netcfg/get_hostname srting lab", "there is no type `srting` of questions (did you mean `string`?)"),
        (
            "d-i netcfg/get_hostname lab",
            "there is no type `lab` of questions (write `d-i netcfg/get_hostname string lab`)",
        ),
        (
            "d-i netcfg/get_hostnmae string lab",
            "the installer asks no question `netcfg/get_hostnmae` (did you mean `netcfg/get_hostname`?)",
        ),
        ("d-i clock-setup/utc boolean yes", "a boolean is `true` or `false`"),
        ("in-target", "this line is no answer, and is passed over"),
        ("d-i passwd/root-password password secret", "the installer asks for this password twice, and gets it once"),
    ] {
        one("preseed.cfg", &format!("{FIRST}{line}\n"), &format!("preseed.cfg:2 {expected}"));
    }
    let differ = "d-i passwd/root-password password a\nd-i passwd/root-password-again password b\n";
    one("preseed.cfg", &format!("{FIRST}{differ}"), "preseed.cfg:3 the two passwords differ");
}
