//! The rules that are in force, and what they do to a packet.
//!
//! A packet has to pass every chain at each of its hooks: what one table lets through, another may still drop. What a rule
//! asks for is not always known of a packet, and not all that iptables asks for is told by nft; such a rule may match or not. So
//! what the rules do is a set of what they may do, and a packet is lost only where nothing lets it through.

mod packet;

use std::{collections::BTreeSet, fmt, process::Command, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::process::{self, ProcessError};
pub use packet::{Packet, Target};

const DEADLINE: Duration = Duration::from_secs(20);
/// How many chains deep the kernel follows jumps (`NFT_JUMP_STACK_SIZE`).
const DEPTH: u32 = 16;

/// Why the rules could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RulesetError {
    /// `nft` does not list them.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It says something else.
    #[error("read what `nft` says: {0}")]
    Json(#[from] serde_json::Error),
}

/// All chains and rules of a network namespace, as nft lists them.
#[derive(Debug, Default)]
pub struct Ruleset {
    chains: Vec<Chain>,
    rules: Vec<Rule>,
}

/// Where a packet is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The table, with its family: `ip filter`.
    pub table: String,
    /// The chain at the hook: `FORWARD`.
    pub chain: String,
    /// The names of the chains beside it in its table.
    pub beside: BTreeSet<String>,
}

/// What may become of a packet in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Accepted,
    Dropped,
    /// The chain has nothing to say to it.
    Returned,
}

/// What a verdict does with a packet.
struct Step {
    outcomes: BTreeSet<Outcome>,
    /// Whether what comes behind it in the chain may see the packet as well.
    goes_on: bool,
}

/// Whether a rule concerns a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Applies {
    No,
    Maybe,
    Yes,
}

#[derive(Debug, Deserialize)]
struct Listed {
    nftables: Vec<Object>,
}

#[derive(Debug, Deserialize)]
struct Object {
    chain: Option<Chain>,
    rule: Option<Rule>,
}

/// A chain (libnftables-json(5), CHAIN).
#[derive(Debug, Deserialize)]
struct Chain {
    family: String,
    table: String,
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    hook: Option<String>,
    #[serde(default)]
    prio: i64,
    policy: Option<String>,
}

/// A rule (libnftables-json(5), RULE).
#[derive(Debug, Deserialize)]
struct Rule {
    family: String,
    table: String,
    chain: String,
    #[serde(default)]
    expr: Vec<Value>,
}

impl Ruleset {
    /// The rules in force in this network namespace. Those of iptables are among them, but for those of the legacy one.
    ///
    /// # Errors
    /// [`RulesetError`].
    pub fn live() -> Result<Self, RulesetError> {
        let listed = process::run(Command::new("nft").args(["--json", "list", "ruleset"]), None, DEADLINE)?;
        Ok(Self::read(&listed.stdout)?)
    }

