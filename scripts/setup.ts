/**
 * Installs what the tests run against: a Valkey server and Chromium. With `--bench`, also nginx and nchan, which the
 * benchmarks compare with. Never prompts, leaves no service running, and changes nothing once everything is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

interface Tool {
  name: string;
  /** Commands that show the tool is present: one that prints what `expect` matches is enough. */
  probes: string[][];
  expect: RegExp;
  /** Debian packages in order of preference: the first that the machine's sources offer is installed. */
  apt: string[];
  /** Arguments of `brew install`. */
  brew?: string[];
  byHand: string;
  benchOnly?: true;
}

const TOOLS: Tool[] = [
  {
    name: 'Valkey',
    probes: [
      ['valkey-server', '--version'],
      ['redis-server', '--version'],
    ],
    expect: /\w+ server v=(?:[7-9]|\d{2,})\.\S+/,
    apt: ['valkey-server', 'redis-server'],
    brew: ['valkey'],
    byHand: 'Valkey (or Redis 7 and later), with `valkey-server` or `redis-server` on the PATH',
  },
  {
    name: 'Chromium',
    probes: [
      ['chromium', '--version'],
      ['chromium-browser', '--version'],
      ['google-chrome', '--version'],
      ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '--version'],
    ],
    expect: /Chrom(?:ium|e) \d\S+/,
    apt: ['chromium'],
    brew: ['--cask', 'google-chrome'], // the chromium cask is unsigned, which Homebrew no longer accepts
    byHand: 'Chromium or Google Chrome (Ubuntu has Chromium only as a snap: `snap install chromium`)',
  },
  {
    name: 'nginx',
    probes: [['nginx', '-v']],
    expect: /nginx\/\S+/,
    apt: ['nginx'],
    brew: ['nginx'],
    byHand: 'nginx',
    benchOnly: true,
  },
  {
    name: 'nchan',
    probes: [['ls', '/usr/lib/nginx/modules/ngx_nchan_module.so']],
    expect: /^\/.*nchan\S+/,
    apt: ['libnginx-mod-nchan'],
    byHand: 'the nchan module for nginx (https://nchan.io; Homebrew has none)',
    benchOnly: true,
  },
];

// Debian keeps nginx and what dpkg calls in sbin, which an ordinary user's PATH leaves out.
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };

const APT_GET = 'DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120';
const BACKPORTS_FILE = '/etc/apt/sources.list.d/ssemux-backports.sources';

/** A package's service starts on installation and would sit on port 6379: `policy-rc.d` forbids that meanwhile. */
const INSTALL_WITHOUT_SERVICES = `
  PATH="$PATH:/usr/sbin:/sbin"
  policy=/usr/sbin/policy-rc.d
  if (set -C; printf '#!/bin/sh\\nexit 101\\n' >$policy) 2>/dev/null; then
    trap "rm -f $policy" EXIT
    trap 'exit 1' HUP INT TERM
    chmod 755 $policy
  fi
  ${APT_GET} install -y --no-install-recommends "$@"
  if [ -d /run/systemd/system ]; then
    for unit; do systemctl disable --now "$unit" 2>/dev/null || true; done
  fi`;

class SetupError extends Error {}

function output(command: string[]): string {
  const [file = '', ...args] = command;
  const { stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

/** Runs a command and shows what it printed only if it failed. */
function run(command: string[], input = ''): void {
  const [file = '', ...args] = command;
  const result = spawnSync(file, args, { env, input, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.status === 0) return;
  const reason = result.error?.message ?? `exit status ${result.status ?? result.signal}`;
  throw new SetupError(`${result.stdout ?? ''}${result.stderr ?? ''}\n${file} failed: ${reason}`.trim());
}

function runAsRoot(script: string, args: string[] = [], input = ''): void {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  run([...sudo, 'sh', '-ec', script, 'setup', ...args], input);
}

function version(tool: Tool): string | undefined {
  for (const probe of tool.probes) {
    const match = tool.expect.exec(output(probe));
    if (match) return match[0];
  }
  return undefined;
}

const aptOffers = (name: string) => /Candidate: [^(]/.test(output(['apt-cache', 'policy', name]));

/** A source that is down need not matter: what could not be fetched shows when it is needed. */
function updatePackageLists(): void {
  try {
    runAsRoot(`${APT_GET} update`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.warn(error.message);
  }
}

/** Debian 12 has Valkey in its backports only. They never replace a package that the release itself has. */
function addBackports(): void {
  const release = readFileSync('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  const suite = `${codename}-backports`;
  if (!codename || !/^ID=debian$/m.test(release)) return;
  if (output(['apt-get', 'indextargets', '--format', '$(RELEASE)']).includes(suite)) return;

  console.log(`Adding ${suite} as a package source (${BACKPORTS_FILE}).`);
  const source = {
    Types: 'deb',
    URIs: 'http://deb.debian.org/debian',
    Suites: suite,
    Components: 'main',
    'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg',
  };
  const text = Object.entries(source).map(([field, value]) => `${field}: ${value}\n`);
  runAsRoot(`cat >${BACKPORTS_FILE}`, [], text.join(''));
  updatePackageLists();
  if (!aptOffers('valkey-server')) runAsRoot(`rm -f ${BACKPORTS_FILE}`);
}

function installWithApt(missing: Tool[]): void {
  if (process.getuid?.() !== 0) {
    const sudo = spawnSync('sudo', ['-n', 'true'], { encoding: 'utf8' });
    if (sudo.error)
      throw new SetupError('Installing packages needs root: run this as root, or install sudo.');
    if (sudo.status !== 0) throw new SetupError('sudo wants a password: run `sudo -v`, then this again.');
  }
  updatePackageLists();
  if (missing.some((tool) => tool.apt.includes('valkey-server')) && !aptOffers('valkey-server'))
    addBackports();
  const packages = missing.flatMap((tool) => tool.apt.find(aptOffers) ?? []);
  if (packages.length === 0) return;
  console.log(`Installing ${packages.join(', ')} with apt; their services stay off.`);
  runAsRoot(INSTALL_WITHOUT_SERVICES, packages);
}

function installWithBrew(missing: Tool[]): void {
  for (const { brew } of missing) {
    if (!brew) continue;
    console.log(`Installing ${brew.at(-1)} with Homebrew.`);
    run(['brew', 'install', ...brew]);
  }
}

function install(missing: Tool[]): void {
  if (existsSync('/usr/bin/apt-get')) installWithApt(missing);
  else if (!spawnSync('brew', ['--version']).error) installWithBrew(missing);
}

function main(): void {
  const { values } = parseArgs({ options: { bench: { type: 'boolean', default: false } } });
  const wanted = TOOLS.filter((tool) => values.bench || !tool.benchOnly);
  const survey = () => wanted.map((tool) => ({ tool, found: version(tool) }));
  const absent = (tools: ReturnType<typeof survey>) =>
    tools.filter(({ found }) => !found).map(({ tool }) => tool);

  let tools = survey();
  if (absent(tools).length > 0) {
    install(absent(tools));
    tools = survey();
  }
  for (const { tool, found } of tools) console.log(`${tool.name}: ${found ?? 'missing'}`);
  if (absent(tools).length > 0) {
    const list = absent(tools).map((tool) => `\n  - ${tool.byHand}`);
    throw new SetupError(
      `Nothing here could install the missing tools. Please do it by hand:${list.join('')}`,
    );
  }
  console.log('Everything is there.');
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
