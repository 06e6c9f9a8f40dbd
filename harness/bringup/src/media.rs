//! What nodes boot from: initramfs files, disks, seeds. All of it dies with the lab.

use std::{collections::BTreeMap, error::Error, path::Path};

use labrig_host::{
    disk,
    guest::NodeFiles,
    image::{InstallerFiles, Seed, SeedKeys, Stored},
    keys::{HostKeyPair, LoginKey},
};
use labrig_plan::{
    lab::{AnswerFormat, Install, Lab, Netboot, Node},
    layout,
    name::ImageName,
    render,
    scenario::Delivery,
};

/// What is needed to make them.
pub(crate) struct Media {
    /// The run's id, which tells its nodes from those of any other run.
    run: String,
    images: BTreeMap<ImageName, Stored>,
}

/// Every part has an error of its own, and all are shown alike.
type Failed = Box<dyn Error + Send + Sync>;

impl Media {
    pub(crate) fn new(run: &Path, images: BTreeMap<ImageName, Stored>) -> Self {
        Self { run: run.file_name().unwrap_or_default().to_string_lossy().into_owned(), images }
    }

    /// Makes all that a node's domain names.
    pub(crate) fn make(&self, node: &Node, lab: &Lab, host: &HostKeyPair, login: &LoginKey) -> Result<(), Failed> {
        match &node.install {
            Install::Micro | Install::Debootstrap(_) => {
                let config = render::guest_config(node, lab);
                let install = node.install.debootstrap().map(render::install_config);
                let initrd = layout::node_initrd(&node.name);
                NodeFiles { config: &config, install: install.as_deref(), host, login }
                    .write_initrd(Path::new(layout::GUEST), Path::new(&initrd))?;
            }
            Install::Image(name) => {
                let image = self.images.get(name).ok_or_else(|| format!("image {name} is not there"))?;
                // The same image, as the lab's QEMU sees it.
                let folder = lab.site.seen_by_qemu(&layout::image_folder(name));
                let base = Stored { folder: folder.into(), format: image.format }.disk();
                let overlay = layout::node_disk(&node.name, render::IMAGE_TARGET);
                disk::overlay(Path::new(&overlay), &base, image.format)?;
                self.write_seed(node, lab, &render::seed_user_data(), host, login, SeedKeys::Own)?;
            }
            Install::Netboot(netboot) => self.make_installer(node, netboot, lab, host, login)?,
        }
        for own in &node.disks {
            disk::create(Path::new(&layout::node_disk(&node.name, &own.target)), own.size)?;
        }
        Ok(())
    }

    /// Makes what a distribution's own installer boots from, with its answers unless it fetches them.
    fn make_installer(
        &self,
        node: &Node,
        netboot: &Netboot,
        lab: &Lab,
        host: &HostKeyPair,
        login: &LoginKey,
    ) -> Result<(), Failed> {
        let answers = render::answers(node, netboot, lab);
        let name = netboot.format.file();
        let has_seed = netboot.format == AnswerFormat::Autoinstall;
        if has_seed {
            self.write_seed(node, lab, &answers, host, login, SeedKeys::ToInstall)?;
        }
        let inside = (!has_seed && netboot.delivery == Delivery::Initrd).then_some((name, answers.as_str()));
        let folder = layout::installer_folder(&netboot.installer);
        let initrd = layout::node_initrd(&node.name);
        Ok(InstallerFiles { answers: inside, host, login }.write_initrd(Path::new(&folder), Path::new(&initrd))?)
    }

    fn write_seed(
        &self,
        node: &Node,
        lab: &Lab,
        user_data: &str,
        host: &HostKeyPair,
        login: &LoginKey,
        keys: SeedKeys,
    ) -> Result<(), Failed> {
        let seed = Seed {
            meta_data: &render::seed_meta_data(node),
            user_data,
            network_config: &render::seed_network_config(node, lab),
            instance_id: &format!("{}-{}", self.run, node.name),
            host,
            login,
            keys,
        };
        Ok(seed.write(Path::new(&layout::node_seed(&node.name)))?)
    }
}
