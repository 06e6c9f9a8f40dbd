//! `bandwidth`: the rate at which a guest receives.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use labrig_plan::{address::MacAddr, lab::Url, name::NodeName, unit::Rate};

use super::{command_within, said, shell};
use crate::running::Running;

/// How long a transfer may take.
const TRANSFER: Duration = Duration::from_secs(60);
/// How often the counter is read.
const STEP: Duration = Duration::from_millis(20);
/// Squid refills its delay pools once a second; a shaped line is idle for most of the time between.
const PAUSE: Duration = Duration::from_millis(150);
/// Ethernet, IPv4 and TCP with time stamps: what each packet carries beyond its payload.
const HEADERS: u64 = 14 + 20 + 32;
/// Less than this between two looks is no payload: keep-alives, ARP, the SSH session.
const NOISE: u64 = 2048;

/// What had arrived at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    at: Duration,
    bytes: u64,
}

/// Fetches `url` and watches what arrives at the guest's interface.
pub(super) fn measure(
    running: &Running,
    from: &NodeName,
    url: &Url,
    at_least: Option<Rate>,
    at_most: Option<Rate>,
) -> Result<String, String> {
    let nic = running.lab.node(from).and_then(|node| node.nics.first()).ok_or_else(|| format!("{from} has no NIC"))?;
    let tap = tap(nic.mac).ok_or_else(|| format!("{from} has no tap device"))?;
    let line = format!("wget -q -O /dev/null {}", shell::word(&url.to_string()));
    let over = AtomicBool::new(false);
    let (samples, output) = thread::scope(|scope| {
        let sampler = scope.spawn(|| watch(&tap, &over));
        let output = command_within(running, from, &line, TRANSFER);
        over.store(true, Ordering::Relaxed);
        (sampler.join(), output)
    });
    let (output, _) = output?;
    if output.exit != 0 {
        return Err(format!("{from} could not fetch {url}{}", said(&output)));
    }
    let samples = samples.map_err(|_| "the sampler died".to_owned())?;
    let rate = rate(&samples).ok_or_else(|| format!("{url} is too small to measure a rate with"))?;
    let received = format!("{from} received {url} at {}", in_words(rate));
    match (at_least, at_most) {
        (Some(bound), _) if rate < bound => Err(format!("{received}, expected at least {bound}")),
        (_, Some(bound)) if rate > bound => Err(format!("{received}, expected at most {bound}")),
        _ => Ok(received),
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
fn watch(tap: &Path, over: &AtomicBool) -> Vec<Sample> {
    let counter = |name: &str| -> u64 {
        let text = std::fs::read_to_string(tap.join("statistics").join(name)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    };
    // What the host sends, the tap transmits.
    let payload = || counter("tx_bytes").saturating_sub(counter("tx_packets") * HEADERS);
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

/// The steady rate in what arrived over time. On a shaped line that is the rate from the first refill of squid's pool
/// to the last: the first filling is there at once, and the first refill comes at any moment of the second after it,
/// so neither counts. On a line without pauses it is the rate from the first byte to the last.
fn rate(samples: &[Sample]) -> Option<Rate> {
    let arrivals: Vec<Sample> =
        samples.windows(2).filter(|pair| pair[1].bytes > pair[0].bytes + NOISE).map(|pair| pair[1]).collect();
    let pauses: Vec<Sample> =
        arrivals.windows(2).filter(|pair| pair[1].at - pair[0].at >= PAUSE).map(|pair| pair[0]).collect();
    let (first, last) = match pauses.as_slice() {
        [_, first, .., last] => (*first, *last),
        _ => (*samples.first()?, *arrivals.last()?),
    };
    let micros = u64::try_from(last.at.checked_sub(first.at)?.as_micros()).ok()?;
    (last.bytes - first.bytes).checked_mul(1_000_000)?.checked_div(micros).map(Rate::from_bytes_per_second)
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

    /// A line that gets `per_second` bytes at once each second, from `phase` ms on, after a first `bucket`.
    fn shaped(per_second: u64, bucket: u64, phase: u64, seconds: u64) -> Vec<Sample> {
        let sample = |step: u64| {
            let ms = step * 20;
            let refills = if ms < phase { 0 } else { (ms - phase) / 1000 + 1 };
            let bytes = if step == 0 { 0 } else { bucket + refills * per_second };
            Sample { at: Duration::from_millis(ms), bytes }
        };
        (0..seconds * 50).map(sample).collect()
    }

    #[test]
    fn a_shaped_line_has_its_pools_rate_wherever_its_refill_falls() {
        for phase in [200, 300, 500, 980] {
            let rate = rate(&shaped(300_000, 300_000, phase, 5)).map(Rate::bytes_per_second);
            assert!(rate.is_some_and(|rate| (290_000..=310_000).contains(&rate)), "phase {phase}: {rate:?}");
        }
    }

    #[test]
    fn an_open_line_has_the_rate_of_all_that_arrived() {
        let samples: Vec<_> =
            (0..100).map(|n| Sample { at: Duration::from_millis(n * 20), bytes: n * 40_000 }).collect();
        assert_eq!(rate(&samples).map(Rate::bytes_per_second), Some(2_000_000));
    }
}
