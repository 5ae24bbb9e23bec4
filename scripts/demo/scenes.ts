// The scenes of the demonstration, on a machine of its own: the real executable, the
// fake kernel, and a host that asks.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { FcopyHost } from "../../tests/fake-kernel/fcopy-host.ts";
import { KvpHost, kvpMessage } from "../../tests/fake-kernel/kvp-host.ts";
import { FakeVmbus } from "../../tests/fake-kernel/vmbus.ts";
import { VssHost } from "../../tests/fake-kernel/vss-host.ts";
import type { Terminal } from "./terminal.ts";

const adapter = "00:15:5D:01:02:03";
const copiedFile = "/srv/from-the-host.txt";

/** Shows all scenes. False when something was not as it should be. */
export async function demonstrate(terminal: Terminal, executable: string): Promise<boolean> {
  const stage = new Stage(terminal, executable);
  try {
    await stage.start();
    await stage.intrinsicItems();
    await stage.hostWrites();
    await stage.guestWrites();
    await stage.addresses();
    await stage.nonsense();
    await stage.backupCheck();
    await stage.fileCopy();
    await stage.serviceToggled();
    await stage.end();
  } catch (error) {
    stage.check(false, error instanceof Error ? error.message : String(error));
  } finally {
    stage.close();
  }
  return stage.isRight;
}

class Stage {
  readonly #terminal: Terminal;
  readonly #executable: string;
  readonly #bus = new FakeVmbus();
  #kvp = this.#bus.offerKvp();
  readonly #vss = this.#bus.offerVss();
  readonly #fcopy = this.#bus.offerFcopy();
  #agent: Bun.Subprocess | undefined;
  isRight = true;

  constructor(terminal: Terminal, executable: string) {
    this.#terminal = terminal;
    this.#executable = executable;
  }

  get #host(): KvpHost {
    return new KvpHost(this.#kvp);
  }

  check(isRight: boolean, text: string): void {
    this.isRight &&= isRight;
    this.#terminal.result(isRight, text);
  }

  close(): void {
    this.#agent?.kill("SIGKILL");
    this.#bus.close();
  }

  async start(): Promise<void> {
    const terminal = this.#terminal;
    terminal.scene("The agent starts");
    terminal.act("kernel", "offers /dev/vmbus/hv_kvp, hv_vss and hv_fcopy");
    terminal.act("guest", "$ hvguest run");
    const started = performance.now();
    this.#agent = Bun.spawn([this.#executable, "run"], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const drivers = [this.#kvp, this.#vss, this.#fcopy];
    await Promise.race([Promise.all(drivers.map((driver) => driver.ready())), this.#ended()]);
    const milliseconds = (performance.now() - started).toFixed(0);
    this.check(
      drivers.every((driver) => driver.isReady),
      `three services registered after ${milliseconds} ms`,
    );
  }

  async intrinsicItems(): Promise<void> {
    this.#terminal.scene("The host reads what the guest is");
    this.#terminal.act("host", "enumerates pool 2, the intrinsic items");
    const items = await this.#host.list(2);
    this.#terminal.table(items.map(({ key, value }) => [key, value]));
    this.check(items.length === 10, "ten items");
  }

  async hostWrites(): Promise<void> {
    const terminal = this.#terminal;
    terminal.scene("The host gives keys to the guest");
    for (const [key, value] of [
      ["site", "Zürich"],
      ["role", "web server"],
      ["obsolete", "soon gone"],
    ] as const) {
      terminal.act("host", `sets ${key} = ${value}`);
      await this.#host.set(0, key, value);
    }
    terminal.act("host", "deletes obsolete");
    await this.#host.delete(0, "obsolete");
    const printed = await this.#command("kvp", "list", "--pool", "external");
    this.check(printed.includes("Zürich") && !printed.includes("obsolete"), "the guest has them");
  }

  async guestWrites(): Promise<void> {
    this.#terminal.scene("The guest tells the host");
    await this.#command("kvp", "set", "provisioning", "finished");
    this.#terminal.act("host", "enumerates pool 1");
    const items = await this.#host.list(1);
    this.#terminal.table(items.map(({ key, value }) => [key, value]));
    this.check(
      items.some(({ value }) => value === "finished"),
      "the host has it",
    );
  }

  async addresses(): Promise<void> {
    this.#terminal.scene("The host asks for the addresses of a network adapter");
    this.#terminal.act("host", `asks for the adapter ${adapter}`);
    const { body } = await this.#host.ipInfo(adapter);
    if (body !== undefined) {
      const { addresses, subnets, gateways, dns, dhcp } = body;
      this.#terminal.table([
        ["addresses", addresses],
        ["subnets", subnets],
        ["gateways", gateways],
        ["DNS", dns],
        ["DHCP", dhcp ? "yes" : "no"],
      ]);
    }
    this.check(body?.addresses.startsWith("192.0.2.10") === true, "the addresses of eth0");
  }