    /// Reads what `nft --json list ruleset` says.
    pub(crate) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let listed: Listed = serde_json::from_slice(json)?;
        let mut ruleset = Self::default();
        for object in listed.nftables {
            ruleset.chains.extend(object.chain);
            ruleset.rules.extend(object.rule);
        }
        Ok(ruleset)
    }

    /// Where a packet is lost for certain; `None` where it may get through.
    #[must_use]
    pub fn loss(&self, packet: &Packet) -> Option<Loss> {
        for hook in packet.hooks() {
            let at_hook = |chain: &&Chain| {
                let family = matches!(chain.family.as_str(), "ip" | "inet");
                family && chain.hook.as_deref() == Some(hook) && chain.kind.as_deref() == Some("filter")
            };
            let mut chains: Vec<_> = self.chains.iter().filter(at_hook).collect();
            chains.sort_by_key(|chain| chain.prio);
            let lost = chains.into_iter().find(|chain| !self.lets_through(chain, packet));
            if let Some(chain) = lost {
                return Some(self.loss_in(chain));
            }
        }
        None
    }

    fn loss_in(&self, chain: &Chain) -> Loss {
        let beside = self.chains.iter().filter(|other| other.is_beside(&chain.family, &chain.table));
        Loss {
            table: format!("{} {}", chain.family, chain.table),
            chain: chain.name.clone(),
            beside: beside.map(|other| other.name.clone()).collect(),
        }
    }

    fn lets_through(&self, chain: &Chain, packet: &Packet) -> bool {
        let outcomes = self.walk(chain, packet, 0);
        let policy_drops = chain.policy.as_deref() == Some("drop");
        outcomes.contains(&Outcome::Accepted) || (outcomes.contains(&Outcome::Returned) && !policy_drops)
    }

    /// What may become of a packet in a chain.
    fn walk(&self, chain: &Chain, packet: &Packet, depth: u32) -> BTreeSet<Outcome> {
        let mut outcomes = BTreeSet::new();
        if depth > DEPTH {
            return BTreeSet::from([Outcome::Accepted, Outcome::Dropped, Outcome::Returned]);
        }
        let own = |rule: &&Rule| rule.chain == chain.name && chain.is_beside(&rule.family, &rule.table);
        for rule in self.rules.iter().filter(own) {
            let mut applies = Applies::Yes;
            for statement in &rule.expr {
                applies = applies.min(packet.matches(statement, &rule.expr));
                if applies == Applies::No {
                    break;
                }
                let Some(step) = self.step(statement, chain, packet, depth) else { continue };
                outcomes.extend(step.outcomes);
                if applies == Applies::Yes && !step.goes_on {
                    return outcomes;
                }
            }
        }
        outcomes.insert(Outcome::Returned);
        outcomes
    }

    /// What a statement does with a packet that its rule concerns; `None` where it is no verdict.
    fn step(&self, statement: &Value, chain: &Chain, packet: &Packet, depth: u32) -> Option<Step> {
        let (key, value) = statement.as_object()?.iter().next()?;
        let end = |outcome| Some(Step { outcomes: BTreeSet::from([outcome]), goes_on: false });
        let inner = || {
            let target = value.get("target")?.as_str()?;
            let is_it = |other: &&Chain| other.name == target && other.is_beside(&chain.family, &chain.table);
            Some(self.walk(self.chains.iter().find(is_it)?, packet, depth + 1))
        };
        match key.as_str() {
            // Whoever takes it from the queue may let it through.
            "accept" | "queue" => end(Outcome::Accepted),
            "drop" | "reject" => end(Outcome::Dropped),
            "return" => end(Outcome::Returned),
            "jump" => {
                let mut outcomes = inner()?;
                let goes_on = outcomes.remove(&Outcome::Returned);
                Some(Step { outcomes, goes_on })
            }
            "goto" => Some(Step { outcomes: inner()?, goes_on: false }),
            "vmap" => {
                let Some(elements) = value.pointer("/data/set").and_then(Value::as_array) else {
                    // What is in a map with a name is not told here.
                    return Some(Step { outcomes: BTreeSet::from([Outcome::Accepted]), goes_on: true });
                };
                let mut all = Step { outcomes: BTreeSet::new(), goes_on: true };
                for element in elements {
                    let (Some(wanted), Some(verdict)) = (element.get(0), element.get(1)) else { continue };
                    let applies = packet.compare(value.get("key")?, "==", wanted);
                    let Some(step) = self.step(verdict, chain, packet, depth).filter(|_| applies != Applies::No) else {
                        continue;
                    };
                    all.outcomes.extend(step.outcomes);
                    all.goes_on &= applies != Applies::Yes || step.goes_on;
                }
                Some(all)
            }
            _ => None,
        }
    }
}

