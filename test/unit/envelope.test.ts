import { describe, expect, test } from 'vitest';
import { decodeEnvelope, encodeEnvelope } from '../../src/broker/envelope.ts';

const decode = (text: string) => decodeEnvelope(Buffer.from(text));
const event = (text: string) => {
  const result = decode(text);
  if ('invalid' in result) throw new Error(result.invalid.field);
  return result.event;
};

describe('envelope', () => {
  test.each([
    [
      'all fields',
      '{"event_type":"status","data":"<b>x</b>","id":"42","retry":5000}',
      { event: 'status', data: '<b>x</b>', id: '42', retry: 5000 },
    ],
    ['defaults', '{}', { event: 'update', data: '' }],
    [
      'null is absent, but for data',
      '{"event_type":null,"id":null,"retry":null,"data":null}',
      { event: 'update', data: 'null' },
    ],
    ['an empty name is the default', '{"event_type":"","data":"x"}', { event: 'update', data: 'x' }],
    [
      'data that is no string goes as its JSON text',
      '{"data":{"a":[1,true]}}',
      { event: 'update', data: '{"a":[1,true]}' },
    ],
    ['a number as id', '{"id":7}', { event: 'update', data: '', id: '7' }],
    ['space before the object', ' \n{"data":"x"}', { event: 'update', data: 'x' }],
    ['unknown fields are left out', '{"data":"x","extra":1}', { event: 'update', data: 'x' }],
  ])('%s', (_title, text, expected) => {
    expect(event(text)).toEqual(expected);
  });

  test.each([
    'hello',
    '',
    '[1,2]',
    '"text"',
    '42',
    '{broken',
    '{"a":1} trailing',
    '\uFEFF{"data":"x"}',
    '<b>{}</b>',
  ])('a payload that is no JSON object is data, verbatim: %j', (text) => {
    expect(event(text)).toEqual({ event: 'update', data: text });
  });

  test.each([
    ['event_type', '{"event_type":"a\\nb"}'],
    ['event_type', '{"event_type":"a\\r"}'],
    ['event_type', '{"event_type":"a\\u0000"}'],
    ['event_type', '{"event_type":7}'],
    ['id', '{"id":"1\\n\\ndata: forged"}'],
    ['id', '{"id":"a\\u0000b"}'],
    ['id', '{"id":{}}'],
    ['retry', '{"retry":-1}'],
    ['retry', '{"retry":1.5}'],
    ['retry', '{"retry":"5"}'],
  ])('a bad %s is never sent: %s', (field, text) => {
    expect(decode(text)).toMatchObject({ invalid: { field } });
  });

  test('names that mean something to JavaScript are nothing special', () => {
    expect(event('{"__proto__":{"data":"x"},"constructor":1}')).toEqual({ event: 'update', data: '' });
  });

  test('what is encoded decodes to the same', () => {
    const envelope = { event_type: 'a', data: { b: 'é\n' }, id: 3, retry: 0 };
    expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual({
      event: { event: 'a', data: '{"b":"é\\n"}', id: '3', retry: 0 },
    });
  });
});
