// `lab host DIR SERVICE OPERATION ...`: plays the host of a guest that `lab boot`
// started, by hand.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Reply } from "./host/component.ts";
import { Host } from "./host/host.ts";
import { statusText } from "./runner/context.ts";

const usage = `lab host DIR kvp enum POOL [INDEX] | get POOL KEY | set POOL KEY VALUE | delete POOL KEY
             kvp ip MAC | set-ip ADAPTER ADDRESSES SUBNETS GATEWAYS NAMESERVERS
             vss check | freeze | thaw
             fcopy FILE FOLDER [FLAGS]
             heartbeat | timesync [sync|sample] | shutdown [off|restart]
             rescind SERVICE | offer SERVICE`;

type Words = readonly string[];

function say(reply: Reply): number {
  console.log(`status ${statusText(reply.status)} in ${reply.milliseconds.toFixed(1)} ms`);
  return reply.status === 0 ? 0 : 1;
}

async function kvp(host: Host, [operation, first = "", second = "", ...rest]: Words) {
  const service = await host.service("kvp");
  const pool = Number(first);
  switch (operation) {
    case "enum": {
      if (second === "") {
        for (const { key, value } of await service.list(pool)) {
          console.log(`${key}=${value}`);
        }
        return 0;
      }
      const reply = await service.enumerate(pool, Number(second));
      console.log(reply.item);
      return say(reply);
    }
    case "get": {
      const reply = await service.get(pool, second);
      console.log(reply.value);
      return say(reply);
    }
    case "set":
      return say(await service.set(pool, second, rest[0] ?? ""));
    case "delete":
      return say(await service.delete(pool, second));
    case "ip": {
      const reply = await service.getIpInfo(first);
      console.log(reply.info);
      return say(reply);
    }
    case "set-ip": {
      const [subnets, gateways, nameServers] = rest;
      const info = { adapter: first, addresses: second, family: second.includes(":") ? 2 : 1 };
      return say(
        await service.setIpInfo({
          ...info,
          subnets: subnets ?? "",
          gateways: gateways ?? "",
          nameServers: nameServers ?? "",
        }),
      );
    }
    default:
      throw new Error(usage);
  }
}

async function vss(host: Host, [operation]: Words) {
  const service = await host.service("vss");
  if (operation !== "check" && operation !== "freeze" && operation !== "thaw") {
    throw new Error(usage);
  }
  return say(await service[operation]());
}

async function fcopy(host: Host, [file, folder, flags]: Words) {
  if (file === undefined || folder === undefined) {
    throw new Error(usage);
  }
  const service = await host.service("fcopy");
  const content = readFileSync(file);
  const copied = await service.copy(folder, basename(file), content, { flags: Number(flags ?? 0) });
  console.log(`${copied.step}: ${statusText(copied.status)}, ${copied.written} bytes`);
  return copied.status === 0 ? 0 : 1;
}

async function operate(host: Host, service: string, words: Words): Promise<number> {
  switch (service) {
    case "kvp":
      return kvp(host, words);
    case "vss":
      return vss(host, words);
    case "fcopy":
      return fcopy(host, words);
    case "heartbeat": {
      const heartbeat = await host.service("heartbeat");
      console.log(`1 → ${await heartbeat.beat(1n)}`);
      return 0;
    }
    case "timesync": {
      const timesync = await host.service("timesync");
      return say(await timesync.tell(words[0] === "sample" ? 2 : 1));
    }
    case "shutdown": {
      const shutdown = await host.service("shutdown");
      return say(await shutdown.shutDown(words[0] === "restart" ? 2 : 0));
    }
    case "rescind":
    case "offer": {
      const name = (["kvp", "vss", "fcopy", "heartbeat", "timesync", "shutdown"] as const).find(
        (known) => known === words[0],
      );
      if (name === undefined) {
        throw new Error(usage);
      }
      const { channel } = await host.attach(name);
      await channel[service]();
      return 0;
    }
    default:
      throw new Error(usage);
  }
}

/** Plays one act of the host and prints the guest's answer; 1 for a status other than 0. */
export async function playHost(parameters: Words): Promise<number> {
  const [directory, service, ...words] = parameters;
  if (directory === undefined || service === undefined) {
    throw new Error(usage);
  }
  using host = new Host((name) => join(directory, `${name}.sock`));
  return await operate(host, service, words);
}
