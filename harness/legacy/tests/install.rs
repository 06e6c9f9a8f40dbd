//! What is wrong with calls of virt-install and with preseeds, each finding at its line.

#![expect(clippy::expect_used, reason = "what is not read fails the test")]

mod support;

use labrig_legacy::{File, preseed::Preseed};
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
        d-i mirror/https/hostname string deb.lab\nd-i netcfg/wireless_wpa string\n\
        d-i lilo-installer/bootdev string /dev/vda\nkexec kexec-tools/load_kexec boolean true\n\
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
    for (line, expected) in [
        ("d-i netcfg/chose_interface select auto", "netcfg/choose_interface"),
        ("d-i partman-auto/chose_recipe select atomic", "partman-auto/choose_recipe"),
        ("d-i miror/country string manual", "mirror/country"),
        ("d-i partman/confrim boolean true", "partman/confirm"),
        ("tasksel tasksel/frist multiselect standard", "tasksel/first"),
        ("popularity-contest popularity-contest/paticipate boolean false", "popularity-contest/participate"),
        ("grub-pc grub-pc/instal_devices multiselect /dev/vda", "grub-pc/install_devices"),
        ("keyboard-configuration keyboard-configuration/xbk-keymap select us", "keyboard-configuration/xkb-keymap"),
    ] {
        let found = alone("preseed.cfg", &format!("{FIRST}{line}\n"));
        let help = format!("(did you mean `{expected}`?)");
        assert!(matches!(&*found, [one] if one.contains("asks no question") && one.ends_with(&help)), "{found:#?}");
    }
    for (line, help) in [
        ("d-i partman/confirm true", "write `d-i partman/confirm boolean true`"),
        ("d-i partman-auto/choose_recipe atomic", "write `d-i partman-auto/choose_recipe select atomic`"),
        ("d-i partman/confirm bool true", "did you mean `boolean`?"),
        ("d-i clock-setup/utc boolean=true", "write `d-i clock-setup/utc boolean true`"),
        ("d-i mirror/country enter information", "write `d-i mirror/country string enter information`"),
        ("time/zone string US/Eastern", "write `d-i time/zone string US/Eastern`"),
        ("d-i grub-pc grub-pc/hidden_timeout boolean false", "write `grub-pc grub-pc/hidden_timeout boolean false`"),
        ("di clock-setup/utc boolean true", "did you mean `d-i`?"),
        ("d-i partman-auto/method string lmv", "did you mean `lvm`?"),
        ("d-i partman-auto/choose_recipe select atomik", "did you mean `atomic`?"),
    ] {
        let found = alone("preseed.cfg", &format!("{FIRST}{line}\n"));
        assert!(matches!(&*found, [one] if one.ends_with(&format!("({help})"))), "{line}: {found:#?}");
    }
    let recipe = "d-i partman-auto/choose_recipe select atomik\nd-i partman-auto/expert_recipe string atomik :: \\\n 1 1 1 ext4 .\n";
    assert_eq!(alone("preseed.cfg", recipe), NONE);
    let lost = "d-i preseed/late_command string in-target mkdir /a;\n  echo \"ssh AAAA x\" > /target/a; \\\n  true\n";
    let found = alone("preseed.cfg", lost);
    let help = "preseed.cfg:2 this line is no answer, and is passed over (the line above should end with `\\`)";
    assert_eq!(found, [help]);
    let blank = lost.replace("/a;\n", "/a; \\ \n");
    one("preseed.cfg", &blank, "preseed.cfg:1 blanks follow this backslash, so the line ends here");
    let differ = "d-i passwd/root-password password a\nd-i passwd/root-password-again password b\n";
    one("preseed.cfg", &format!("{FIRST}{differ}"), "preseed.cfg:3 the two passwords differ");
}

#[test]
fn a_line_of_a_preseed_goes_on_anywhere() {
    for text in [
        "d-i partman/early_command \\\n       string debconf-set partman-auto/disk /dev/vda\n",
        "d-i partman/choose_partition \\\n\tselect\tfinish\n",
        "d-i \\\n  partman/choose_partition select finish\n",
        "d-i partman/choose_partition select \\\r\n finish\r\n",
        "d-i clock-setup/utc boolean \\\n true\n",
        "d-i clock-setup/u\\\ntc bool\\\nean true\n",
    ] {
        assert_eq!(alone("preseed.cfg", text), NONE, "{text}");
    }
    let preseed = Preseed::read("d-i a/b \\\n string one \\\n two\n\\\n");
    let answer = preseed.answer("a/b").expect("the answer");
    assert_eq!(answer.kind.as_ref().map(|kind| kind.as_str()), Some("string"));
    assert_eq!((answer.value.as_str(), answer.value.span()), ("one \\\n two", 18..28));
    // A backslash on a line of its own joins nothing to anything.
    for text in ["\\\n", "\\\n\\\n", "d-i \\\n", "d-i a \\", "d-i a/b string \\"] {
        assert!(Preseed::read(text).answers.len() < 2, "{text}");
    }
    // Such a line tells by itself what the file is.
    assert_eq!(alone("node", "d-i partman/choose_partition \\\n\tselect\tfinish\n"), NONE);
    assert!(File::read("notes", b"xorriso:\n-c isolinux/boot.cat \\\n-b isolinux/isolinux.bin \\\n").is_err());
}

