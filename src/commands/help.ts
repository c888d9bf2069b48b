import { flagOf, SETTING_NAMES, settingOf } from '../config.ts';
import { VERSION } from '../gateway.ts';

/** `ssemux --help`, `ssemux --version`. */
export async function help(argv: string[]): Promise<number> {
  console.log(argv.includes('--version') ? VERSION : helpText());
  return 0;
}

const COLUMNS = 100;

/** The help, made from the settings. */
export function helpText(): string {
  const settings = SETTING_NAMES.map((name) => {
    const { env, fallback, placeholder, help } = settingOf(name);
    const flag = `${flagOf(name)}${placeholder === undefined ? '' : ` ${placeholder}`}`;
    const byDefault = fallback === undefined || placeholder === undefined ? '' : ` Default ${fallback}.`;
    return `  ${flag}, ${env}\n${wrap(help + byDefault, '      ')}`;
  });
  return `ssemux ${VERSION}: Server-Sent Events gateway for Valkey

Usage
  ssemux [serve] [settings]        run the gateway
  ssemux check-config [settings]   check the settings and print those in force
  ssemux publish CHANNEL [--event NAME] [--data TEXT] [--id ID] [--retry MS] [--valkey-url URL]
                                   publish one event; --data - reads it from standard input

Settings: a flag, or an environment variable. A flag wins.
${settings.join('\n')}`;
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length > COLUMNS && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}
