//! The outside of a run: prepares its folder, launches its lab host, listens, and writes the record.

mod fit;
mod provisions;
mod watch;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender, TryRecvError},
    },
    thread,
    time::Duration,
};

use ipnet::Ipv4Net;
use labrig_host::{
    acceleration::Choice,
    budget::{Budget, Need},
    lab_host::LabHost,
    probe, system,
};
use labrig_plan::{
    lab::{Lab, Stage},
    render,
};

use crate::{
    event::{Event, Line, MachineState},
    failure::Failure,
    machine::{self, Machine},
    record::{Record, Verdict},
    run_folder::RunFolder,
    spec::{LabSpec, Snapshot, Then},
};
use fit::{Fit, fit};
use provisions::{Provided, provide};
use watch::Watch;

/// How long a run waits for its turn on a machine that is full of other labs.
const TURN: Duration = Duration::from_secs(3600);

/// The end of a run that was asked to end before its lab host was launched.
const INTERRUPTED: Verdict = Verdict::Interrupted { stage: Stage::Preflight };

/// Where things stand on this machine, and what to do once the lab is up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds all run folders.
    pub runs: PathBuf,
    /// The folder that holds guest images.
    pub cache: PathBuf,
    /// The `labrig` command itself, which is also the supervisor.
    pub program: PathBuf,
    /// Where the lab runs.
    pub host: LabHost,
    /// What happens once the lab is up.
    pub then: Then,
}

/// Asks a run to end. The first time it is torn down, the second time killed.
#[derive(Debug, Clone)]
pub struct Interrupt(Sender<Message>);

/// Makes a lab anew, none of whose chosen subnets has any of these addresses; `None` where nothing is left.
pub type Again = Arc<dyn Fn(&[Ipv4Net]) -> Option<Lab> + Send + Sync>;

/// A run that is about to begin.
pub struct Run {
    lab: Lab,
    again: Again,
    options: Options,
    snapshot: Option<Snapshot>,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
}

/// A run that ended, or whose lab is up and stays up.
#[derive(Debug)]
pub struct Ended {
    /// Its folder; `None` where nothing was made.
    pub folder: Option<RunFolder>,
    /// Its record; `None` where the lab stays up.
    pub record: Option<Record>,
}

#[derive(Debug)]
enum Message {
    Event(Line),
    /// The supervisor closed its standard output: it is gone.
    Gone,
    /// What [`Run::unless_asked`] waits for is done.
    Ready,
    Interrupt,
}

impl Interrupt {
    /// Asks.
    pub fn ask(&self) {
        // A run that is over no longer listens.
        drop(self.0.send(Message::Interrupt));
    }
}

