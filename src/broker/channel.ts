/** Longest channel name in bytes of UTF-8. */
const MAX_BYTES = 256;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
const CONTROL_OR_SPACE = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029]/;

/**
 * What is wrong with a channel's name, as the end of a sentence; undefined when it is fine.
 * Names are those of single resources, such as `order:123`; Valkey's patterns are not offered.
 */
export function channelProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'must be a string such as "order:123"';
  if (name === '') return 'must not be empty; it names a resource, such as "order:123"';
  if (!name.isWellFormed()) return 'is not well-formed Unicode';
  if (CONTROL_OR_SPACE.test(name)) return 'must not contain spaces or control characters';
  if (name.includes('*')) return 'must not contain "*": patterns are not supported, name each channel';
  if (Buffer.byteLength(name) > MAX_BYTES) return `is longer than ${MAX_BYTES} bytes`;
  return undefined;
}
