import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import { nowUs } from '../load/clock.ts';
import { record } from '../load/latency.ts';
import type { HttpTarget } from '../load/messages.ts';
import { total } from '../load/sums.ts';
import { AnswerReader } from './answers.ts';
import type { Sink } from './sink.ts';

/** As many as an application's pool may hold: servers answer the requests of one connection one after the other. */
const CONNECTIONS = 16;
const ANSWERS_WITHIN_MS = 60_000;

/** HTTP POST, pipelined on keep-alive connections; one channel always uses the same one, to keep its order. */
export async function httpSink(target: HttpTarget, roundTripUs: Histogram): Promise<Sink> {
  const lines = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(target.port, roundTripUs)));
  const lineOf = new Map<string, Line>();
  const headers = Object.entries(target.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const unanswered = () => total(lines, (line) => line.unanswered);
  return {
    get unanswered() {
      return unanswered();
    },
    send(channel, data) {
      let line = lineOf.get(channel);
      if (line === undefined) {
        line = lines[lineOf.size % CONNECTIONS]!;
        lineOf.set(channel, line);
      }
      const path = fill(target.path, channel, data);
      const body = fill(target.body, channel, data);
      const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n`;
      line.send(`${head}${headers.join('')}\r\n${body}`);
    },
    async finish() {
      const deadline = performance.now() + ANSWERS_WITHIN_MS;
      while (unanswered() > 0 && performance.now() < deadline) await sleep(10);
      return total(lines, (line) => line.refused) + unanswered();
    },
    close() {
      for (const line of lines) line.close();
    },
  };
}

function fill(template: string, channel: string, data: string): string {
  return template.replaceAll('{channel}', () => channel).replaceAll('{data}', () => data);
}

async function open(port: number, roundTripUs: Histogram): Promise<Line> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return new Line(socket, roundTripUs);
}

/** One connection: its answers come in the order of its requests. */
class Line {
  /** Without those that are unanswered. */
  refused = 0;
  private readonly socket: Socket;
  /** When the requests were sent, oldest first; those before `answered` have their answers. */
  private readonly sentUs: number[] = [];
  private answered = 0;
  private broken = false;

  constructor(socket: Socket, roundTripUs: Histogram) {
    this.socket = socket;
    const answers = new AnswerReader((status) => {
      if (this.unanswered === 0) throw new Error(`an answer (${status}) to no request`);
      record(roundTripUs, nowUs() - this.sentUs[this.answered++]!);
      if (this.unanswered === 0) this.answered = this.sentUs.length = 0;
      if (status < 200 || status > 299) this.refused++;
    });
    socket.on('data', (bytes) => {
      try {
        answers.read(bytes);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error) => console.error(`publishing: ${error.message}`));
    socket.once('close', () => this.breakOff());
  }

  get unanswered(): number {
    return this.sentUs.length - this.answered;
  }

  send(request: string): void {
    if (this.broken) {
      this.refused++;
      return;
    }
    this.sentUs.push(nowUs());
    this.socket.write(request, 'latin1');
  }

  close(): void {
    this.socket.destroy();
  }

  private breakOff(): void {
    this.broken = true;
    this.refused += this.unanswered;
    this.answered = this.sentUs.length = 0;
  }
}
