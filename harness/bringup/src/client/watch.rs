//! The client beside a supervisor: listens to it, and ends it.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc::{RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use labrig_host::{
    journal,
    lab_host::{Connected, Launch},
    system::Choosing,
};
use labrig_plan::{lab::Stage, scenario::Uplink, site::Site};

use super::{Message, Run, preflight};
use crate::{
    diagnosis::{self, Cause},
    event::{Event, Line},
    failure::{Failure, LogTail},
    machine::Machine,
    record::Verdict,
    run_folder::RunFolder,
    spec::{LabSpec, STOP, Then},
};

/// How long a lab host has for its teardown before it is killed.
const TEARDOWN: Duration = Duration::from_secs(4);

/// What to do about what a run left.
const CLEAN: &str = "`labrig clean` tries once more, at any later time";

/// What the client knows of a run while it listens.
pub(super) struct Watch<'a> {
    folder: &'a RunFolder,
    listen: &'a mut dyn FnMut(&Line),
    clock: Instant,
    began: SystemTime,
    stage: Stage,
    pub(super) stages: BTreeMap<Stage, u64>,
    /// What the supervisor said of how it ended; `None` as long as it said nothing.
    end: Option<Result<(), Failure>>,
    /// What made the run fail, once it has.
    pub(super) diagnosis: Option<Cause>,
    up: bool,
    /// Whether the supervisor's run folder is another one.
    is_elsewhere: bool,
    /// Held until the networks stand.
    pub(super) choosing: Option<Choosing>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(folder: &'a RunFolder, listen: &'a mut dyn FnMut(&Line)) -> Self {
        Self {
            folder,
            listen,
            clock: Instant::now(),
            began: SystemTime::now(),
            stage: Stage::Preflight,
            stages: BTreeMap::new(),
            end: None,
            diagnosis: None,
            up: false,
            is_elsewhere: false,
            choosing: None,
        }
    }

    pub(super) fn began(&self) -> u64 {
        let since = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn elapsed(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// An event of the client's own.
    pub(super) fn tell(&mut self, event: Event) {
        let line = Line { at: self.elapsed(), event };
        // The verdict does not hang on the event log: a full disk shows when the record is written.
        drop(self.folder.append(&line));
        (self.listen)(&line);
    }

    /// Launches the lab host and listens until it is gone. `None` means that the lab is up and stays up.
    pub(super) fn supervise(&mut self, spec: &LabSpec, run: &Run, machine: Option<&Machine>) -> Option<Verdict> {
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
        self.diagnosis = result.as_ref().err().and_then(|failure| diagnosis::of(self.folder, failure));
        Some(Verdict::of(result, &spec.lab, self.diagnosis.as_ref().map(|cause| &cause.name)))
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
                if *stage == Stage::Network {
                    self.choosing = None;
                }
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
