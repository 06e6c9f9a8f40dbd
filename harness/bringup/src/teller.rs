//! The supervisor's voice: every event, told once, to everyone who listens.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use labrig_plan::lab::Stage;

use crate::{
    event::{Event, Line},
    run_folder::RunFolder,
};

/// Tells events: to the client, and to the run folder, so that they are there even if the client is not.
#[derive(Debug)]
pub(crate) struct Teller {
    folder: RunFolder,
    began: SystemTime,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// The stages that go on, with their beginnings: some go on beside others.
    stages: Vec<(Stage, Instant)>,
    /// The stage that began last.
    last: Option<Stage>,
    up: bool,
}

impl Teller {
    /// Tells of the run in `folder`, which began so many milliseconds after the Unix epoch.
    pub(crate) fn new(folder: RunFolder, began: u64) -> Self {
        let began = UNIX_EPOCH + Duration::from_millis(began);
        Self { folder, began, now: Mutex::default() }
    }

    /// Tells an event.
    pub(crate) fn tell(&self, event: Event) {
        if event == Event::Up {
            self.with_now(|now| now.up = true);
        }
        let line = Line { at: millis_since(self.began), event };
        // A full disk or a client that is gone must not end the teardown.
        drop(self.folder.append(&line));
        if let Ok(text) = serde_json::to_string(&line) {
            let mut out = io::stdout().lock();
            drop(out.write_all((text + "\n").as_bytes()).and_then(|()| out.flush()));
        }
    }

    /// Tells that a stage begins.
    pub(crate) fn begin(&self, stage: Stage) {
        self.with_now(|now| {
            now.stages.push((stage, Instant::now()));
            now.last = Some(stage);
        });
        self.tell(Event::Begun { stage });
    }

    /// Tells that a stage is done, and how long it took.
    pub(crate) fn done(&self, stage: Stage) {
        let since = self.with_now(|now| {
            let at = now.stages.iter().position(|(begun, _)| *begun == stage)?;
            Some(now.stages.remove(at).1)
        });
        let took = since.map_or(0, |since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.tell(Event::Done { stage, took });
    }

    /// The stage that the lab is in: of those that go on, the one that began last.
    pub(crate) fn stage(&self) -> Stage {
        self.with_now(|now| now.stages.last().map(|(stage, _)| *stage).or(now.last)).unwrap_or(Stage::Preflight)
    }

    /// Whether the lab is up and stays up.
    pub(crate) fn is_up(&self) -> bool {
        self.with_now(|now| now.up)
    }

    /// The run's folder.
    pub(crate) fn folder(&self) -> &RunFolder {
        &self.folder
    }

    fn with_now<T>(&self, look: impl FnOnce(&mut Now) -> T) -> T {
        look(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn millis_since(then: SystemTime) -> u64 {
    u64::try_from(then.elapsed().unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
