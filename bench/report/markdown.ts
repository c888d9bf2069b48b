import type { Results } from '../results/file.ts';
import { environmentLines } from './environment.ts';
import { type Finding, findings } from './findings.ts';
import { type Section, sections } from './group.ts';
import { loadOf } from './label.ts';
import { medians } from './medians.ts';
import { commands, refusals } from './section-tables.ts';
import type { Cell, Table } from './table.ts';

/** The summary of results files as GitHub-flavoured Markdown: findings, medians with ranges, refusals, origins. */
export function markdown(results: readonly Results[]): string {
  const parts = sections(results).map((section) =>
    [
      `## ${escaped(section.file)}`,
      figuresOf(section),
      '### Origin',
      originOf(section),
      tableMarkdown(commands(section)),
    ].join('\n\n'),
  );
  return `${parts.join('\n\n')}\n`;
}

/** For a page of documentation: what the results say, and the command that repeats them all. */
export function figuresMarkdown(results: Results): string {
  return sections([results]).map(figuresOf).join('\n\n');
}

/** Where and with what results were measured. */
export function originMarkdown(results: Results): string {
  return sections([results]).map(originOf).join('\n\n');
}

function figuresOf(section: Section): string {
  const refused = refusals(section);
  return [
    findingsMarkdown(findings(section)),
    ...section.topics.flatMap((topic) => [
      `### ${escaped(topic.name)}`,
      escaped(loadOf(topic.groups.at(-1)!.scenario, topic.steps)),
      ...medians(topic).map(titled),
    ]),
    ...(refused === null ? [] : ['### Refusals', tableMarkdown(refused)]),
    `To repeat: ${code(section.environment.command)}`,
  ].join('\n\n');
}

function originOf({ environment }: Section): string {
  const lines = environmentLines(environment).map(([name, value]) => `- ${escaped(name)}: ${escaped(value)}`);
  return lines.join('\n');
}

function titled(table: Table): string {
  return `**${table.title}**\n\n${tableMarkdown(table)}`;
}

/** A list with an entry for each finding. */
export function findingsMarkdown(all: readonly Finding[]): string {
  const lines = all.flatMap(({ about, sentences, form }) =>
    form === 'prose'
      ? [`- **${escaped(about)}**: ${escaped(sentences.join(' '))}`]
      : [`- **${escaped(about)}**`, ...sentences.map((sentence) => `  - ${escaped(sentence)}`)],
  );
  return lines.join('\n');
}

export function tableMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ name, unit }) => escaped(unit === '' ? name : `${name}, ${unit}`))),
    line(columns.map(({ words }) => (words ? '---' : '---:'))),
    ...rows.map((row) => line(row.map(cellMarkdown))),
  ].join('\n');
}

function cellMarkdown({ text, range, tone, code: isCode }: Cell): string {
  if (isCode) return code(text).replaceAll('|', '\\|');
  const shown = range === undefined ? escaped(text) : `${escaped(text)} (${escaped(range)})`;
  return tone === 'fault' ? `**${shown}**` : shown;
}

/** Names and commands come from files: nothing of them may become markup. */
function escaped(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_[\]|~]/g, '\\$&');
}

/** In a fence longer than any within. */
function code(text: string): string {
  const oneLine = text.replace(/[\r\n]+/g, ' ');
  const longest = Math.max(0, ...(oneLine.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const space = longest > 0 ? ' ' : '';
  return `${fence}${space}${oneLine}${space}${fence}`;
}
