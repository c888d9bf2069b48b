import { expect, test } from 'vitest';
import { ceiling } from '../../bench/run/ceiling.ts';

const nothing = { refused: {}, rejections: {}, valkey: null, openFiles: 20_000 };
const valkey = { maxClients: 10_000, rejectedConnections: 3 };

test.each([
  ['open files (load client)', { refused: { EMFILE: 1 } }, '20,000 files'],
  ['ephemeral ports', { refused: { EADDRNOTAVAIL: 9 } }, 'local ports'],
  ['Valkey maxclients', { rejections: { broker_unavailable: 3 }, valkey }, '10,000 connections'],
  ['open files (gateway)', { rejections: { over_capacity: 5 } }, '20,000'],
  ['broker', { rejections: { broker_unavailable: 3 } }, 'could not reach Valkey'],
  ['the server', { refused: { 'HTTP 503': 2 } }, 'HTTP 503 (2 times)'],
])('a refusal is explained by the limit that was hit: %s', (limit, evidence, words) => {
  const stopped = ceiling({ ...nothing, ...evidence });
  expect(stopped.limit).toBe(limit);
  expect(stopped.reason).toContain(words);
  expect(stopped.fix).not.toBe('');
});
