//! What an isolate needs before its first turn, and what it is measured with.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use deno_core::{JsRuntime, RuntimeOptions, scope, v8};
use tasker_core::TaskError;

use super::{
    errors, ops, sources,
    watchdog::{HEAP, NONE},
};

pub type Function = v8::Global<v8::Function>;
pub type Broken = Box<TaskError>;

/// The prelude's functions, taken out of task code's reach.
pub struct Api {
    pub seed: Function,
    pub start: Function,
    pub deliver: Function,
    pub commonjs: Function,
}

/// Heap in use, asked of the engine ever more rarely: QuickJS walks all objects to answer.
#[derive(Default)]
pub struct HeapGauge {
    turns: u32,
    next: u32,
    bytes: usize,
    /// What an isolate without code takes, which workers share.
    empty: usize,
}

impl HeapGauge {
    fn of_empty(runtime: &mut JsRuntime) -> Self {
        let empty = runtime.v8_isolate().get_heap_statistics().used_heap_size();
        Self { empty, ..Self::default() }
    }

    /// Bytes, as of the last time it was worth asking.
    pub fn read(&mut self, runtime: &mut JsRuntime) -> usize {
        self.turns += 1;
        if self.turns > self.next {
            self.next = self.turns + self.turns / 2;
            let used = runtime.v8_isolate().get_heap_statistics().used_heap_size();
            self.bytes = used.saturating_sub(self.empty);
        }
        self.bytes
    }
}

/// V8 aborts the process at its heap limit unless this callback is there; QuickJS stops execution
/// by itself, and grows without bound if it is.
fn watch_heap(runtime: &mut JsRuntime, stopped: &Arc<AtomicU8>) {
    if cfg!(feature = "v8") {
        let (isolate, stopped) = (runtime.v8_isolate().thread_safe_handle(), stopped.clone());
        runtime.add_near_heap_limit_callback(move |current, _| {
            stopped.store(HEAP, Ordering::SeqCst);
            isolate.terminate_execution();
            current + (16 << 20)
        });
    }
}

/// Makes the engine one whose process can be copied; call before the first isolate. Threads do not
/// come along in a copy, and V8's own do parts of its work unless it is told to do without.
pub fn without_threads() {
    #[cfg(feature = "v8")]
    {
        v8::V8::set_flags_from_string("--single-threaded");
        let platform = v8::new_single_threaded_default_platform(false);
        JsRuntime::init_platform(Some(platform.make_shared()));
    }
}

/// An isolate that is ready and has no code yet.
pub struct Ready {
    // Dropped before the runtime it belongs to.
    pub api: Api,
    pub runtime: JsRuntime,
    pub stopped: Arc<AtomicU8>,
    pub heap: HeapGauge,
}

impl Ready {
    /// Makes one, whose JavaScript may take so many bytes.
    pub fn new(heap_bytes: usize) -> Result<Self, Broken> {
        let blobs = Arc::new(deno_web::BlobStore::default());
        let mut runtime = JsRuntime::try_new(RuntimeOptions {
            extensions: vec![
                sources::embedded(deno_webidl::deno_webidl::init()),
                sources::embedded(deno_web::deno_web::init(blobs, None, false, Default::default())),
                sources::embedded(ops::tasker_task::init()),
            ],
            create_params: Some(v8::CreateParams::default().heap_limits(0, heap_bytes)),
            ..Default::default()
        })
        .map_err(|e| errors::engine(&e))?;
        let stopped = Arc::new(AtomicU8::new(NONE));
        watch_heap(&mut runtime, &stopped);
        let api = take_api(&mut runtime)?;
        let heap = HeapGauge::of_empty(&mut runtime);
        Ok(Self { api, runtime, stopped, heap })
    }
}

fn take_api(runtime: &mut JsRuntime) -> Result<Api, Broken> {
    const TAKE: &str = "(() => { const api = globalThis.__tasker; \
        for (const k of ['__tasker', 'Deno', '__bootstrap', '__infra']) delete globalThis[k]; \
        return api; })()";
    let api = runtime.execute_script("tasker:take", TAKE).map_err(|e| errors::engine(&e))?;
    scope!(scope, runtime);
    let api = v8::Local::new(scope, &api);
    let take = |name: &str| {
        let found = (|| {
            let key = v8::String::new(scope, name)?;
            let value = api.to_object(scope)?.get(scope, key.into())?;
            v8::Local::<v8::Function>::try_from(value).ok()
        })();
        found.map(|f| v8::Global::new(scope, f)).ok_or_else(gone)
    };
    Ok(Api {
        seed: take("seed")?,
        start: take("start")?,
        deliver: take("deliver")?,
        commonjs: take("commonjs")?,
    })
}

pub fn gone() -> Broken {
    Box::new(TaskError::new("EngineError", "the isolate did not start"))
}

pub fn too_large() -> Broken {
    Box::new(TaskError::new("PayloadTooLarge", "a value is larger than the engine's strings"))
}

/// Two well-mixed halves of a run's number.
pub fn mix(run: i64) -> (u32, u32) {
    let mut z = run.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    #[expect(clippy::cast_possible_truncation, reason = "halves")]
    ((z >> 32) as u32, z as u32)
}
