// The example hooks with the real servers: freeze, copy the disk as a host does, thaw,
// and start from the copy.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import { command, LoopMounts } from "../support/loop-mounts.ts";
import { configure, processesCalled, startCommand } from "../support/freezing-machine.ts";
import { until } from "../support/until.ts";

const mebibyte = 1 << 20;
const hookDirectory = "/etc/hvguest/vss.d";

/** Installs one of the examples, as its head says. */
function installHook(name: string): void {
  rmSync(hookDirectory, { recursive: true, force: true });
  mkdirSync(hookDirectory, { recursive: true });
  copyFileSync(join(import.meta.dir, "../../packaging/vss.d", name), join(hookDirectory, name));
  command("chown", "root:root", join(hookDirectory, name));
  command("chmod", "755", join(hookDirectory, name));
}

/** Freezes with the installed hook, copies the disk meanwhile, and thaws. */
async function backUp(mounts: LoopMounts, disk: string): Promise<string> {
  await using freeze = startCommand("vss", "freeze", "--for", "100s");
  await freeze.logged("frozen after");
  mounts.copyDisk(disk);
  freeze.kill("SIGTERM");
  expect(await freeze.exited).toBe(0);
  return freeze.errors;
}

function outputOf(...[program = "", ...args]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: "/", encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`);
  }
  return stdout.trim();
}

/** A directory that belongs to a user of the system, and the user's numbers. */
function directoryOf(user: string, path: string): void {
  mkdirSync(path, { recursive: true });
  chownSync(path, Number(outputOf("id", "-u", user)), Number(outputOf("id", "-g", user)));
}

const postgresPrograms = ((): string | undefined => {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  return versions.length === 0 ? undefined : `/usr/lib/postgresql/${versions.at(-1)}/bin`;
})();

/** A PostgreSQL server, reached by its socket. */
class Postgres implements Disposable {
  readonly #data: string;
  readonly #port: string;

  constructor(data: string, port: number) {
    this.#data = data;
    this.#port = String(port);
    directoryOf("postgres", "/run/postgresql");
    if (!existsSync(`${data}/PG_VERSION`)) {
      this.#run("initdb", "--auth=peer", "--no-sync", data);
    }
    const options = `-p ${port} -k /run/postgresql -c listen_addresses= -c shared_buffers=16MB`;
    this.#run("pg_ctl", "--wait", "-D", data, "-o", options, "-l", `${data}/log`, "start");
  }

  query(text: string): string {
    const where = ["--host=/run/postgresql", `--port=${this.#port}`, "--dbname=postgres"];
    return this.#run("psql", ...where, "--tuples-only", "--no-align", "--quiet", "--command", text);
  }

  #run(program: string, ...args: readonly string[]): string {
    const user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
    return outputOf(...user, `${postgresPrograms}/${program}`, ...args);
  }

  [Symbol.dispose](): void {
    this.#run("pg_ctl", "--wait", "--mode=immediate", "-D", this.#data, "stop");
  }
}

/** A MariaDB server, reached by its socket. */
class MariaDb implements AsyncDisposable {
  readonly #socket: string;
  readonly #server: Bun.Subprocess;

