//! The inside of a run: the first process of the lab host. It makes everything, watches it, and takes it down by
//! ending.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
    path::Path,
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use labrig_host::{
    census::Census,
    claim::claim,
    journal,
    sandbox::{self, Outside, Settle},
};
use labrig_plan::{artifact::Accelerator, lab::Stage, layout, scenario::Uplink, site::Site};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    apparmor::AppArmor,
    bringup, diagnosis,
    event::Event,
    failure::Failure,
    inquiry::Inquiry,
    run_folder::RunFolder,
    spec::{LabSpec, STOP, Then},
    teller::Teller,
};

/// How long a supervisor that was asked to end may take before it just ends. The kernel takes the rest down.
const GRACE: Duration = Duration::from_secs(3);

/// The supervisor's `main`. It reads a [`LabSpec`] from standard input, or from the pipe `control`, and writes events to
/// standard output.
///
/// # Errors
/// When there is no specification to read, or another supervisor holds the run folder.
pub fn supervise(control: Option<&Path>) -> io::Result<()> {
    let is_at_home = control.is_none();
    let mut control: Control = match control {
        Some(pipe) => Box::new(io::BufReader::new(fs_err::File::open(pipe)?)),
        None => Box::new(io::BufReader::new(io::stdin())),
    };
    let mut line = String::new();
    control.read_line(&mut line)?;
    let spec: LabSpec = serde_json::from_str(&line)?;
    if is_at_home {
        // As long as the host's own procfs is there, it tells which process this is outside.
        RunFolder::open(&spec.run).write_pid(&fs_err::read_link("/proc/self")?.to_string_lossy())?;
    }
    let images = spec.images.iter().map(|(name, image)| (layout::image_folder(name).into(), image.folder.clone()));
    let installers =
        spec.installers.iter().map(|(name, stored)| (layout::installer_folder(name).into(), stored.folder.clone()));
    let repositories =
        spec.repositories.iter().map(|(origin, folder)| (layout::repository(origin).into(), folder.clone()));
    let snapshot = spec.snapshot.iter().flat_map(|snapshot| {
        [(layout::SNAPSHOT.into(), snapshot.saved.clone()), (layout::PARCEL.into(), snapshot.parcel.clone())]
    });
    let shared: BTreeMap<_, _> = images.chain(installers).chain(repositories).chain(snapshot).collect();
    // Whoever cleans up leaves alone what has a claim on it. Where none can be had, it was used just now.
    let _claims: Vec<_> = shared.values().chain([&spec.guest]).filter_map(|folder| claim(folder).ok()).collect();
    let kvm = spec.accelerator == Accelerator::Kvm;
    let beside = spec.lab.site != Site::Own;
    let outside = spec.lab.uplink == Uplink::Host && !beside;
    let settle = Settle { run: &spec.run, guest: &spec.guest, shared: &shared, cache: None, kvm, outside, beside };
    let apparmor = Arc::new(AppArmor::watch(&spec.lab));
    let inquiry = Inquiry::of_lab(&spec.lab);
    let settled = sandbox::settle(&settle);
    let folder = if settled.is_ok() { Path::new(layout::RUN) } else { &spec.run };
    let teller = Arc::new(Teller::new(RunFolder::open(folder), spec.began));
    // Tells everyone that the lab lives. The kernel lets go of it when this process ends.
    let _lock = match (teller.folder().lock(), &settled) {
        (Ok(lock), _) => lock,
        // A sandbox that did not settle may be read-only already: this is why, and the log is open.
        (Err(_), Err(error)) => return Err(io::Error::other(error.to_string())),
        (Err(error), Ok(_)) => return Err(error),
    };
    let is_settled = settled.is_ok();
    let result = match settled {
        Ok(outside) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let result = runtime.block_on(live(spec, outside, control, &teller, &apparmor));
            // Threads that wait for a guest are not waited for: they end with this process.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(End::Failed(Failure::host(Stage::Preflight, "sandbox", error))),
    };
    if let Err(End::Failed(failure)) = result {
        let failure = apparmor.explain(failure);
        // Elsewhere it would be the machine that is looked at.
        if is_settled {
            diagnosis::look(&teller, &failure, &inquiry);
        }
        teller.tell(Event::Failed { failure });
    }
    teller.begin(Stage::Teardown);
    // In a lab host of its own there is no journal, and nothing to undo. What fails here, the client tries again.
    drop(journal::undo(Path::new(layout::RUN)));
    teller.done(Stage::Teardown);
    Ok(())
}

/// What a client says: first the specification, then perhaps [`STOP`].
type Control = Box<dyn BufRead + Send>;

/// Why a lab ended before its end.
enum End {
    Failed(Failure),
    /// Somebody asked for it, or nobody is there any more.
    Asked,
}

/// Brings the lab up and keeps it, until it is done or something ends it.
async fn live(
    spec: LabSpec,
    outside: Option<Outside>,
    control: Control,
    teller: &Arc<Teller>,
    apparmor: &Arc<AppArmor>,
) -> Result<(), End> {
    let signals = |error| End::Failed(Failure::host(Stage::Preflight, "signals", error));
    let mut terminated = signal(SignalKind::terminate()).map_err(signals)?;
    let mut asked = listen(control, spec.then == Then::Stay, Arc::clone(teller));
    let (death, mut died) = watch::channel(None);
    let census = Census::start().map_err(|error| End::Failed(Failure::host(Stage::Preflight, "census", error)))?;
    let watched = census.clone();
    thread::spawn(move || {
        while !death.is_closed() {
            if let Some(first) = watched.wait_for_death(Duration::from_secs(1)) {
                death.send_replace(Some(first));
                return;
            }
        }
    });
    let then = spec.then;
    let work = async {
        let _standing = bringup::bring_up(spec, outside, teller, &census, apparmor).await?;
        if matches!(then, Then::Stay | Then::Hold) {
            teller.tell(Event::Up);
            std::future::pending::<()>().await;
        }
        Ok(())
    };
    tokio::select! {
        biased;
        _ = asked.wait_for(|asked| *asked) => Err(End::Asked),
        _ = terminated.recv() => Err(End::Asked),
        Ok(death) = died.wait_for(Option::is_some) => Err(End::Failed(Failure::of_death(teller.stage(), death.as_ref()))),
        result = work => result.map_err(End::Failed),
    }
}

/// Listens on the control pipe. A client that is gone asks for the end as much as one that says so, unless the lab
/// is up and stays.
fn listen(control: Control, stays: bool, teller: Arc<Teller>) -> watch::Receiver<bool> {
    let (ask, asked) = watch::channel(false);
    thread::spawn(move || {
        let told = control.lines().map_while(Result::ok).any(|line| line == STOP);
        if told || !(stays && teller.is_up()) {
            ask.send_replace(true);
            thread::sleep(GRACE);
            // Something hangs. The namespaces end with this process, whatever it was.
            end_now();
        }
        // A closed channel would read as asked.
        loop {
            thread::park();
        }
    });
    asked
}

#[expect(clippy::exit, reason = "the last resort of a process that hangs")]
fn end_now() -> ! {
    process::exit(1)
}
