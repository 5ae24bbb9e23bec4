// File copy: hosts that do things in another order, too often, or not to the end.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type FcopyHost, fragmentBytes, startBody, writeBody } from "../host/fcopy.ts";
import { encodeMessage, MessageType } from "../host/ic-message.ts";
import { type Context, statusText } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertContent } from "./arrived-file.ts";

const ok = "0x00000000";
const failed = "0x80004005";

async function goodFile(context: Context, fcopy: FcopyHost, after: string): Promise<void> {
  const content = randomBytes(3 * fragmentBytes + 5);
  const copied = await fcopy.copy("/tmp/", "good", content, { flags: 1 });
  assert.equal(statusText(copied.status), ok, `a good file after ${after}: ${copied.step}`);
  await assertContent(context, "/tmp/good", content, after);
}

export const fcopyOrder: readonly Scenario[] = [
  {
    name: "requests that belong to no file fail",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await fcopy.cancel();
      const write = await fcopy.write(0n, Buffer.from("x"));
      context.expect("WRITE", statusText(write.status), failed);
      context.expect("COMPLETE", statusText((await fcopy.complete()).status), failed);
      const unknown = writeBody(0n, Buffer.from("x"));
      unknown.writeUInt32LE(9, 0);
      context.expect("operation 9", statusText((await fcopy.request(unknown)).status), failed);
      await goodFile(context, fcopy, "requests without a file");
    },
  },
  {
    name: "fragments may come in any order and twice",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const content = randomBytes(6 * fragmentBytes + 77);
      const fileSize = BigInt(content.length);
      await fcopy.startCopy({ pathName: "/tmp/", fileName: "mixed", fileSize, flags: 1 });
      for (const index of [6, 0, 1, 3, 3, 2, 5, 4]) {
        const offset = index * fragmentBytes;
        const data = content.subarray(offset, offset + fragmentBytes);
        const status = statusText((await fcopy.write(BigInt(offset), data)).status);
        context.expect(`fragment ${index}`, status, ok);
      }
      context.expect("COMPLETE", statusText((await fcopy.complete()).status), ok);
      await assertContent(context, "/tmp/mixed", content);
    },
  },
  {
    name: "a file of which a part has not come is no file",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const data = randomBytes(fragmentBytes);
      const fileSize = BigInt(3 * fragmentBytes);
      const start = () =>
        fcopy.startCopy({ pathName: "/tmp/", fileName: "hole", fileSize, flags: 1 });
      for (const offsets of [[], [0], [0, fragmentBytes], [0, 2 * fragmentBytes]]) {
        await start();
        for (const offset of offsets) {
          await fcopy.write(BigInt(offset), data);
        }
        const came = `with ${offsets.length} of 3 fragments, the last at ${offsets.at(-1) ?? "-"}`;
        context.expect(`COMPLETE ${came}`, statusText((await fcopy.complete()).status), failed);
        const file = await context.sh("ls /tmp/hole 2>/dev/null || echo none");
        context.expect(`file ${came}`, file, "none");
      }
      await goodFile(context, fcopy, "files with holes");
    },
  },
  {
    name: "fragments beyond every limit fail, and the file goes on",
    service: "fcopy",
    who: ["ours"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const data = randomBytes(fragmentBytes);
      const fileSize = BigInt(2 * fragmentBytes);
      await fcopy.startCopy({ pathName: "/tmp/", fileName: "limits", fileSize, flags: 1 });
      await fcopy.write(0n, data);
      for (const [offset, size] of [
        [0n, fragmentBytes + 1],
        [0n, 0xffff_ffff],
        [0n, 0x8000_0000],
        [fileSize, 1],
        [fileSize - 1n, 2],
        [(1n << 64n) - 1n, 1],
        [1n << 63n, 10],
        [(1n << 64n) - 10n, 20],
      ] as const) {
        const reply = await fcopy.request(writeBody(offset, data, size));
        assert.equal(statusText(reply.status), failed, `${size} bytes at ${offset}`);
      }
      assert.equal(statusText((await fcopy.write(BigInt(fragmentBytes), data)).status), ok);
      assert.equal(statusText((await fcopy.complete()).status), ok);
      await assertContent(context, "/tmp/limits", Buffer.concat([data, data]));
    },
  },
  {
    name: "a host that goes half way leaves nothing, and its next file arrives",
    service: "fcopy",
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await context.sh("rm -rf /tmp/gone; mkdir /tmp/gone");
      await fcopy.copy("/tmp/gone/", "file", randomBytes(10 * fragmentBytes), {
        afterWrite: (written) => Promise.resolve(written > 4 * fragmentBytes ? "leave" : undefined),
      });
      context.host.disconnect();
      const again = await context.ready("fcopy");
      await goodFile(context, again, "a host that went");
      context.expect("left", await context.sh("ls -A /tmp/gone"), "");
    },
  },
  {
    name: "a service withdrawn half way twenty times leaves nothing and comes back",
    service: "fcopy",
    who: ["ours"],
    seconds: 240,
    async run(context) {
      await context.sh("rm -rf /tmp/withdrawn; mkdir /tmp/withdrawn");
      const pid = await context.daemon.pid();
      const fcopy = await context.ready("fcopy");
      const descriptors = () => context.sh(`ls /proc/${pid}/fd | wc -l`);
      let before = "";
      for (let round = 0; round < 20; round += 1) {
        await context.ready("fcopy");
        await fcopy.copy("/tmp/withdrawn/", "file", randomBytes(10 * fragmentBytes), {
          afterWrite: (written) => Promise.resolve(written > round * 1000 ? "leave" : undefined),
        });
        before ||= await descriptors();
        await fcopy.channel.rescind();
        await fcopy.channel.offer();
      }
      await goodFile(context, await context.ready("fcopy"), "twenty withdrawals");
      assert.equal(await context.sh("ls -A /tmp/withdrawn"), "");
      assert.equal(await context.daemon.pid(), pid);
      assert.equal(context.daemon.isRunning, true);
      const after = Number(await descriptors());
      assert.ok(after <= Number(before) + 2, `${before} descriptors before, ${after} after`);
    },
  },
  {
    name: "an agent killed half way leaves nothing, and the next one serves",
    service: "fcopy",
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      for (const name of ["new", "old"]) {
        await context.sh("rm -rf /tmp/killed; mkdir /tmp/killed; echo old > /tmp/killed/old");
        await fcopy.copy("/tmp/killed/", name, randomBytes(10 * fragmentBytes), {
          flags: 1,
          afterWrite: (written) => Promise.resolve(written > 20_000 ? "leave" : undefined),
        });
        await context.daemon.restart("SIGKILL");
        const next = await context.ready("fcopy");
        await goodFile(context, next, "an agent that was killed");
        const left = await context.sh(
          'cd /tmp/killed; echo *; [ "$(cat old)" = old ] && echo whole || echo torn',
        );
        context.expect(`left of a file '${name}'`, left, "old\nwhole");
      }
    },
  },
  {
    name: "packets that are no requests do no harm",
    service: "fcopy",
    who: ["ours"],
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const start = startBody({ pathName: "/tmp/", fileName: "x", fileSize: 1n });
      const type = MessageType.fcopy;
      for (const [label, packet] of [
        ["nothing", new Uint8Array(8)],
        ["half a header", encodeMessage({ type }, start).subarray(0, 24)],
        ["a header alone", encodeMessage({ type }, new Uint8Array())],
        ["half a START", encodeMessage({ type }, start.subarray(0, 600))],
        ["another type", encodeMessage({ type: 77 }, start)],
        ["half a WRITE", encodeMessage({ type }, writeBody(0n, Buffer.from("x")).subarray(0, 48))],
      ] as const) {
        fcopy.channel.send(packet);
        while ((await fcopy.channel.receiveOrSilence(500)) !== undefined) {
          fcopy.channel.drain();
        }
        fcopy.channel.kick();
        await goodFile(context, fcopy, label);
      }
      assert.equal(context.daemon.isRunning, true);
    },
  },
  {
    name: "a negotiation in the middle drops the file, and the next one arrives",
    service: "fcopy",
    who: ["ours"],
    guests: ["g612", "g7"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await fcopy.copy("/tmp/", "between", randomBytes(10 * fragmentBytes), {
        afterWrite: (written) => Promise.resolve(written > 20_000 ? "leave" : undefined),
      });
      await fcopy.negotiate();
      context.expect(
        "WRITE",
        statusText((await fcopy.write(30_000n, Buffer.from("x"))).status),
        failed,
      );
      await goodFile(context, fcopy, "a negotiation");
      assert.equal(await context.sh("ls /tmp/between 2>/dev/null; true"), "");
    },
  },
  {
    name: "a copy during a backup waits for its end, and arrives",
    service: "fcopy",
    who: ["ours"],
    seconds: 180,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const vss = await context.ready("vss");
      await context.sh("mkdir -p /mnt/ext4/frozen; rm -f /mnt/ext4/frozen/*");
      const content = randomBytes(40 * fragmentBytes);
      const copy = async (name: string, isEnded: () => void) => {
        const { status } = await fcopy.copy("/mnt/ext4/frozen/", name, content, { flags: 1 });
        isEnded();
        return statusText(status);
      };
      // One that begins while everything is frozen.
      let hasEnded = false;
      let copied: Promise<string> | undefined;
      await vss.checkpoint(async () => {
        copied = copy("during", () => {
          hasEnded = true;
        });
        await Bun.sleep(2000);
        assert.equal(hasEnded, false);
        assert.equal(await context.sh("/mnt/share/hvguest fcopy status >/dev/null; echo $?"), "0");
      });
      assert.equal(await copied, ok);
      // One that is under way when the freeze comes.
      const running = copy("across", () => undefined);
      await vss.checkpoint(() => Bun.sleep(1000));
      assert.equal(await running, ok);
      for (const name of ["during", "across"]) {
        await assertContent(context, `/mnt/ext4/frozen/${name}`, content, name);
      }
      assert.equal(await context.sh("ls -A /mnt/ext4/frozen"), "across\nduring");
    },
  },
  {
    name: "it serves alone under every name of a file copy daemon",
    service: "fcopy",
    who: ["ours"],
    seconds: 120,
    async run(context) {
      for (const name of ["hv_fcopy_daemon", "hv_fcopy_uio_daemon", "hypervfcopyd"]) {
        await context.daemon.restart("SIGTERM", { as: name });
        await goodFile(context, await context.ready("fcopy"), name);
        const pid = await context.daemon.pid();
        assert.equal(await context.sh(`cat /proc/${pid}/comm`), name.slice(0, 15));
      }
    },
  },
  {
    name: "the status command tells of transfers and refusals",
    service: "fcopy",
    who: ["ours"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await fcopy.copy("/tmp/", "told", Buffer.alloc(30_000), {
        flags: 1,
        afterWrite: () => Promise.resolve("leave"),
      });
      const during = JSON.parse(await context.sh("/mnt/share/hvguest fcopy status --json"));
      assert.equal(during.transfer.path, "/tmp/told");
      assert.equal(during.transfer.size, 30_000);
      assert.equal(during.transport, context.hasUio ? "ring" : "device");
      assert.equal(during.version, "1.1");
      await fcopy.cancel();
      await goodFile(context, fcopy, "a cancellation");
      const text = await context.sh("/mnt/share/hvguest fcopy status");
      assert.match(text, /received '\/tmp\/good', 18437 bytes/);
      assert.match(text, /dropped '\/tmp\/told' after 6144 bytes: the host cancelled it/);
    },
  },
];
