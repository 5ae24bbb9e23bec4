import { expect, test } from "bun:test";
import { Status } from "../../../src/protocol/status.ts";
import { Patience } from "../../../src/services/fcopy/patience.ts";

const never = new AbortController().signal;

test("work is done in turn", async () => {
  const patience = new Patience(60);
  const order: number[] = [];
  const gate = Promise.withResolvers<void>();
  const first = patience.run(async () => {
    await gate.promise;
    order.push(1);
  }, never);
  patience.queue(() => Promise.reject(new Error("nobody is told")));
  const last = patience.run(() => {
    order.push(2);
    return Promise.resolve();
  }, never);
  gate.resolve();
  await Promise.all([first, last]);
  expect(order).toEqual([1, 2]);
  await patience.settled();
});

test("work that does not end is given up, and knows it", async () => {
  const patience = new Patience(0.01);
  const gate = Promise.withResolvers<void>();
  let isAwaited: AbortSignal | undefined;
  const work = patience.run((awaited) => {
    isAwaited = awaited;
    return gate.promise;
  }, never);
  expect(work).rejects.toMatchObject({ status: Status.fail });
  await work.catch(() => undefined);
  expect(isAwaited?.aborted).toBe(true);
  // What comes next waits for it, and is given up as well.
  expect(patience.run(() => Promise.resolve(), never)).rejects.toThrow("is it frozen?");
  gate.resolve();
});

test("an agent that stops does not wait for work", async () => {
  const patience = new Patience(60);
  const stop = new AbortController();
  const work = patience.run(() => new Promise(() => undefined), stop.signal);
  stop.abort();
  expect(work).rejects.toThrow("stopped");
  await work.catch(() => undefined);
});
