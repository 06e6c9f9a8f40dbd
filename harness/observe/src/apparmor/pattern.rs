//! Whether a profile lets a path be read, as far as its text tells.

use std::iter;

/// Whether a rule of this text lets `path` be read. Where a pattern cannot be told, as with a variable, it is taken for one
/// that matches: what is said to be missing is missing.
#[must_use]
pub fn lets_read(profile: &str, path: &str) -> bool {
    profile.lines().filter_map(readable).any(|pattern| matches(&pattern, path))
}

/// The pattern of a rule that lets something be read.
fn readable(line: &str) -> Option<Vec<Piece>> {
    let line = line.trim();
    let line = ["owner ", "audit ", "file "].iter().fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
    let (path, rest) = match line.strip_prefix('"') {
        Some(quoted) => {
            let end = (0..quoted.len())
                .find(|at| quoted.as_bytes()[*at] == b'"' && (*at == 0 || quoted.as_bytes()[*at - 1] != b'\\'))?;
            (&quoted[..end], &quoted[end + 1..])
        }
        None => line.split_once(char::is_whitespace)?,
    };
    if !path.starts_with(['/', '@', '{']) {
        return None;
    }
    let permissions = rest.split(['#', ',', '-']).next()?.trim();
    let lets_read = permissions.contains('r') && permissions.bytes().all(|byte| byte.is_ascii_alphabetic());
    lets_read.then(|| pieces(path))
}

/// A piece of a pattern.
enum Piece {
    Char(char),
    /// One character that is no slash.
    One,
    /// Any number of them.
    Some,
    /// Anything at all.
    Any,
}

/// What is no single character is taken for anything: alternations, classes, variables.
fn pieces(path: &str) -> Vec<Piece> {
    let mut chars = path.chars().peekable();
    let piece = || {
        let piece = match chars.next()? {
            '\\' => Piece::Char(chars.next()?),
            '?' => Piece::One,
            '*' if chars.next_if_eq(&'*').is_some() => Piece::Any,
            '*' => Piece::Some,
            '[' => {
                chars.by_ref().find(|c| *c == ']');
                Piece::Any
            }
            '@' if chars.peek() == Some(&'{') => {
                chars.by_ref().find(|c| *c == '}');
                Piece::Any
            }
            '{' => {
                let mut depth = 1_u32;
                for c in chars.by_ref() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                Piece::Any
            }
            c => Piece::Char(c),
        };
        Some(piece)
    };
    iter::from_fn(piece).collect()
}

/// Whether the whole of the path is of the pattern. Which pieces may come next is kept for each character, so that a
/// pattern takes no longer than its length times that of the path.
fn matches(pattern: &[Piece], path: &str) -> bool {
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    let skip = |at: &mut Vec<bool>| {
        for (index, piece) in pattern.iter().enumerate() {
            if at[index] && matches!(piece, Piece::Some | Piece::Any) {
                at[index + 1] = true;
            }
        }
    };
    skip(&mut at);
    for c in path.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (index, piece) in pattern.iter().enumerate().filter(|(index, _)| at[*index]) {
            match piece {
                Piece::Char(own) if *own == c => next[index + 1] = true,
                Piece::One if c != '/' => next[index + 1] = true,
                Piece::Some if c != '/' => next[index] = true,
                Piece::Any => next[index] = true,
                _ => {}
            }
        }
        skip(&mut next);
        at = next;
    }
    at[pattern.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As virt-aa-helper 9.0 writes it, and lines of Debian's abstraction.
    const PROFILE: &str = r#"
  "/run/libvirt/**/inner.pid" rwk,
  "/boot/vmlinuz-6.1" r,
  # don't audit writes to readonly files
  deny "/boot/initrd-6.1" w,
  "/var/lib/libvirt/images/with \"quote\" and \*.qcow2" rwk,
  "/var/log/libvirt/**/inner.log" w,
  /usr/share/seabios/** r,
  /sys/devices/system/node/node[0-9]*/meminfo r,
  owner /var/lib/libvirt/qemu/nvram/*_VARS.fd rwk,
  @{PROC}/*/status r,
  / r, # harmless
  signal (receive) peer=libvirtd,
  capability dac_override,
"#;

    #[test]
    fn what_a_rule_lets_be_read() {
        for path in [
            "/boot/vmlinuz-6.1",
            "/run/libvirt/qemu/x/inner.pid",
            "/var/lib/libvirt/images/with \"quote\" and *.qcow2",
            "/usr/share/seabios/bios-256k.bin",
            "/sys/devices/system/node/node0/meminfo",
            "/var/lib/libvirt/qemu/nvram/a_VARS.fd",
            "/proc/1/status",
            "/",
        ] {
            assert!(lets_read(PROFILE, path), "{path}");
        }
    }

    #[test]
    fn what_no_rule_lets_be_read() {
        for path in [
            "/boot/initrd-6.1",
            "/boot/vmlinuz-6.10",
            "/var/lib/libvirt/images/with \"quote\" and x.qcow2",
            "/var/log/libvirt/qemu/inner.log",
            "/usr/share/seabio",
            "/var/lib/libvirt/qemu/nvram/x/a_VARS.fd",
            "/boot",
            "",
        ] {
            assert!(!lets_read(PROFILE, path), "{path}");
        }
    }
}
