//! `bandwidth`: the rate at which guests receive.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use labrig_host::ssh;
use labrig_plan::{address::MacAddr, lab::Url, name::NodeName, unit::Rate};

use super::{command_within, list, said, text};
use crate::running::Running;

/// How long a transfer may take.
const TRANSFER: Duration = Duration::from_secs(60);
/// How often the counter is read.
const STEP: Duration = Duration::from_millis(20);
/// Ethernet, IPv4 and TCP with time stamps: what each packet carries beyond its payload.
const HEADERS: u64 = 14 + 20 + 32;
/// What arrives besides: headers, the SSH session, ARP.
const NOISE: u64 = 16 << 10;

/// What had arrived at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    at: Duration,
    bytes: u64,
}

/// Has all nodes fetch all of `urls` at once, and watches what arrives at their interfaces together.
pub(super) fn measure(
    running: &Running,
    nodes: &[NodeName],
    urls: &[Url],
    at_least: Option<Rate>,
    at_most: Option<Rate>,
) -> Result<String, String> {
    let tap_of = |node: &NodeName| {
        let nic = running.lab.node(node).and_then(|node| node.nics.first());
        nic.and_then(|nic| tap(nic.mac)).ok_or_else(|| format!("{node} has no tap device"))
    };
    let taps = nodes.iter().map(tap_of).collect::<Result<Vec<_>, _>>()?;
    let over = AtomicBool::new(false);
    let (samples, fetched) = thread::scope(|scope| {
        let sampler = scope.spawn(|| watch(&taps, &over));
        let fetches: Vec<_> = nodes.iter().map(|node| scope.spawn(|| fetch(running, node, urls))).collect();
        let died = |_| Err("a fetching thread died".to_owned());
        let fetched: Vec<_> = fetches.into_iter().map(|fetch| fetch.join().unwrap_or_else(died)).collect();
        over.store(true, Ordering::Relaxed);
        (sampler.join(), fetched)
    });
    fetched.into_iter().collect::<Result<(), _>>()?;
    let samples = samples.map_err(|_| "the sampler died".to_owned())?;
    let limit = running.lab.proxy.as_ref().and_then(|proxy| proxy.bandwidth);
    let what = urls.iter().map(Url::to_string).collect::<Vec<_>>().join(" and ");
    let rate = rate(&samples, limit).ok_or_else(|| format!("{what} is too small to measure a rate with"))?;
    let together = if nodes.len() > 1 { " together" } else { "" };
    let received = format!("{} received {what} at {}{together}", list(nodes), in_words(rate));
    match (at_least, at_most) {
        (Some(bound), _) if rate < bound => Err(format!("{received}, expected at least {bound}")),
        (_, Some(bound)) if rate > bound => Err(format!("{received}, expected at most {bound}")),
        _ => Ok(received),
    }
}

/// Fetches all of `urls` at once. A cache is told not to answer: it is the line that is measured, and what comes from a
/// cache does not pass it.
fn fetch(running: &Running, node: &NodeName, urls: &[Url]) -> Result<(), String> {
    let fetches = urls.iter().map(|url| {
        let url = ssh::word(&url.to_string());
        format!("(wget -q --header 'Cache-Control: no-cache' -O /dev/null {url} || echo {url}) & ")
    });
    let (output, _) = command_within(running, node, &(fetches.collect::<String>() + "wait"), TRANSFER)?;
    match text(&output.stdout).lines().next() {
        None => Ok(()),
        Some(failed) => Err(format!("{node} could not fetch {failed}{}", said(&output))),
    }
}

/// The tap device of a guest's interface: libvirt gives it the guest's MAC with the first byte `fe`, so that the
/// bridge never takes it for its own (libvirt, `virNetDevTapCreateInBridgePort`).
fn tap(mac: MacAddr) -> Option<PathBuf> {
    let [_, rest @ ..] = mac.octets();
    let wanted = rest.iter().fold("fe".to_owned(), |text, byte| format!("{text}:{byte:02x}"));
    let interfaces = std::fs::read_dir("/sys/class/net").ok()?;
    interfaces
        .flatten()
        .map(|entry| entry.path())
        .find(|path| std::fs::read_to_string(path.join("address")).is_ok_and(|address| address.trim() == wanted))
}

