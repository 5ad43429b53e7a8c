//! The layers of the sandbox, by Linux's means.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope,
};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        resource::{Resource, setrlimit},
    },
    unistd::{chdir, pivot_root},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

use super::{Layer, Layers};

/// Files that a template may have open: its standard streams, and a worker's socket on its way.
const OPEN_FILES: u64 = 16;

/// The system calls that a worker may make.
pub struct Filter(BpfProgram);

/// Puts on those of `layers` that this host has. Call with one thread. What is answered is for
/// workers to enter.
pub fn enclose(layers: &[Layer]) -> (Layers, Option<Filter>) {
    let mut found = Layers::default();
    let mut filter = None;
    for layer in Layer::ALL.into_iter().filter(|layer| layers.contains(layer)) {
        let done = match layer {
            Layer::NoNewPrivileges => prctl::set_no_new_privs().map_err(|e| e.to_string()),
            Layer::Limits => limits().map_err(|e| e.to_string()),
            Layer::Namespaces => namespaces().map_err(|e| e.to_string()),
            Layer::Landlock => landlock(),
            Layer::Seccomp => worker_filter().map(|program| filter = Some(Filter(program))),
        };
        found.0.insert(layer, done.err());
    }
    (found, filter)
}

impl Filter {
    /// Refuses every system call that is not on the list to this process, in all of its threads.
    ///
    /// # Errors
    /// The kernel has no seccomp, or this process may gain privileges.
    pub fn enter(&self) -> Result<(), String> {
        // Threads are there already. Root may start processes as it likes, but not by the filter.
        let _ = setrlimit(Resource::RLIMIT_NPROC, 0, 0);
        apply_filter_all_threads(&self.0).map_err(|e| e.to_string())
    }
}

fn limits() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
    setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES)
}

/// An empty root, and no network but a loopback that is down.
fn namespaces() -> nix::Result<()> {
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    unshare(all)?;
    let none = None::<&Path>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let bare = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let place = ["/tmp", "/proc", "/dev"].into_iter().find(|place| Path::new(place).is_dir());
    let place = place.ok_or(nix::errno::Errno::ENOENT)?;
    mount(Some("none"), place, Some("tmpfs"), bare, none)?;
    chdir(place)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")
}

/// Every right that Landlock knows, and no rule that grants one.
fn landlock() -> Result<(), String> {
    let known = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(known))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(known)))
        .and_then(|rules| rules.scope(Scope::from_all(known)))
        .and_then(landlock::Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|e| e.to_string())?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("the kernel has no Landlock".into()),
        _ => Ok(()),
    }
}

/// Calls without which neither engine nor Rust's library works.
const ALLOWED: [libc::c_long; 33] = [
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// V8 makes machine code, and guards it with keys of memory.
const ALLOWED_TO_COMPILERS: [libc::c_long; 5] = [
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
];

fn worker_filter() -> Result<BpfProgram, String> {
    let always = |call: &libc::c_long| (*call, Vec::new());
    let mut rules: Vec<_> = ALLOWED.iter().map(always).collect();
    if cfg!(feature = "v8") {
        rules.extend(ALLOWED_TO_COMPILERS.iter().map(always));
    } else {
        // An interpreter needs no memory that can be executed.
        let executable = u64::from(libc::PROT_EXEC.cast_unsigned());
        let not = SeccompCmpOp::MaskedEq(executable);
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            let plain = SeccompCondition::new(2, SeccompCmpArgLen::Dword, not.clone(), 0);
            let rule = plain.and_then(|plain| SeccompRule::new(vec![plain]));
            rules.push((call, vec![rule.map_err(|e| e.to_string())?]));
        }
    }
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let machine = std::env::consts::ARCH.try_into();
    let machine = machine.map_err(|e: seccompiler::BackendError| e.to_string())?;
    let rules = rules.into_iter().collect();
    SeccompFilter::new(rules, refused, SeccompAction::Allow, machine)
        .and_then(TryInto::try_into)
        .map_err(|e| e.to_string())
}
