// The fully qualified name of this machine. A look-up never delays anybody: until
// it has an answer the short name is the answer, and a failure is never one.

import { promises as dns } from "node:dns";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";

export interface HostNameOptions {
  /** Told when a look-up has changed the name. */
  readonly onChange: () => void;
  readonly hostname?: () => string;
  readonly hostsFile?: string;
  readonly resolverFile?: string;
  /** Whether `name` has an address. */
  readonly exists?: (name: string) => Promise<boolean>;
}

/** The host name now, qualified where /etc/hosts or DNS know more. */
export class HostName {
  readonly #options: Required<HostNameOptions>;
  /** What the known answer is an answer to. */
  #question = "";
  #answer = "";
  /** Counts questions: only the look-up of the last one decides. */
  #questions = 0;

  constructor(options: HostNameOptions) {
    this.#options = {
      hostname,
      hostsFile: "/etc/hosts",
      resolverFile: "/etc/resolv.conf",
      exists: hasAddress,
      ...options,
    };
  }

  /**
   * The best name that is known now; starts a look-up when the question is new. What
   * was found before stays the answer meanwhile: addresses come and go all the time.
   */
  current(): string {
    const { hostname: shortName, hostsFile, resolverFile } = this.#options;
    const short = shortName();
    if (short.includes(".")) {
      return short;
    }
    const question = [short, fingerprint(hostsFile), fingerprint(resolverFile)].join("|");
    if (question !== this.#question) {
      this.#question = question;
      this.#questions += 1;
      const listed = canonicalName(readText(hostsFile), short);
      const isStillOurs = this.#answer.startsWith(`${short}.`);
      this.#answer = listed ?? (isStillOurs ? this.#answer : short);
      if (listed === undefined) {
        void this.#lookUp(short);
      }
    }
    return this.#answer;
  }

  /** Looks names up again at the next question: the network has changed. */
  refresh(): void {
    this.#question = "";
  }

  async #lookUp(short: string): Promise<void> {
    const number = this.#questions;
    for (const domain of searchDomains(readText(this.#options.resolverFile))) {
      const name = `${short}.${domain}`;
      const found = await this.#options.exists(name);
      if (this.#questions !== number) {
        return;
      }
      if (found) {
        this.#settle(name);
        return;
      }
    }
    this.#settle(short);
  }

  #settle(answer: string): void {
    if (this.#answer !== answer) {
      this.#answer = answer;
      this.#options.onChange();
    }
  }
}

/** The first name of the line of hosts(5) that lists `name`, if it has a dot. */
export function canonicalName(hosts: string, name: string): string | undefined {
  for (const line of hosts.split("\n")) {
    const [address, canonical, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (address === undefined || canonical === undefined || !canonical.includes(".")) {
      continue;
    }
    // Old installers listed the machine's name behind the loopback's.
    if (canonical.startsWith("localhost.")) {
      continue;
    }
    if (aliases.includes(name) || canonical.split(".")[0] === name) {
      return canonical;
    }
  }
  return undefined;
}

/** The domains of `search` and `domain` in resolv.conf(5); the last line counts. */
export function searchDomains(resolver: string): string[] {
  let domains: string[] = [];
  for (const line of resolver.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "search" || keyword === "domain") {
      domains = words.map((word) => word.replace(/\.$/, "")).filter((word) => word !== "");
    }
  }
  return domains;
}

async function hasAddress(name: string): Promise<boolean> {
  // c-ares, on the event loop: it holds no thread while it waits. A resolver keeps the
  // servers that it has read first, so each look-up has its own.
  const resolver = new dns.Resolver();
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return answers.some((answer) => answer.status === "fulfilled" && answer.value.length > 0);
}

function fingerprint(path: string): string {
  try {
    const { ino, mtimeNs, size } = statSync(path, { bigint: true });
    return `${ino}:${mtimeNs}:${size}`;
  } catch {
    // As little as readText() can learn from it.
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Without the file there is nothing to learn from it.
    return "";
  }
}
