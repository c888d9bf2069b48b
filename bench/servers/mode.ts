export const MODES = ['dedup', 'per-connection'] as const;

/** How ssemux shares Valkey connections between streams. */
export type Mode = (typeof MODES)[number];
