/** Writes what the documentation takes from the code: `npm run docs`. A test fails when that is out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findings } from '../bench/report/findings.ts';
import { sections } from '../bench/report/group.ts';
import { figuresMarkdown, findingsMarkdown, originMarkdown } from '../bench/report/markdown.ts';
import { type Results, readResults } from '../bench/results/file.ts';
import { flagOf, SETTING_NAMES, settingOf } from '../src/config.ts';
import { CLOSE_REASONS, REJECT_REASONS } from '../src/sse/reasons.ts';

const root = join(import.meta.dirname, '..');

/** Generated parts by file, then by the name in their markers `<!-- NAME -->` and `<!-- /NAME -->`. */
const PARTS: Record<string, Record<string, () => string>> = {
  'README.md': { settings: settingsTable, findings: headlines },
  'docs/reasons.md': {
    close: () => reasonTable(CLOSE_REASONS),
    reject: () => reasonTable(REJECT_REASONS),
  },
  'docs/benchmarks.md': {
    compare: () => figuresMarkdown(raw('compare')),
    peers: () => figuresMarkdown(raw('peers')),
    capacity: () => CAPACITY.map((name) => figuresMarkdown(raw(name))).join('\n\n'),
    scenarios: () => figuresMarkdown(raw('scenarios')),
    agreement: () => figuresMarkdown(raw('latency')),
    machine: () => originMarkdown(raw('compare')),
  },
};

const CAPACITY = [
  'capacity-15000',
  'capacity-15000-channels',
  'capacity-60000',
  'capacity-per-connection',
  'capacity-per-connection-2-processes',
];

/** The raw results that the documentation's figures are derived from. */
function raw(name: string): Results {
  const file = `docs/figures/${name}.jsonl`;
  return { ...readResults(join(root, file)), file };
}

/** What the comparison of the modes found, without its tables. */
function headlines(): string {
  return findingsMarkdown(sections([raw('compare')]).flatMap(findings));
}

function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { env, help, fallback } = settingOf(name);
    const byDefault = fallback === undefined ? '' : `\`${fallback}\``;
    return `| \`${flagOf(name)}\` | \`${env}\` | ${byDefault} | ${help} |`;
  });
  return ['| flag | environment | default | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function reasonTable(reasons: Record<string, string>): string {
  const rows = Object.entries(reasons).map(([reason, text]) => `| \`${reason}\` | ${text} |`);
  return ['| reason | |', '| --- | --- |', ...rows].join('\n');
}

/** The files as they should be. */
export function render(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [file, parts] of Object.entries(PARTS)) {
    let text = readFileSync(join(root, file), 'utf8');
    for (const [name, make] of Object.entries(parts)) {
      const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
      const from = text.indexOf(begin) + begin.length;
      const to = text.indexOf(end);
      if (from < begin.length || to < from) throw new Error(`${file} lacks ${begin} or ${end}`);
      text = `${text.slice(0, from)}\n${make()}\n${text.slice(to)}`;
    }
    files.set(join(root, file), text);
  }
  return files;
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  for (const [file, text] of render()) writeFileSync(file, text);
}
