import { expect, test } from "bun:test";
import { Status, RequestError } from "../../src/protocol/status.ts";
import type { Incoming, Session } from "../../src/protocol/session.ts";
import { WireError } from "../../src/protocol/wire/struct.ts";
import { LateReply, serve, type ServeOptions } from "../../src/services/serve.ts";
import { ChannelClosed } from "../../src/transport/channel.ts";
import { connectedChannel, type FarEnd } from "../support/memory-channel.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (message: Uint8Array) => new TextDecoder().decode(message);

/** A protocol of words: `ready`, `negotiate`, `request X`, `chatter X`; anything else is not of it. */
const wordSession: Session<string, string> = {
  hello: bytes("hello"),
  receive: (message): Incoming<string> => {
    const [word, rest = ""] = textOf(message).split(" ");
    switch (word) {
      case "ready":
        return { kind: "ready" };
      case "negotiate":
        return { kind: "answer", message: bytes("version 1") };
      case "request":
        return { kind: "request", request: rest };
      case "chatter":
        return { kind: "ignored", reason: rest };
      default:
        throw new WireError(`not a word: ${word}`);
    }
  },
  reply: (request, reply) => bytes(`${request}: ${reply}`),
  fail: (request, status) => bytes(`${request} failed: ${status}`),
};

interface Served {
  readonly far: FarEnd;
  readonly ended: Promise<unknown>;
  readonly failures: [string, unknown][];
  readonly stop: AbortController;
  /** The next message that the kernel's end receives. */
  readonly next: () => Promise<string>;
}

function served(
  answer: (request: string) => string | Promise<string>,
  options: Partial<ServeOptions<string, string>> = {},
): Served {
  const [channel, far] = connectedChannel();
  const failures: [string, unknown][] = [];
  const stop = new AbortController();
  const ended = serve({
    channel,
    session: wordSession,
    answer,
    onFailure: (request, error) => failures.push([request, error]),
    ready: () => undefined,
    signal: stop.signal,
    patienceSeconds: () => 1000,
    ...options,
  }).catch((error: unknown) => error);
  return { far, ended, failures, stop, next: async () => textOf(await far.receive()) };
}

test("says hello, tells when it is ready, and answers", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { far, next } = served((request) => `<${request}>`, { ready: resolve });
  expect(await next()).toBe("hello");
  far.send(bytes("ready"));
  await promise;
  far.send(bytes("request a"));
  far.send(bytes("request b"));
  expect(await next()).toBe("a: <a>");
  expect(await next()).toBe("b: <b>");
});

test("a negotiation is answered by the session, at any time", async () => {
  const { far, next } = served((request) => request);
  await next();
  far.send(bytes("negotiate"));
  expect(await next()).toBe("version 1");
  far.send(bytes("request a"));
  expect(await next()).toBe("a: a");
  far.send(bytes("negotiate"));
  expect(await next()).toBe("version 1");
});

test("one request at a time: the second waits for the first one's answer", async () => {
  const first = Promise.withResolvers<string>();
  const begun: string[] = [];
  const { far, next } = served((request) => {
    begun.push(request);
    return request === "a" ? first.promise : request;
  });
  await next();
  far.send(bytes("request a"));
  far.send(bytes("request b"));
  await Bun.sleep(0);
  expect(begun).toEqual(["a"]);
  first.resolve("late");
  expect(await next()).toBe("a: late");
  expect(await next()).toBe("b: b");
});

test.each([
  [
    "throws",
    () => {
      throw new Error("broken");
    },
  ],
  ["rejects", () => Promise.reject(new Error("broken"))],
] as const)(
  "an answer that %s still gets the host a failure, and the next request is served",
  async (_, broken) => {
    const { far, next, failures } = served((request) => (request === "bad" ? broken() : request));
    await next();
    far.send(bytes("request bad"));
    expect(await next()).toBe(`bad failed: ${Status.fail}`);
    expect(failures).toEqual([["bad", new Error("broken")]]);
    far.send(bytes("request good"));
    expect(await next()).toBe("good: good");
  },
);

test("a refusal carries its own status to the host", async () => {
  const refusal = new RequestError(Status.diskFull, "no space");
  const { far, next, failures } = served(() => Promise.reject(refusal));
  await next();
  far.send(bytes("request a"));
  expect(await next()).toBe(`a failed: ${Status.diskFull}`);
  expect(failures).toEqual([["a", refusal]]);
});

test("a reply that cannot be written as a message is a failure to the host", async () => {
  const session = {
    ...wordSession,
    reply: () => {
      throw new WireError("need at most 4 bytes, got 5");
    },
  };
  const { far, next } = served((request) => request, { session });
  await next();
  far.send(bytes("request a"));
  expect(await next()).toBe(`a failed: ${Status.fail}`);
});

test("an answer after the kernel's patience is not sent: the channel is to be opened anew", async () => {
  const { far, next, ended } = served((request) => request, { patienceSeconds: () => 0 });
  await next();
  far.send(bytes("request a"));
  expect(await ended).toBeInstanceOf(LateReply);
  far.remove();
  await expect(far.receive()).rejects.toThrow(ChannelClosed);
});

test("what is not a message ends the service, unanswered", async () => {
  const { far, next, ended } = served((request) => request);
  await next();
  far.send(bytes("noise"));
  expect(await ended).toEqual(new WireError("not a word: noise"));
});

test("what needs no answer gets none, and is told", async () => {
  const ignored: string[] = [];
  const { far, next } = served((request) => request, {
    onIgnored: (reason) => ignored.push(reason),
  });
  await next();
  far.send(bytes("chatter of another"));
  far.send(bytes("request a"));
  expect(await next()).toBe("a: a");
  expect(ignored).toEqual(["of"]);
});

test("a session without a hello waits for the host to begin", async () => {
  const { far, next } = served((request) => request, {
    session: { ...wordSession, hello: undefined },
  });
  far.send(bytes("negotiate"));
  expect(await next()).toBe("version 1");
});

test("the end of the channel ends the service", async () => {
  const { far, next, ended } = served((request) => request);
  await next();
  far.remove();
  expect(await ended).toBeInstanceOf(ChannelClosed);
});

test("a channel that is closed while a request is answered ends the service", async () => {
  const answer = Promise.withResolvers<string>();
  const { far, next, ended } = served(() => answer.promise);
  await next();
  far.send(bytes("request a"));
  far.remove();
  answer.resolve("too late");
  expect(await ended).toBeInstanceOf(ChannelClosed);
});

test("a message that the kernel refuses ends the service with its error", async () => {
  const { far, next, ended } = served((request) => request);
  await next();
  far.refuse(new Error("EINVAL"));
  far.send(bytes("request a"));
  expect(await ended).toEqual(new Error("EINVAL"));
});

test("an abort ends the service while it waits", async () => {
  const { next, ended, stop } = served((request) => request);
  await next();
  stop.abort();
  expect(await ended).toBeInstanceOf(ChannelClosed);
});
