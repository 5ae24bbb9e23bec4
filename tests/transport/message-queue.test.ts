import { expect, test } from "bun:test";
import { ChannelClosed } from "../../src/transport/channel.ts";
import { MessageQueue } from "../../src/transport/message-queue.ts";

const never = new AbortController().signal;
const message = (byte: number) => Uint8Array.of(byte);

test("messages come in the order in which they were put", async () => {
  const queue = new MessageQueue();
  queue.put(message(1));
  queue.put(message(2));
  expect(await queue.take(never)).toEqual(message(1));
  const third = queue.take(never).then(() => queue.take(never));
  queue.put(message(3));
  expect(await third).toEqual(message(3));
});

test("a message goes to who waits for it", async () => {
  const queue = new MessageQueue();
  const waiting = queue.take(never);
  queue.put(message(1));
  expect(await waiting).toEqual(message(1));
});

test("messages that came before the end are still handed over, then the end is told", async () => {
  const queue = new MessageQueue();
  queue.put(message(1));
  queue.end(new ChannelClosed("gone"));
  expect(await queue.take(never)).toEqual(message(1));
  await expect(queue.take(never)).rejects.toThrow(new ChannelClosed("gone"));
  await expect(queue.take(never)).rejects.toThrow(new ChannelClosed("gone"));
});

test("who waits is told of the end", async () => {
  const queue = new MessageQueue();
  const waiting = queue.take(never);
  queue.end(new ChannelClosed("gone"));
  await expect(waiting).rejects.toThrow(new ChannelClosed("gone"));
});

test("the first reason of an end stays", async () => {
  const queue = new MessageQueue();
  queue.end(new ChannelClosed("removed"));
  queue.end(new ChannelClosed("closed"));
  await expect(queue.take(never)).rejects.toThrow("removed");
});

test("an abort ends the wait, and loses no message", async () => {
  const queue = new MessageQueue();
  const stop = new AbortController();
  const waiting = queue.take(stop.signal);
  stop.abort();
  await expect(waiting).rejects.toThrow(ChannelClosed);
  queue.put(message(1));
  expect(await queue.take(never)).toEqual(message(1));
});

test("who is aborted already does not wait", async () => {
  const queue = new MessageQueue();
  await expect(queue.take(AbortSignal.abort())).rejects.toThrow(ChannelClosed);
});

test("an abort after the message has come changes nothing", async () => {
  const queue = new MessageQueue();
  const stop = new AbortController();
  const waiting = queue.take(stop.signal);
  queue.put(message(1));
  stop.abort();
  expect(await waiting).toEqual(message(1));
  const next = queue.take(never);
  queue.put(message(2));
  expect(await next).toEqual(message(2));
});
