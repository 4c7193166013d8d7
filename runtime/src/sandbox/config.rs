//! The engine's configuration, one for the build script and the runtime: code that is compiled ahead of time is
//! accepted only by an engine that was configured the same way.

use wasmtime::{Config, OptLevel, WasmBacktraceDetails};

/// The stack of a guest, in bytes. Host functions that it calls have as much again, or the thread's own where the guest is
/// entered on that.
pub const GUEST_STACK_BYTES: usize = 512 << 10;

/// How an engine's guests are called, which decides how their code is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calling {
    /// Each call is a task that may wait, so that many are in flight.
    Tasks,
    /// Each call returns before there is another. The engine keeps no books of tasks, which for a short call cost more
    /// than all that is done in it.
    AtOnce,
}

/// `target` is the CPU that embedded guests are compiled for; `None` compiles for the one at hand.
///
/// Several memories are allowed because a composed component is joined by adapters that see the memories of both sides;
/// what componentize-qjs makes is composed, too.
pub fn engine_config(calling: Calling, target: Option<&str>) -> wasmtime::Result<Config> {
    let has_tasks = calling == Calling::Tasks;
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(has_tasks)
        .concurrency_support(has_tasks)
        .epoch_interruption(true)
        .consume_fuel(false)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(2 * GUEST_STACK_BYTES)
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .memory_init_cow(true)
        .wasm_multi_memory(true)
        .wasm_memory64(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .native_unwind_info(false)
        .generate_address_map(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    if let Some(target) = target {
        config.target(target)?;
    }
    Ok(config)
}
