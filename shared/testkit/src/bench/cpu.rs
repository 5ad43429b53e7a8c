//! CPU time of processes and of all they started (Linux: `/proc`).

use std::collections::{BTreeMap, HashMap};

/// Linux counts in hundredths of a second for whoever reads `/proc`, whatever its own clock.
const MS_PER_TICK: u64 = 10;

/// Milliseconds by name.
pub type Cpu = BTreeMap<String, u64>;

/// One line of `/proc/PID/stat`, in ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: u64,
    /// Of children that have ended and were waited for, and of theirs.
    ended: u64,
}

/// CPU time so far of these processes (name and id). Children are called `NAME worker`.
pub fn of(roots: &[(String, u32)]) -> std::io::Result<Cpu> {
    Ok(sum(roots, &processes()?))
}

/// What was used between two readings.
pub fn since(before: &Cpu, after: &Cpu) -> Cpu {
    let used = |(name, ms): (&String, &u64)| {
        (name.clone(), ms.saturating_sub(before.get(name).copied().unwrap_or_default()))
    };
    after.iter().map(used).collect()
}

fn processes() -> std::io::Result<HashMap<u32, Stat>> {
    let ids = std::fs::read_dir("/proc")?.flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // One may end while the others are read.
    let stat = |id| Some((id, parse(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?));
    Ok(ids.filter_map(stat).collect())
}

/// The name in brackets may hold anything, blanks and brackets too.
fn parse(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    // utime, stime, cutime, cstime are the fields 14 to 17 of proc(5); the state is the third.
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(14)? + ticks(15)?,
        ended: ticks(16)? + ticks(17)?,
    })
}

fn sum(roots: &[(String, u32)], all: &HashMap<u32, Stat>) -> Cpu {
    let mut cpu = Cpu::new();
    for (name, root) in roots {
        // A Postgres is its children.
        let worker = if name == "postgres" { name.clone() } else { format!("{name} worker") };
        for (id, stat) in all.iter().filter(|(id, _)| below(**id, *root, all)) {
            let own = if id == root { name } else { &worker };
            *cpu.entry(own.clone()).or_default() += stat.own * MS_PER_TICK;
            *cpu.entry(worker.clone()).or_default() += stat.ended * MS_PER_TICK;
        }
    }
    cpu.retain(|_, ms| *ms > 0);
    cpu
}

fn below(mut id: u32, root: u32, all: &HashMap<u32, Stat>) -> bool {
    while id != root {
        match all.get(&id) {
            Some(stat) if stat.parent != 0 => id = stat.parent,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_whose_name_has_brackets() {
        let line = "607 (a (b) c) R 532 532 1 0 -1 4194304 101 0 0 0 30 12 5 2 20 0 1 0 551604";
        assert_eq!(parse(line), Some(Stat { parent: 532, own: 42, ended: 7 }));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn children_count_for_who_started_them_be_they_alive_or_not() {
        let stat = |parent, own, ended| Stat { parent, own, ended };
        let all = HashMap::from([
            (1, stat(0, 9, 9)),
            (10, stat(1, 1, 2)),
            (11, stat(10, 4, 8)),
            (12, stat(11, 16, 0)),
            (20, stat(1, 100, 200)),
            (21, stat(20, 400, 0)),
        ]);
        let roots = [("executor".to_owned(), 10), ("postgres".to_owned(), 20)];
        let cpu = sum(&roots, &all);
        assert_eq!((cpu["executor"], cpu["executor worker"]), (10, 300));
        assert_eq!(cpu["postgres"], 7_000);
        assert_eq!(since(&sum(&roots[..1], &all), &cpu)["postgres"], 7_000);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_used_some() {
        let until = std::time::Instant::now() + std::time::Duration::from_millis(50);
        while std::time::Instant::now() < until {}
        let cpu = of(&[("this".to_owned(), std::process::id())]).unwrap();
        assert!(cpu["this"] >= 20, "{cpu:?}");
    }
}