/// A preseed for a whole installation.
const WHOLE: &str = "d-i netcfg/disable_autoconfig boolean true\nd-i netcfg/get_ipaddress string 192.0.2.7\n\
    d-i netcfg/get_netmask string 255.255.255.0\nd-i netcfg/get_gateway string 192.0.2.1\n\
    d-i netcfg/get_nameservers string 192.0.2.1\nd-i mirror/country string manual\n\
    d-i mirror/http/hostname string deb.debian.org\nd-i mirror/http/directory string /debian\n\
    d-i passwd/username string lab\nd-i passwd/user-password-crypted password *\nd-i passwd/root-login boolean false\n\
    d-i partman-auto/method string lvm\nd-i partman-lvm/confirm boolean true\n\
    d-i partman-lvm/confirm_nooverwrite boolean true\nd-i partman/choose_partition select finish\n\
    d-i partman/confirm boolean true\nd-i partman/confirm_nooverwrite boolean true\n\
    d-i grub-installer/bootdev string /dev/vda\n";

/// The same without the lines that answer these questions.
fn without(questions: &[&str]) -> String {
    let kept = WHOLE.split_inclusive('\n');
    kept.filter(|line| !line.split(' ').nth(1).is_some_and(|own| questions.contains(&own))).collect()
}

#[test]
fn what_is_asked_on_some_disks_alone_is_not_missed() {
    let found = alone("preseed.cfg", &without(&["partman/confirm_nooverwrite", "partman-lvm/confirm_nooverwrite"]));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn what_is_not_answered_is_told_where_it_becomes_necessary() {
    assert_eq!(alone("preseed.cfg", WHOLE), NONE);
    for (missing, expected) in [
        (
            &["partman/confirm"][..],
            "12 the installer asks whether to write these partitions (add `d-i partman/confirm boolean true`)",
        ),
        (
            &["partman/choose_partition"],
            "12 the installer asks whether to write these partitions (add `d-i partman/choose_partition select finish`)",
        ),
        (
            &["partman-lvm/confirm"],
            "12 the installer asks whether to write these partitions (add `d-i partman-lvm/confirm boolean true`)",
        ),
        (
            &["mirror/http/hostname"],
            "6 the mirror is named by hand, and nothing names it (add `d-i mirror/http/hostname string deb.debian.org`)",
        ),
        (
            &["netcfg/get_gateway"],
            "1 no network is configured by itself, and the installer asks for the rest of it (add `d-i netcfg/get_gateway string ADDRESS`)",
        ),
        (
            &["passwd/user-password-crypted"],
            "9 the installer asks for this user's password (add `d-i passwd/user-password-crypted password HASH`)",
        ),
        (
            &["passwd/root-login"],
            "9 the installer asks for root's password (add `d-i passwd/root-login boolean false`)",
        ),
    ] {
        let text = without(missing);
        assert_eq!(alone("preseed.cfg", &text), [format!("preseed.cfg:{expected}")]);
        // What other files and commands answer is not known.
        for more in ["preseed/include string more.cfg", "preseed/run string more.sh", "partman/early_command string x"]
        {
            assert_eq!(alone("preseed.cfg", &format!("{text}d-i {more}\n")), NONE, "{missing:?}, {more}");
        }
    }
    // A part of a preseed, and one that leaves the address to the kernel's command line.
    assert_eq!(alone("preseed.cfg", "d-i partman-auto/method string lvm\n"), NONE);
    let questions = ["netcfg/get_ipaddress", "netcfg/get_netmask", "netcfg/get_gateway", "netcfg/get_nameservers"];
    assert_eq!(alone("preseed.cfg", &without(&questions)), NONE);
    // Ubuntu's root has no password.
    let ubuntu =
        without(&["passwd/root-login"]).replace("deb.debian.org", "archive.ubuntu.com").replace("/debian", "/ubuntu");
    assert_eq!(alone("preseed.cfg", &ubuntu), NONE);
}