  async nonsense(): Promise<void> {
    this.#terminal.scene("The host asks for nonsense");
    this.#terminal.act("host", "sets a key in pool 200");
    const status = (await this.#host.exchange(kvpMessage(1, 200))).readUInt32LE(0);
    this.#terminal.act("host", "goes on with a request that makes sense");
    const next = await this.#host.set(0, "site", "Zürich");
    const text = `0x${status.toString(16)}`;
    this.check(status !== 0 && next === 0, `refused with ${text}, and the next one is served`);
  }

  async backupCheck(): Promise<void> {
    this.#terminal.scene("The host asks whether the guest can be backed up");
    const status = await new VssHost(this.#vss).check();
    this.check(status === 0, "it can: every file system to freeze was found");
  }

  async fileCopy(): Promise<void> {
    const text = "Copied by Copy-VMFile, without a network.\n";
    this.#terminal.scene("The host copies a file into the guest");
    this.#terminal.act("host", `sends ${copiedFile}`);
    const status = await new FcopyHost(this.#fcopy).copy({
      path: "/srv",
      name: "from-the-host.txt",
      data: Buffer.from(text),
    });
    const arrived = existsSync(copiedFile) ? readFileSync(copiedFile, "utf8") : "";
    this.#terminal.act("guest", `$ cat ${copiedFile}\n         ${arrived.trimEnd()}`);
    this.check(status === 0 && arrived === text, "it arrived whole, under its name");
    rmSync(copiedFile, { force: true });
  }

  async serviceToggled(): Promise<void> {
    this.#terminal.scene("The service is switched off and on in the settings of the machine");
    await this.#bus.rescind(this.#kvp);
    this.#terminal.act("kernel", "took /dev/vmbus/hv_kvp away");
    this.#kvp = this.#bus.offerKvp();
    await Promise.race([this.#kvp.ready(), this.#ended()]);
    const items = await this.#host.list(0);
    this.check(items.length === 2, "registered again, and every key is still there");
  }

  async end(): Promise<void> {
    this.#terminal.scene("The agent ends");
    this.#terminal.act("guest", "$ kill -TERM …");
    this.#agent?.kill("SIGTERM");
    this.check((await this.#agent?.exited) === 0, "in order, with status 0");
  }

  async #ended(): Promise<never> {
    const status = await this.#agent?.exited;
    throw new Error(`hvguest run ended with status ${status}`);
  }

  /** Runs a command of the executable, and shows it. */
  async #command(...args: readonly string[]): Promise<string> {
    this.#terminal.act("guest", `$ hvguest ${args.join(" ")}`);
    const child = Bun.spawn([this.#executable, ...args], { stdout: "pipe", stderr: "inherit" });
    const printed = await new Response(child.stdout).text();
    for (const line of printed.trimEnd().split("\n")) {
      if (line !== "") {
        console.log(`         ${line}`);
      }
    }
    return printed;
  }
}
