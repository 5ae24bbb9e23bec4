import { expect, test } from "bun:test";
import { mkdtempSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalName, HostName, searchDomains } from "../../src/platform/host-name.ts";

interface Machine {
  readonly name: HostName;
  /** Writes a file so that its change shows, however short the time since the last. */
  readonly write: (file: "hosts" | "resolv.conf", text: string) => void;
  /** What was looked up and has no answer yet. */
  readonly questions: { name: string; answer: (exists: boolean) => void }[];
  changes: number;
}

function machine(hostname: string, hosts = "", resolver = ""): Machine {
  const directory = mkdtempSync(join(tmpdir(), "hvguest-name-"));
  let seconds = 1000;
  const write = (file: string, text: string) => {
    writeFileSync(join(directory, file), text);
    seconds += 1;
    utimesSync(join(directory, file), seconds, seconds);
  };
  write("hosts", hosts);
  write("resolv.conf", resolver);
  const questions: Machine["questions"] = [];
  const result: Machine = {
    write,
    questions,
    changes: 0,
    name: new HostName({
      hostname: () => hostname,
      hostsFile: join(directory, "hosts"),
      resolverFile: join(directory, "resolv.conf"),
      exists: (name) => {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        questions.push({ name, answer: resolve });
        return promise;
      },
      onChange: () => {
        result.changes += 1;
      },
    }),
  };
  return result;
}

