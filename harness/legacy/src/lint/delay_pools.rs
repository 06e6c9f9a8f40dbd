//! Rules for delay pools. Squid starts whatever is wrong with them, and then limits nothing, or too much.

use labrig_plan::{finding::Report, scenario::At, unit::Rate};

use super::squid::quoted;
use crate::squid::{Bucket, Configuration, Directive, Pool, Restore};

/// Bits in a byte.
const BITS: f64 = 8.0;

/// How far a rate may be from what a comment says of it: a thousand may be 1024.
const NEAR: f64 = 0.06;

pub(super) fn lint(configuration: &Configuration, report: &mut Report) {
    let mut counts = configuration.named("delay_pools");
    let first = counts.next();
    for again in counts {
        let draft = report.add(again.span.clone(), "squid forgets all pools before this line");
        draft.help("write `delay_pools` once, in front of all the others");
        if let Some(first) = first {
            draft.related(first.span.clone(), "the first one");
        }
    }
    let count = configuration.pool_count();
    let pools = configuration.pools();
    for pool in &pools {
        numbered(pool, first, count.as_ref(), report);
        class(pool, report);
        access(pool, configuration, report);
        pool.parameters.iter().for_each(|line| parameters(pool, line, report));
    }
}

/// Every line of a pool names one that there is, behind the line that says how many there are.
fn numbered(pool: &Pool<'_>, first: Option<&Directive>, count: Option<&At<u16>>, report: &mut Report) {
    for line in pool.classes.iter().chain(&pool.access).chain(&pool.parameters) {
        let name = line.meant.unwrap_or_default();
        let Some(number) = line.pool() else {
            // The rates in its place are told apart from it below.
            if name != "delay_parameters"
                && let Some(word) = line.arguments.first()
            {
                report
                    .add(word.span(), format!("{} is no number of a pool", quoted(word)))
                    .help(format!("write the pool's number in front, as in `{name} 1 ...`"));
            }
            continue;
        };
        let there = match (first, count) {
            (None, _) => {
                report
                    .add(line.span.clone(), "there are no pools, so squid passes over this line")
                    .help("write `delay_pools 1` in front of it");
                false
            }
            (Some(first), _) if first.span.start > line.span.start => {
                report
                    .add(line.span.clone(), "squid reads line by line, and there are no pools yet")
                    .help("write `delay_pools` in front of it")
                    .related(first.span.clone(), "here they come");
                false
            }
            (_, Some(count)) if *number == 0 || *number > **count => {
                report
                    .add(number.span(), format!("there is no pool {}: pools are 1 to {}", *number, **count))
                    .help(format!("write `delay_pools {}`, or another number here", (*number).max(1)))
                    .related(count.span(), "how many there are");
                false
            }
            _ => true,
        };
        if !there {
            // One line tells it for all of them.
            return;
        }
    }
}

fn class(pool: &Pool<'_>, report: &mut Report) {
    for line in &pool.classes {
        if let Some(class) = line.arguments.get(1)
            && !matches!(class.as_str(), "1" | "2" | "3" | "4" | "5")
        {
            report
                .add(class.span(), format!("there is no class {}", quoted(class)))
                .help("classes are 1 to 5; the pool's number comes first: `delay_class POOL CLASS`");
        }
    }
    // A misspelt one is told as such, and squid sees the other alone.
    let mut seen = pool.classes.iter().filter(|line| line.is_exact());
    if let (Some(first), Some(second)) = (seen.next(), seen.next()) {
        report
            .add(second.span.clone(), format!("pool {} has a class already", pool.number))
            .help("write `delay_class` once for each pool")
            .related(first.span.clone(), "the other one");
    }
    if let Some(line) = pool.parameters.first() {
        match pool.classes.first() {
            None => {
                report
                    .add(
                        line.span.clone(),
                        format!("pool {} has no class, so squid passes over its rates", pool.number),
                    )
                    .help(format!("write `delay_class {} 1` in front of it", pool.number));
            }
            Some(class) if class.span.start > line.span.start => {
                report
                    .add(
                        line.span.clone(),
                        format!("pool {} has no class yet, so squid passes over its rates", pool.number),
                    )
                    .help("write `delay_class` in front of it")
                    .related(class.span.clone(), "the class");
            }
            Some(_) => {}
        }
    }
}

/// What no line lets into a pool does not go through it.
fn access(pool: &Pool<'_>, configuration: &Configuration, report: &mut Report) {
    let allows = |line: &&Directive| line.arguments.iter().any(|word| word.as_str() == "allow");
    if let Some(class) = pool.classes.first()
        && !pool.access.iter().any(allows)
        && !configuration.is_open()
    {
        report
            .add(class.span.clone(), format!("nothing goes through pool {}", pool.number))
            .help(format!("write `delay_access {} allow all`, or the list whose traffic it is for", pool.number));
    }
}

