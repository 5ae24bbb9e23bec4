// One VMBus channel of a guest as its host sees it: the frames of QEMU's
// vmbus-pipe device (../qemu/new/hw/hyperv/vmbus-pipe.c). It knows no protocol
// of the services; component.ts does.

import { DeadlineError, within } from "../vm/deadline.ts";
import { FrameSocket } from "../vm/frame-socket.ts";

/** Kinds of frames. */
const Kind = {
  hello: 1,
  opened: 2,
  closed: 3,
  packet: 4,
  error: 5,
  released: 6,
  rescind: 7,
  offer: 8,
  kick: 9,
  referenceTime: 10,
} as const;

/** VMBus packet types. */
export const PacketType = { inBand: 6, completion: 11 } as const;

/** A packet that the guest has put into its ring. */
export interface GuestPacket {
  readonly packetType: number;
  readonly isCompletionRequested: boolean;
  readonly transactionId: bigint;
  readonly payload: Uint8Array;
  /** performance.now() when it arrived. */
  readonly at: number;
}

/** What the device refused: errno 107 not open, 90 too big, 11 try again, 22 bad kind. */
export interface ChannelFault {
  readonly errno: number;
  readonly kind: number;
  readonly transactionId: bigint;
}

/** What the host did or the guest did, for reports. */
export interface TrafficEntry {
  readonly at: number;
  readonly what: string;
  readonly payload?: Uint8Array;
}

export interface SendOptions {
  readonly transactionId?: bigint;
  readonly packetType?: number;
  readonly isCompletionRequested?: boolean;
}

/** The state of the offer and of the channel. */
type ChannelState = "withdrawn" | "offered" | "open";

/** Most entries of the kept traffic. */
const keptTraffic = 400;

/** A connection to a channel. One at a time: the next one waits for `disconnect`. */
export class VmbusChannel implements Disposable {
  readonly name: string;
  /** What went over the channel, the newest last. */
  readonly traffic: TrafficEntry[] = [];
  /** Frames that the device refused. */
  readonly faults: ChannelFault[] = [];
  /** Most bytes of one packet to the guest, known when the channel is open. */
  maximumPacket = 0;
  /** How many packets the guest has sent in the life of this connection. */
  received = 0;
  /** How many times the guest has opened the channel: a new one needs a negotiation. */
  openings = 0;
  #socket: FrameSocket | undefined;
  #state: ChannelState = "withdrawn";
  #isReleased = false;
  #isConnected = true;
  #packets: GuestPacket[] = [];
  #changed = Promise.withResolvers<undefined>();
  #referenceTime = Promise.withResolvers<bigint>();
  #nextTransaction = 1n;

  private constructor(name: string) {
    this.name = name;
  }

