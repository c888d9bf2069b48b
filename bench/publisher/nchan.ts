import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sink } from './sink.ts';

const CONNECTIONS = 4;
const ANSWERS_WITHIN_MS = 60_000;
const STATUS = /HTTP\/1\.1 (\d)/g;
const STATUS_LENGTH = 'HTTP/1.1 2'.length;

/** HTTP POST, pipelined on a few keep-alive connections; one channel always uses the same one, to keep its order. */
export async function nchanSink(port: number, path: string): Promise<Sink> {
  let sent = 0;
  let accepted = 0;
  let refused = 0;
  const open = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const answers = rest + text;
      for (const [, status] of answers.matchAll(STATUS)) {
        if (status === '2') accepted++;
        else refused++;
      }
      // A status line cut in two is completed by the next read; one char less than it, so none is counted twice.
      rest = answers.slice(1 - STATUS_LENGTH);
    });
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, open));
  const socketOf = new Map<string, Socket>();
  return {
    send(channel, data) {
      let socket = socketOf.get(channel);
      if (socket === undefined) {
        socket = sockets[socketOf.size % CONNECTIONS]!;
        socketOf.set(channel, socket);
      }
      sent++;
      const length = `Content-Length: ${data.length}`;
      socket.write(
        `POST ${path}${channel} HTTP/1.1\r\nHost: 127.0.0.1\r\n${length}\r\n\r\n${data}`,
        'latin1',
      );
    },
    async finish() {
      const deadline = performance.now() + ANSWERS_WITHIN_MS;
      while (accepted + refused < sent && performance.now() < deadline) await sleep(10);
      return sent - accepted;
    },
  };
}
