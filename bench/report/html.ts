import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Results } from '../results/file.ts';
import { type Chart, chartsOf } from './charts.ts';
import { environmentLines } from './environment.ts';
import { type Finding, findings } from './findings.ts';
import { type Section, sections, stoppedRun, type Topic } from './group.ts';
import { loadOf } from './label.ts';
import { html, Markup } from './markup.ts';
import { written } from './measures.ts';
import { medians } from './medians.ts';
import { inkOf } from './palette.ts';
import { deliveries, everyRun } from './run-tables.ts';
import { commands, refusals } from './section-tables.ts';
import type { Cell, Table } from './table.ts';

const STYLE = new Markup(readFileSync(new URL('report.css', import.meta.url), 'utf8'));
/** Characters of a cell's text from which on it gets more width, so that its row does not grow tall. */
const LONG = 40;
/** The page needs nothing but itself; should markup of a file slip through, it can load and run nothing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The report of results files, as one page that needs no script and no network. */
export function page(results: readonly Results[]): string {
  const all = sections(results);
  const title = `ssemux bench: ${all.map(({ environment }) => nameOf(environment.command)).join(', ')}`;
  return `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="kicker">ssemux bench</p>
<h1>What was measured</h1>
${all.map((section, i) => summary(section, all.length > 1 ? i : null))}
</header>
<main>
${all.map(sectionMarkup)}
</main>
<footer>
<p>Medians are of the figures of single runs, with their range; latency curves are the added-up histograms of all repetitions.
CPU per event is the server's user and system time within the window, over the events that reached clients in it.
For servers that are published to over HTTP, receiving the messages is in it. Memory is resident; per stream it is what all streams added,
and so with what the server itself grew by as it warmed up, except in capacity, where it is what the streams past the first thousand added. Lines are those of the results file.
Nothing is compared across files. Client, server and publisher share one machine: ratios are what these figures are for.</p>
</footer>
</body>
</html>`.text
  }\n`;
}

function summary(section: Section, index: number | null): Markup {
  const { command } = section.environment;
  return html`<section class="findings" aria-label="Findings">
${index === null ? null : html`<h2><a href="#file-${index + 1}">${nameOf(command)}</a> <small>${basename(section.file)}, ${moment(section)}</small></h2>`}
${findings(section).map(finding)}
</section>`;
}

function finding({ about, sentences, tone, form }: Finding): Markup {
  const head = html`<strong>${about}</strong>`;
  if (form === 'prose') return html`<p class="finding ${tone}">${head} ${sentences.join(' ')}</p>\n`;
  return html`<div class="finding ${tone}">${head}<ul>${sentences.map((one) => html`<li>${one}</li>`)}</ul></div>\n`;
}

function sectionMarkup(section: Section, index: number): Markup {
  const { file, environment, topics } = section;
  const refused = refusals(section);
  return html`<section class="file" id="file-${index + 1}">
<h2>${nameOf(environment.command)} <small>${basename(file)}, ${moment(section)}</small></h2>
<p class="command"><code>${environment.command}</code></p>
${refused && tableMarkup(refused)}
${topics.map((topic, i) => topicMarkup(topic, `${index + 1}-${i + 1}`))}
${tableMarkup(commands(section))}
<section class="topic">
<h3>Measured on</h3>
<dl>
<div><dt>results file</dt><dd>${file}</dd></div>
${environmentLines(environment).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}
</dl>
</section>
</section>
`;
}

function topicMarkup(topic: Topic, id: string): Markup {
  const delivered = deliveries(topic);
  const { scenario } = topic.groups.at(-1)!;
  return html`<section class="topic" id="topic-${id}">
<h3>${topic.name}</h3>
<p class="load">${loadOf(scenario, topic.steps)}${linesThatEnd(topic)}</p>
<div class="charts">
${chartsOf(topic).map((chart, i) => chartMarkup(chart, `chart-${id}-${i + 1}`))}
</div>
${medians(topic).map(tableMarkup)}
<details open>
<summary>Every run</summary>
${delivered && tableMarkup(delivered)}
${everyRun(topic).map(tableMarkup)}
</details>
</section>
`;
}

/** Why a line is shorter than others. */
function linesThatEnd({ groups, steps }: Topic): string {
  if (steps.length === 1) return '';
  return groups
    .filter(stoppedRun)
    .map(({ server, streams }) => ` ${server} was refused at ${written(streams)} streams.`)
    .join('');
}

function chartMarkup({ title, description, svg, legend, tall }: Chart, id: string): Markup {
  const names = html`<title id="${id}-title">${title}</title><desc id="${id}-text">${description}</desc>`;
  const role = html`<svg role="img" aria-labelledby="${id}-title ${id}-text"`;
  return html`<figure class="${tall ? 'tall' : 'short'}">
<figcaption>${title}</figcaption>
${legend.length < 2 ? null : html`<ul class="legend">${legend.map(legendEntry)}</ul>`}
${new Markup(svg.replace(/^<svg([^>]*)>/, (_, attributes) => `${role.text}${attributes}>${names.text}`))}
</figure>
`;
}

function legendEntry({ server, colour }: { server: string; colour: number }): Markup {
  const { colour: stroke, dash, symbol } = inkOf(colour);
  const dashes = dash === 'solid' ? 'none' : dash.join(' ');
  return html`<li><svg viewBox="0 0 28 12" width="28" height="12" aria-hidden="true"><path d="M1 6H27" stroke="${stroke}" stroke-width="2" stroke-dasharray="${dashes}"></path><path d="${SYMBOL_PATHS[symbol]}" fill="${stroke}"></path></svg>${server}</li>`;
}

const SYMBOL_PATHS = {
  circle: 'M10 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0',
  rect: 'M10 2h8v8h-8z',
  triangle: 'M14 2l4 8h-8z',
  diamond: 'M14 1l4 5-4 5-4-5z',
};

function tableMarkup({ title, columns, rows }: Table): Markup {
  const head = columns.map(
    ({ name, unit, words }) =>
      html`<th scope="col" class="${words ? 'words' : 'number'}">${name}${unit === '' ? null : html` <small>${unit}</small>`}</th>`,
  );
  const body = rows.map(
    (row) => html`<tr>${row.map((cell, i) => cellMarkup(cell, columns[i]!.words))}</tr>\n`,
  );
  return html`<h4>${title}</h4>
<div class="table" role="region" aria-label="${title}" tabindex="0"><table aria-label="${title}">
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table></div>
`;
}

function cellMarkup({ text, range, tone, code }: Cell, words: boolean): Markup {
  const long = words && text.length > LONG ? 'long' : '';
  const kind = tone ?? (text === '0' ? 'zero' : undefined);
  const shown = code
    ? html`<code>${text}</code>`
    : kind === undefined
      ? html`${text}`
      : html`<span class="${kind}">${text}</span>`;
  const spread = range === undefined ? null : html`<small class="range">${range}</small>`;
  return html`<td class="${words ? 'words' : 'number'} ${long}">${shown}${spread}</td>`;
}

/** To the minute. */
function moment({ environment }: Section): string {
  return `${environment.at.slice(0, 16).replace('T', ' ')} UTC`;
}

/** `compare` of `npm run bench -- compare --repeat 3`. */
function nameOf(command: string): string {
  return command.match(/ -- (\S+)/)?.[1] ?? command;
}