fn parameters(pool: &Pool<'_>, line: &Directive, report: &mut Report) {
    let Some(first) = line.arguments.first() else { return };
    if line.pool().is_none() {
        let draft = report.add(first.span(), "`delay_parameters` begins with the number of a pool, and this is none");
        if Bucket::parse(first).is_some() {
            draft.help(format!("write `delay_parameters {} {}`", pool.number, first.as_str()));
        }
    }
    let buckets = line.buckets();
    for word in buckets {
        if Bucket::parse(word).is_none() {
            report
                .add(word.span(), format!("{} is no rate", quoted(word)))
                .help("write `RESTORE/MAXIMUM`, both in bytes, as in `300000/300000`, or `-1/-1` for no limit");
        }
    }
    let class = pool.classes.first().and_then(|line| line.arguments.get(1)?.parse::<usize>().ok());
    // As many values as there are kinds of buckets; class 5 has one for each tag.
    let wanted = class.and_then(|class| [1, 2, 3, 4, 1].get(class.checked_sub(1)?).copied());
    if let (Some(class), Some(wanted)) = (class, wanted)
        && buckets.len() != wanted
    {
        let values = if wanted == 1 { "one value".to_owned() } else { format!("{wanted} values") };
        report
            .add(
                line.span.clone(),
                format!("a pool of class {class} has {values}, and this line has {}", buckets.len()),
            )
            .help(
                [
                    "AGGREGATE",
                    "AGGREGATE INDIVIDUAL",
                    "AGGREGATE NETWORK INDIVIDUAL",
                    "AGGREGATE NETWORK INDIVIDUAL USER",
                    "TAG",
                ]
                .get(class - 1)
                .map_or_else(String::new, |values| format!("write `delay_parameters {} {values}`", pool.number)),
            );
    }
    comment(line, buckets, report);
}

/// A comment that names a rate, beside rates of which none is that.
fn comment(line: &Directive, buckets: &[At<String>], report: &mut Report) {
    let Some(comment) = &line.comment else { return };
    let Some((said, written)) = rate(comment) else { return };
    let rates = buckets.iter().filter_map(|word| match Bucket::parse(word)?.restore {
        Restore::Bytes(bytes) => Some((word, bytes)),
        Restore::Unlimited => None,
    });
    let rates: Vec<_> = rates.collect();
    #[expect(clippy::cast_precision_loss, reason = "it is compared with a rough number")]
    let near = |bytes: u64| (bytes as f64 - said).abs() <= said * NEAR;
    let Some((_, bytes)) = rates.first().filter(|_| !rates.iter().any(|(_, bytes)| near(*bytes))) else { return };
    let real = Rate::from_bytes_per_second(*bytes);
    report
        .add(
            comment.span(),
            format!("the comment says {written}, and {bytes} is {real}: squid counts bytes in a second"),
        )
        .help(format!("write `{0:.0}/{0:.0}` for {written}, or `# {real}`", said));
}

/// The first rate in a text, in bytes a second, and as it is written.
fn rate(text: &str) -> Option<(f64, String)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[start..];
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let number: f64 = rest[..digits].parse().ok()?;
    let behind = rest[digits..].trim_start();
    let length = behind.find(|c: char| !c.is_ascii_alphabetic() && c != '/').unwrap_or(behind.len());
    let unit = &behind[..length];
    let per_second =
        unit.strip_suffix("/s").or_else(|| unit.strip_suffix("/sec")).or_else(|| unit.strip_suffix("ps"))?;
    let (prefix, bits) = match per_second {
        _ if per_second.ends_with("bit") || per_second.ends_with("bits") => (per_second.split("bit").next()?, true),
        _ if per_second.ends_with("byte") || per_second.ends_with("bytes") => (per_second.split("byte").next()?, false),
        _ if per_second.ends_with('b') => (per_second.strip_suffix('b')?, true),
        _ => (per_second.strip_suffix('B')?, false),
    };
    let factor = match prefix.to_ascii_lowercase().as_str() {
        "" => 1.0,
        "k" => 1e3,
        "ki" => 1024.0,
        "m" => 1e6,
        "mi" => 1024.0 * 1024.0,
        "g" => 1e9,
        "gi" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number * factor / if bits { BITS } else { 1.0 };
    let end = rest.len() - behind.len() + length;
    (bytes > 0.0).then(|| (bytes, rest[..end].to_owned()))
}
