//! Lines as kernels and daemons wrote them, and the rules that lift what they tell.
#![expect(clippy::expect_used, reason = "a line that is not read fails the test")]

use labrig_observe::apparmor::{Denial, kernel_message};
use proptest::prelude::*;

/// Reads each line, and compares the rules.
#[track_caller]
fn lifted(lines: &[(&str, Option<&str>)]) {
    for (line, rule) in lines {
        let denial = Denial::parse(line).expect(line);
        assert_eq!(denial.rule(), *rule, "{line}");
    }
}

/// A domain of Debian 12 whose abstraction had lost the rule for SeaBIOS.
const SEABIOS: &str = r#"audit: type=1400 audit(1795401234.484:77): apparmor="DENIED" operation="open" profile="libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" name="/usr/share/seabios/bios-256k.bin" pid=637 comm="qemu-system-x86" requested_mask="r" denied_mask="r" fsuid=64055 ouid=0"#;

#[test]
fn a_denial_says_who_denied_what_to_whom() {
    let denial = Denial::parse(SEABIOS).expect("a denial");
    assert_eq!(denial.profile(), "libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    assert_eq!(denial.object().as_deref(), Some("/usr/share/seabios/bios-256k.bin"));
    assert_eq!(denial.mask().as_deref(), Some("r"));
    assert_eq!(denial.process().as_deref(), Some("qemu-system-x86"));
    assert_eq!(denial.stamp(), Some("1795401234.484:77"));
    assert_eq!(denial.rule(), Some(r#""/usr/share/seabios/bios-256k.bin" r,"#));
    assert_eq!(
        denial.to_string(),
        "profile libvirt-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee denies open of /usr/share/seabios/bios-256k.bin, mask r, \
         to qemu-system-x86"
    );
}

#[test]
fn the_same_denial_is_read_wherever_it_is_written() {
    let kernel = format!("5,1234,366131887,-;{SEABIOS}\n SUBSYSTEM=x\n");
    let auditd = SEABIOS.replace("audit: type=1400 audit(", "type=AVC msg=audit(")
        + "\u{1d}FSUID=\"libvirt-qemu\" OUID=\"root\"";
    let journal = format!("Nov 23 02:33:54 host kernel: {SEABIOS}");
    let first = Denial::parse(SEABIOS).expect("a denial");
    for line in [kernel_message(&kernel), auditd, journal] {
        let denial = Denial::parse(&line).expect(&line);
        assert_eq!((denial.stamp(), denial.rule()), (first.stamp(), first.rule()), "{line}");
    }
}

/// Linux 6.1 of Debian 12, and a profile made for this that allows next to nothing.
#[test]
fn files() {
    lifted(&[
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name="/tmp/" pid=545 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=0"#,
            Some(r#"owner "/tmp/" r,"#),
        ),
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name=2F746D702F77697468207370616365 pid=545 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=1"#,
            Some(r#""/tmp/with space" r,"#),
        ),
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name="/tmp/star*[a]{b}?," pid=545 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=0"#,
            Some(r#"owner "/tmp/star\*\[a\]\{b\}[>-@]," r,"#),
        ),
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name=2F746D702F756D6C617574C3A4 pid=545 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=0"#,
            Some("owner \"/tmp/umlaut\u{e4}\" r,"),
        ),
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name=2F746D702F6E65770A6C696E65 pid=545 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=0"#,
            Some(r#"owner "/tmp/new\012line" r,"#),
        ),
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name="/tmp/back\slash" pid=545 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=0"#,
            Some(r#"owner "/tmp/back\\slash" r,"#),
        ),
        (
            r#"apparmor="DENIED" operation="unlink" profile="labtest" name=2F746D702F71756F74652264 pid=545 comm="python3" requested_mask="d" denied_mask="d" fsuid=0 ouid=0"#,
            Some(r#"owner "/tmp/quote\"d" w,"#),
        ),
        (
            r#"apparmor="DENIED" operation="mknod" profile="labtest" name="/tmp/created" pid=545 comm="python3" requested_mask="c" denied_mask="c" fsuid=0 ouid=0"#,
            Some(r#"owner "/tmp/created" w,"#),
        ),
        (
            r#"apparmor="DENIED" operation="rename_src" profile="labtest" name=2F746D702F77697468207370616365 pid=545 comm="python3" requested_mask="wrd" denied_mask="wrd" fsuid=0 ouid=1"#,
            Some(r#""/tmp/with space" rw,"#),
        ),
        (
            r#"apparmor="DENIED" operation="link" profile="labtest" name=2F746D702F6C20696E6B pid=545 comm="python3" requested_mask="l" denied_mask="l" fsuid=0 ouid=1 target=2F746D702F77697468207370616365"#,
            Some(r#"link "/tmp/l ink" -> "/tmp/with space","#),
        ),
        (
            r#"apparmor="DENIED" operation="exec" profile="labtest" name=2F6F70742F782F612074727565 pid=686 comm="python3" requested_mask="x" denied_mask="x" fsuid=0 ouid=0"#,
            Some(r#"owner "/opt/x/a true" ix,"#),
        ),
        // What a process says of itself has another path the next time.
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name="/proc/706/attr/exec" pid=706 comm="python3" requested_mask="wc" denied_mask="wc" fsuid=0 ouid=0"#,
            Some(r#"owner "/proc/@{pid}/attr/exec" w,"#),
        ),
        (
            r#"apparmor="DENIED" operation="open" profile="labtest" name="/proc/1/environ" pid=706 comm="python3" requested_mask="r" denied_mask="r" fsuid=0 ouid=0"#,
            Some(r#"owner "/proc/1/environ" r,"#),
        ),
    ]);
}

/// Paths that lead to no root, and so are in no rule. Linux 6.8 of Ubuntu 24.04.
#[test]
fn no_rule_names_what_has_no_path() {
    lifted(&[(
        r#"apparmor="DENIED" operation="open" class="file" info="Failed name lookup - disconnected path" error=-13 profile="unprivileged_userns" name="proc/3502868/uid_map" comm="bwrap" requested_mask="wr" denied_mask="wr""#,
        None,
    )]);
}

#[test]
fn everything_else() {
    lifted(&[
        (
            r#"[ 2592.816582] audit: type=1400 audit(1638036341.363:33): apparmor="DENIED" operation="capable" profile="libvirtd" pid=4545 comm="prio-rpc-worker" capability=17  capname="sys_rawio""#,
            Some("capability sys_rawio,"),
        ),
        (
            r#"apparmor="DENIED" operation="create" profile="labtest" pid=545 comm="python3" family="inet" sock_type="stream" protocol=0 requested_mask="create" denied_mask="create""#,
            Some("network inet stream,"),
        ),
        (
            r#"apparmor="DENIED" operation="create" profile="labtest" pid=545 comm="python3" family="netlink" sock_type="raw" protocol=0 requested_mask="create" denied_mask="create""#,
            Some("network netlink raw,"),
        ),
        (
            r#"apparmor="DENIED" operation="file_inherit" namespace="root//lxd-android-build_<var-snap-lxd-common-lxd>" profile="/snap/snapd/10492/usr/lib/snapd/snap-confine" pid=712890 comm="snap-confine" family="unix" sock_type="stream" protocol=0 requested_mask="send receive" denied_mask="send receive" addr=none peer_addr=none peer="snap.node.npm""#,
            Some(r#"unix (send, receive) type=stream addr=none peer=(label="snap.node.npm", addr=none),"#),
        ),
        (
            r#"apparmor="DENIED" operation="bind" profile="foo.sideload_bar_ICKPCGbSJVMW" pid=2826 comm="xtables-multi" family="unix" sock_type="stream" protocol=0 requested_mask="bind" denied_mask="bind" addr="@xtables""#,
            Some(r#"unix (bind) type=stream addr="@xtables","#),
        ),
        (
            r#"apparmor="DENIED" operation="create" class="net" info="failed protocol match" error=-13 profile="/usr/sbin/swanctl" pid=64058 comm="swanctl" family="unix" sock_type="stream" protocol=0 requested="create" denied="create" addr=none"#,
            Some("unix (create) type=stream addr=none,"),
        ),
        (
            r#"apparmor="DENIED" operation="signal" profile="labtest" pid=545 comm="python3" requested_mask="send" denied_mask="send" signal=term peer="unconfined""#,
            Some(r#"signal (send) set=(term) peer="unconfined","#),
        ),
        (
            r#"apparmor="DENIED" operation="ptrace" profile="labtest" pid=545 comm="python3" requested_mask="trace" denied_mask="trace" peer="unconfined""#,
            Some(r#"ptrace (trace) peer="unconfined","#),
        ),
        (
            r#"apparmor="DENIED" operation="mount" info="failed mntpnt match" error=-13 profile="labtest" name="/tmp/mine/" pid=545 comm="python3" fstype="tmpfs" srcname="tmpfs" flags="rw, nosuid, nodev""#,
            Some(r#"mount fstype=tmpfs options=(rw, nosuid, nodev) "tmpfs" -> "/tmp/mine/","#),
        ),
        (
            r#"apparmor="DENIED" operation="mount" info="failed mntpnt match" error=-13 profile="labtest" name="/tmp/mine/" pid=545 comm="python3" srcname="/tmp/mine/" flags="rw, bind""#,
            Some(r#"mount options=(rw, bind) "/tmp/mine/" -> "/tmp/mine/","#),
        ),
        (
            r#"apparmor="DENIED" operation="umount" profile="labtest" name="/proc/" pid=706 comm="python3""#,
            Some(r#"umount "/proc/","#),
        ),
        (
            r#"apparmor="DENIED" operation="userns_create" class="namespace" info="User namespace creation restricted" error=-13 profile="unconfined" pid=9138 comm="brave" requested="userns_create" denied="userns_create""#,
            Some("userns create,"),
        ),
        (
            r#"apparmor="DENIED" operation="uring_sqpoll" class="io_uring" profile="/root/apparmor/tests/regression/apparmor/io_uring" pid=1320 comm="io_uring" requested="sqpoll" denied="sqpoll""#,
            Some("io_uring (sqpoll),"),
        ),
        (
            r#"apparmor="DENIED" operation="create" profile="/root/apparmor/tests/regression/apparmor/posix_mq_rcv" name="/queuename" pid=791 comm="posix_mq_rcv" requested="create" denied="create" class="posix_mqueue" fsuid=0 ouid=0"#,
            Some(r#"mqueue (create) type=posix "/queuename","#),
        ),
        // The bus tells its own, in quotes of its own.
        (
            r#"audit: type=1107 audit(1708934630.097:159): pid=1750 uid=103 auid=4294967295 ses=4294967295 subj=unconfined msg='apparmor="DENIED" operation="dbus_method_call"  bus="system" path="/org/freedesktop/PolicyKit1/Authority" interface="org.freedesktop.DBus.Properties" member="GetAll" mask="send" name=":1.4" pid=6656 label="snap.snap-store.ubuntu-software" peer_pid=1784 peer_label="unconfined"'"#,
            Some(
                r#"dbus (send) bus=system path="/org/freedesktop/PolicyKit1/Authority" interface="org.freedesktop.DBus.Properties" member="GetAll" peer=(label="unconfined"),"#,
            ),
        ),
    ]);
}

#[test]
fn what_is_allowed_or_only_told_is_no_denial() {
    for line in [
        r#"audit: type=1400 audit(1795400750.964:2): apparmor="STATUS" operation="profile_load" profile="unconfined" name="lsb_release" pid=215 comm="apparmor_parser""#,
        r#"apparmor="ALLOWED" operation="connect" profile="/usr/sbin/nmbd" pid=9395 comm="nmbd" family="unix""#,
        r#"apparmor="AUDIT" operation="userns_create" class="namespace" profile="unconfined" comm="rootlesskit""#,
        "AppArmor: AppArmor initialized",
        "",
    ] {
        assert_eq!(Denial::parse(line), None, "{line}");
    }
}

/// Pieces of lines, to come near to what is a denial.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("apparmor=\"DENIED\"".to_owned()),
        Just("audit(1.2:3):".to_owned()),
        "(profile|name|operation|class|family|sock_type|denied_mask|target|flags|signal|capname|addr|srcname)=\"?",
        "(open|mount|signal|dbus_bind|net|umount|unix|none|posix_mqueue)",
        "[0-9A-F]{0,9}",
        "[ \"'=@\\\\\u{1d}(){}\\[\\]*?^,\u{e4}\n\t-]{0,6}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_line_is_too_strange(line in pieces()) {
        if let Some(denial) = Denial::parse(&line) {
            let _ = (denial.to_string(), denial.object(), denial.mask());
            // One line, so that what follows a path is never another rule.
            if let Some(rule) = denial.rule() {
                prop_assert!(rule.ends_with(',') && !rule.contains(['\n', '\r', '\0']), "{rule}");
            }
        }
        let _ = kernel_message(&line);
    }

    /// A path that the kernel wrote as digits stays inside its quotes, whatever it is.
    #[test]
    fn a_path_stays_in_its_quotes(path in prop::collection::vec(any::<u8>(), 0..40)) {
        let digits: String = path.iter().map(|byte| format!("{byte:02X}")).collect();
        let line = format!("apparmor=\"DENIED\" operation=\"open\" profile=\"p\" name=2F{digits} denied_mask=\"r\"");
        let denial = Denial::parse(&line).expect("a denial");
        let rule = denial.rule().expect("a rule");
        let inner = rule.strip_prefix('"').and_then(|rule| rule.strip_suffix("\" r,")).expect("quotes");
        let mut escaped = false;
        for c in inner.chars() {
            prop_assert!(escaped || !matches!(c, '"' | '*' | '{' | '}'), "{rule}");
            escaped = !escaped && c == '\\';
        }
        prop_assert!(!escaped);
    }
}
