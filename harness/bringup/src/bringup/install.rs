//! The stage in which nodes are installed from the network.

use std::{
    collections::BTreeSet,
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use labrig_host::{
    domain::DomainState,
    wait::{self, Progress},
};
use labrig_plan::{
    artifact::Accelerator,
    lab::{Node, Stage},
    layout,
    name::NodeName,
    render,
};
use tokio::{sync::watch, task::JoinSet};

use super::{Host, Work, blocking, tail};
use crate::{
    event::{Event, NodeState},
    failure::Failure,
    install_log::{InstallLog, Outcome},
};

/// How often the console is read.
const STEP: Duration = Duration::from_millis(250);
/// How long a console is silent before what stands on it is taken for a question. One that was answered beforehand goes
/// on at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a console may be silent: the largest package takes a minute to unpack under TCG.
const SILENCE: Duration = Duration::from_secs(300);

impl Work {
    /// Installs all nodes that are to be installed, and starts them. One that waits for another begins when that has its
    /// packages, or, where that cannot be told, is installed.
    pub(super) async fn install(&self, host: &Host) -> Result<(), Failure> {
        let nodes: Vec<_> = self.lab.nodes.iter().filter(|node| node.install.has_installer()).collect();
        if nodes.is_empty() {
            return Ok(());
        }
        self.teller.begin(Stage::Install);
        self.strike_beside(Stage::Install, host).await?;
        let (tell, fetched) = watch::channel(BTreeSet::new());
        let mut tasks = JoinSet::new();
        for node in nodes {
            let (this, host, node, after) = (self.clone(), host.clone(), node.clone(), node.install.after().cloned());
            let (tell, mut fetched) = (tell.clone(), fetched.clone());
            tasks.spawn(async move {
                if let Some(after) = after {
                    // The sender lives as long as this task.
                    drop(fetched.wait_for(|nodes| nodes.contains(&after)).await);
                }
                let has_packages = move |name: &NodeName| tell.send_modify(|nodes| _ = nodes.insert(name.clone()));
                blocking(Stage::Install, move || this.install_node(&host, &node, &has_packages)).await
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.map_err(|error| Failure::host(Stage::Install, "supervisor", error))??;
        }
        self.teller.done(Stage::Install);
        Ok(())
    }

    /// Runs a node's installer to its end, then starts the node from its own disk. Calls `has_packages` once the
    /// installer has fetched all of them.
    fn install_node(&self, host: &Host, node: &Node, has_packages: &dyn Fn(&NodeName)) -> Result<(), Failure> {
        let failed = |seen: &dyn fmt::Display| {
            let log = tail(&format!("logs/install-{}.log", node.name));
            Failure::lab(Stage::Install, format!("node {}", node.name), seen).with_log(log)
        };
        self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Starting });
        self.make_files(Stage::Install, host, node)?;
        let xml = render::installer_xml(node, &self.lab, self.accelerator);
        let domain = host.libvirt.start_domain(&node.name, node.uuid, &xml).map_err(|e| failed(&e))?;
        domain.may_end();
        self.strike_node(Stage::Install, host, &node.name)?;
        let format = node.install.netboot().map(|netboot| netboot.format);
        let mut log = InstallLog::new(layout::install_log(&node.name), format);
        let mut heard = Instant::now();
        wait::until("install", self.time_to_install(), STEP, || {
            // Before its last words are read, so that they are all there.
            let ended = domain.state().map_err(|error| error.to_string())? == DomainState::Ended;
            let news = log.read().map_err(|error| error.to_string())?;
            if news.any {
                heard = Instant::now();
            }
            if let Some(doing) = news.doing {
                if log.has_packages() {
                    has_packages(&node.name);
                }
                self.teller.tell(Event::Installing { node: node.name.clone(), doing });
            }
            match log.outcome() {
                Some(Outcome::Failed(why)) => Err(why.clone()),
                Some(Outcome::Installed) if ended => Ok(Progress::Done(())),
                _ if ended => Err(format!("its machine ended in the middle of it; the last words: {}", log.last())),
                _ if heard.elapsed() > PATIENCE
                    && let Some(question) = log.question() =>
                {
                    Err(format!("the installer waits for an answer: {question}"))
                }
                _ if heard.elapsed() > SILENCE => {
                    Err(format!("no word for {} s; the last: {}", SILENCE.as_secs(), log.last()))
                }
                _ => Ok(Progress::NotYet(log.last().to_owned())),
            }
        })
        .map_err(|e| failed(&e))?;
        has_packages(&node.name);
        self.teller.tell(Event::Node { node: node.name.clone(), state: NodeState::Installed });
        // It holds the private host key, which is on the node's own disk now.
        for file in [layout::node_initrd(&node.name), layout::node_seed(&node.name)] {
            drop(fs_err::remove_file(Path::new(&file)));
        }
        self.start(Stage::Install, host, node)
    }

    /// How long an install may take: alone six minutes under TCG, and all nodes share the cores.
    fn time_to_install(&self) -> Duration {
        let nodes = u32::try_from(self.lab.nodes.len()).unwrap_or(u32::MAX);
        match self.accelerator {
            Accelerator::Kvm => Duration::from_secs(300) + Duration::from_secs(60).saturating_mul(nodes),
            Accelerator::Tcg => Duration::from_secs(1200) + Duration::from_secs(300).saturating_mul(nodes),
        }
    }
}
