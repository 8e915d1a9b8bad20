import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

export interface NameServerOptions {
  /** Addresses by name; a name that is not here does not exist. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** Which questions are never answered. */
  readonly swallows?: (name: string, type: "A" | "AAAA") => boolean;
  readonly port?: number;
}

const types: Readonly<Record<number, "A" | "AAAA">> = { 1: "A", 28: "AAAA" };
const headerBytes = 12;
const ttlSeconds = 7;

/** A DNS server over UDP that knows a few names, and can be silent about others. */
export class NameServer implements AsyncDisposable {
  readonly #options: NameServerOptions;
  readonly #socket: Socket = createSocket("udp4");
  /** Questions, in the order of their arrival. */
  readonly asked: string[] = [];

  private constructor(options: NameServerOptions) {
    this.#options = options;
    this.#socket.on("message", (message, { address, port }) => {
      const answer = this.#answer(message);
      if (answer !== undefined) this.#socket.send(answer, port, address);
    });
  }

  static async start(options: NameServerOptions = {}): Promise<NameServer> {
    const server = new NameServer(options);
    server.#socket.bind(options.port ?? 0, "127.0.0.1");
    await once(server.#socket, "listening");
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  /** https://www.rfc-editor.org/rfc/rfc1035#section-4 */
  #answer(query: Buffer): Buffer | undefined {
    const { name, end } = questionOf(query);
    const type = types[query.readUInt16BE(end)];
    if (type === undefined) return undefined;
    this.asked.push(`${type} ${name}`);
    const { addresses = {}, swallows = () => false } = this.#options;
    if (swallows(name, type)) return undefined;
    const known = addresses[name];
    const records = (known ?? []).filter((address) => isIPv6(address) === (type === "AAAA")).map(recordOf);
    const header = Buffer.alloc(headerBytes);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, query.subarray(headerBytes, end + 4), ...records]);
  }
}

function questionOf(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

/** A record of the name that was asked for. */
function recordOf(address: string): Buffer {
  const data = isIPv6(address)
    ? Buffer.from(
        address.split(":").flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16)]),
      )
    : Buffer.from(address.split(".").map(Number));
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 + headerBytes, 0);
  head.writeUInt16BE(isIPv6(address) ? 28 : 1, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
