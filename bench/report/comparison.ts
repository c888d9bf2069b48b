import { type Figure, isOverloaded } from './figures.ts';
import { type Group, type Spread, spread } from './group.ts';
import { written, writtenAs } from './measures.ts';

// Of everything compared here, less is better.

interface Compared {
  readonly figure: Figure;
  /** `dedup` ... */
  says(value: string): string;
  readonly unit: string;
  readonly title: string;
}

const COMPARED: readonly Compared[] = [
  {
    figure: 'valkeyConnections',
    says: (value) => `holds ${value} Valkey connections`,
    unit: '',
    title: 'Valkey connections',
  },
  {
    figure: 'backAllMs',
    says: (value) => `has all streams receiving again after ${value} ms`,
    unit: ' ms',
    title: 'Until all streams receive again',
  },
  {
    figure: 'cpuUsPerEvent',
    says: (value) => `spends ${value} us of CPU per delivered event`,
    unit: ' us',
    title: 'CPU per delivered event',
  },
  { figure: 'p99Ms', says: (value) => `has a p99 latency of ${value} ms`, unit: ' ms', title: 'p99 latency' },
  {
    figure: 'memoryPerStreamKiB',
    says: (value) => `takes ${value} KiB of memory per stream`,
    unit: ' KiB',
    title: 'Server memory per stream',
  },
];

const SAME = 1.05;
/** Connections that a server has for itself, whatever the number of streams: no matter for comparison. */
const FEW_CONNECTIONS = 10;

function comparedOf(groups: readonly Group[]): readonly Compared[] {
  const connections = groups.map((group) => spread(group, 'valkeyConnections')?.median ?? 0);
  if (Math.max(...connections) >= FEW_CONNECTIONS) return COMPARED;
  return COMPARED.filter(({ figure }) => figure !== 'valkeyConnections');
}

/** Two servers: a sentence for every figure that both have. */
export function comparison(reference: Group, other: Group): string[] {
  return comparedOf([reference, other]).flatMap(({ figure, says, unit }) => {
    const [own, theirs] = [comparable(reference, figure), comparable(other, figure)];
    if (own === null || theirs === null) return [];
    const [mine, its] = [own, theirs].map(({ median }) => writtenAs(figure, median));
    const relation =
      theirs.median >= own.median
        ? times(theirs, own)
        : `less: ${reference.server} has ${times(own, theirs)} that`;
    return [
      `${reference.server} ${says(mine!)}, ${other.server} ${its}${unit} (${relation})${doubt(figure, [reference, other])}.`,
    ];
  });
}

/** Several servers: for every figure all that have it, the best first, and how far the others are from it. */
export function ranking(groups: readonly Group[]): string[] {
  return comparedOf(groups).flatMap(({ figure, unit, title }) => {
    const places = groups
      .flatMap((group) => {
        const value = comparable(group, figure);
        return value === null ? [] : [{ group, value }];
      })
      .toSorted((a, b) => a.value.median - b.value.median);
    const best = places[0];
    if (best === undefined || places.length < 2) return [];
    const list = places.map(({ group, value }) => {
      const relation = value === best.value ? '' : ` (${times(value, best.value)})`;
      return `${group.server} ${writtenAs(figure, value.median)}${unit}${relation}`;
    });
    return [
      `${title}: ${list.join(', ')}${doubt(
        figure,
        places.map(({ group }) => group),
      )}.`,
    ];
  });
}

/** CPU per event falls as a server falls behind, because it then writes several events at once. */
function comparable(group: Group, figure: Figure): Spread | null {
  if (figure === 'cpuUsPerEvent' && group.runs.some(({ record }) => isOverloaded(record))) return null;
  const value = spread(group, figure);
  return value !== null && value.median > 0 ? value : null;
}

function times(more: Spread, less: Spread): string {
  const ratio = more.median / less.median;
  if (ratio < SAME) return ratio === 1 ? 'the same' : 'within 5 %';
  const overlap = more.count > 1 && less.count > 1 && more.min <= less.max && less.min <= more.max;
  return `${written(ratio)} times${overlap ? ', but the ranges overlap' : ''}`;
}

function doubt(figure: Figure, groups: readonly Group[]): string {
  const doubtful = groups.filter(({ runs }) => runs.some(({ doubts }) => doubts.length > 0));
  return figure.endsWith('Ms') && doubtful.length > 0
    ? `; in doubt for ${doubtful.map(({ server }) => server).join(', ')}`
    : '';
}
