//! The stages of a bring-up, in their order.

mod beside;
mod beyond;
mod fault;
mod install;
mod node;
mod saved;
mod standstill;

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use labrig_host::{
    census::Census,
    dhcp::Ear,
    firewall::{self, Rules},
    journal::{Creation, Journal},
    keys::RunKeys,
    libvirt::Libvirt,
    observe,
    process::Daemon,
    proxy::{AccessLog, Entries, Proxy},
    sandbox::{self, Outside},
    snapshot, syslog,
};
use labrig_plan::{
    artifact::Accelerator,
    lab::{Lab, Node, Stage},
    layout,
    name::NodeName,
    render,
    scenario::Firewall,
    site::Site,
};
use tokio::task::JoinSet;

use beyond::Beyond;

use crate::{
    apparmor::AppArmor,
    check,
    event::Event,
    failure::{Failure, LogTail},
    media::Media,
    running::Running,
    spec::{LabSpec, Then},
    teller::Teller,
    traffic::Traffic,
};

/// Brings the lab up, and checks it unless it is to stay.
pub(crate) async fn bring_up(
    spec: LabSpec,
    outside: Option<Outside>,
    teller: &Arc<Teller>,
    census: &Census,
    apparmor: &Arc<AppArmor>,
) -> Result<Standing, Failure> {
    let journal = beside::begin_journal(&spec.lab, &spec.run)?;
    let work = Work {
        run: spec.run.clone(),
        journal,
        lab: Arc::new(spec.lab),
        accelerator: spec.accelerator,
        goes_on: spec.snapshot.is_some(),
        patience: spec.patience,
        media: Arc::new(Media::new(&spec.run, spec.images)),
        teller: Arc::clone(teller),
        census: census.clone(),
        apparmor: Arc::clone(apparmor),
    };
    let host = work.stage(Stage::Preflight, Work::prepare).await?;
    let libvirt = Arc::clone(&host.libvirt);
    tokio::select! {
        failure = work.standstill(&libvirt) => Err(failure),
        standing = work.rise(host, outside, spec.then) => standing,
    }
}

/// What a lab stands on. Dropped, its daemons are killed.
pub(crate) struct Standing {
    _host: Host,
    _beyond: Option<Beyond>,
    _proxy: Option<Proxy>,
}

/// What the preflight makes.
#[derive(Clone)]
struct Host {
    libvirt: Arc<Libvirt>,
    keys: Arc<RunKeys>,
    /// Hears who asks for addresses.
    ear: Ear,
}

/// What every stage needs.
#[derive(Clone)]
struct Work {
    /// The run folder, as the machine sees it.
    run: PathBuf,
    /// Where what is made on a machine with others is written down.
    journal: Option<Arc<Journal>>,
    lab: Arc<Lab>,
    accelerator: Accelerator,
    /// Whether the nodes go on from where an earlier run saved them.
    goes_on: bool,
    /// By how much longer everything may take, see [`LabSpec::patience`].
    patience: u32,
    media: Arc<Media>,
    teller: Arc<Teller>,
    census: Census,
    apparmor: Arc<AppArmor>,
}

impl Work {
    /// All stages from the networks on.
    async fn rise(&self, host: Host, outside: Option<Outside>, then: Then) -> Result<Standing, Failure> {
        let is_own = self.lab.site == Site::Own;
        let (mut outside, mut beyond) = (outside, None);
        if !is_own {
            // The networks' DNS servers find the link by its address, and squid listens on the networks only.
            beyond = self.go_beyond(outside.take()).await?;
            self.start_networks(&host).await?;
        }
        // Guests take long to boot, and need nothing of the internet for it: that comes up beside them.
        let guests = async {
            if is_own {
                self.start_networks(&host).await?;
            }
            self.node_stage(Stage::Boot, &host, |node| !node.install.has_installer(), Work::boot).await
        };
        let internet = async {
            if is_own {
                beyond = self.go_beyond(outside).await?;
            }
            if self.lab.proxy.is_none() {
                return Ok((beyond, None));
            }
            let (before_proxy, before_rules) = (host.clone(), host.clone());
            let proxy = self.stage(Stage::Proxy, move |work| work.start_proxy(&before_proxy)).await?;
            self.stage(Stage::Rules, move |work| work.load_rules(&before_rules)).await?;
            Ok((beyond, Some(proxy)))
        };
        let (_, (beyond, proxy)) = tokio::try_join!(guests, internet)?;
        self.install(&host).await?;
        let sessions = self.node_stage(Stage::Reach, &host, |_| true, Work::reach).await?;
        let (this, libvirt) = (self.clone(), Arc::clone(&host.libvirt));
        blocking(Stage::Reach, move || this.observe(&libvirt)).await?;
        if matches!(then, Then::Check | Then::Save) {
            let sessions = sessions.into_iter().map(|(node, session)| (node, Mutex::new(session))).collect();
            self.teller.begin(Stage::Check);
            self.strike_beside(Stage::Check, &host).await?;
            let checked =
                self.check(&host, Running { lab: Arc::clone(&self.lab), sessions, patience: self.patience }).await;
            self.tell_traffic();
            checked?;
            let apparmor = Arc::clone(&self.apparmor);
            blocking(Stage::Check, move || apparmor.check_denials(Stage::Check)).await?;
            self.apparmor.tell_unmet(&self.teller);
            self.teller.done(Stage::Check);
        }
        if then == Then::Save {
            let (this, host) = (self.clone(), host.clone());
            blocking(Stage::Check, move || this.save(&host)).await?;
        }
        Ok(Standing { _host: host, _beyond: beyond, _proxy: proxy })
    }