impl Run {
    /// A run of `lab`.
    #[must_use]
    pub fn new(lab: Lab, options: Options) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { lab, again: Arc::new(|_| None), options, snapshot: None, sender, receiver }
    }

    /// The same run, which on a machine with others may have another lab of the same scenario, where its addresses are
    /// somebody's.
    #[must_use]
    pub fn or_again(self, again: Again) -> Self {
        Self { again, ..self }
    }

    /// The same, but its nodes go on from where they were saved.
    pub(crate) fn going_on_from(self, snapshot: Snapshot) -> Self {
        Self { snapshot: Some(snapshot), ..self }
    }

    /// What ends this run from another thread.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.sender.clone())
    }

    /// Runs it, and hands every event to `listen` as it happens.
    ///
    /// # Errors
    /// When the run folder cannot be written. Everything else is a verdict.
    pub fn run(mut self, listen: &mut dyn FnMut(&Line)) -> io::Result<Ended> {
        let (lab, Options { cache, host, then, .. }) = (self.lab.clone(), self.options.clone());
        let Some(fit) = self.unless_asked(move || fit(&lab, &host, &cache, then)) else {
            return Ok(self.not_begun(INTERRUPTED));
        };
        let Fit { choice: Choice { accelerator, why }, patience, images, installers } = match fit {
            Ok(fit) => fit,
            Err(reasons) => return Ok(self.not_begun(Verdict::Skipped { reasons })),
        };
        // In a virtual machine a lab shares what the machine has got.
        let need = match &self.options.host {
            LabHost::Vm(_) => Need { memory: 0, processor: 0 },
            _ => Need::of(&self.lab, accelerator),
        };
        let share =
            move || Budget::of_machine()?.acquire(need, TURN).map_err(|error| io::Error::other(error.to_string()));
        // Held until the run is over. A lab that stays up gives its share back: it may stay for days.
        let Some(permit) = self.unless_asked(share) else { return Ok(self.not_begun(INTERRUPTED)) };
        let _permit = permit?;
        // Elsewhere they are other programs, which only an observation tells of.
        let versions =
            matches!(self.options.host, LabHost::Sandbox | LabHost::System).then(|| thread::spawn(probe::versions));
        let mut choosing = None;
        if self.options.host == LabHost::System {
            let (lab, again) = (self.lab.clone(), Arc::clone(&self.again));
            match self.unless_asked(move || system::place(&lab, &*again)) {
                None => return Ok(self.not_begun(INTERRUPTED)),
                Some(Err(reasons)) => return Ok(self.not_begun(Verdict::Skipped { reasons })),
                Some(Ok(placed)) => (self.lab, choosing) = (placed.lab, placed.choosing),
            }
        }

        let mut lab = self.lab.clone();
        let folder = RunFolder::create(&self.options.runs, &self.lab.name, |run| {
            if matches!(self.options.host, LabHost::System | LabHost::Vm(_)) {
                lab = lab.clone().shared(run);
            }
            render::artifacts(&lab)
        })?;
        let mut watch = Watch::new(&folder, listen);
        watch.choosing = choosing;
        watch.tell(Event::Started {
            scenario: self.lab.name.to_string(),
            run: folder.id(),
            nodes: self.lab.nodes.iter().filter_map(|node| Some((node.name.clone(), node.nics.first()?.v4))).collect(),
            accelerator,
            why: why.clone(),
        });
        let (wanted, cache) = (self.lab.clone(), self.options.cache.clone());
        let verdict = match self.unless_asked(move || provide(&wanted, &cache)) {
            None => Some(INTERRUPTED),
            Some(Err(failure)) => Some(Verdict::Errored { failure }),
            Some(Ok(Provided { guest, repositories, events })) => {
                events.into_iter().for_each(|event| watch.tell(event));
                let spec = LabSpec {
                    lab,
                    accelerator,
                    run: folder.path().to_owned(),
                    guest,
                    images,
                    installers,
                    repositories,
                    snapshot: self.snapshot.clone(),
                    patience,
                    began: watch.began(),
                    then: self.options.then,
                };
                match self.machine(&spec, &mut watch) {
                    None => Some(INTERRUPTED),
                    Some(Err(failure)) => Some(Verdict::Errored { failure }),
                    Some(Ok(machine)) => watch.supervise(&spec, &self, machine.as_ref()),
                }
            }
        };
        let Some(verdict) = verdict else { return Ok(Ended { folder: Some(folder), record: None }) };
        watch.tell(Event::Finished { verdict: verdict.clone() });
        let record = Record {
            scenario: self.lab.name.to_string(),
            run: folder.id(),
            verdict,
            diagnosis: watch.diagnosis.take(),
            accelerator: Some(accelerator),
            why,
            versions: folder.versions().or_else(|| versions?.join().ok()).unwrap_or_default(),
            stages: std::mem::take(&mut watch.stages),
            took: watch.elapsed(),
        };
        folder.write_record(&record)?;
        Ok(Ended { folder: Some(folder), record: Some(record) })
    }
}

impl Run {
    /// Does what may take long, as long as nobody asks for the end: `None` if somebody did. What was begun is then
    /// left to itself, and ends with this process.
    fn unless_asked<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (done, result) = mpsc::channel();
        let ready = self.sender.clone();
        let work = thread::spawn(move || {
            drop(done.send(work()));
            drop(ready.send(Message::Ready));
        });
        loop {
            match result.try_recv() {
                Ok(result) => return Some(result),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => break,
            }
            // Any message, or none for a while, is a reason to look again.
            if let Ok(Message::Interrupt) = self.receiver.recv_timeout(Duration::from_millis(100)) {
                return None;
            }
        }
        // It ended without a result: its panic is one of this thread as well.
        work.join().map_or_else(|panic| std::panic::resume_unwind(panic), |()| None)
    }

    /// The virtual machine that this run is to be in, if it is; `None` if somebody asked for the end meanwhile.
    fn machine(&self, spec: &LabSpec, watch: &mut Watch<'_>) -> Option<Result<Option<Machine>, Failure>> {
        let LabHost::Vm(release) = &self.options.host else { return Some(Ok(None)) };
        let tell = |state| Event::Machine { release: release.to_string(), state };
        watch.tell(tell(MachineState::Starting));
        let bring = machine::needs(spec, &self.options);
        let (release, run, options) = (release.clone(), spec.run.clone(), self.options.clone());
        let machine = self.unless_asked(move || machine::start(&release, &bring, &run, &options))?;
        if machine.is_ok() {
            watch.tell(tell(MachineState::Reachable));
        }
        Some(machine.map(Some))
    }

    /// A run that made nothing.
    fn not_begun(&self, verdict: Verdict) -> Ended {
        Ended { folder: None, record: Some(Record::not_begun(&self.lab, verdict)) }
    }
}

fn preflight(subject: &str, seen: &dyn fmt::Display) -> Failure {
    Failure::host(Stage::Preflight, subject, seen)
}
