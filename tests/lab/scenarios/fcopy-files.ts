// File copy: what becomes of a file, of its name and of what was there before.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type FcopyHost, FcopyFlag, fragmentBytes } from "../host/fcopy.ts";
import { type Context, statusText } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertContent } from "./arrived-file.ts";

const { overWrite, createPath } = {
  overWrite: FcopyFlag.overwrite,
  createPath: FcopyFlag.createPath,
};

/** An empty directory on a disk, and everything that is in it afterwards. */
async function emptyDirectory(context: Context, path: string): Promise<() => Promise<string>> {
  await context.sh(`rm -rf ${path}; mkdir -p ${path}`);
  return () => context.sh(`find ${path} -mindepth 1 | sort`);
}

async function copyStatus(
  fcopy: FcopyHost,
  path: string,
  name: string,
  content: Uint8Array,
  flags = 0,
): Promise<string> {
  return statusText((await fcopy.copy(path, name, content, { flags })).status);
}

export const fcopyFiles: readonly Scenario[] = [
  {
    name: "files of every size around a fragment arrive unchanged",
    service: "fcopy",
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await emptyDirectory(context, "/mnt/ext4/sizes");
      const sizes = [0, 1, 8, 511, 4096, fragmentBytes - 1, fragmentBytes, fragmentBytes + 1];
      for (const size of [...sizes, 3 * fragmentBytes, 1_000_003]) {
        const content = randomBytes(size);
        const status = await copyStatus(fcopy, "/mnt/ext4/sizes/", `f${size}`, content);
        context.expect(`${size} bytes`, status, "0x00000000");
        await assertContent(context, `/mnt/ext4/sizes/f${size}`, content, `${size}`);
      }
      const mode = await context.sh("stat -c %a /mnt/ext4/sizes/f1");
      context.expect("mode", mode, "744");
    },
  },
  {
    // Once by the character device, and once by the ring.
    name: "a file of a hundred megabytes arrives unchanged",
    guests: ["g61", "g7"],
    service: "fcopy",
    seconds: 180,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const content = randomBytes(100_000_000);
      context.sawStatus("complete", (await fcopy.copy("/mnt/xfs/", "large", content)).status);
      await assertContent(context, "/mnt/xfs/large", content);
      await context.sh("rm /mnt/xfs/large");
    },
  },
  {
    name: "names in every script arrive as they are",
    service: "fcopy",
    who: ["ours"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const directory = "/tmp/names – été 🙂";
      const list = await emptyDirectory(context, `'${directory}'`);
      const names = [
        "été.txt",
        "report–1.txt",
        "漢字",
        "🙂.bin",
        "with space",
        "-n",
        "'\"$x;",
        "n".repeat(250),
      ];
      for (const name of names) {
        assert.equal(
          await copyStatus(fcopy, `${directory}/`, name, Buffer.from(name)),
          "0x00000000",
          name,
        );
      }
      const expected = names.map((name) => `${directory}/${name}`).toSorted();
      assert.deepEqual((await list()).split("\n").toSorted(), expected);
    },
  },
  {
    name: "a name that is no text is refused, and the next file arrives",
    service: "fcopy",
    who: ["ours"],
    guests: ["g612", "g7"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const list = await emptyDirectory(context, "/tmp/text");
      for (const name of ["\ud83d", "a\udc00b", "", ".", "..", "a/b", "n".repeat(256)]) {
        const status = await copyStatus(fcopy, "/tmp/text/", name, Buffer.from("x"));
        assert.equal(status, "0x80004005", JSON.stringify(name));
      }
      assert.equal(await copyStatus(fcopy, "/tmp/text/", "good", Buffer.from("x")), "0x00000000");
      assert.equal(await list(), "/tmp/text/good");
    },
  },
  {
    name: "a file that exists is replaced only when the host says so",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await emptyDirectory(context, "/mnt/ext4/old");
      await context.sh("head -c 100000 /dev/zero > /mnt/ext4/old/file");
      const refused = await copyStatus(fcopy, "/mnt/ext4/old/", "file", Buffer.from("new"));
      context.expect("without OVER_WRITE", refused, "0x80070050");
      assert.equal(await context.sh("stat -c %s /mnt/ext4/old/file"), "100000");
      const taken = await copyStatus(
        fcopy,
        "/mnt/ext4/old/",
        "file",
        Buffer.from("new"),
        overWrite,
      );
      context.expect("with OVER_WRITE", taken, "0x00000000");
      assert.equal(await context.sh("cat /mnt/ext4/old/file"), "new");
      assert.equal(await context.sh("ls -A /mnt/ext4/old"), "file");
    },
  },
  {
    name: "the old file is there, whole, until the new one is",
    service: "fcopy",
    who: ["ours"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await emptyDirectory(context, "/mnt/ext4/keep");
      await context.sh("echo old > /mnt/ext4/keep/file; chmod 600 /mnt/ext4/keep/file");
      const content = randomBytes(10 * fragmentBytes);
      const cancelled = await fcopy.copy("/mnt/ext4/keep/", "file", content, {
        flags: overWrite,
        afterWrite: async (written) => {
          assert.equal(await context.sh("cat /mnt/ext4/keep/file"), "old");
          return written > 5 * fragmentBytes ? "cancel" : undefined;
        },
      });
      assert.equal(statusText(cancelled.status), "0x00000000");
      assert.equal(await context.sh("cat /mnt/ext4/keep/file; ls -A /mnt/ext4/keep"), "old\nfile");
      await fcopy.copy("/mnt/ext4/keep/", "file", content, { flags: overWrite });
      await assertContent(context, "/mnt/ext4/keep/file", content);
      assert.equal(await context.sh("stat -c %a /mnt/ext4/keep/file"), "600");
    },
  },
  {
    name: "the path is a directory or the whole destination",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const list = await emptyDirectory(context, "/tmp/where");
      const copy = (path: string, flags = 0) =>
        copyStatus(fcopy, path, "source", Buffer.from(path), flags);
      context.expect("a directory", await copy("/tmp/where"), "0x00000000");
      context.expect("with a slash", await copy("/tmp/where/", overWrite), "0x00000000");
      context.expect("a new name", await copy("/tmp/where/target"), "0x00000000");
      context.expect("no directory", await copy("/tmp/where/no/target"), "0x80004005");
      context.expect("no directory, slash", await copy("/tmp/where/no/"), "0x80004005");
      context.expect("to be made", await copy("/tmp/where/a/b/target", createPath), "0x00000000");
      context.expect("to be made, slash", await copy("/tmp/where/c/d/", createPath), "0x00000000");
      context.expect("relative", await copy("tmp/where/relative"), "0x00000000");
      context.expect("upwards", await copy("/tmp/where/a/../up"), "0x00000000");
      context.expect("through a file", await copy("/tmp/where/source/x"), "0x80004005");
      if (context.who === "ours") {
        const expected = ["a", "a/b", "a/b/target", "c", "c/d", "c/d/source", "relative", "source"];
        assert.deepEqual(
          (await list()).split("\n"),
          [...expected, "target", "up"].map((path) => `/tmp/where/${path}`),
        );
      }
    },
  },
  {
    name: "symbolic links are followed, and never replaced",
    service: "fcopy",
    who: ["ours"],
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await emptyDirectory(context, "/tmp/links");
      await context.sh(
        "cd /tmp/links; mkdir real; echo old > real/file; ln -s real dir; ln -s real/file link; ln -s nowhere dangling",
      );
      const copy = (path: string, name: string, flags = 0) =>
        copyStatus(fcopy, path, name, Buffer.from("new"), flags);
      assert.equal(await copy("/tmp/links/dir/", "one"), "0x00000000");
      assert.equal(await copy("/tmp/links/", "link"), "0x80070050");
      assert.equal(await copy("/tmp/links/", "link", overWrite), "0x00000000");
      assert.equal(await copy("/tmp/links/", "dangling"), "0x80070050");
      assert.equal(await copy("/tmp/links/", "dangling", overWrite), "0x80004005");
      assert.equal(
        await context.sh(
          "cd /tmp/links; cat real/file real/one; readlink link; readlink dangling; ls -A real",
        ),
        "newnewreal/file\nnowhere\nfile\none",
      );
    },
  },
  {
    name: "a place that cannot take a file is told at once",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await emptyDirectory(context, "/mnt/ext4/odd");
      await context.sh("cd /mnt/ext4/odd; mkdir fixed dir; mkfifo pipe; echo x > fixed/file");
      await context.sh(
        "cd /mnt/ext4/odd; mount --bind fixed fixed && mount -o remount,bind,ro fixed",
      );
      const start = async (pathName: string, fileName: string, flags = 0) => {
        const reply = await fcopy.startCopy({ pathName, fileName, flags, fileSize: 1n });
        await fcopy.cancel();
        return statusText(reply.status);
      };
      try {
        const fixed = "/mnt/ext4/odd/fixed/";
        context.expect("read-only", await start(fixed, "new"), "0x80004005");
        context.expect("read-only file", await start(fixed, "file", overWrite), "0x80004005");
        context.expect("to be made", await start(`${fixed}a/`, "x", createPath), "0x80004005");
        context.expect("a directory", await start("/mnt/ext4/odd/", "dir"), "0x80070050");
        context.expect(
          "a directory to replace",
          await start("/mnt/ext4/odd/", "dir", overWrite),
          "0x80004005",
        );
        if (context.who === "ours") {
          // The C daemon waits for a reader of the pipe for ever.
          context.expect("a pipe", await start("/mnt/ext4/odd/", "pipe", overWrite), "0x80004005");
        }
        context.expect("proc", await start("/proc/", "x"), "0x80004005");
      } finally {
        await context.sh("umount /mnt/ext4/odd/fixed");
      }
      const good = await copyStatus(fcopy, "/mnt/ext4/odd/", "good", Buffer.from("x"));
      context.expect("afterwards", good, "0x00000000");
    },
  },
  {
    name: "a file that does not fit is refused before its data come",
    service: "fcopy",
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const list = await emptyDirectory(context, "/mnt/ext4/full");
      for (const [label, fileSize] of [
        ["a tebibyte", 1n << 40n],
        ["more than a file of ext4 can have", 1n << 50n],
        ["more than any file can have", (1n << 64n) - 1n],
      ] as const) {
        const place = { pathName: "/mnt/ext4/full/", fileName: "huge", fileSize };
        const huge = await fcopy.startCopy(place);
        context.expect(label, statusText(huge.status), "0x80070070");
        await fcopy.cancel();
      }
      await context.sh(
        "fallocate -l 60M /mnt/ext4/full/ballast 2>/dev/null || dd if=/dev/zero of=/mnt/ext4/full/ballast bs=1M count=60 2>/dev/null",
      );
      const content = randomBytes(80_000_000);
      const copied = await fcopy.copy("/mnt/ext4/full/", "file", content);
      context.expect("status", statusText(copied.status), "0x80070070");
      context.expect("step", copied.step, "start");
      await context.sh("rm /mnt/ext4/full/ballast");
      if (context.who === "ours") {
        assert.equal(await list(), "");
      }
    },
  },
  {
    name: "what the host cancels or begins anew leaves nothing behind",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const list = await emptyDirectory(context, "/mnt/ext4/half");
      const before = await context.sh("df -k /mnt/ext4 | awk 'END {print $3}'");
      const content = randomBytes(20 * fragmentBytes);
      const cancel = await fcopy.copy("/mnt/ext4/half/", "one", content, {
        afterWrite: (written) =>
          Promise.resolve(written > 10 * fragmentBytes ? "cancel" : undefined),
      });
      context.expect("cancel", statusText(cancel.status), "0x00000000");
      await fcopy.copy("/mnt/ext4/half/new/deep/", "two", content, {
        flags: createPath,
        afterWrite: () => Promise.resolve("leave"),
      });
      await fcopy.startCopy({ pathName: "/mnt/ext4/half/", fileName: "three", fileSize: 5n });
      await fcopy.cancel();
      if (context.who === "ours") {
        assert.equal(await list(), "");
        assert.equal(await context.sh("df -k /mnt/ext4 | awk 'END {print $3}'"), before);
      }
      context.expect("cancel of nothing", statusText((await fcopy.cancel()).status), "0x00000000");
    },
  },
];