/** Lets everything that is resolved go on. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a name with a dot is the answer itself: nothing is looked up", () => {
  const { name, questions } = machine("vm.example.org", "10.0.0.2 vm.other.org vm", "search a.org");
  expect(name.current()).toBe("vm.example.org");
  expect(questions).toEqual([]);
});

test("/etc/hosts qualifies a short name without a look-up", () => {
  const { name, questions } = machine("vm", "127.0.1.1 vm.example.org vm\n", "search a.org\n");
  expect(name.current()).toBe("vm.example.org");
  expect(questions).toEqual([]);
});

test("the short name is the answer until DNS knows more, and the change is told", async () => {
  const vm = machine("vm", "127.0.0.1 localhost\n", "search a.org b.org\n");
  expect(vm.name.current()).toBe("vm");
  expect(vm.questions.map(({ name }) => name)).toEqual(["vm.a.org"]);
  vm.questions[0]?.answer(false);
  await settled();
  expect(vm.name.current()).toBe("vm");
  vm.questions[1]?.answer(true);
  await settled();
  expect(vm.name.current()).toBe("vm.b.org");
  expect(vm.changes).toBe(1);
  expect(vm.questions).toHaveLength(2);
});

test("asking again while a look-up runs starts no other", () => {
  const { name, questions } = machine("vm", "", "search a.org\n");
  for (let round = 0; round < 5; round += 1) {
    expect(name.current()).toBe("vm");
  }
  expect(questions).toHaveLength(1);
});

test("a failure is never the answer", async () => {
  const { name, questions, ...vm } = machine("vm", "", "search a.org\n");
  name.current();
  questions[0]?.answer(false);
  await settled();
  expect(name.current()).toBe("vm");
  expect(vm.changes).toBe(0);
});

test("changed files are noticed at the next question", async () => {
  const vm = machine("vm", "", "search a.org\n");
  vm.name.current();
  vm.questions[0]?.answer(true);
  await settled();
  expect(vm.name.current()).toBe("vm.a.org");
  vm.write("hosts", "10.0.0.2 vm.example.org vm\n");
  expect(vm.name.current()).toBe("vm.example.org");
});

test("an answer to an older question is not taken", async () => {
  const vm = machine("vm", "", "search a.org\n");
  vm.name.current();
  vm.write("resolv.conf", "search b.org\n");
  vm.name.current();
  vm.questions[0]?.answer(true);
  await settled();
  expect(vm.name.current()).toBe("vm");
  vm.questions[1]?.answer(true);
  await settled();
  expect(vm.name.current()).toBe("vm.b.org");
});

test("after a change of the network names are looked up again", async () => {
  const vm = machine("vm", "", "search a.org\n");
  vm.name.current();
  vm.questions[0]?.answer(false);
  await settled();
  vm.name.current();
  expect(vm.questions).toHaveLength(1);
  vm.name.refresh();
  vm.name.current();
  expect(vm.questions).toHaveLength(2);
});

test("what was found stays the answer while it is looked up again, until nothing is found", async () => {
  const vm = machine("vm", "", "search a.org\n");
  vm.name.current();
  vm.questions[0]?.answer(true);
  await settled();
  vm.name.refresh();
  expect(vm.name.current()).toBe("vm.a.org");
  vm.questions[1]?.answer(true);
  await settled();
  expect([vm.name.current(), vm.changes]).toEqual(["vm.a.org", 1]);
  vm.write("resolv.conf", "search b.org\n");
  expect(vm.name.current()).toBe("vm.a.org");
  vm.questions[2]?.answer(false);
  await settled();
  expect([vm.name.current(), vm.changes]).toEqual(["vm", 2]);
});

test("an older look-up that ends late takes nothing from a newer one, nor from /etc/hosts", async () => {
  const vm = machine("vm", "", "search a.org\n");
  vm.name.current();
  vm.name.refresh();
  vm.name.current();
  vm.questions[1]?.answer(true);
  await settled();
  vm.questions[0]?.answer(false);
  await settled();
  expect(vm.name.current()).toBe("vm.a.org");
  vm.name.refresh();
  vm.name.current();
  vm.write("hosts", "10.0.0.2 vm.example.org vm\n");
  expect(vm.name.current()).toBe("vm.example.org");
  vm.questions[2]?.answer(true);
  await settled();
  expect(vm.name.current()).toBe("vm.example.org");
});

test("without the files the short name stays", () => {
  const name = new HostName({
    hostname: () => "vm",
    hostsFile: "/nonexistent/hosts",
    resolverFile: "/nonexistent/resolv.conf",
    exists: () => Promise.resolve(true),
    onChange: () => undefined,
  });
  expect(name.current()).toBe("vm");
});

test("files that cannot be looked at leave the short name", () => {
  const loop = join(mkdtempSync(join(tmpdir(), "hvguest-name-")), "loop");
  symlinkSync(loop, loop);
  const name = new HostName({
    hostname: () => "vm",
    hostsFile: loop,
    resolverFile: loop,
    onChange: () => undefined,
  });
  expect(name.current()).toBe("vm");
});

test("the canonical name is the first of a line that has a dot and names the machine", () => {
  const find = (hosts: string) => canonicalName(hosts, "vm");
  expect(find("10.0.0.2 vm.example.org vm")).toBe("vm.example.org");
  expect(find("10.0.0.2\tvm.example.org")).toBe("vm.example.org");
  expect(find("10.0.0.2 www.example.org vm # vm.other.org")).toBe("www.example.org");
  expect(find("# 10.0.0.2 vm.example.org vm")).toBeUndefined();
  expect(find("127.0.1.1 vm")).toBeUndefined();
  expect(find("10.0.0.2 vm2.example.org vm2\nfe80::2 vm.example.org vm")).toBe("vm.example.org");
  expect(find("")).toBeUndefined();
});

test("localhost is no name for others", () => {
  expect(canonicalName("127.0.0.1 localhost.localdomain localhost vm", "vm")).toBeUndefined();
});

test("the last search or domain line counts, without final dots", () => {
  expect(searchDomains("domain a.org\nsearch b.org c.org.\nnameserver 10.0.0.1\n")).toEqual([
    "b.org",
    "c.org",
  ]);
  expect(searchDomains("search b.org\ndomain a.org")).toEqual(["a.org"]);
  expect(searchDomains("; search b.org\n# search c.org\nsearch .")).toEqual([]);
  expect(searchDomains("")).toEqual([]);
});