  /** Connects to the socket of a service (`machine.socketPath("kvp")`). */
  static async connect(path: string, name: string): Promise<VmbusChannel> {
    const channel = new VmbusChannel(name);
    channel.#socket = await FrameSocket.connect(path, {
      frame: (bytes) => channel.#accept(Buffer.from(bytes)),
      closed: () => {
        channel.#isConnected = false;
        channel.#note("disconnected");
      },
    });
    await channel.#whenever(10_000, "greeting of the device", () => channel.traffic.length > 0);
    return channel;
  }

  get state(): ChannelState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Packets that have arrived and that nobody has taken. */
  get waiting(): readonly GuestPacket[] {
    return this.#packets;
  }

  /** Puts one packet into the guest's ring, whatever its bytes; returns its transaction id. */
  send(payload: Uint8Array, options: SendOptions = {}): bigint {
    const transactionId = options.transactionId ?? this.#nextTransaction++;
    this.#note("to guest", payload);
    this.#frame(Kind.packet, payload, { ...options, transactionId });
    return transactionId;
  }

  /**
   * Signals the guest without a packet. The host signals only when the ring goes
   * from empty to not empty, and hv_utils reads one packet for each signal: after
   * two packets at once the second one may need a kick. A kick while hv_utils reads
   * makes it drop a request (its interrupt handler and its tasklet share a buffer).
   */
  kick(): void {
    this.#frame(Kind.kick);
  }

  /** Withdraws the offer and waits until the guest has let go of it. */
  async rescind(milliseconds = 60_000): Promise<void> {
    this.#note("rescind");
    this.#isReleased = false;
    this.#frame(Kind.rescind);
    await this.#whenever(milliseconds, "guest lets go of the offer", () => this.#isReleased);
    this.#state = "withdrawn";
  }

  /** Withdraws the offer without waiting for anything. */
  rescindOnly(): void {
    this.#note("rescind");
    this.#isReleased = false;
    this.#frame(Kind.rescind);
  }

  /** Waits for the guest to let go of the offer that `rescindOnly` withdrew. */
  async released(milliseconds = 60_000): Promise<void> {
    await this.#whenever(milliseconds, "guest lets go of the offer", () => this.#isReleased);
    this.#state = "withdrawn";
  }

  /** Offers the channel again and waits until the guest has opened it. */
  async offer(milliseconds = 60_000): Promise<void> {
    this.offerOnly();
    await this.opened(milliseconds);
  }

  /** Offers the channel again without waiting. */
  offerOnly(): void {
    this.#note("offer");
    this.#state = "offered";
    this.#frame(Kind.offer);
  }

  async opened(milliseconds = 60_000): Promise<void> {
    await this.#whenever(milliseconds, "guest opens the channel", () => this.isOpen);
  }

  async closed(milliseconds = 60_000): Promise<void> {
    await this.#whenever(milliseconds, "guest closes the channel", () => !this.isOpen);
  }

  /** The next packet of the guest. @throws DeadlineError when none comes. */
  async receive(milliseconds: number): Promise<GuestPacket> {
    await this.#whenever(milliseconds, "packet from the guest", () => this.#packets.length > 0);
    const packet = this.#packets.shift();
    if (packet === undefined) {
      throw new Error(`${this.name}: a packet was taken by somebody else`);
    }
    return packet;
  }

  /** The next packet, or undefined when the guest stays silent for so long. */
  async receiveOrSilence(milliseconds: number): Promise<GuestPacket | undefined> {
    try {
      return await this.receive(milliseconds);
    } catch (error) {
      if (error instanceof DeadlineError) {
        return undefined;
      }
      throw error;
    }
  }

  /** Waits until a packet has arrived, and kicks the guest after each second of silence. */
  async waitKicking(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    const hasArrived = () => this.#packets.length > 0;
    for (;;) {
      try {
        await this.#whenever(1000, "packet from the guest", hasArrived);
        return;
      } catch (error) {
        if (!(error instanceof DeadlineError) || performance.now() > end) {
          throw error;
        }
        this.kick();
      }
    }
  }

  /** Drops what has arrived and returns it. */
  drain(): GuestPacket[] {
    const packets = this.#packets;
    this.#packets = [];
    return packets;
  }

  /** Takes no packets until `resume`: the ring of the guest fills up. */
  pause(): void {
    this.#note("host reads nothing");
    this.#socket?.pause();
  }

  resume(): void {
    this.#note("host reads again");
    this.#socket?.resume();
  }

  /** The guest's reference counter now, in units of 100 ns. */
  async referenceTime(): Promise<bigint> {
    this.#referenceTime = Promise.withResolvers();
    this.#frame(Kind.referenceTime);
    return within(10_000, "reference counter", this.#referenceTime.promise);
  }

  /** Leaves the channel; packets of the guest then wait in its ring. */
  disconnect(): void {
    this.#isConnected = false;
    this.#socket?.close();
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }

  #frame(kind: number, payload: Uint8Array = new Uint8Array(0), options: SendOptions = {}): void {
    const frame = Buffer.alloc(20 + payload.length);
    frame.writeUInt8(kind, 0);
    frame.writeUInt8(options.isCompletionRequested === true ? 1 : 0, 1);
    frame.writeUInt16LE(options.packetType ?? PacketType.inBand, 2);
    frame.writeBigUInt64LE(options.transactionId ?? 0n, 12);
    frame.set(payload, 20);
    this.#socket?.send(frame);
  }

  #accept(frame: Buffer): void {
    const kind = frame.readUInt8(0);
    const first = frame.readUInt32LE(4);
    const second = frame.readUInt32LE(8);
    const transactionId = frame.readBigUInt64LE(12);
    if (kind === Kind.hello) {
      this.#state = (second & 2) !== 0 ? "open" : (second & 1) !== 0 ? "offered" : "withdrawn";
      this.#note(`connected: ${this.#state}`);
    } else if (kind === Kind.opened) {
      this.#state = "open";
      this.maximumPacket = first;
      this.openings += 1;
      this.#note("guest opened the channel");
    } else if (kind === Kind.closed) {
      this.#state = this.#state === "open" ? "offered" : this.#state;
      this.#note("guest closed the channel");
    } else if (kind === Kind.packet) {
      const payload = new Uint8Array(frame.subarray(20));
      const isCompletionRequested = (frame.readUInt8(1) & 1) !== 0;
      const packetType = frame.readUInt16LE(2);
      const at = performance.now();
      this.received += 1;
      this.#note("from guest", payload);
      this.#packets.push({ packetType, isCompletionRequested, transactionId, payload, at });
    } else if (kind === Kind.error) {
      this.faults.push({ errno: first, kind: frame.readUInt16LE(2), transactionId });
      this.#note(`refused: errno ${first}`);
    } else if (kind === Kind.released) {
      this.#isReleased = true;
      this.#note("guest let go of the offer");
    } else if (kind === Kind.referenceTime) {
      this.#referenceTime.resolve(frame.readBigUInt64LE(20));
    }
    this.#wake();
  }

  #note(what: string, payload?: Uint8Array): void {
    const at = performance.now();
    this.traffic.push(payload === undefined ? { at, what } : { at, what, payload });
    if (this.traffic.length > keptTraffic) {
      this.traffic.splice(0, keptTraffic / 2);
    }
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve(undefined);
    this.#changed = Promise.withResolvers();
  }

  async #whenever(milliseconds: number, whatFor: string, isSo: () => boolean): Promise<void> {
    const end = performance.now() + milliseconds;
    while (!isSo()) {
      if (!this.#isConnected) {
        throw new Error(`${this.name}: ${whatFor}: qemu has closed the connection`);
      }
      const left = Math.max(1, end - performance.now());
      await within(left, `${this.name}: ${whatFor} (of ${milliseconds} ms)`, this.#changed.promise);
    }
  }
}
