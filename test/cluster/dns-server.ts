// A DNS server for a handful of records, on loopback: reads real questions, gives real answers.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Records by name; a name without any gives NXDOMAIN. */
export interface Zone {
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly aaaa?: Readonly<Record<string, readonly Buffer[]>>;
  readonly srv?: Readonly<
    Record<string, readonly { readonly name: string; readonly port: number }[]>
  >;
}

const types = { a: 1, aaaa: 28, srv: 33 } as const;

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.from([0]),
  ]);

const questionOf = (message: Buffer): { name: string; type: number; end: number } => {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.subarray(at + 1, at + 1 + length).toString('latin1'));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), end: at + 5 };
};

const dataFor = ({ a, aaaa, srv }: Zone, name: string, type: number): readonly Buffer[] => {
  switch (type) {
    case types.a:
      return (a?.[name] ?? []).map((ip) => Buffer.from(ip.split('.').map(Number)));
    case types.aaaa:
      return aaaa?.[name] ?? [];
    case types.srv:
      return (srv?.[name] ?? []).map((target) => {
        const head = Buffer.alloc(6);
        head.writeUInt16BE(target.port, 4);
        return Buffer.concat([head, nameBytes(target.name)]);
      });
    default:
      return [];
  }
};

const answerTo = (message: Buffer, zone: Zone): Buffer => {
  const { name, type, end } = questionOf(message);
  const records = dataFor(zone, name, type);
  const known = [zone.a, zone.aaaa, zone.srv].some((part) => part?.[name] !== undefined);
  const head = Buffer.alloc(12);
  message.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8400 | (known ? 0 : 3), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const answers = records.map((data) => {
    const fixed = Buffer.alloc(12);
    fixed.writeUInt16BE(0xc00c, 0);
    fixed.writeUInt16BE(type, 2);
    fixed.writeUInt16BE(1, 4);
    fixed.writeUInt16BE(data.length, 10);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([head, message.subarray(12, end), ...answers]);
};

/** A running server; `zone` may be exchanged. */
export class DnsServer {
  readonly #socket: Socket = createSocket('udp4');
  zone: Zone;

  private constructor(zone: Zone) {
    this.zone = zone;
    this.#socket.on('message', (message, from) => {
      this.#socket.send(answerTo(message, this.zone), from.port, from.address);
    });
  }

  static async start(zone: Zone): Promise<DnsServer> {
    const server = new DnsServer(zone);
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  /** ip:port */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }
}
