//! Peak memory of processes and of all that they start, looked at again and again: a worker ends with
//! its run, and what it took is not to be known afterwards (Linux: `/proc`).

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::process::Process;

/// How often.
const LOOK: Duration = Duration::from_millis(10);

/// Largest resident memory so far, bytes, by process. What a process starts is called `NAME worker`, and
/// the largest of those counts. Looks until dropped.
pub struct Peaks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    peaks: Mutex<BTreeMap<String, u64>>,
    over: AtomicBool,
}

impl Peaks {
    /// Begins to look at these processes.
    pub fn of<'a>(processes: impl Iterator<Item = &'a Process>) -> Self {
        let processes: Vec<(String, u32)> = processes.map(|p| (p.name.clone(), p.id())).collect();
        let shared = Arc::new(Shared::default());
        look(&processes, &shared.peaks);
        let looked = shared.clone();
        std::thread::spawn(move || {
            while !looked.over.load(Ordering::Relaxed) {
                look(&processes, &looked.peaks);
                std::thread::sleep(LOOK);
            }
        });
        Self(shared)
    }

    /// As of now.
    pub fn read(&self) -> BTreeMap<String, u64> {
        self.0.peaks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Peaks {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

fn look(processes: &[(String, u32)], peaks: &Mutex<BTreeMap<String, u64>>) {
    for (name, id) in processes {
        let worker = format!("{name} worker");
        let below = below(*id).into_iter().map(|id| (&worker, id));
        for (name, id) in [(name, *id)].into_iter().chain(below) {
            let bytes = peak(id);
            let mut peaks = peaks.lock().unwrap_or_else(PoisonError::into_inner);
            let most = peaks.entry(name.clone()).or_default();
            *most = bytes.max(*most);
        }
    }
}

/// Processes that this one started, and that those started.
pub fn below(id: u32) -> Vec<u32> {
    let mut found = Vec::new();
    // Each thread lists the children that it started.
    let threads = std::fs::read_dir(format!("/proc/{id}/task"));
    for thread in threads.into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            found.push(child);
            found.extend(below(child));
        }
    }
    found
}

fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