impl Chain {
    fn is_beside(&self, family: &str, table: &str) -> bool {
        self.family == family && self.table == table
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.chain)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether a request for a name from a guest is lost in a chain at `input` with these rules, as nft 1.0.6 lists them, beside
    /// a chain `z` that accepts what is for port 67.
    fn is_lost(policy: &str, rules: &[Value]) -> bool {
        let base = json!({"family": "inet", "table": "t", "name": "i", "type": "filter", "hook": "input", "prio": 0, "policy": policy});
        let mut objects = vec![json!({"chain": base}), json!({"chain": {"family": "inet", "table": "t", "name": "z"}})];
        let rule =
            |chain: &str, expr: &Value| json!({"rule": {"family": "inet", "table": "t", "chain": chain, "expr": expr}});
        let dhcp =
            json!({"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 67}});
        objects.push(rule("z", &json!([dhcp, {"accept": null}])));
        objects.extend(rules.iter().map(|expr| rule("i", expr)));
        let ruleset = Ruleset::read(json!({"nftables": objects}).to_string().as_bytes()).unwrap_or_default();
        let packet = Packet {
            from: "virbr0".to_owned(),
            source: "192.168.122.0/24".parse().ok(),
            to: Target::Here,
            service: Some(("udp", 53)),
            redirected: false,
        };
        ruleset.loss(&packet).is_some()
    }

    fn rule(left: &Value, op: &str, right: &Value, verdict: &str) -> Value {
        json!([{"match": {"op": op, "left": left, "right": right}}, {verdict: null}])
    }

    #[test]
    fn a_policy_counts_where_no_rule_does() {
        assert!(is_lost("drop", &[]));
        assert!(!is_lost("accept", &[]));
    }

    #[test]
    fn conditions_are_held_against_the_packet() {
        let meta = |key: &str| json!({"meta": {"key": key}});
        let payload = |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
        let ct = |key: &str| json!({"ct": {"key": key}});
        let net = json!({"prefix": {"addr": "192.168.0.0", "len": 16}});
        let far = json!({"prefix": {"addr": "10.0.0.0", "len": 8}});
        let part = json!("192.168.122.7");
        for (left, op, right, accepts) in [
            (meta("iifname"), "==", json!("virbr0"), true),
            (meta("iifname"), "==", json!("virbr*"), true),
            (meta("iifname"), "==", json!({"set": ["virbr1", "virbr0"]}), true),
            (meta("iifname"), "==", json!("lo"), false),
            (meta("iifname"), "!=", json!("eth0"), true),
            (meta("oifname"), "==", json!("virbr0"), false),
            (meta("l4proto"), "==", json!({"set": ["tcp", "udp"]}), true),
            (meta("nfproto"), "==", json!("ipv6"), false),
            (payload("ip", "protocol"), "==", json!("tcp"), false),
            (payload("udp", "dport"), "==", json!({"set": [53, 67]}), true),
            (payload("udp", "dport"), "==", json!({"range": [50, 60]}), true),
            (payload("udp", "dport"), "!=", json!(53), false),
            (payload("tcp", "dport"), "==", json!(53), false),
            (payload("th", "dport"), "==", json!(53), true),
            (payload("ip", "saddr"), "==", net, true),
            (payload("ip", "saddr"), "==", far, false),
            (ct("state"), "in", json!(["established", "related"]), false),
            (ct("state"), "in", json!("new"), true),
            (ct("status"), "in", json!("dnat"), false),
            // What is not known may be so.
            (payload("ip", "saddr"), "==", part, true),
            (payload("udp", "dport"), "==", json!("@ports"), true),
            (meta("mark"), "==", json!(1), true),
        ] {
            let rules = [rule(&left, op, &right, "accept")];
            assert_eq!(is_lost("drop", &rules), !accepts, "{left} {op} {right}");
        }
    }

    #[test]
    fn what_may_be_let_through_is_not_lost() {
        let marked = json!({"meta": {"key": "mark"}});
        // Some are dropped, and then all.
        assert!(is_lost("accept", &[rule(&marked, "==", &json!(1), "drop"), json!([{"reject": null}])]));
        assert!(!is_lost("accept", &[rule(&marked, "==", &json!(1), "drop")]));
        assert!(!is_lost("accept", &[json!([{"limit": {"rate": 3, "per": "minute"}}, {"drop": null}])]));
        // Of an extension of iptables, the name alone is told.
        let extension = |name: &str| json!({"xt": {"type": "match", "name": name}});
        assert!(is_lost("drop", &[json!([extension("conntrack"), {"accept": null}])]));
        assert!(!is_lost("drop", &[json!([extension("multiport"), {"accept": null}])]));
        assert!(!is_lost("drop", &[json!([extension("comment"), {"accept": null}])]));
        let from = json!({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "virbr0"}});
        assert!(!is_lost("drop", &[json!([from, extension("conntrack"), {"accept": null}])]));
    }

    #[test]
    fn jumps_come_back_and_others_do_not() {
        assert!(!is_lost("accept", &[json!([{"jump": {"target": "z"}}])]));
        assert!(is_lost("accept", &[json!([{"jump": {"target": "z"}}]), json!([{"drop": null}])]));
        // A chain that is gone to has the policy behind it, not the next rule.
        assert!(!is_lost("accept", &[json!([{"goto": {"target": "z"}}]), json!([{"drop": null}])]));
        assert!(is_lost("drop", &[json!([{"return": null}]), json!([{"accept": null}])]));
        let map = |interface: &str| {
            let data = json!({"set": [[interface, {"drop": null}], ["eth0", {"accept": null}]]});
            json!([{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": data}}])
        };
        assert!(is_lost("accept", &[map("virbr0")]));
        assert!(!is_lost("accept", &[map("virbr1")]));
        // A chain that leads to itself is none that the kernel loads, and ends all the same.
        assert!(!is_lost("accept", &[json!([{"jump": {"target": "i"}}])]));
    }
}
