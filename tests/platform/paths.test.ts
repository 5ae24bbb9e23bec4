import { expect, test } from "bun:test";
import { pathsFrom } from "../../src/platform/paths.ts";

test("without a root everything is where the system has it", () => {
  expect(pathsFrom({})).toEqual({
    root: "",
    configuration: "/etc/hvguest",
    run: "/run/hvguest",
    pools: "/var/lib/hyperv",
    dev: "/dev",
    sys: "/sys",
    proc: "/proc",
  });
  expect(pathsFrom({ HVGUEST_ROOT: "/" })).toEqual(pathsFrom({}));
});

test("a root moves what hvguest owns, and leaves the kernel's files", () => {
  const paths = pathsFrom({ HVGUEST_ROOT: "/mnt/image/" });
  expect(paths.root).toBe("/mnt/image");
  expect(paths.pools).toBe("/mnt/image/var/lib/hyperv");
  expect(paths.dev).toBe("/dev");
});

test("an argument wins over the environment", () => {
  expect(pathsFrom({ HVGUEST_ROOT: "/a" }, "/b").configuration).toBe("/b/etc/hvguest");
});

test("the kernel's files can be moved for a test", () => {
  const { dev, sys, proc, run } = pathsFrom({ HVGUEST_KERNEL_ROOT: "/fake" });
  expect([dev, sys, proc, run]).toEqual(["/fake/dev", "/fake/sys", "/fake/proc", "/run/hvguest"]);
});

test("a relative root stays the same directory when the current one changes", () => {
  expect(pathsFrom({}, "image").pools).toBe(`${process.cwd()}/image/var/lib/hyperv`);
  expect(pathsFrom({ HVGUEST_KERNEL_ROOT: "fake" }).dev).toBe(`${process.cwd()}/fake/dev`);
});
