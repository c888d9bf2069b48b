import { do_not_optimize } from 'mitata';
import { decodeEnvelope } from '../../src/broker/envelope.ts';
import { encodeFrame, type SseEvent } from '../../src/sse/frame.ts';
import { type Benchmark, inTurn } from './benchmark.ts';
import { payloads } from './payloads.ts';

/** Each message's events, decoded from what Valkey brings: strings as the gateway has them when it encodes. */
export const events = {
  shortText: payloads.shortText.map(decode),
  html: payloads.html.map(decode),
  htmlCrLf: payloads.htmlCrLf.map(decode),
};

/** Once per message, however many streams get it. */
export const frames: readonly Benchmark[] = [
  encoding('encode, short text', events.shortText),
  encoding('encode, 2 KB of HTML', events.html),
  encoding('encode, 2 KB of HTML with CRLF', events.htmlCrLf),
];

/** Once per message, too. */
export const envelopes: readonly Benchmark[] = [
  decoding('decode, JSON envelope, short text', payloads.shortText),
  decoding('decode, JSON envelope, 2 KB of HTML', payloads.html),
  decoding('decode, verbatim text', payloads.verbatim),
];

function encoding(name: string, inputs: readonly SseEvent[]): Benchmark {
  return {
    name,
    events: 1,
    prepare() {
      const next = inTurn(inputs);
      return () => do_not_optimize(encodeFrame(next()));
    },
  };
}

function decoding(name: string, inputs: readonly Buffer[]): Benchmark {
  return {
    name,
    events: 1,
    prepare() {
      const next = inTurn(inputs);
      return () => do_not_optimize(decodeEnvelope(next()));
    },
  };
}

function decode(payload: Buffer): SseEvent {
  const result = decodeEnvelope(payload);
  if ('invalid' in result) throw new Error(`${result.invalid.field} ${result.invalid.problem}`);
  return result.event;
}
