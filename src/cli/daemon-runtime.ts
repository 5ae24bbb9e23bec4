// How the JavaScript runtime behaves in a process that sleeps for months: without
// compiler threads that come and go, without a timer for the garbage collector, and
// with 5 MB less memory. It takes this only from its environment, at its start.

/** Names and values of JavaScriptCore's options (BUN_JSC_…) and of Bun's own. */
export const daemonRuntime: Readonly<Record<string, string>> = {
  // What is answered often is answered by the native part; the rest is not worth
  // a compiler. MemoryDenyWriteExecute= has the same effect.
  BUN_JSC_useJIT: "0",
  // The collector works on the thread that allocates, when memory was allocated.
  BUN_JSC_useConcurrentGC: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_GC_TIMER_DISABLE: "1",
};

/**
 * Makes this process one with {@link daemonRuntime}: executes the program again, in
 * the same process, unless the environment has it all. Goes on as it is where the
 * kernel refuses.
 */
export function becomeDaemonRuntime(): void {
  const missing = Object.entries(daemonRuntime).some(
    ([name, value]) => process.env[name] !== value,
  );
  // Run from its source, the program is not what the kernel would execute.
  const isExecutable = Bun.main.startsWith("/$bunfs/");
  if (!missing || !isExecutable || process.execve === undefined) {
    return;
  }
  try {
    process.execve(process.execPath, [process.argv0, ...process.argv.slice(2)], {
      ...definedOnly(process.env),
      ...daemonRuntime,
    });
  } catch {
    // Replaced while it started, or forbidden by a policy: the runtime's own
    // behaviour costs memory and wake-ups, and nothing else.
  }
}

function definedOnly(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
