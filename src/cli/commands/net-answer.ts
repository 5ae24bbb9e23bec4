// hvguest net answer: the separate step that sets addresses for the agent, started
// by hvguest-network.socket. One line of JSON comes in, one goes out.

import { readSync } from "node:fs";
import { directSink, isJournal, Logger } from "../../log.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import { recover } from "../../services/network/configure.ts";
import { failing, IpInjector, refuseLate } from "../../services/network/ip-injector.ts";
import {
  monotonicMilliseconds,
  parseStepRequest,
  type StepAnswer,
} from "../../services/network/network-step.ts";
import { command, type CommandContext, ExitStatus } from "../command.ts";
import { netContext } from "./net-context.ts";

/** Longer than any request. */
const maxLineBytes = 64 * 1024;

export const netAnswer = command({
  usage: "answer",
  description: "Answer one request of the agent's (for hvguest-network.socket)",
  run: async (_args, context) => {
    const answer = await answerTo(context);
    context.print(`${JSON.stringify(answer)}\n`);
    return answer.status === Status.ok ? ExitStatus.done : ExitStatus.failed;
  },
});

async function answerTo({ environment, signal }: CommandContext): Promise<StepAnswer> {
  const done: string[] = [];
  try {
    const asked = parseStepRequest(readLine());
    const { paths, settings } = netContext(environment);
    if (asked.ask === "recover") {
      const name = await failing(() => recover(paths));
      return { status: Status.ok, message: `the change of '${name}' left half done is taken back` };
    }
    // Less what it takes to end and to be heard.
    const patienceSeconds = (asked.before - monotonicMilliseconds()) / 1000 - 1;
    refuseLate(patienceSeconds);
    const journal = isJournal(environment);
    const log = new Logger({ sink: directSink, level: "info", journal }).log("network");
    const injector = new IpInjector({
      paths,
      settings: () => settings,
      usesStep: false,
      patienceSeconds,
      log: { notice: (text) => void done.push(text), warning: (text) => log.warning(text) },
    });
    await injector.apply(asked.request, signal);
    return { status: Status.ok, message: done.join("; ") };
  } catch (error) {
    const status = error instanceof RequestError ? error.status : Status.fail;
    return { status, message: error instanceof Error ? error.message : String(error) };
  }
}

/** What stands on standard input before the first line end. */
function readLine(): string {
  const buffer = Buffer.alloc(maxLineBytes);
  let length = 0;
  for (;;) {
    const end = buffer.subarray(0, length).indexOf("\n");
    if (end >= 0) {
      return buffer.toString("utf8", 0, end);
    }
    const count =
      length < buffer.length ? readSync(0, buffer, length, buffer.length - length, null) : 0;
    if (count === 0) {
      return buffer.toString("utf8", 0, length);
    }
    length += count;
  }
}
