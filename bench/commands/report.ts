import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Results, readResults } from '../results/file.ts';
import { command } from './command.ts';
import { text, UsageError } from './flags.ts';

/** Where commands put their results, and where they are looked for. */
export const RESULTS_FOLDER = 'bench-results';

export const report = command({
  name: 'report',
  summary: 'Makes one HTML page and a Markdown summary of results files.',
  positionals: '[results...]',
  details: `
Results are .jsonl files that the other commands wrote, or folders of them; by default ${RESULTS_FOLDER}. Each file gets a part
of its own: figures of different days or machines are not comparable.`,
  flags: {
    out: text('the page; the summary goes beside it, as .md', 'FILE.html', `${RESULTS_FOLDER}/report.html`),
  },
  async run({ values, positionals }) {
    if (!values.out.endsWith('.html')) {
      throw new UsageError(`--out ${values.out}: should be a file name that ends in .html`);
    }
    const paths = positionals.length > 0 ? positionals : [RESULTS_FOLDER];
    const results = [...new Map(paths.flatMap(resultsIn).map((one) => [one.file, one])).values()];
    if (results.length === 0) throw new UsageError(`${paths.join(', ')}: nothing there could be read`);
    const written = await writeReport(results, values.out);
    console.log(`report   ${written.html}\nsummary  ${written.markdown}`);
    return 0;
  },
});

export interface Written {
  readonly html: string;
  readonly markdown: string;
}

/** Writes the page, and the summary beside it; `html` is the path of the page and ends in `.html`. */
export async function writeReport(results: readonly Results[], html: string): Promise<Written> {
  // Only now: the charts take longer to load than the other commands to start.
  const [{ page }, { markdown }] = await Promise.all([
    import('../report/html.ts'),
    import('../report/markdown.ts'),
  ]);
  const written = { html, markdown: html.replace(/\.html$/, '.md') };
  mkdirSync(dirname(html), { recursive: true });
  writeFileSync(written.html, page(results));
  writeFileSync(written.markdown, markdown(results));
  return written;
}

/** Of a file, or of the results files in a folder, oldest first: their names begin with the time. */
function resultsIn(path: string): Results[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new UsageError(
      `${path}: no such file or folder; the other commands write their results to ${RESULTS_FOLDER}`,
    );
  }
  if (!stat.isDirectory()) return [read(path)];
  const files = readdirSync(path).filter((file) => file.endsWith('.jsonl'));
  if (files.length === 0) throw new UsageError(`${path}: no results (.jsonl files) in this folder`);
  return files.sort().flatMap((file) => {
    try {
      return [read(join(path, file))];
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`); // one broken file must not hide the others
      return [];
    }
  });
}

function read(file: string): Results {
  try {
    return readResults(file);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
