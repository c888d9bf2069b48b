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
  return `${sections(results).map(section).join('\n\n')}\n`;
}

function section(of: Section): string {
  const { file, environment, topics } = of;
  const refused = refusals(of);
  return [
    `## ${escaped(file)}`,
    findingsMarkdown(findings(of)),
    ...topics.flatMap((topic) => [
      `### ${escaped(topic.name)}`,
      escaped(loadOf(topic.groups.at(-1)!.scenario, topic.steps)),
      ...medians(topic).map(titled),
    ]),
    ...(refused === null ? [] : ['### Refusals', tableMarkdown(refused)]),
    '### Origin',
    environmentLines(environment)
      .map(([name, value]) => `- ${escaped(name)}: ${escaped(value)}`)
      .join('\n'),
    `All of it: ${code(environment.command)}`,
    tableMarkdown(commands(of)),
  ].join('\n\n');
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