/// Reads the counters until it is over.
fn watch(taps: &[PathBuf], over: &AtomicBool) -> Vec<Sample> {
    let counter = |tap: &Path, name: &str| -> u64 {
        let text = std::fs::read_to_string(tap.join("statistics").join(name)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    };
    // What the host sends, the tap transmits.
    let received = |tap: &PathBuf| counter(tap, "tx_bytes").saturating_sub(counter(tap, "tx_packets") * HEADERS);
    let payload = || taps.iter().map(received).sum::<u64>();
    let (start, before) = (Instant::now(), payload());
    let mut samples = Vec::new();
    loop {
        let last = over.load(Ordering::Relaxed);
        samples.push(Sample { at: start.elapsed(), bytes: payload().saturating_sub(before) });
        if last {
            return samples;
        }
        thread::sleep(STEP);
    }
}

/// The steady rate in what arrived over time.
///
/// Squid refills a delay pool once a second, to a second's worth, and that arrives at once. However full the pool was,
/// the byte after the first second's worth comes with a refill, and each further second's worth with the next one. So on
/// a line with a limit, what is timed are whole seconds' worths behind the first. On a line without one, or for a
/// transfer that is too short for that, it is everything from the first byte to the last.
fn rate(samples: &[Sample], limit: Option<Rate>) -> Option<Rate> {
    let total = samples.last()?.bytes;
    let reached = |bytes: u64| samples.iter().find(|sample| sample.bytes >= bytes).map(|sample| sample.at);
    let worth = limit.map_or(0, Rate::bytes_per_second);
    let first = worth + NOISE;
    let (bytes, from, to) = match total.saturating_sub(first).checked_div(worth) {
        Some(seconds @ 1..) => (seconds * worth, reached(first)?, reached(first + seconds * worth)?),
        _ => (total, samples.iter().rfind(|sample| sample.bytes <= NOISE)?.at, reached(total)?),
    };
    let micros = u64::try_from(to.checked_sub(from)?.as_micros()).ok()?;
    bytes.checked_mul(1_000_000)?.checked_div(micros).map(Rate::from_bytes_per_second)
}

/// A measured rate, rounded to what is known of it.
fn in_words(rate: Rate) -> String {
    match rate.bytes_per_second() {
        slow @ ..10_000 => format!("{slow}B/s"),
        middle @ 10_000..10_000_000 => format!("{}kB/s", middle / 1000),
        fast => format!("{}MB/s", fast / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 300_000;

    /// A megabyte on a line with squid's pool: `level` bytes are there at first, a second's worth comes `phase` ms later
    /// and each second from then on.
    fn shaped(level: u64, phase: u64) -> Vec<Sample> {
        let sample = |step: u64| {
            let ms = step * 20;
            let refills = if ms < phase { 0 } else { (ms - phase) / 1000 + 1 };
            let bytes = if step == 0 { 0 } else { level + refills * LIMIT };
            Sample { at: Duration::from_millis(ms), bytes: bytes.min(1 << 20) }
        };
        (0..250).map(sample).collect()
    }

    #[test]
    fn a_shaped_line_has_its_pools_rate_however_full_the_pool_and_whenever_its_refill() {
        for level in [0, 60_000, 200_000, LIMIT] {
            for phase in [20, 100, 300, 500, 980] {
                let rate = rate(&shaped(level, phase), Some(Rate::from_bytes_per_second(LIMIT)));
                let near = |rate: Rate| (295_000..=305_000).contains(&rate.bytes_per_second());
                assert!(rate.is_some_and(near), "level {level}, phase {phase}: {rate:?}");
            }
        }
    }

    #[test]
    fn a_line_that_should_be_shaped_and_is_not_is_seen() {
        let samples: Vec<_> =
            (0..10).map(|n| Sample { at: Duration::from_millis(n * 20), bytes: n * 200_000 }).collect();
        let rate = rate(&samples, Some(Rate::from_bytes_per_second(LIMIT)));
        assert!(rate.is_some_and(|rate| rate.bytes_per_second() > 5_000_000), "{rate:?}");
    }

    #[test]
    fn an_open_line_has_the_rate_of_all_that_arrived() {
        let samples: Vec<_> =
            (0..100).map(|n| Sample { at: Duration::from_millis(n * 20), bytes: n * 40_000 }).collect();
        assert_eq!(rate(&samples, None).map(Rate::bytes_per_second), Some(2_000_000));
    }
}
