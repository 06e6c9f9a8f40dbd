//! The outside of a run: prepares its folder, launches its lab host, listens, and writes the record.

use std::{
    collections::BTreeMap,
    fmt, io,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use labrig_host::{
    acceleration::{self, Choice},
    apt::{self, AptError},
    budget::{Budget, Need},
    container, guest,
    image::{Shelf, Stored, StoredInstaller},
    journal,
    lab_host::{Connected, LabHost, Launch},
    probe, system,
};
use labrig_plan::{
    lab::{Lab, Stage},
    name::{DnsName, ImageName, InstallerName},
    render,
    scenario::Uplink,
    site::Site,
};

use crate::{
    event::{Event, Line, MachineState},
    failure::{Failure, LogTail},
    machine::{self, Machine},
    record::{Record, Verdict},
    run_folder::RunFolder,
    spec::{LabSpec, STOP, Snapshot, Then},
};

/// How long a run waits for its turn on a machine that is full of other labs.
const TURN: Duration = Duration::from_secs(3600);
/// How long a lab host has for its teardown before it is killed.
const TEARDOWN: Duration = Duration::from_secs(4);

/// What to do about what a run left.
const CLEAN: &str = "`labrig clean` tries once more, at any later time";

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

/// A run that is about to begin.
#[derive(Debug)]
pub struct Run {
    lab: Lab,
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
        Self { lab, options, snapshot: None, sender, receiver }
    }

    /// The same, but its nodes go on from where they were saved.
    pub(crate) fn from_snapshot(self, snapshot: Snapshot) -> Self {
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
    pub fn run(self, listen: &mut dyn FnMut(&Line)) -> io::Result<Ended> {
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
        let versions = thread::spawn(probe::versions);

        let mut lab = self.lab.clone();
        let folder = RunFolder::create(&self.options.runs, &self.lab.name, |run| {
            if matches!(self.options.host, LabHost::System | LabHost::Vm(_)) {
                lab = lab.clone().shared(run);
            }
            render::artifacts(&lab)
        })?;
        let mut watch = Watch::new(&folder, listen);
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
            accelerator: Some(accelerator),
            why,
            versions: versions.join().unwrap_or_default(),
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

/// How this host runs the lab's guests, and what from.
struct Fit {
    choice: Choice,
    /// By how much longer everything may take, see [`LabSpec::patience`].
    patience: u32,
    images: BTreeMap<ImageName, Stored>,
    installers: BTreeMap<InstallerName, StoredInstaller>,
}

/// That, or everything that this host lacks.
fn fit(lab: &Lab, host: &LabHost, cache: &Path, then: Then) -> Result<Fit, Vec<String>> {
    let mut patience = acceleration::slowness();
    let mut processor = acceleration::probe();
    match host {
        LabHost::Sandbox => {
            probe::satisfies(lab, cache)
                .map_err(|missing| missing.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        }
        LabHost::System => system::satisfies(lab)?,
        // Programs are those of its image.
        LabHost::Container(image) => container::missing(image).map_err(|missing| vec![missing.to_string()])?,
        LabHost::Vm(_) if lab.uplink == Uplink::Host => {
            return Err(vec!["a virtual machine that labs run in has no way out".to_owned()]);
        }
        LabHost::Vm(_) if then == Then::Stay => {
            return Err(vec!["a lab in a virtual machine ends with its client: it cannot stay up".to_owned()]);
        }
        LabHost::Vm(release) => (processor, patience) = machine::processor(machine::fit(release, cache)?),
    }
    let choice = acceleration::choose(lab.acceleration, &processor).map_err(|why| vec![why.to_string()])?;
    let shelf = Shelf::within(cache);
    let images = lab.images.iter().filter_map(|image| Some((image.name.clone(), shelf.find(image).ok()?)));
    let installers = lab.installers.iter().filter_map(|it| Some((it.name.clone(), shelf.find_installer(it).ok()?)));
    Ok(Fit { choice, patience, images: images.collect(), installers: installers.collect() })
}

/// What a lab is provided with out of the cache.
struct Provided {
    /// The folder of the micro guest's image.
    guest: PathBuf,
    /// The folders of the apt repositories, by the origins that serve them.
    repositories: BTreeMap<DnsName, PathBuf>,
    /// What there is to tell of them.
    events: Vec<Event>,
}

/// Provides a lab with what it needs, made where it is not there yet.
fn provide(lab: &Lab, cache: &Path) -> Result<Provided, Failure> {
    let mut events = Vec::new();
    let mut note = |what: &str, outdated: Option<String>| {
        events.extend(outdated.map(|why| Event::Outdated { what: what.to_owned(), why }));
    };
    let guest = "micro guest";
    let image = guest::ensure(cache).map_err(|e| preflight(guest, &e).with_hint(e.kind.hint()))?;
    note(guest, image.outdated);
    let mut repositories = BTreeMap::new();
    for origin in &lab.upstream.origins {
        let Some(wanted) = &origin.repository else { continue };
        let what = format!("apt repository of {}", origin.name);
        let made = apt::repository(cache, &wanted.packages);
        let made = made.map_err(|e: AptError| preflight(&what, &e).with_hint(e.kind.hint()))?;
        note(&what, made.outdated);
        repositories.insert(origin.name.clone(), made.folder);
    }
    Ok(Provided { guest: image.dir, repositories, events })
}

fn preflight(subject: &str, seen: &dyn fmt::Display) -> Failure {
    Failure::host(Stage::Preflight, subject, seen)
}

/// What the client knows of a run while it listens.
struct Watch<'a> {
    folder: &'a RunFolder,
    listen: &'a mut dyn FnMut(&Line),
    clock: Instant,
    began: SystemTime,
    stage: Stage,
    stages: BTreeMap<Stage, u64>,
    /// What the supervisor said of how it ended; `None` as long as it said nothing.
    end: Option<Result<(), Failure>>,
    up: bool,
    /// Whether the supervisor's run folder is another one.
    is_elsewhere: bool,
}

impl<'a> Watch<'a> {
    fn new(folder: &'a RunFolder, listen: &'a mut dyn FnMut(&Line)) -> Self {
        Self {
            folder,
            listen,
            clock: Instant::now(),
            began: SystemTime::now(),
            stage: Stage::Preflight,
            stages: BTreeMap::new(),
            end: None,
            up: false,
            is_elsewhere: false,
        }
    }

    fn began(&self) -> u64 {
        let since = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// An event of the client's own.
    fn tell(&mut self, event: Event) {
        let line = Line { at: self.elapsed(), event };
        // The verdict does not hang on the event log: a full disk shows when the record is written.
        drop(self.folder.append(&line));
        (self.listen)(&line);
    }

    /// Launches the lab host and listens until it is gone. `None` means that the lab is up and stays up.
    fn supervise(&mut self, spec: &LabSpec, run: &Run, machine: Option<&Machine>) -> Option<Verdict> {
        // Where the supervisor writes to a run folder elsewhere, this one has to tell that the lab lives, and how far it is.
        self.is_elsewhere = machine.is_some();
        let _lock = self.is_elsewhere.then(|| self.folder.lock());
        let Connected { host: mut lab, mut control, .. } = match self.launch(spec, run, machine) {
            Ok(launched) => launched,
            Err(failure) => return Some(Verdict::Errored { failure }),
        };
        let mut asked: Option<Instant> = None;
        loop {
            match run.receiver.recv_timeout(Duration::from_millis(100)) {
                Ok(Message::Event(line)) => self.hear(&line),
                Ok(Message::Interrupt) if asked.is_none() => {
                    asked = Some(Instant::now());
                    // A supervisor that is gone already needs no telling.
                    drop(writeln!(control, "{STOP}"));
                }
                Ok(Message::Interrupt) => lab.kill(),
                Ok(Message::Gone) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Message::Ready) | Err(RecvTimeoutError::Timeout) => {}
            }
            if asked.is_some_and(|at| at.elapsed() >= TEARDOWN) {
                // Its end shows on its standard output.
                lab.kill();
            }
            if self.up && asked.is_none() && spec.then == Then::Stay {
                lab.leave();
                return None;
            }
        }
        let status = lab.wait(TEARDOWN);
        // A supervisor that was killed leaves on the machine what is not its own; what cannot be undone now, can be later.
        let left = journal::undo(self.folder.path());
        if let Err(errors) = left {
            let seen = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let failure = Failure::host(Stage::Teardown, "lab host", seen);
            return Some(Verdict::Errored { failure: failure.with_hint(Some(CLEAN)) });
        }
        if asked.is_some() {
            return Some(Verdict::Interrupted { stage: self.stage });
        }
        let result = self.end.take().unwrap_or_else(|| {
            let status = status.unwrap_or_else(|| "and its namespaces live on".to_owned());
            let failure =
                Failure::host(self.stage, "lab host", format!("the supervisor died without a word: {status}"));
            Err(failure.with_log(LogTail::read(self.folder.path(), "logs/supervisor.log")))
        });
        Some(Verdict::of(result, &spec.lab.expect))
    }

    fn launch(&self, spec: &LabSpec, run: &Run, machine: Option<&Machine>) -> Result<Connected, Failure> {
        let failed = |error: &dyn fmt::Display| preflight("lab host", error);
        let log = fs_err::File::create(self.folder.path().join("logs/supervisor.log")).map_err(|e| failed(&e))?;
        let launch = Launch {
            program: &run.options.program,
            run: &spec.run,
            shared: spec.folders(),
            machine: machine.map(Machine::at),
            outside: spec.lab.uplink == Uplink::Host && spec.lab.site == Site::Own,
            log: log.into_file(),
        };
        let mut connected = run.options.host.launch(launch).map_err(|e| failed(&e))?;
        let events = std::mem::replace(&mut connected.events, Box::new(io::empty()));
        listen_to(events, run.sender.clone());
        let line = serde_json::to_string(spec).map_err(|e| failed(&e))? + "\n";
        // If the lab host died at once, the end of its events tells it better than this pipe.
        drop(connected.control.write_all(line.as_bytes()));
        Ok(connected)
    }

    /// An event of the supervisor's.
    fn hear(&mut self, line: &Line) {
        match &line.event {
            Event::Begun { stage } => self.stage = *stage,
            Event::Done { stage, took } => {
                self.stages.insert(*stage, *took);
                if *stage == Stage::Teardown && self.end.is_none() {
                    self.end = Some(Ok(()));
                }
            }
            Event::Failed { failure } => self.end = Some(Err(failure.clone())),
            Event::Up => self.up = true,
            _ => {}
        }
        if self.is_elsewhere {
            drop(self.folder.append(line));
        }
        (self.listen)(line);
    }
}

/// Reads the supervisor's events on a thread of its own.
fn listen_to(output: Box<dyn Read + Send>, sender: Sender<Message>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Ok(event) = serde_json::from_str(&line)
                && sender.send(Message::Event(event)).is_err()
            {
                return;
            }
        }
        drop(sender.send(Message::Gone));
    });
}
