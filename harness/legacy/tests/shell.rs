//! Scripts, read without running them: what is known of their words, and what is not.

mod support;

use labrig_legacy::shell::Script;
use support::{alone, one};

/// Each command with its words; `?` stands for what is not known.
fn commands(text: &str) -> Vec<String> {
    let word = |word: &labrig_legacy::shell::Word| match word.text() {
        Some(text) => text.replace(' ', "_"),
        None => format!("{}?", word.beginning()),
    };
    let script = Script::read(text);
    script.commands.iter().map(|command| command.words.iter().map(word).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn words() {
    for (text, expected) in [
        ("a 'b c' \"d e\" f\\ g", &["a b_c d_e f_g"][..]),
        ("a --b \\\n  --c # a comment\nd#e", &["a --b --c", "d#e"]),
        ("a;b&&c||d|e&f", &["a", "b", "c", "d", "e", "f"]),
        ("a >b 2>&1 <c d", &["a d"]),
        ("cat <<E >f\nb $(c)\nE\nd", &["cat", "d"]),
        ("cat <<-'E'\n\tb\n\tE\nd", &["cat", "d"]),
        ("a $'b' $\"c\" '$d' \\$e", &["a ? c $d $e"]),
        ("a \"$(b \"c\")\" `d` $((1 + 2)) ${e:-f} $1", &["a ? ? ? ? ?"]),
        ("if a; then b; elif c; then d; fi", &["a", "b", "c", "d"]),
        ("f() { a; }\n(b)", &["a", "b"]),
        ("A=1 a", &["a"]),
    ] {
        assert_eq!(commands(text), expected, "{text}");
    }
}

#[test]
fn variables() {
    for (text, expected) in [
        ("A=b\nc $A \"${A}d\"", "c b bd"),
        ("A=b\nB=$A/c\nd $B", "d b/c"),
        ("export A=b\nc $A", "c b"),
        ("A='b c'\nd $A \"$A\"", "d b c b_c"),
        // Whatever is not said once, plainly, is not known.
        ("A=b\nA=c\nd $A", "d ?"),
        ("A=b\nA+=c\nd $A", "d ?"),
        ("test $1 && A=b\nd $A", "d ?"),
        ("A=b || A=c\nd $A", "d ?"),
        ("if true; then A=b; fi\nd $A", "d ?"),
        ("f() { A=b; }\nd $A", "d ?"),
        ("(A=b)\nd $A", "d ?"),
        ("A=$(b)\nd $A", "d ?"),
        ("A=$HOME/b\nd $A", "d ?"),
        ("A=b\nread A\nd $A", "d ?"),
        ("A=b\nfor A in c d; do :; done\ne $A", "e ?"),
        ("A=(b c)\nd ${A[@]} \"${A[0]}\"", "d ? ?"),
    ] {
        let last = commands(text).pop();
        assert_eq!(last.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn programs() {
    for (text, expected) in [
        ("/usr/sbin/iptables -F", Some("iptables")),
        ("sudo -n /sbin/iptables -F", Some("iptables")),
        ("env A=b iptables -F", Some("iptables")),
        ("A=iptables; $A -F", Some("iptables")),
        ("$A -F", None),
        ("command iptables -F", Some("iptables")),
        ("command -p iptables -F", Some("iptables")),
        // What only tells about a program does not run it.
        ("command -v iptables", Some("command")),
        ("command -V iptables", Some("command")),
        ("builtin iptables", Some("builtin")),
        ("type iptables", Some("type")),
    ] {
        let script = Script::read(text);
        let program = script.commands.last().and_then(|command| command.program()).map(|(program, _)| program);
        assert_eq!(program, expected, "{text}");
    }
}

#[test]
fn a_quote_that_is_never_closed() {
    assert_eq!(Script::read("a 'b\nc").unclosed, Some(2..3));
    assert_eq!(Script::read("a \"b\nc").unclosed, Some(2..3));
    assert_eq!(Script::read("a # isn't\nb").unclosed, None);
}

#[test]
fn a_quote_that_only_looks_so() {
    for (text, expected) in [
        ("D=${D:-\"${HOME}/vms\"}\na", &["a"][..]),
        ("a \"${D:-\"${HOME}/vms\"}\" b\nc", &["a ? b", "c"]),
        ("a \"${D:-isn't}\"\nb", &["a ?", "b"]),
        ("a \"${D%'}'}\"\nb", &["a ?", "b"]),
        ("b=$'it\\'s'\na", &["a"]),
        ("a \"$(echo \"a)b\")\"\nb", &["a ?", "b"]),
        ("a \"$(cat <<< \"it's\")\"\nb", &["a ?", "b"]),
        ("x=$(cat <<E\nisn't ) \"\nE\n)\na", &["a"]),
        ("x=$(cat <<E\nisn't\nE)\na", &["a"]),
        ("x=\"$(\n# don't\na\n)\"\nb", &["b"]),
        ("x=$(case $1 in a) echo \"b)\";; (c) d;; esac)\na", &["a"]),
        ("a \"`echo \"it's\"`\" `b \\`c 'd'\\``\ne", &["a ? ?", "e"]),
        ("A=(b # isn't\n'c)' d)\ne", &["e"]),
        ("a $((1 << 2)) $(( (3) ))\nb", &["a ? ?", "b"]),
        ("a <(echo \")\")\nb", &["a", "b"]),
    ] {
        assert_eq!(Script::read(text).unclosed, None, "{text}");
        assert_eq!(commands(text), expected, "{text}");
    }
    // What is shifted is no here-document, and what is counted is not known.
    assert_eq!(commands("A=1\n((A << 2))\na $A"), ["let A", "a ?"]);
}

#[test]
fn a_quote_that_is_never_closed_hides_nothing_behind_its_line() {
    assert_eq!(commands("a\nb 'c d\ne\nf \"g h\""), ["a", "b ?", "e", "f g_h"]);
    assert_eq!(commands("a \"$(b 'c)\"\nd"), ["a ?", "d"]);
}

#[test]
fn what_is_very_deep_is_no_trouble() {
    for part in ["$(", "\"${A", "$((", "((", "`", "\"$(", "'\"", "(", "<(", "A=("] {
        assert!(Script::read(&part.repeat(50_000)).commands.len() < 2, "{part}");
    }
}

#[test]
fn a_line_that_lost_its_backslash() {
    one(
        "a.sh",
        "virt-install --name a --memory 512 \\\n  --vcpus 1\n  --import \\\n  --disk size=1\n",
        "a.sh:2 the line does not end with `\\` (write `\\` at its end: the next line goes on with `--import`)",
    );
    one(
        "a.sh",
        "virt-install --name a --memory 512 \\ \n  --import\n",
        "a.sh:1 the line does not end with `\\`: a blank is behind it (take out",
    );
    one("a.sh", "sudo iptables -A INPUT -p tcp\n  --dport 80 -j ACCEPT\n", "a.sh:1 the line does not end with `\\` (");
    let both = alone("a.sh", "iptables -A INPUT \\  \n -p tcp\n  --dport 80 -j ACCEPT\n");
    assert_eq!(both.len(), 2, "{both:#?}");
    // What is read as it was meant has all its options, and what is no such call is none of these.
    assert_eq!(commands("virt-install --name a\n --import\nb"), ["virt-install --name a --import", "b"]);
    for right in [
        "virt-install --name a --memory 512 --import --disk \"a b\",size=1 --description \\  --nographics\n",
        "iptables -A INPUT -j ACCEPT\n\n# --dport\n$X --dport\n",
        "iptables -A INPUT -j ACCEPT; x\n",
        "echo a\n--name\n",
    ] {
        assert_eq!(alone("a.sh", right), [""; 0], "{right}");
    }
}
