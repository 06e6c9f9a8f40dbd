//! The time and the memory that it takes to name the cause in a log of 100 MB, against the time that `grep` takes to find a line in it.
//!
//! `cargo bench --bench explain` writes three logs: one as machines write it, one of nothing but a message that is a
//! cause, and one of bytes that are no text. The bounds: 2 seconds and 100 MB for each.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measured, and starts what it compares with"
)]

use std::{
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    time::Instant,
};

use fs_err::File;
use labrig_diagnose::{Catalogue, Examination, Log};

/// The size of a log, in bytes.
const SIZE: usize = 100_000_000;

/// Lines of a healthy machine with guests.
const HEALTHY: [&str; 6] = [
    "Nov 23 06:00:01 host dnsmasq-dhcp[1350]: DHCPREQUEST(virbr0) 192.168.122.85 52:54:00:69:0c:ab",
    "Nov 23 06:00:01 host kernel: [ 2056.644781] audit: type=1400 audit(1627081269.900:41): apparmor=\"STATUS\" operation=\"profile_load\" name=\"libvirt-1\"",
    "Nov 23 06:00:02 host squid[1731]: Accepting HTTP Socket connections at local=192.168.1.2:3128 remote=[::] FD 12 flags=9",
    "Nov 23 06:00:02 host libvirtd[1011]: internal error: connection closed due to keepalive timeout",
    "Nov 23 06:00:03 host sshd[77]: Connection from 192.0.2.7 port 40022 on 192.0.2.1 port 22: Permission was granted",
    "\x1b[32mok\x1b[0m: [stack01] => (item=Could not be changed, nothing to do)\r 99%",
];
const CAUSE: &str = "error: internal error: Network is already in use by interface virbr0";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-explain");
    fs_err::create_dir_all(&folder)?;
    let mut state = 1_u64;
    measure(&folder, "as machines write it", |out, written| {
        let line = if written + 200 > SIZE { CAUSE } else { HEALTHY[written % HEALTHY.len()] };
        writeln!(out, "{line}")?;
        Ok(line.len() + 1)
    })?;
    measure(&folder, "one cause all over", |out, _| {
        writeln!(out, "{CAUSE}")?;
        Ok(CAUSE.len() + 1)
    })?;
    measure(&folder, "no text", |out, _| {
        // A generator of Lehmer's, with a multiplier of Knuth's (MMIX).
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        out.write_all(&state.to_be_bytes())?;
        Ok(8)
    })?;
    println!("memory at most: {} MB (bound 100)", peak()? / 1000);
    Ok(())
}

/// Writes a log, and names its causes.
fn measure(
    folder: &Path,
    name: &str,
    mut more: impl FnMut(&mut BufWriter<File>, usize) -> std::io::Result<usize>,
) -> Result<(), Box<dyn std::error::Error>> {
    let path = folder.join("log");
    let mut out = BufWriter::new(File::create(&path)?);
    let mut written = 0;
    while written < SIZE {
        written += more(&mut out, written)?;
    }
    out.flush()?;
    let begin = Instant::now();
    let mut examination = Examination::new(Catalogue::shipped());
    examination.log(Log::Unknown, "log", File::open(&path)?)?;
    let causes = examination.conclude().len();
    let took = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    Command::new("grep").args(["-aciE", "already in use by interface"]).arg(&path).output()?;
    let grep = begin.elapsed().as_secs_f64();
    println!("{name}: {took:.2} s (bound 2), {causes} causes; grep {grep:.2} s, ratio {:.1}", took / grep);
    fs_err::remove_file(&path)?;
    Ok(())
}

/// The most memory that this process ever had, in units of 1024 bytes (proc_pid_status(5), `VmHWM`).
fn peak() -> Result<u64, Box<dyn std::error::Error>> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the kernel does not say it")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
