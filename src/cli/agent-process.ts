// The process around an agent: its log, its configuration and its signals.

import { Agent, type AgentOptions } from "../agent/agent.ts";
import { ConfigurationError, readConfiguration } from "../agent/configuration.ts";
import { releaseStartMemory } from "../agent/start-memory.ts";
import { isJournal, type Level, type LogSink, Logger } from "../log.ts";
import { pathsFrom } from "../platform/paths.ts";
import { ExitStatus } from "./command.ts";
import { logWriter } from "./log-writer.ts";

export interface AgentProcessOptions {
  readonly services: AgentOptions["services"];
  readonly processName?: string;
  /** End when a service cannot register at the start, as the C daemons do. */
  readonly firstFaultEnds?: boolean;
  /** Moves /etc, /run and /var. */
  readonly root?: string;
  /** Overrides the level of the configuration. */
  readonly level?: Level;
  /** Where lines go instead of standard error. */
  readonly sink?: { readonly write: LogSink; readonly journal: boolean };
  readonly onStarted?: AgentOptions["onStarted"];
}

/** Milliseconds that the last log lines may take to leave. */
const farewellMilliseconds = 1000;

/** Runs an agent until SIGTERM or SIGINT. @throws ConfigurationError, NativeError */
export async function runAgentProcess(options: AgentProcessOptions): Promise<ExitStatus> {
  const paths = pathsFrom(process.env, options.root);
  const settings = readConfiguration(paths.configuration);
  const stopped = untilStopped();
  const journal = isJournal(process.env);
  const writer = logWriter(journal);
  const sink = options.sink ?? { write: (line: string) => writer.write(line), journal };
  const logger = new Logger({
    sink: sink.write,
    level: options.level ?? settings.log.level,
    journal: sink.journal,
  });
  const log = logger.log("agent");
  const agent = new Agent({
    services: options.services,
    paths,
    logger,
    settings,
    version: HVGUEST_VERSION,
    environment: process.env,
    firstFaultEnds: options.firstFaultEnds ?? false,
    ...(options.processName === undefined ? {} : { processName: options.processName }),
    onStarted: (states) => {
      options.onStarted?.(states);
      releaseStartMemory(log);
    },
  });
  const reload = () => {
    void reloadAgent(agent, logger, paths.configuration, options.level);
  };
  process.on("SIGHUP", reload);
  process.on("SIGUSR1", () => agent.writeReports());
  process.chdir("/");
  log.info(`hvguest ${HVGUEST_VERSION} starts`);
  await agent.start();
  try {
    log.info(`${await Promise.race([stopped, agent.failure])}, stopping`);
    return ExitStatus.done;
  } finally {
    await agent.stop();
    writer.flush(farewellMilliseconds);
  }
}

function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => resolve(signal));
    }
  });
}

async function reloadAgent(
  agent: Agent,
  logger: Logger,
  directory: string,
  level: Level | undefined,
): Promise<void> {
  const log = logger.log("agent");
  try {
    const settings = readConfiguration(directory);
    logger.setLevel(level ?? settings.log.level);
    await agent.reload(settings);
    log.notice("read the configuration again");
  } catch (error) {
    if (!(error instanceof ConfigurationError)) {
      throw error;
    }
    log.error(`${error.message}, keeping the old settings`);
  }
}