  private constructor(data: string, socket: string) {
    this.#socket = socket;
    this.#server = Bun.spawn(
      [
        "mariadbd",
        "--no-defaults",
        "--user=mysql",
        `--datadir=${data}`,
        `--socket=${socket}`,
        `--pid-file=${socket}.pid`,
        "--skip-networking",
        "--innodb-log-file-size=8M",
        "--innodb-buffer-pool-size=16M",
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
  }

  static async start(data: string, socket: string): Promise<MariaDb> {
    directoryOf("mysql", "/run/mysqld");
    if (!existsSync(data)) {
      directoryOf("mysql", data);
      command(
        "mariadb-install-db",
        "--no-defaults",
        "--user=mysql",
        `--datadir=${data}`,
        "--auth-root-authentication-method=socket",
        "--skip-test-db",
        "--innodb-log-file-size=8M",
      );
    }
    const server = new MariaDb(data, socket);
    await until(() => existsSync(socket) && server.#client("SELECT 1").status === 0);
    return server;
  }

  query(text: string): string {
    const { status, stdout, stderr } = this.#client(text);
    if (status !== 0) {
      throw new Error(`mariadb: ${stderr}`);
    }
    return stdout.trim();
  }

  #client(text: string) {
    const argv = ["--no-defaults", `--socket=${this.#socket}`, "-N", "-B", "-e", text];
    return spawnSync("mariadb", argv, { encoding: "utf8" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.exited;
    rmSync(this.#socket, { force: true });
  }
}

describe.skipIf(!isPrivateMachine())("the example hook", () => {
  test.skipIf(postgresPrograms === undefined)(
    "for PostgreSQL makes a checkpoint, and the copy has every row",
    async () => {
      using mounts = new LoopMounts();
      const disk = mounts.make("ext4", "pg", mounts.directory, 256 * mebibyte);
      directoryOf("postgres", `${disk}/data`);
      installHook("50-postgresql");
      configure({ hooks: [hookDirectory], include: [disk] });
      using server = new Postgres(`${disk}/data`, 5432);
      server.query("CREATE TABLE t AS SELECT generate_series(1, 10000) AS n");
      const checkpoint = "SELECT checkpoint_lsn FROM pg_control_checkpoint()";
      const before = server.query(checkpoint);
      await backUp(mounts, "pg");
      expect(server.query(checkpoint)).not.toBe(before);
      server.query("INSERT INTO t VALUES (10001)");
      const restored = mounts.mountCopy("pg", "restored");
      rmSync(`${restored}/data/postmaster.pid`);
      using copy = new Postgres(`${restored}/data`, 5433);
      expect(copy.query("SELECT count(*) FROM t")).toBe("10000");
    },
    120_000,
  );

  test.skipIf(Bun.which("mariadbd") === null)(
    "for MariaDB holds tables still, and the copy's are whole",
    async () => {
      using mounts = new LoopMounts();
      const disk = mounts.make("ext4", "db", mounts.directory, 256 * mebibyte);
      installHook("50-mariadb");
      configure({ hooks: [hookDirectory], include: [disk] });
      await using server = await MariaDb.start(`${disk}/data`, "/run/mysqld/mysqld.sock");
      server.query("CREATE DATABASE d; CREATE TABLE d.t (n INT KEY) ENGINE=MyISAM");
      server.query("INSERT INTO d.t SELECT seq FROM d.seq_1_to_10000");
      await backUp(mounts, "db");
      // Without the lock's end this would wait for ever.
      server.query("INSERT INTO d.t VALUES (10001)");
      await until(() => processesCalled("sleep").length === 0);
      expect(existsSync("/run/hvguest-mariadb")).toBe(false);
      const restored = mounts.mountCopy("db", "restored");
      expect(statSync(`${restored}/data/d/t.MYI`).size).toBeGreaterThan(0);
      await using copy = await MariaDb.start(`${restored}/data`, "/run/mysqld/copy.sock");
      expect(copy.query("CHECK TABLE d.t")).toEndWith("status\tOK");
      expect(copy.query("SELECT count(*) FROM d.t")).toBe("10000");
    },
    120_000,
  );

  test("of either does nothing where the server is not installed or not running", async () => {
    using mounts = new LoopMounts();
    const disk = mounts.make("ext4");
    installHook("50-mariadb");
    copyFileSync(
      join(import.meta.dir, "../../packaging/vss.d/50-postgresql"),
      join(hookDirectory, "50-postgresql"),
    );
    rmSync("/run/postgresql", { recursive: true, force: true });
    rmSync("/run/mysqld", { recursive: true, force: true });
    configure({ hooks: [hookDirectory], include: [disk] });
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    expect(await freeze.exited).toBe(0);
  });
});
