import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { render } from '../../scripts/docs.ts';

test('the generated parts of the documentation are up to date (npm run docs)', () => {
  for (const [file, text] of render()) expect(readFileSync(file, 'utf8')).toBe(text);
});
