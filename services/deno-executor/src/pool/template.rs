//! The template process, seen from the executor: kept by a thread of its own, which starts another
//! one when it is gone.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use tokio::sync::oneshot;

use crate::{
    control::{self, Order},
    sandbox::{Layers, Mode},
    worker::{TEMPLATE, TemplateArgs},
};

/// How a template is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// Program that becomes a template when its first argument says so.
    pub path: PathBuf,
    /// What it is told.
    pub args: TemplateArgs,
}

/// The template process, and orders for it. Cheap to clone.
#[derive(Clone)]
pub struct Template {
    orders: mpsc::Sender<Told>,
    /// What sandboxes workers.
    pub layers: Layers,
}

/// An order, and who waits until it was given.
type Told = (Order, Option<oneshot::Sender<io::Result<()>>>);

impl Template {
    /// Starts the process, so that the first run need not wait for it, and the thread that keeps it.
    ///
    /// # Errors
    /// It does not start, or lacks a layer of a sandbox that is required.
    pub fn start(program: Program) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel::<Told>();
        let running = Running::start(&program)?;
        let layers = running.layers.clone();
        for (layer, why) in layers.missing() {
            tracing::warn!(?layer, why, "task code is sandboxed without this layer");
        }
        let keeper = std::thread::Builder::new().name("template".into());
        keeper.spawn(move || {
            let mut keeper = Keeper { program, running: Some(running) };
            for (order, answer) in inbox {
                let sent = keeper.send(&order);
                if let Some(answer) = answer {
                    let _ = answer.send(sent);
                }
            }
        })?;
        Ok(Self { orders, layers })
    }

    /// Has a worker of this number begin on these pipes.
    pub async fn begin(&self, number: u64, pipes: [OwnedFd; 2]) -> io::Result<()> {
        let (tell, told) = oneshot::channel();
        let gone = |_| io::Error::other("the thread that keeps the template has ended");
        let order = (Order::Begin(number, pipes), Some(tell));
        self.orders.send(order).map_err(|_| gone(()))?;
        told.await.map_err(|_| gone(()))?
    }

    /// Ends the worker of this number, whatever it does.
    pub fn end(&self, number: u64) {
        let _ = self.orders.send((Order::End(number), None));
    }
}

struct Keeper {
    program: Program,
    running: Option<Running>,
}

struct Running {
    process: Child,
    control: UnixStream,
    layers: Layers,
}

impl Keeper {
    /// Workers die with their template, so only a beginning is worth a new one.
    fn send(&mut self, order: &Order) -> io::Result<()> {
        let sent = match (&self.running, order) {
            (Some(running), _) => control::send(&running.control, order),
            (None, Order::End(_)) => return Ok(()),
            (None, Order::Begin(..)) => Err(io::ErrorKind::NotConnected.into()),
        };
        let Err(error) = sent else { return Ok(()) };
        if self.running.take().is_some() {
            tracing::warn!(%error, "the template of workers ended");
        }
        match order {
            Order::Begin(..) => control::send(&self.running()?.control, order),
            Order::End(_) => Ok(()),
        }
    }

    fn running(&mut self) -> io::Result<&Running> {
        if self.running.is_none() {
            self.running = Some(Running::start(&self.program)?);
        }
        self.running.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Running {
    fn start(Program { path, args }: &Program) -> io::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        // Nothing of the executor's environment: no database address, no key.
        let process = Command::new(path)
            .arg(TEMPLATE)
            .arg(serde_json::to_string(args)?)
            .env_clear()
            .env("TZ", "UTC")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut running = Self { process, control, layers: Layers::default() };
        running.layers = control::reported(&running.control)?;
        if let (Mode::Required, Some((layer, why))) =
            (args.sandbox, running.layers.missing().next())
        {
            let message = format!("TASKER_SANDBOX=required, and {layer:?} cannot be had: {why}");
            return Err(io::Error::other(message));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its end ends the workers too.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