    /// Runs a stage's blocking work between its two events.
    async fn stage<T: Send + 'static>(
        &self,
        stage: Stage,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.teller.begin(stage);
        let this = self.clone();
        let result = blocking(stage, move || work(&this)).await?;
        self.teller.done(stage);
        Ok(result)
    }

    /// Does the same with all of these nodes at once.
    async fn node_stage<T: Send + 'static>(
        &self,
        stage: Stage,
        host: &Host,
        concerns: impl Fn(&Node) -> bool,
        work: impl Fn(&Self, &Host, &Node) -> Result<T, Failure> + Copy + Send + 'static,
    ) -> Result<BTreeMap<NodeName, T>, Failure> {
        self.teller.begin(stage);
        self.strike_beside(stage, host).await?;
        let mut nodes = JoinSet::new();
        for node in self.lab.nodes.iter().filter(|node| concerns(node)) {
            let (this, host, node) = (self.clone(), host.clone(), node.clone());
            nodes.spawn_blocking(move || work(&this, &host, &node).map(|done| (node.name, done)));
        }
        let mut done = BTreeMap::new();
        while let Some(node) = nodes.join_next().await {
            done.extend([node.map_err(|error| Failure::host(stage, "supervisor", error))??]);
        }
        self.teller.done(stage);
        Ok(done)
    }

    /// The same as [`Self::strike`], on a thread of its own.
    async fn strike_beside(&self, stage: Stage, host: &Host) -> Result<(), Failure> {
        let (this, host) = (self.clone(), host.clone());
        blocking(stage, move || this.strike(stage, &host)).await
    }

    fn prepare(&self) -> Result<Host, Failure> {
        syslog::start(&Path::new(layout::LOGS).join("syslog.log"))
            .map_err(|error| Failure::host(Stage::Preflight, "system log", error))?;
        let libvirt = match &self.journal {
            None => {
                Libvirt::start(&self.census).map_err(|e| host(Stage::Preflight, "libvirtd", &e, "logs/libvirtd.log"))?
            }
            Some(journal) => self.move_in(journal)?,
        };
        self.apparmor.prepare(&libvirt, &self.teller)?;
        let keys = |error: &dyn fmt::Display| Failure::host(Stage::Preflight, "keys", error);
        let nodes = self.lab.nodes.iter().map(|node| &node.name);
        let run_keys = match self.goes_on {
            true => snapshot::keys(Path::new(layout::SNAPSHOT), nodes).map_err(|e| keys(&e))?,
            false => RunKeys::generate(nodes).map_err(|e| keys(&e))?,
        };
        let addresses = self.lab.nodes.iter().map(|node| (node.name.clone(), addresses(node))).collect();
        run_keys.save(&Path::new(layout::RUN).join("keys"), &addresses).map_err(|e| keys(&e))?;
        Ok(Host { libvirt: Arc::new(libvirt), keys: Arc::new(run_keys), ear: Ear::default() })
    }

    async fn start_networks(&self, host: &Host) -> Result<(), Failure> {
        let host = host.clone();
        self.stage(Stage::Network, move |work| work.make_networks(&host)).await
    }

    fn make_networks(&self, host: &Host) -> Result<(), Failure> {
        self.strike(Stage::Network, host)?;
        for network in &self.lab.networks {
            let xml = render::network_xml(network, &self.lab);
            host.libvirt.start_network(&network.name, network.uuid, &xml).map_err(|error| {
                let subject = format!("network {}", network.name);
                Failure::lab(Stage::Network, subject, error).with_log(tail("logs/libvirtd.log"))
            })?;
            if network.v4.dhcp.is_some() {
                host.ear.listen(&network.bridge);
            }
        }
        self.look_for_obstacles()?;
        self.route()
    }

    fn start_proxy(&self, host: &Host) -> Result<Proxy, Failure> {
        self.strike(Stage::Proxy, host)?;
        let forward = self.lab.proxy.as_ref().map(|proxy| match self.lab.site {
            Site::Own => SocketAddr::from((Ipv4Addr::LOCALHOST, proxy.forward_port)),
            // There it listens on the lab's networks only.
            Site::Shared(_) => SocketAddr::from((proxy.resolver, proxy.forward_port)),
        });
        let forward = forward.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let mut proxy =
            Proxy::start(&artifact(render::SQUID_CONF), forward).map_err(|e| Failure::lab(Stage::Proxy, "squid", e))?;
        self.watch(proxy.daemon());
        Ok(proxy)
    }

    fn watch(&self, daemon: &Daemon) {
        self.census.watch_tree(daemon.pid(), daemon.name());
    }

    fn load_rules(&self, host: &Host) -> Result<(), Failure> {
        self.strike(Stage::Rules, host)?;
        let Some(proxy) = &self.lab.proxy else { return Ok(()) };
        self.note(Stage::Rules, Creation::Rules)?;
        let result = match proxy.firewall {
            Firewall::Nftables => firewall::apply(Rules::Nftables(&render::rules_nft(proxy, &self.lab))),
            Firewall::Iptables => firewall::apply(Rules::Iptables {
                v4: &render::rules_iptables(proxy, &self.lab),
                v6: &render::rules_ip6tables(proxy, &self.lab),
            }),
        };
        result.map_err(|error| Failure::lab(Stage::Rules, "rules", error))
    }

    /// Writes down what libvirt and the host made of the lab, and looks at how they confine it.
    fn observe(&self, libvirt: &Libvirt) -> Result<(), Failure> {
        let mut observed =
            observe::observe(libvirt, &self.lab).map_err(|e| Failure::host(Stage::Reach, "lab host", e))?;
        observed.extend(self.apparmor.observation());
        let written = self.teller.folder().write_observations(&observed);
        written.map_err(|e| Failure::host(Stage::Reach, "run folder", e))?;
        self.apparmor.check_domains(libvirt, &self.lab, sandbox::processes(&self.lab.site))?;
        self.apparmor.check_denials(Stage::Reach)
    }

    /// Tells what each node got through the proxy, if it got anything.
    fn tell_traffic(&self) {
        if self.lab.proxy.is_none() {
            return;
        }
        // A log that cannot be read is told by the checks that need it.
        let Ok(Entries { entries, .. }) = AccessLog::new(layout::SQUID_ACCESS_LOG).entries_since(0) else { return };
        for node in &self.lab.nodes {
            let traffic = Traffic::of(node, &entries);
            if traffic != Traffic::default() {
                self.teller.tell(Event::Traffic { node: node.name.clone(), traffic });
            }
        }
    }

    /// Performs all checks: first those that need nothing for themselves, all at once; then the others, in the order
    /// of the file.
    async fn check(&self, host: &Host, running: Running) -> Result<(), Failure> {
        let running = Arc::new(running);
        let (alone, together): (Vec<_>, Vec<_>) = self.lab.checks.iter().cloned().partition(check::is_exclusive);
        let perform = |check: labrig_plan::lab::Check| {
            let (this, host, running) = (self.clone(), host.clone(), Arc::clone(&running));
            move || {
                this.teller.tell(Event::Checking { check: check.id.clone() });
                let begin = Instant::now();
                match check::perform(&check, &running) {
                    Ok(seen) => {
                        let took = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
                        this.teller.tell(Event::Held { check: check.id, seen, took });
                        Ok(())
                    }
                    Err(seen) => {
                        let log = tail(&check::log(&check, &this.lab));
                        Err(this.unheld(&host, &check.id, &seen).with_log(log))
                    }
                }
            }
        };
        let mut both = JoinSet::new();
        for check in together {
            both.spawn_blocking(perform(check));
        }
        for check in alone {
            blocking(Stage::Check, perform(check)).await?;
        }
        while let Some(result) = both.join_next().await {
            result.map_err(|error| Failure::host(Stage::Check, "supervisor", error))??;
        }
        Ok(())
    }
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(
    stage: Stage,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::host(stage, "supervisor", error))?
}

fn host(stage: Stage, subject: &str, error: &dyn fmt::Display, log: &str) -> Failure {
    Failure::host(stage, subject, error).with_log(tail(log))
}

fn tail(log: &str) -> Option<LogTail> {
    LogTail::read(Path::new(layout::RUN), log)
}

fn artifact(name: &str) -> PathBuf {
    Path::new(layout::ARTIFACTS).join(name)
}

fn addresses(node: &Node) -> Vec<IpAddr> {
    node.nics.iter().flat_map(|nic| [Some(IpAddr::V4(nic.v4)), nic.v6.map(IpAddr::V6)]).flatten().collect()
}
