/** A server that speaks memcached's binary protocol and has one item under every key. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

const headerBytes = 24;
const requestMagic = 0x80;
const answerMagic = 0x81;
const flagsBytes = 4;

export class MemcachedAnswering {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  item: Buffer = Buffer.alloc(0);

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<MemcachedAnswering> {
    const server = createServer();
    const made = new MemcachedAnswering(server);
    server.on("connection", (socket) => made.#serve(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return made;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    let waiting: Buffer = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= headerBytes && waiting[0] === requestMagic) {
        const size = headerBytes + waiting.readUInt32BE(8);
        if (waiting.length < size) return;
        socket.write(this.#answer(waiting.subarray(0, headerBytes)));
        waiting = waiting.subarray(size);
      }
    });
  }

  #answer(request: Buffer): Buffer {
    const isGet = request[1] === 0;
    const body = isGet ? Buffer.concat([Buffer.alloc(flagsBytes), this.item]) : Buffer.alloc(0);
    const header = Buffer.alloc(headerBytes);
    header[0] = answerMagic;
    header[1] = request[1]!;
    header[4] = isGet ? flagsBytes : 0;
    header.writeUInt32BE(body.length, 8);
    request.copy(header, 12, 12, 16);
    return Buffer.concat([header, body]);
  }
}
